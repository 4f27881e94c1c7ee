"""Room on each host, and the limits that a service inherits."""

from collections.abc import Iterator

from cluster.facts.hosts import Facts, HostFacts
from cluster.facts.survey import Survey
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.units import GIB, MIB

SHM = "/dev/shm"
MIN_DISK_BYTES = GIB  # Ray's session and vLLM's logs; below it Ray stops scheduling
# vLLM's broadcast ring is 10 chunks of 16 MiB, NCCL adds up to 34 MiB a rank; full means SIGBUS
MIN_SHM_BYTES = 256 * MIB
LIMITS_FILE = "/etc/security/limits.d/orchestrate.conf"
FEW_FILES, ENOUGH_FILES = 4096, 8192  # Ray: "too low for production", "at least recommended"


def disk_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    for host in facts.hosts:
        yield from disk(host)


def disk(host: HostFacts) -> Iterator[Finding]:
    known = {path: free for path, free in host.disk_free.items() if free is not None}
    sizes = {path: free for path, free in known.items() if path != SHM}
    full = {path: free for path, free in sizes.items() if free < MIN_DISK_BYTES}
    for path, free in full.items():
        yield Finding(
            "disk",
            host.node.name,
            "failure",
            f"only {free / GIB:.2f} GiB free on {path}, {MIN_DISK_BYTES / GIB:g} GiB needed",
            f"make room there: du -xh --max-depth=2 {path} | sort -h | tail",
        )
    if not full:
        what = ", ".join(f"{path} {free / GIB:.0f} GiB free" for path, free in sizes.items())
        yield Finding("disk", host.node.name, "pass", what)


def shm_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    """Ray's object store, vLLM's queues and NCCL's buffers lie in /dev/shm."""
    store = int(config.ray.object_store_gib * GIB)
    for host in facts.hosts:
        free = host.disk_free.get(SHM)
        ours = any(service.alive for service in host.services)
        if host.survey and free is not None:
            yield shm(host, free, 0 if ours else store)


def shm(host: HostFacts, free: int, store: int) -> Finding:
    total = (host.survey and host.survey.shm_total) or free
    what = f"{free / GIB:.2f} of {total / GIB:.2f} GiB free in {SHM}"
    if free >= store + MIN_SHM_BYTES:
        return Finding("shm", host.node.name, "pass", what)
    state = "failure" if free < MIN_SHM_BYTES else "warning"
    wanted = f"{MIN_SHM_BYTES / GIB:g} for vLLM and NCCL"
    if store:
        wanted += f" and {store / GIB:g} for Ray's object store"
    hint = f"ls -lS {SHM}; sudo mount -o remount,size=50% {SHM}; in a container --ipc=host"
    if state == "warning":
        return Finding("shm", host.node.name, "warning", f"{what}: {wanted} are better", hint)
    return Finding("shm", host.node.name, "failure", f"only {what}, {wanted} are needed", hint)


def limit_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    for host in facts.hosts:
        if host.survey:
            yield files(host, host.survey)
            yield from pinned(host, host.survey)


def files(host: HostFacts, survey: Survey) -> Finding:
    """Ray and vLLM raise the soft limit to the hard one by themselves."""
    hard = survey.nofile[1]
    if hard is None or hard >= ENOUGH_FILES:
        what = f"{hard or 'unlimited'} open files"
        return Finding("limits", host.node.name, "pass", what)
    return Finding(
        "limits",
        host.node.name,
        "failure" if hard < FEW_FILES else "warning",
        f"at most {hard} open files (hard limit), {ENOUGH_FILES} needed",
        f"echo '{host.user} hard nofile 1048576' | sudo tee {LIMITS_FILE}; log in again",
    )


def pinned(host: HostFacts, survey: Survey) -> Iterator[Finding]:
    """RDMA pins its buffers; root is not bound by the limit."""
    fast, hard = host.fast_interface, survey.memlock[1]
    if fast and fast.rdma and hard is not None and host.uid != 0:
        yield Finding(
            "limits",
            host.node.name,
            "warning",
            f"at most {hard / MIB:.0f} MiB may be locked in memory, and RDMA pins its buffers",
            f"echo '{host.user} - memlock unlimited' | sudo tee -a {LIMITS_FILE}; log in again",
        )
