"""Room on each host."""

from collections.abc import Iterator

from cluster.config import ClusterConfig
from cluster.facts import Facts, HostFacts
from cluster.finding import Finding

GIB = 1 << 30
MIN_DISK_BYTES = GIB  # Ray's session and vLLM's logs; below it Ray stops scheduling


def disk_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    for host in facts.hosts:
        yield from disk(host)


def disk(host: HostFacts) -> Iterator[Finding]:
    sizes = {path: free for path, free in host.disk_free.items() if free is not None}
    full = {p: f for p, f in sizes.items() if p != "/dev/shm" and f < MIN_DISK_BYTES}
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
