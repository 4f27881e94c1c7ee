"""The model cache: there, answering, and the same folder on every host, which a nonce proves."""

from collections.abc import Iterator, Sequence

from cluster.checks.shared_cache import MOUNT_LIMIT_S, sharers
from cluster.errors import OrchestrateError
from cluster.facts.hosts import Cache, Facts, HostFacts
from cluster.finding import ALL_HOSTS, Finding
from cluster.inventory.config import ClusterConfig
from cluster.transport.protocol import Transport
from cluster.units import GIB

LITTLE_BYTES = 10 * GIB  # less than one small model
NETWORK_TYPES = (
    "nfs",
    "ceph",
    "lustre",
    "gpfs",
    "beegfs",
    "9p",
    "cifs",
    "smb",
    "virtiofs",
    "fuse.",
)


def cache_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    for host in facts.hosts:
        yield cache(host, host.cache)


def cache(host: HostFacts, seen: Cache) -> Finding:
    what, where = described(seen), host.node.name
    if seen.hangs:
        what = f"the model cache {what} hangs: no answer within {MOUNT_LIMIT_S:g} s"
        hint = f"is its server up? on that host: grep {seen.mount} /proc/mounts"
        return Finding("cache", where, "failure", what, hint)
    if not seen.exists:
        hint = f"mkdir -p {seen.path} there, mount the share, or set `cache` in nodes.toml"
        return Finding("cache", where, "warning", f"no folder {seen.path}", hint)
    if not seen.writable:
        hint = f"may {host.user} write there? only reading works, if the models are complete"
        return Finding("cache", where, "warning", f"{what} is not writable", hint)
    if seen.free is not None and seen.free < LITTLE_BYTES:
        hint = f"make room there: du -h --max-depth=2 {seen.path} | sort -h | tail"
        return Finding("cache", where, "warning", f"only {what}", hint)
    return Finding("cache", where, "pass", what)


def described(seen: Cache) -> str:
    free = "" if seen.free is None else f"{seen.free / GIB:.1f} GiB free in "
    return f"{free}{seen.path} ({seen.type} from {seen.source} on {seen.mount})"


def share_findings(transport: Transport, config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    """Write a small file on one host, read it on the others, remove it."""
    hosts = [host for host in facts.hosts if host.cache.exists and not host.cache.hangs]
    writers = [host for host in hosts if host.cache.writable]
    if len(hosts) < 2:
        return
    if not writers:
        hint = "make it writable on one host"
        what = "whether the hosts share one cache cannot be proven: it is writable nowhere"
        yield Finding("cache", ALL_HOSTS, "warning", what, hint)
        return
    first = writers[0]
    others = [host for host in hosts if host is not first]
    try:
        seeing = sharers(transport, first, others)
    except OrchestrateError as error:
        for each in error.problems:
            yield Finding("cache", each.where, "failure", each.what, each.hint)
        return
    yield shared(first, others, seeing)


def shared(first: HostFacts, others: Sequence[HostFacts], seeing: Sequence[HostFacts]) -> Finding:
    """Own folders are as good as a share, unless somebody meant to mount one."""
    apart = [host for host in others if host not in seeing]
    name = first.node.name
    if not apart:
        what = f"one cache for all hosts, proven by a file that {name} wrote: {origin(first)}"
        return Finding("cache", ALL_HOSTS, "pass", what)
    if not seeing and not any(is_network(host.cache) for host in (first, *others)):
        return own_caches((first, *others))
    each = ", ".join(f"{host.node.name} {origin(host)}" for host in (first, *others))
    return Finding(
        "cache",
        ALL_HOSTS,
        "failure",
        f"{names(apart)} do not see a file that {name} wrote into the cache: {each}",
        "is a mount missing, and the path a local folder? mount the same share everywhere",
    )


def own_caches(hosts: Sequence[HostFacts]) -> Finding:
    what = "each host has a cache of its own; serve compares the files"
    if len({host.cache.type for host in hosts}) == 1:
        return Finding("cache", ALL_HOSTS, "pass", what)
    each = ", ".join(f"{host.node.name} {origin(host)}" for host in hosts)
    hint = "is a mount missing? copies are as good, but each must be complete"
    return Finding("cache", ALL_HOSTS, "warning", f"{what}: {each}", hint)


def names(hosts: Sequence[HostFacts]) -> str:
    return ", ".join(host.node.name for host in hosts)


def origin(host: HostFacts) -> str:
    return f"{host.cache.type} from {host.cache.source}"


def is_network(seen: Cache) -> bool:
    return seen.type.startswith(NETWORK_TYPES)
