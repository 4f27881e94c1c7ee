"""Searches what is about to be written for secrets; only `local_secrets` is not pure."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence

from cluster.errors import OrchestrateError, Problem
from cluster.host.masking import argv_shown, names_secret, passwords_in
from cluster.inventory.config import ClusterConfig
from orchestrator.api.target import Target

SHORTEST = 8  # characters: shorter ones occur by chance
HUB_TOKEN = re.compile(rb"\bhf_[A-Za-z0-9]{30,}\b")


def known_secrets(
    target: Target, config: ClusterConfig | None, environ: Mapping[str, str]
) -> dict[str, str]:
    """Secret values by their description, as far as this machine knows them."""
    found = {"the server's API key": target.key, "the hub's token": saved_token()}
    found.update(env_secrets(environ))
    for node in config.node if config else ():
        found.update((f"{what} of {node.name}", value) for what, value in env_secrets(node.env))
    found.update(argument_secrets(target.home.service.words if target.home else ()))
    return {name: value for name, value in found.items() if len(value) >= SHORTEST}


def env_secrets(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Values whose name says that they are secret, and passwords in addresses; not every value
    that is masked: `PROFILE=production` would be found in half of all files.
    """
    for name, value in env.items():
        if names_secret(name):
            yield f"${name}", value
        for number, password in enumerate(passwords_in(value), 1):
            yield f"password {number} in ${name}", password


def argument_secrets(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What is masked of vLLM's arguments: of `--name=value` the value, and passwords in addresses.
    Each is numbered: two that are masked alike are two secrets.
    """
    for number, (word, masked) in enumerate(zip(words, argv_shown(words), strict=True)):
        if word != masked:
            what = f"argument {number} of vLLM ({masked})"
            yield what, word.partition("=")[2] if word.startswith("--") else word
            for nth, password in enumerate(passwords_in(word), 1):
                yield f"password {nth} in {what}", password


def saved_token() -> str:
    """The token that `hf auth login` saved, or that of HF_TOKEN."""
    from huggingface_hub import get_token

    return get_token() or ""


def require_no_secret(files: Mapping[str, bytes], secrets: Mapping[str, str]) -> None:
    """Raises OrchestrateError with every file that holds one; the secret is not shown."""
    found = list(leak_problems(files, secrets))
    if found:
        raise OrchestrateError(*found)


def leak_problems(files: Mapping[str, bytes], secrets: Mapping[str, str]) -> Iterator[Problem]:
    hint = "nothing was written; remove it from that file, or leave the file out"
    for name, content in sorted(files.items()):
        whole = name.encode() + b"\n" + content
        holds = [
            what for what, value in secrets.items() if any(b in whole for b in encodings(value))
        ]
        if not holds and HUB_TOKEN.search(whole):
            holds = ["what looks like a token of the hub"]
        yield from (Problem(f"holds {what}", name, hint) for what in holds)


def encodings(secret: str) -> tuple[bytes, bytes]:
    """As it is, and as JSON escapes it."""
    return secret.encode("utf-8", "surrogateescape"), json.dumps(secret)[1:-1].encode()


def local_secrets(target: Target, config: ClusterConfig | None) -> dict[str, str]:
    return known_secrets(target, config, os.environ)
