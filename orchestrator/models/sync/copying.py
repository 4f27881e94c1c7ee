"""The programs of a copy, on all hosts: started, asked what is there, then followed."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any

from cluster.errors import HostsError, OrchestrateError
from cluster.facts.hosts import HostFacts
from cluster.reporter import Reporter
from cluster.transport.parallel import gather
from cluster.transport.program import program
from cluster.transport.protocol import Transport
from orchestrator.models.sync.chain import Chain
from orchestrator.models.sync.controller import Follow, Peer
from orchestrator.models.sync.events import Hello, Listening, Seen
from orchestrator.models.sync.plan import Content, Receiver, shared_with, space_problems


@dataclass
class Copy:
    """One copy of a model; the hosts are in the order of the chain, the source first."""

    transport: Transport
    request: Mapping[str, Any]
    contents: Sequence[Content]
    hosts: Sequence[HostFacts]
    reporter: Reporter
    failed: dict[str, str] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    peers: dict[str, Peer] = field(default_factory=dict)

    def run(self) -> Chain:
        """To the end. Raises HostsError when the source cannot begin or a disk is too small."""
        with ExitStack() as stack:
            self._each(self.hosts, lambda host: self._open(host, stack))
            self._find_shared()
            source, *others = list(self.peers.values())
            self.reporter.tell("looking at what the hosts have")
            self._each([p.host for p in self.peers.values()], self._prepare)
            chain = self._chain(source, others)
            Follow(chain, self.peers, self.reporter).run()
            return chain

    def _each(self, hosts: Sequence[HostFacts], step: Callable[[HostFacts], None]) -> None:
        """On all hosts at once, without receivers that fail. Raises HostsError for the source."""
        for host, outcome in gather(hosts, step):
            if isinstance(outcome, OrchestrateError):
                if host is self.hosts[0]:
                    raise HostsError([outcome])
                self.failed[host.node.name] = outcome.problems[0].what
                self.peers.pop(host.node.name, None)
        known = [host.node.name for host in self.hosts if host.node.name in self.peers]
        self.peers = {name: self.peers[name] for name in known}

    def _open(self, host: HostFacts, stack: ExitStack) -> None:
        token = secrets.token_hex(32)
        request = {
            **self.request,
            "files": [asdict(content) for content in self.contents],
            "cache": host.cache.path,
            "address": host.node.fast,
            "token": token,
            "name": host.node.name,
        }
        sent = program("orchestrator.host.sync", request)
        session = self.transport.session(host.node, sent)
        stack.callback(session.close)
        peer = self.peers[host.node.name] = Peer(host, session, token)
        peer.expect(Hello)

    def _find_shared(self) -> None:
        names = list(self.peers)
        seen: dict[str, tuple[str, ...]] = {}

        def look(host: HostFacts) -> None:
            peer = self.peers[host.node.name]
            peer.order({"look": names})
            seen[peer.name] = peer.expect(Seen).seen

        self._each([peer.host for peer in self.peers.values()], look)
        source, *others = list(self.peers)
        self.shared = shared_with(others, seen, source)
        for name in self.shared:
            self.peers.pop(name).session.close()

    def _prepare(self, host: HostFacts) -> None:
        peer = self.peers[host.node.name]
        peer.order({"give" if host is self.hosts[0] else "take": None})
        peer.ready = peer.expect(Listening)

    def _chain(self, source: Peer, others: Sequence[Peer]) -> Chain:
        receivers = {
            peer.name: Receiver(
                peer.name,
                peer.host.node.fast,
                peer.ready.port,
                peer.token,
                peer.ready.missing,
                peer.ready.free,
            )
            for peer in others
            if peer.name in self.peers
        }
        problems = space_problems(list(receivers.values()))
        if problems:
            raise HostsError(problems)
        return Chain(source.name, receivers, self.contents)
