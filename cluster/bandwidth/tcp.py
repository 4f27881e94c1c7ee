"""TCP bandwidth from one host to another, by a program that runs on both."""

import time
from dataclasses import dataclass

from pydantic import TypeAdapter

from cluster.bandwidth.findings import Measured
from cluster.errors import HostError
from cluster.facts.hosts import HostFacts
from cluster.transport.dialogue import Dialogue

STREAMS = 8
WARM_S, WINDOW_S = 0.4, 1.2  # slow start is over after the first
LIMIT_S = 10.0
ANSWER_LIMIT_S = 30.0


@dataclass(frozen=True)
class Tools:
    """What a host has to measure with."""

    ib_write_bw: bool


@dataclass(frozen=True)
class RunAnswer:
    """Of one run: the receiver's port, then the rate; `busy` is the share of all CPUs."""

    run: int
    port: int = 0
    bits_per_s: float = 0.0
    busy: float = 0.0
    error: str = ""


TOOLS, ANSWER = TypeAdapter(Tools), TypeAdapter(RunAnswer)
End = Dialogue[HostFacts, Tools]
Pair = tuple[End, End]  # source and target


def shown(pair: Pair) -> str:
    return " -> ".join(dialogue.host.node.name for dialogue in pair)


def one_way(pair: Pair, run: int) -> Measured:
    """Raises HostError when no connection comes about or an end goes silent."""
    source, target = pair
    receive = {"streams": STREAMS, "warm_s": WARM_S, "seconds": WINDOW_S}
    target.ask({"run": run, "receive": receive})
    port = answer(target, pair, run).port
    send = {"address": target.host.node.fast, "port": port, "streams": STREAMS}
    source.ask({"run": run, "send": {**send, "limit_s": LIMIT_S}})
    sent = answer(source, pair, run)
    got = answer(target, pair, run)
    return Measured(
        source=source.host.node.name,
        target=target.host.node.name,
        by="tcp",
        gbit=got.bits_per_s / 1e9,
        busy=max(got.busy, sent.busy),
    )


def answer(end: End, pair: Pair, run: int) -> RunAnswer:
    """Late answers of runs that were given up are passed over."""
    found = end.next(ANSWER)
    deadline = time.monotonic() + ANSWER_LIMIT_S
    while found.run != run:
        if time.monotonic() > deadline:
            raise HostError(shown(pair), f"{end.host.node.name} answers what nobody asked")
        found = end.next(ANSWER)
    if found.error:
        what = f"could not be measured: {found.error}"
        raise HostError(shown(pair), what, "orchestrate cluster check tells what stands between")
    return found
