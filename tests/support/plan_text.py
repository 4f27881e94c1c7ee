"""A plan's text read back: what a person who has only the text would know."""

import shlex

from cluster.execution.plan import Plan
from cluster.host.masking import MASK, is_secret


def as_read(plan: Plan) -> dict[str, tuple[dict[str, str], list[str]]]:
    """Environment and argv of each service that is started, as the text alone says them."""
    shared: dict[str, dict[str, str]] = {}
    found: dict[str, tuple[dict[str, str], list[str]]] = {}
    kind: dict[str, str] = {}
    for line in str(plan).replace(" \\\n", " ").splitlines():
        if line.startswith("every "):
            kind = {}
            names = line.removeprefix("every ").removesuffix(" gets:").split(" and ")
            shared |= dict.fromkeys(names, kind)
        elif ": start " in line:
            service = line.rpartition(": start ")[2]
        elif line.startswith("      "):
            found[f"{service} {len(found)}"] = read_command(line, shared.get(service, {}))
        elif line.startswith("    ") and not line.startswith("    with"):
            name, _, value = line.strip().partition("=")
            kind[name] = value
    return found


def read_command(line: str, shared: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    words = shlex.split(line)
    first = next(i for i, word in enumerate(words) if word.startswith("/"))
    own = dict(word.split("=", 1) for word in words[:first])
    assert not own.items() & shared.items(), "shown twice"
    return {**shared, **own}, words[first:]


def as_sent(plan: Plan) -> list[tuple[dict[str, str], list[str]]]:
    return [
        (
            {k: MASK if is_secret(k) else v for k, v in service.command.env.items()},
            list(service.command.argv),
        )
        for service in plan.starts()
    ]
