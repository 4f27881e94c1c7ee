"""Programs that touch a host's model cache, which may hang; who shares it, by a nonce."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter

from cluster.errors import HostError, HostsError, OrchestrateError
from cluster.facts.hosts import HostFacts
from cluster.transport.call import HostProgram, call_guarded, guarded_answer
from cluster.transport.parallel import gather
from cluster.transport.protocol import Transport

MOUNT_LIMIT_S = 3.0
Out = TypeVar("Out")


@dataclass(frozen=True)
class NonceText:
    """What the nonce holds; None where there is none."""

    text: str | None


NONCE = HostProgram("cluster.host.nonce", TypeAdapter(NonceText))


def ask_cache(transport: Transport, host: HostFacts, asked: HostProgram[Out], request: Any) -> Out:
    """Run a program that touches the cache. Raises HostError when the mount hangs."""
    done = call_guarded(transport, host.node, asked.name, request, MOUNT_LIMIT_S)
    if done.hangs:
        raise HostError(
            host.node.name,
            f"the model cache {host.cache.path} hangs: no answer within {MOUNT_LIMIT_S:g} s "
            f"(mounted on {host.cache.mount} from {host.cache.source}, {host.cache.type})",
            "is the NFS server up? on that host: grep " + host.cache.mount + " /proc/mounts",
        )
    if done.code:
        raise HostError(
            host.node.name,
            f"the model cache {host.cache.path} cannot be used",
            "does the folder exist, and may the SSH user write there?",
            log=done.last_line,
        )
    return guarded_answer(host.node, asked, done)


def all_or_errors(hosts: Sequence[HostFacts], one: Callable[[HostFacts], Out]) -> tuple[Out, ...]:
    """What `one` says of each host, in their order. Raises HostsError with all failures."""
    done: list[Out] = []
    failures: list[OrchestrateError] = []
    for _, outcome in gather(hosts, one):
        if isinstance(outcome, OrchestrateError):
            failures.append(outcome)
        else:
            done.append(outcome)
    if failures:
        raise HostsError(failures)
    return tuple(done)


def sharers(
    transport: Transport, writer: HostFacts, others: Sequence[HostFacts]
) -> tuple[HostFacts, ...]:
    """Those of `others` that see a file which `writer` has just written into its cache.

    The file is removed again. Raises HostError for a cache that hangs or cannot be used.
    """
    text = secrets.token_hex(16)
    name = f".orchestrate-nonce-{text}"

    def nonce(host: HostFacts, content: str | None) -> str | None:
        request = {"cache": host.cache.path, "name": name, "text": content}
        return ask_cache(transport, host, NONCE, request).text

    nonce(writer, text)
    try:
        seen = all_or_errors(others, lambda host: nonce(host, None))
    finally:
        nonce(writer, "")
    return tuple(host for host, found in zip(others, seen, strict=True) if found == text)
