"""GPUs that the driver counts, and who holds their memory."""

from collections.abc import Iterator

from cluster.facts.hosts import Facts, Gpu, HostFacts
from cluster.facts.survey import GpuUser
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.units import GIB

MAX_HELD = 0.1  # of a GPU's memory: the most that recipes leave free, vLLM refuses to start beyond


def gpu_findings(config: ClusterConfig, facts: Facts) -> Iterator[Finding]:
    for host in facts.hosts:
        yield from visible(host)
        if host.driver_note:
            what, hint = f"nvidia-smi: {host.driver_note}", "dmesg | grep -i -e nvrm -e xid"
            yield Finding("gpu", host.node.name, "warning", what, hint)
        yield from held(config.name, host)


def visible(host: HostFacts) -> Iterator[Finding]:
    place, told = host.node.name, host.node.gpus
    absent = "not installed" in host.driver_problem
    if host.driver_problem and (told is None or not absent):
        hint = "the driver must answer: nvidia-smi; dmesg | grep -i -e nvrm -e xid"
        if absent:
            hint = "install the driver, or set `gpus` of the node in nodes.toml"
        yield Finding("gpu", place, "failure", host.driver_problem, hint)
    elif told is not None and host.gpus and told != len(host.gpus):
        what = f"nodes.toml says {told} GPUs, the driver counts {len(host.gpus)}"
        yield Finding("gpu", place, "warning", what, "correct `gpus` of the node in nodes.toml")
    elif not host.gpus and told is None:
        what, hint = "the driver counts no GPU", "nvidia-smi; dmesg | grep -i nvrm"
        yield Finding("gpu", place, "failure", what, hint)
    else:
        names = sorted({gpu.name for gpu in host.gpus})
        what = f"{host.gpu_count} {', '.join(names) or 'by nodes.toml'}"
        yield Finding("gpu", place, "pass", what)


def held(cluster: str, host: HostFacts, first: int | None = None) -> Iterator[Finding]:
    """Memory of the GPUs (of the `first` ones, where they are all that is wanted) that is not ours.

    What carries this cluster's mark is ours.
    """
    users = host.survey.gpu_users if host.survey else ()
    wanted = host.gpus[:first]
    ids = {gpu.uuid: gpu for gpu in wanted}
    strangers = [user for user in users if user.gpu in ids and not ours(cluster, user)]
    for user in strangers:
        yield held_by(host, user, ids[user.gpu])
    if not users and not any(service.alive for service in host.services):
        yield from (unnamed(host, gpu) for gpu in wanted if used(gpu) > MAX_HELD)


def ours(cluster: str, user: GpuUser) -> bool:
    return (user.mark or "").startswith(f"{cluster}/")


def used(gpu: Gpu) -> float:
    """The share of its memory that is taken; 0 where the driver does not say."""
    if not gpu.memory_total or gpu.memory_free is None:
        return 0.0
    return 1 - gpu.memory_free / gpu.memory_total


def held_by(host: HostFacts, user: GpuUser, gpu: Gpu) -> Finding:
    total = gpu.memory_total or host.memory.total
    much = user.memory is not None and user.memory > MAX_HELD * total
    size = "an unknown part" if user.memory is None else f"{user.memory / GIB:.1f} GiB"
    owner = f", of {user.mark}" if user.mark else ""
    return Finding(
        "gpu",
        host.node.name,
        "failure" if much else "warning",
        f"GPU {gpu.index}: pid {user.pid} ({user.name}{owner}) holds {size} of its memory",
        "it is not ours and is left alone: end it, or wait for it",
    )


def unnamed(host: HostFacts, gpu: Gpu) -> Finding:
    taken = (gpu.memory_total or 0) - (gpu.memory_free or 0)
    return Finding(
        "gpu",
        host.node.name,
        "failure",
        f"GPU {gpu.index}: {taken / GIB:.1f} GiB are taken, and nvidia-smi does not show by whom",
        "a container or another user's: sudo fuser -v /dev/nvidia*; docker ps",
    )
