"""Which values are never shown, and what stands in their place: the one answer, on hosts and here.

The value of an environment variable is a secret unless its name is known to be harmless: whoever
names a variable need not know our words for secrets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

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
    *("HF_HOME", "HF_HUB_", "HF_XET_", "GRPC_", "SPT_", "PYTHON", "LC_", "LANG"),
    *("PATH", "LD_LIBRARY_PATH", "XDG_", "ORCHESTRATE_"),
)
# the same for variables, wherever in the name: PGPASSWORD, MYSSHKEY
ROOTS = ("KEY", "TOKEN", "SECRET", "PASS", "PWD", "AUTH", "CRED")
# names with such a part that hold a word, or where a file or a folder lies
KNOWN = frozenset(
    (
        *("RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH", "PWD", "OLDPWD", "SSH_AUTH_SOCK", "XAUTHORITY"),
        "TOKENIZERS_PARALLELISM",
    )
)
USERINFO = re.compile(r"(?<=://)[^/?#\s\"'<>]+(?=@)")


def is_secret(name: str) -> bool:
    """Of an environment variable."""
    return name not in KNOWN and (names_secret(name) or not name.startswith(HARMLESS))


def names_secret(name: str) -> bool:
    """Of an environment variable: only a name that says so."""
    upper = name.upper()
    return name not in KNOWN and (any(root in upper for root in ROOTS) or says_secret(name))


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


def passwords_in(text: str) -> list[str]:
    """Of each address with a user: the password, or the user where there is none."""
    return [user.partition(":")[2] or user for user in USERINFO.findall(text)]


def without_userinfo_in(value: Any) -> Any:
    """The same of a value of JSON, whatever its depth."""
    if isinstance(value, str):
        return without_userinfo(value)
    if isinstance(value, Mapping):
        return {key: without_userinfo_in(each) for key, each in value.items()}
    return [without_userinfo_in(each) for each in value] if isinstance(value, list) else value


def env_shown(env: Mapping[str, str]) -> dict[str, str]:
    return {name: shown(name, value) for name, value in env.items()}


def options_shown(options: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by name, as in a recipe."""
    return {
        name: MASK if says_secret(name) else without_userinfo_in(value)
        for name, value in options.items()
    }


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
