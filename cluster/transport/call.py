"""One program on one host, and its JSON answer."""

from typing import Any

from cluster.errors import HostError
from cluster.inventory.node import Node
from cluster.transport.answers import last_answer
from cluster.transport.program import program
from cluster.transport.protocol import Transport


def call(
    transport: Transport,
    node: Node,
    name: str,
    request: Any,
    *,
    mark: str = "",
    timeout_s: float = 30,
) -> Any:
    """Run a program of cluster.host and read its JSON answer. Raises HostError without one."""
    result = transport.run(node, program(name, request, mark=mark), timeout_s=timeout_s)
    try:
        answer = last_answer(result.out)
    except ValueError:
        raise HostError(
            node.name,
            f"the {name} program gave no answer (exit code {result.code})",
            f"does python3 3.9 or newer run there? {transport.paste(node, 'python3 --version')}",
            log="\n".join((result.err or result.out).splitlines()[-6:]),
        ) from None
    if isinstance(answer, dict) and answer.keys() == {"failed"}:
        hint = f"look at it: {transport.paste(node, 'df -h ~ /tmp; python3 --version')}"
        raise HostError(node.name, f"the {name} program failed: {answer['failed']}", hint)
    return answer
