"""ONE table of all checks, in the order in which they are shown: `cluster check`, the gates of
`cluster start` and `serve`, --force and docs/checks.md read it. A new check is a file and a line.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cluster.checks.cache import cache_findings, share_findings
from cluster.checks.clock import clock_findings
from cluster.checks.facts import fact_findings
from cluster.checks.gpus import gpu_findings
from cluster.checks.link import link_findings
from cluster.checks.listeners import listener_findings
from cluster.checks.machine import disk_findings, limit_findings, shm_findings
from cluster.checks.memory import memory_findings
from cluster.checks.ports import ray_port_findings, worker_port_findings
from cluster.checks.reach import address_findings, ssh_findings, stray_findings
from cluster.checks.roce import roce_findings
from cluster.checks.session import dns_findings, linger_findings
from cluster.checks.software import (
    known_bad_findings,
    ray_findings,
    venv_findings,
    version_findings,
)
from cluster.checks.try_paths import path_findings
from cluster.facts.hosts import Facts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.transport.protocol import Transport

FactCheck = Callable[[ClusterConfig, Facts], Iterable[Finding]]
AskingCheck = Callable[[Transport, ClusterConfig, Facts], Iterable[Finding]]


@dataclass(frozen=True)
class Check:
    """One line: the stable name that --force takes and what it proves; `run` is pure, `ask` asks
    the hosts something of its own. `start` and `serve` gate those verbs. Where several lines have
    the same function, it is run once.
    """

    name: str
    proves: str
    run: FactCheck | None = None
    ask: AskingCheck | None = None
    start: FactCheck | None = None
    serve: FactCheck | None = None
    never_forced: str = ""
    asked_by: tuple[str, ...] = ()

    @property
    def gates(self) -> tuple[str, ...]:
        """The verbs that a failure keeps from starting anything."""
        own = [name for name, run in (("start", self.start), ("serve", self.serve)) if run]
        return tuple(dict.fromkeys([*own, *self.asked_by]))


def gate(name: str, proves: str, run: FactCheck, *, serve: bool = True) -> Check:
    """One that must pass before a start, and on the hosts of a model before it is served."""
    return Check(name, proves, run, start=run, serve=run if serve else None)


Table = tuple[Check, ...]
CHECKS: Table = (
    Check(
        "ssh",
        "each host lets us in, and shows the host key that we know",
        ssh_findings,
        start=ssh_findings,
        never_forced="nothing can be started on a host that does not let us in",
    ),
    gate("facts", "what we ask of a host can be read there", fact_findings),
    Check(
        "stray",
        "nothing of this cluster runs under another node's name",
        stray_findings,
        start=stray_findings,
        serve=stray_findings,
        never_forced="what is started would run beside it, and neither be complete",
    ),
    gate("clock", "the hosts' clocks agree", clock_findings, serve=False),
    Check(
        "venv",
        "the virtual environment with Ray and vLLM is there",
        venv_findings,
        start=ray_findings,
        never_forced="without Ray and vLLM nothing can be started",
    ),
    gate(
        "versions",
        "Python, Ray, vLLM, torch, NCCL and the driver are the same on all hosts",
        version_findings,
        serve=False,
    ),
    gate("known-bad", "no version that is known to fail", known_bad_findings),
    Check(
        "address",
        "an interface has the fast address",
        address_findings,
        start=address_findings,
        never_forced="Ray cannot listen on an address that the host does not have",
    ),
    gate("link", "the fast interface is up, and nodes.toml agrees", link_findings, serve=False),
    gate("speed", "the fast interfaces run at the same speed", link_findings, serve=False),
    gate("mtu", "the fast interfaces have the same MTU", link_findings, serve=False),
    Check("roce", "the RoCE devices are active, addressed and used", roce_findings),
    Check(
        "gpu",
        "the GPUs are there, and nobody else holds their memory",
        gpu_findings,
        asked_by=("serve",),
    ),
    gate("memory", "enough memory is available", memory_findings),
    gate("disk", "room on home and /tmp", disk_findings),
    gate("shm", "room in /dev/shm", shm_findings),
    gate("limits", "open files and locked memory", limit_findings),
    gate("linger", "the logout of the SSH user leaves our services alone", linger_findings),
    gate("port", "ports of Ray and vLLM are free", ray_port_findings, serve=False),
    gate("port", "so are those of Ray's workers", worker_port_findings, serve=False),
    Check("listeners", "what of ours listens where, and who may ask it", listener_findings),
    Check("dns", "names are looked up in time", dns_findings),
    Check("cache", "the model cache answers, and is the same everywhere", cache_findings),
    Check(
        "cache",
        "what one host writes into a shared cache the others read",
        ask=share_findings,
        asked_by=("serve",),
    ),
    Check(
        "paths",
        "the hosts reach each other on the fast link",
        ask=path_findings,
        asked_by=("start",),
    ),
    Check(
        "firewall",
        "ports of Ray and vLLM can be reached from every other host",
        ask=path_findings,
        asked_by=("start",),
    ),
    Check(
        "path-mtu",
        "a packet of full size arrives at every other host",
        ask=path_findings,
        asked_by=("start",),
    ),
    Check(
        "route",
        "what goes to another host leaves from the fast address",
        ask=path_findings,
        asked_by=("start",),
    ),
    Check(
        "bandwidth",
        "the fast link carries what it should; only `cluster check --bandwidth` asks",
    ),
    Check(
        "ray",
        "Ray counts every host that a model is spread over; only `serve` asks",
        asked_by=("serve",),
        never_forced="vLLM would wait in vain for a host that Ray does not count",
    ),
    Check(
        "arguments",
        "the model does not run already with other arguments; only `serve` asks",
        asked_by=("serve",),
        never_forced="what runs is never replaced in silence",
    ),
    Check(
        "stopped",
        "no process of the model is stopped by a signal; only `serve` asks",
        asked_by=("serve",),
        never_forced="a model that stands still answers nobody",
    ),
    Check(
        "parser",
        "the parser reads tool calls as the chat template has them; only `serve` asks",
        asked_by=("serve",),
    ),
)


def findings_of(
    checks: Iterable[FactCheck | None], config: ClusterConfig, facts: Facts
) -> Iterator[Finding]:
    """Of each function once, in order."""
    for check in dict.fromkeys(checks):
        if check is not None:
            yield from check(config, facts)


def reasons_against_force(table: Table) -> dict[str, str]:
    """Why nothing can come of going on, by the name of the check."""
    return {each.name: each.never_forced for each in table if each.never_forced}
