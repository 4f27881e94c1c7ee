"""What can be wrong with an inventory, in the words of its author; pure."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv4Network
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from cluster.errors import Problem, UsageError
from cluster.inventory.node import NAME, PORT_RANGE, Node

REFERENCE = "docs/nodes.md lists every key"


def table_problems(raw: Mapping[str, Any], source: str, tables: Iterable[str]) -> Iterable[Problem]:
    for key in raw:
        if key not in tables:
            yield Problem(f"unknown table `{key}`", source, nearest(key, tables))


def node_problems(raw: Mapping[str, Any], source: str) -> Iterable[Problem]:
    """Problems between tables: these need no field to be valid, so that all show at once."""
    nodes = raw.get("node", [])
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        return
    yield from head_problems(nodes, source)
    for key in ("name", "address", "fast_address"):
        yield from duplicate_problems(nodes, key, source)
    yield from network_problems(nodes, raw, source)


def head_problems(nodes: list[dict[str, Any]], source: str) -> Iterable[Problem]:
    heads = [str(node.get("name", "?")) for node in nodes if node.get("role") == "head"]
    if not nodes:
        yield Problem("no [[node]] table: a cluster needs at least one host", source, REFERENCE)
    elif not heads:
        yield Problem("no head", f"{source} [[node]] role", 'give one node `role = "head"`')
    elif len(heads) > 1:
        yield Problem(
            f"{len(heads)} heads: {', '.join(heads)}",
            f"{source} [[node]] role",
            'leave `role = "head"` on one of them',
        )


def duplicate_problems(nodes: list[dict[str, Any]], key: str, source: str) -> Iterable[Problem]:
    seen: dict[str, str] = {}
    for position, node in enumerate(nodes, 1):
        value, name = node.get(key), str(node.get("name", f"number {position}"))
        if value is None:
            continue
        if str(value) in seen:
            yield Problem(
                f"`{value}` is also the {key} of node {seen[str(value)]}",
                f"{source} [[node]] {name}, {key}",
                "every host needs its own",
            )
        seen.setdefault(str(value), name)


def network_problems(
    nodes: list[dict[str, Any]], raw: Mapping[str, Any], source: str
) -> Iterable[Problem]:
    cluster = raw.get("cluster")
    text = cluster.get("fast_network") if isinstance(cluster, dict) else None
    try:
        network = IPv4Network(text) if isinstance(text, str) and text else None
    except ValueError:
        return  # the field's own error says so
    for node in nodes:
        try:
            address = IPv4Address(str(node.get("fast_address", "")))
        except (AddressValueError, ValueError):
            continue
        if network and address not in network:
            yield Problem(
                f"{address} is outside the fast network {network}",
                f"{source} [[node]] {node.get('name', '?')}, fast_address",
                f"an address of {network}, or correct `fast_network` in [cluster]",
            )


def explain(
    error: ValidationError, source: str, tables: Mapping[str, Any], env: Iterable[str]
) -> list[Problem]:
    """pydantic's errors as problems with file, table and key."""
    return [one_problem(dict(item), source, tables, env) for item in error.errors()]


def one_problem(
    item: Mapping[str, Any], source: str, tables: Mapping[str, Any], env: Iterable[str]
) -> Problem:
    table, *rest = [str(part) for part in item["loc"]] or ["?"]
    node = table == "node" and rest and rest[0].isdigit()
    where = f"{source} [[node]] number {int(rest.pop(0)) + 1}" if node else f"{source} [{table}]"
    variable = "ORCHESTRATE_" + "__".join([table, *rest]).upper()
    if any(name.upper() == variable for name in env):
        where = f"environment {variable}"
    elif rest:
        where += f", {'.'.join(rest)}"
    if item["type"] == "extra_forbidden":
        known = fields_of(tables.get(table))
        return Problem("unknown key", where, nearest(rest[-1] if rest else table, known))
    if item["type"] == "missing":
        return Problem("missing", where, REFERENCE)
    if item["type"] in IN_WORDS:
        pattern = item.get("ctx", {}).get("pattern", "")
        what, hint = IN_WORDS[item["type"]](str(item["input"]), pattern)
        return Problem(what, where, hint)
    shown = f" (it is {item['input']!r})" if isinstance(item["input"], str | int | float) else ""
    return Problem(f"{item['msg']}{shown}", where, REFERENCE)


def unmatched(text: str, pattern: str) -> tuple[str, str]:
    """For people, who read no regular expressions."""
    if NAME in pattern:
        likely = "-".join(re.findall(r"[a-z0-9]+", text.lower()))[:32].strip("-")
        hint = f"`{likely}`?" if likely else REFERENCE
        return f"`{text}` is no name: a-z, 0-9 and - between them, at most 32", hint
    if PORT_RANGE in pattern:
        return f"`{text}` is no range of ports", 'first-last, as in "20000-20999"'
    return f"`{text}` is no name and no address of a host", REFERENCE


def no_network(text: str, _: str) -> tuple[str, str]:
    try:
        network = IPv4Interface(text).network
    except ValueError:
        return f"`{text}` is no IPv4 network", 'as in "192.168.100.0/24"'
    return f"`{text}` is an address, not a network", f'the network of that address is "{network}"'


IN_WORDS: Mapping[str, Callable[[str, str], tuple[str, str]]] = {
    "string_pattern_mismatch": unmatched,
    "ip_v4_network": no_network,
}


def first_fault(error: ValidationError) -> str:
    """Its first part in one line: where, and what."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def fields_of(annotation: Any) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return list(annotation.model_fields)
    return [name for inner in get_args(annotation) for name in fields_of(inner)]


def node_named(nodes: Iterable[Node], name: str) -> Node:
    """The node that --host names. Raises UsageError with the nearest names."""
    known = {node.name: node for node in nodes}
    if name not in known:
        raise UsageError(Problem(f"no host `{name}`", "--host", nearest(name, known)))
    return known[name]


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the closest valid word, or all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=2)
    if close:
        return f"did you mean {' or '.join(f'`{name}`' for name in close)}?"
    return f"known: {', '.join(names)}"
