"""Memory that is free, and what holds the rest; on unified memory that is the GPU's memory too."""

from collections.abc import Iterator

from cluster.facts.hosts import Facts, HostFacts
from cluster.facts.survey import Survey
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.units import GIB

FAIL_SHARE = 0.05  # below it the kernel's OOM killer is near
WARN_SHARE = 0.10
UNIFIED_SHARE = 0.75  # the smallest gpu_memory_utilization of a recipe: vLLM wants as much free
CACHE_SHARE = 0.25  # of unified memory; CUDA does not count what the page cache would give back
DROP = "sync; echo 1 | sudo tee /proc/sys/vm/drop_caches gives the page cache back"


def memory_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    for host in facts.hosts:
        if host.survey:
            yield memory(host, host.survey)


def memory(host: HostFacts, survey: Survey) -> Finding:
    unified = is_unified(host)
    share = host.memory.available / host.memory.total
    ours = any(s.alive and not s.name.startswith("ray-") for s in host.services)
    what = (
        f"{host.memory.available / GIB:.1f} of {host.memory.total / GIB:.1f} GiB available"
        f"{' (unified)' if unified else ''}; page cache {survey.memory.page_cache / GIB:.1f} GiB"
    )
    low = share < (UNIFIED_SHARE if unified else WARN_SHARE)
    if share < FAIL_SHARE:
        hint = "end what holds it, or restart the host"
        return Finding("memory", host.node.name, "failure", what + held_by(survey), hint)
    if low and not ours:
        hint = "end what holds it; what no process explains is the driver's: restart the host"
        return Finding("memory", host.node.name, "warning", what + held_by(survey), hint)
    if unified and survey.memory.page_cache > CACHE_SHARE * host.memory.total:
        return Finding("memory", host.node.name, "warning", what, DROP)
    return Finding("memory", host.node.name, "pass", what)


def is_unified(host: HostFacts) -> bool:
    """The driver has no figure of its own for the GPU's memory."""
    return any(gpu.memory_total is None for gpu in host.gpus)


def held_by(survey: Survey) -> str:
    """The largest holders: in shared memory, and as processes."""
    parts = [
        f"pid {each.pid} {each.memory / GIB:.1f} GiB ({each.mark or each.name})"
        for each in survey.biggest
        if each.memory > GIB // 10
    ]
    if survey.memory.shared > GIB:
        parts.insert(0, f"/dev/shm and other tmpfs {survey.memory.shared / GIB:.1f} GiB")
    return f"; held by {', '.join(parts[:4])}" if parts else ""
