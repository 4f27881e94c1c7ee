"""TCP bandwidth from one host to another, by a program that runs on both."""

from collections.abc import Mapping
from typing import Any

from cluster.bandwidth.findings import Measured
from cluster.errors import HostError
from cluster.facts.hosts import HostFacts
from cluster.transport.dialogue import Dialogue

STREAMS = 8
WARM_S, WINDOW_S = 0.4, 1.2  # slow start is over after the first
LIMIT_S = 10.0

Pair = tuple[Dialogue[HostFacts], Dialogue[HostFacts]]  # source and target


def shown(pair: Pair) -> str:
    return " -> ".join(dialogue.host.node.name for dialogue in pair)


def one_way(pair: Pair, run: int) -> Measured:
    """Raises HostError when no connection comes about or an end goes silent."""
    source, target = pair
    receive = {"streams": STREAMS, "warm_s": WARM_S, "seconds": WINDOW_S}
    target.ask({"run": run, "receive": receive})
    port = answer(target, pair, run)["port"]
    send = {"address": target.host.node.fast, "port": port, "streams": STREAMS}
    source.ask({"run": run, "send": {**send, "limit_s": LIMIT_S}})
    sent = answer(source, pair, run)
    got = answer(target, pair, run)
    return Measured(
        source=source.host.node.name,
        target=target.host.node.name,
        by="tcp",
        gbit=got["bits_per_s"] / 1e9,
        busy=max(got["busy"], sent["busy"]),
    )


def answer(dialogue: Dialogue[HostFacts], pair: Pair, run: int) -> Mapping[str, Any]:
    """Late answers of runs that were given up are passed over."""
    found = dialogue.next()
    while found.get("run") != run:
        found = dialogue.next()
    if "error" in found:
        what = f"could not be measured: {found['error']}"
        raise HostError(shown(pair), what, "orchestrate cluster check tells what stands between")
    return found
