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
from orchestrator.models.sync.controller import Follow, Talk
from orchestrator.models.sync.plan import Content, Receiver, sharing, space_problems


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
    talks: dict[str, Talk] = field(default_factory=dict)

    def run(self) -> Chain:
        """To the end. Raises HostsError when the source cannot begin or a disk is too small."""
        with ExitStack() as stack:
            self._each(self.hosts, lambda host: self._open(host, stack))
            self._find_shared()
            source, *others = list(self.talks.values())
            self.reporter.tell("looking at what the hosts have")
            self._each([t.host for t in self.talks.values()], self._prepare)
            chain = self._chain(source, others)
            Follow(chain, self.talks, self.reporter).run()
            return chain

    def _each(self, hosts: Sequence[HostFacts], step: Callable[[HostFacts], None]) -> None:
        """Side by side; a receiver that fails is out. Raises HostsError when the source fails."""
        for host, outcome in gather(hosts, step):
            if isinstance(outcome, OrchestrateError):
                if host is self.hosts[0]:
                    raise HostsError([outcome])
                self.failed[host.node.name] = outcome.problems[0].what
                self.talks.pop(host.node.name, None)
        known = [host.node.name for host in self.hosts if host.node.name in self.talks]
        self.talks = {name: self.talks[name] for name in known}

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
        talk = self.talks[host.node.name] = Talk(host, session, token)
        talk.expect("hello")

    def _find_shared(self) -> None:
        names = list(self.talks)
        seen: dict[str, list[str]] = {}

        def look(host: HostFacts) -> None:
            talk = self.talks[host.node.name]
            talk.order({"look": names})
            seen[talk.name] = talk.expect("seen")["seen"]

        self._each([talk.host for talk in self.talks.values()], look)
        source, *others = list(self.talks)
        self.shared = sharing(others, seen, source)
        for name in self.shared:
            self.talks.pop(name).session.close()

    def _prepare(self, host: HostFacts) -> None:
        talk = self.talks[host.node.name]
        talk.order({"give" if host is self.hosts[0] else "take": None})
        talk.ready = talk.expect("ready")

    def _chain(self, source: Talk, others: Sequence[Talk]) -> Chain:
        receivers = {
            talk.name: Receiver(
                talk.name,
                talk.host.node.fast,
                talk.ready["port"],
                talk.token,
                talk.ready["missing"],
                talk.ready["free"],
            )
            for talk in others
            if talk.name in self.talks
        }
        problems = space_problems(list(receivers.values()))
        if problems:
            raise HostsError(problems)
        return Chain(source.name, receivers, self.contents)
