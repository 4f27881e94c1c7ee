"""Host keys: fetch them, compare them with known_hosts, add those that a person accepted."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import OrchestrateError
from cluster.inventory.config import ClusterConfig
from cluster.inventory.node import Node
from cluster.transport.known_hosts import Verdict
from cluster.transport.parallel import gather
from cluster.transport.ssh_errors import HostKeyFault, Stopped, unreachable
from cluster.transport.ssh_jumps import Roads
from cluster.transport.way import Way


@dataclass(frozen=True)
class HostKey:
    """The key that a host shows now, and what known_hosts says of it. `name` is the node's; of a
    jump host, which stands before the nodes, it says so. `note` are other kinds that are known.
    """

    name: str
    entry: str
    kind: str
    text: str
    fingerprint: str
    state: Verdict
    file: Path
    is_jump: bool = False
    note: str = ""


def host_keys(config: ClusterConfig) -> list[HostKey | OrchestrateError]:
    """The keys of all hosts at once; a host that does not answer is a value. Of nodes behind a
    jump host whose key is not known, the jump host's, once.
    """
    roads = Roads(config.ssh)
    try:
        found = [found for _, found in gather(config.node, lambda node: fetch(node, roads))]
    finally:
        roads.close()
    keys = [each for each in found if isinstance(each, HostKey)]
    jumps = {(each.entry, each.text): each for each in keys if each.is_jump}
    return [*jumps.values(), *(each for each in found if each not in jumps.values())]


def fetch(node: Node, roads: Roads) -> HostKey:
    """Ask one host for its key, without logging in there. Raises Unreachable."""
    try:
        way = roads.way(node)
        try:
            return host_key(node.name, way, roads)
        except Stopped as stopped:
            if not (stopped.is_jump and isinstance(stopped.cause, HostKeyFault)):
                raise
            before = way[: way.index(stopped.at) + 1]
            return host_key(f"jump host {stopped.at.host}", before, roads, is_jump=True)
    except Stopped as stopped:
        raise unreachable(node.name, stopped) from None


def host_key(name: str, way: Way, roads: Roads, *, is_jump: bool = False) -> HostKey:
    shown, options = roads.shown(way), way[-1]
    return HostKey(
        name,
        options.entry,
        shown.kind,
        shown.text,
        shown.fingerprint,
        shown.verdict,
        options.known_hosts[0],
        is_jump,
        ", ".join(shown.others),
    )


def accept(keys: Sequence[HostKey]) -> None:
    """Append the keys to their known_hosts, as ssh would write them."""
    for file in dict.fromkeys(key.file for key in keys):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        cut = file.exists() and not file.read_bytes().endswith(b"\n")  # a line edited by hand
        lines = [f"{key.entry} {key.kind} {key.text}\n" for key in keys if key.file == file]
        with open(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), "w") as out:
            out.write("\n" if cut else "")
            out.writelines(dict.fromkeys(lines))
