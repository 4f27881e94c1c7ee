"""The programs of a copy while they run: events in, orders out, to the end."""

import json
import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cluster.errors import HostError, OrchestrateError
from cluster.facts.hosts import HostFacts
from cluster.reporter import Reporter
from cluster.transport.answers import answers
from cluster.transport.protocol import Session
from cluster.units import MB
from orchestrator.models.sync.chain import Chain, Order
from orchestrator.models.sync.events import (
    EVENTS,
    Count,
    Counters,
    Error,
    Event,
    Forgot,
    Gone,
    Last,
    Listening,
    Lost,
    Placed,
    Refused,
)

COPY_SILENCE_S = 10.0  # a host reports twice a second
STUCK_S = 120.0  # no byte has moved on any host, though all report
BEAT_S, TICK_S, COUNT_S = 10.0, 0.5, 2.0
GONE = "its program ended, or the connection broke"
T = TypeVar("T")


@dataclass
class Peer:
    """One host's program; `done_s` says when it was complete."""

    host: HostFacts
    session: Session
    token: str
    counters: Count = field(default_factory=Count)
    ready: Listening = field(init=False)
    done_s: float = 0.0

    def __post_init__(self) -> None:
        self.events: Iterator[Event] = answers(self.session, EVENTS, COPY_SILENCE_S)

    @property
    def name(self) -> str:
        return self.host.node.name

    def order(self, words: Mapping[str, Any]) -> None:
        try:
            self.session.send(json.dumps(words) + "\n")
        except OSError:
            raise HostError(self.name, GONE) from None

    def expect(self, kind: type[T]) -> T:
        """The next event of this kind. Raises HostError when the program ends without it."""
        try:
            for event in self.events:
                if isinstance(event, kind):
                    return event
                if isinstance(event, Error):
                    raise HostError(self.name, event.error)
        except TimeoutError:
            raise HostError(self.name, f"no sign of life for {COPY_SILENCE_S:g} s") from None
        raise HostError(self.name, GONE)


@dataclass
class Follow:
    """The events of all hosts, and the orders that follow from them."""

    chain: Chain
    peers: Mapping[str, Peer]
    reporter: Reporter

    def run(self) -> None:
        """Until every host is done or has failed."""
        self.inbox: queue.Queue[tuple[str, Event | Gone]] = queue.Queue()
        self.begun = self.moved = beaten = time.monotonic()
        for peer in self.peers.values():
            threading.Thread(target=self._listen, args=(peer,), daemon=True).start()
        self._send(self.chain.begin())
        while not self.chain.finished:
            with suppress(queue.Empty):
                self._take(*self.inbox.get(timeout=TICK_S))
            now = time.monotonic()
            if now - self.moved > STUCK_S:
                self.chain.give_up(f"nothing has moved on any host for {STUCK_S:g} s")
            if now - beaten > BEAT_S:
                self._send([(name, {}) for name in self.peers])
                beaten = now

        self._count()

    def _count(self) -> None:
        """The counters as they are at the end."""
        left = {name for name in self.peers if name not in self.chain.failed}
        self._send([(name, {"count": None}) for name in left])
        end = time.monotonic() + COUNT_S
        while left and time.monotonic() < end:
            with suppress(queue.Empty):
                name, event = self.inbox.get(timeout=TICK_S)
                if isinstance(event, Last):
                    self.peers[name].counters = event.last
                if isinstance(event, Last | Gone):
                    left.discard(name)

    def _listen(self, peer: Peer) -> None:
        why = GONE
        try:
            for event in peer.events:
                self.inbox.put((peer.name, event))
        except TimeoutError:
            why = f"no sign of life for {COPY_SILENCE_S:g} s"
        except (OrchestrateError, OSError) as error:
            why = str(error)
        self.inbox.put((peer.name, Gone(why)))

    def _take(self, name: str, event: Event | Gone) -> None:
        peer = self.peers[name]
        if isinstance(event, Counters):
            if event.counters != peer.counters:
                peer.counters, self.moved = event.counters, time.monotonic()
                self.reporter.progress(self._line())
            return
        self.moved = time.monotonic()
        if isinstance(event, Placed) and not peer.done_s:
            peer.done_s = self.moved - self.begun
        failed = set(self.chain.failed)
        self._send(self.chain.on(name, event))
        self._say(name, event, set(self.chain.failed) - failed)

    def _say(self, name: str, event: Event | Gone, failed: set[str]) -> None:
        match event:
            case Placed() if name in self.chain.placed:
                self.reporter.tell(f"{name} is complete")
            case Refused(address):
                self.reporter.tell(f"{name} refused a connection from {address}: it has no token")
            case Forgot(indices):
                contents = self.chain.contents
                paths = [contents[i].paths[0] for i in indices if i in range(len(contents))]
                self.reporter.tell(f"{name} has a damaged {', '.join(paths)}: it comes again")
            case Lost(lost, why) if not self.chain.finished:
                self.reporter.tell(f"{name} does not reach {lost}: {why}")
        for each in sorted(failed):
            self.reporter.tell(f"{each} is out: {self.chain.failed[each]}")

    def _send(self, orders: Sequence[Order]) -> None:
        for name, words in orders:
            try:
                self.peers[name].order(words)
            except OrchestrateError as error:
                self.inbox.put((name, Gone(error.problems[0].what)))

    def _line(self) -> str:
        """Shares of all that is to come, and the rate and the time left of the slowest."""
        seconds = max(time.monotonic() - self.begun, 0.001)
        shares, rates, left = [], [0.0], 0.0
        for name, receiver in self.chain.receivers.items():
            if name in self.chain.failed or not receiver.missing:
                continue
            got = self.peers[name].counters.got
            shares.append(f"{name} {100 * got // receiver.missing} %")
            rates.append(got / seconds)
            left = max(left, (receiver.missing - got) * seconds / max(got, 1))
        rate = min(rates[1:], default=0.0)
        return f"{', '.join(shares)}; {rate / MB:.0f} MB/s each, {left:.0f} s left"
