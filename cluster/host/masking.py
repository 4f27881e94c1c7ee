"""Which values are never shown, and what stands in their place: the one answer, on hosts and here.

The value of an environment variable is a secret unless its name is known to be harmless: whoever
names a variable need not know our words for secrets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "****"
# parts of a name, between its underscores, that say "secret" whatever stands before them
SIGNS = frozenset(
    (
        *("KEY", "KEYS", "APIKEY", "TOKEN", "APITOKEN", "SECRET", "SECRETS", "PASS", "PASSWD"),
        *("PASSWORD", "PWD", "PAT", "AUTH", "CRED", "CREDENTIAL", "CREDENTIALS"),
    )
)
HARMLESS = (
    *("VLLM_", "NCCL_", "RAY_", "GLOO_", "UCX_", "TP_", "OMP_", "MKL_", "OPENBLAS_", "KMP_"),
    *("CUDA_", "NVIDIA_", "TORCH", "PYTORCH_", "TRITON_", "FLASHINFER_", "TRANSFORMERS_"),
    *("TOKENIZERS_", "HF_HOME", "HF_HUB_", "HF_XET_", "GRPC_", "SPT_", "PYTHON", "LC_", "LANG"),
    *("PATH", "LD_LIBRARY_PATH", "XDG_", "ORCHESTRATE_"),
)
# names with such a part that hold a word, or where a file or a folder lies
KNOWN = frozenset(("RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH", "PWD", "OLDPWD", "SSH_AUTH_SOCK"))
USERINFO = re.compile(r"(?<=://)[^/@\s\"']+(?=@)")


def is_secret(name: str) -> bool:
    """Of an environment variable."""
    if name in KNOWN:
        return False
    return says_secret(name) or not name.startswith(HARMLESS)


def says_secret(name: str) -> bool:
    """Of an option, a header, a key: only a name that says so."""
    if name in KNOWN:
        return False
    parts = re.split(r"[_\-.]", name.upper())
    return any(part in SIGNS for part in parts)


def shown(name: str, value: str) -> str:
    """The value of an environment variable as others may see it."""
    return MASK if is_secret(name) else without_userinfo(value)


def without_userinfo(text: str) -> str:
    """A password in an address is none of anybody's business."""
    return USERINFO.sub(MASK, text)


def argv_shown(argv: Sequence[str]) -> tuple[str, ...]:
    """Arguments, with stars for the values of options whose names say that they are secret."""
    found, hides = [], False
    for word in argv:
        name, equals, _ = word.partition("=")
        is_option = name.startswith("--")
        secret = is_option and says_secret(name[2:])
        if secret and equals:
            found.append(f"{name}={MASK}")
        else:
            found.append(MASK if hides and not is_option else without_userinfo(word))
        hides = secret and not equals if is_option else hides
    return tuple(found)
