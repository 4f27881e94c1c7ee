"""Memory of the GPUs that a placement uses, from the hosts' facts; pure."""

from collections.abc import Sequence

from cluster.checks.memory import is_unified
from cluster.facts.hosts import HostFacts
from cluster.units import GIB, MIB
from orchestrator.capacity.engine_args import GpuModel
from orchestrator.capacity.fit import GpuMemory

# measured on an H200: nvidia-smi shows 143771 MiB, torch and vLLM see 139.81 GiB
NOT_SHOWN = 143771 * MIB - int(139.81 * GIB)


def gpu_bytes(host: HostFacts) -> int:
    """Of one GPU as vLLM sees it; on unified memory the host's; 0 where the CPU computes."""
    sizes = [gpu.memory_total for gpu in host.gpus if gpu.memory_total]
    if sizes:
        return max(0, min(sizes) - NOT_SHOWN)
    return host.memory.total if host.gpus else 0


def free_gpu_bytes(host: HostFacts, ranks: int) -> int:
    """Of the emptiest `ranks` GPUs the fullest one; without a driver's word, what the host has."""
    sizes = sorted(
        (gpu.memory_free for gpu in host.gpus if gpu.memory_free is not None), reverse=True
    )
    if sizes:
        return sizes[min(max(1, ranks), len(sizes)) - 1]
    return host.memory.available if host.gpus else host.memory.available // max(1, ranks)


def memory_of(hosts: Sequence[HostFacts], ranks: Sequence[int], *, ask_free: bool) -> GpuMemory:
    """`ranks` by host; `ask_free`: whether what others hold counts."""
    free = [free_gpu_bytes(host, count) for host, count in zip(hosts, ranks, strict=True)]
    return GpuMemory(
        total=min(gpu_bytes(host) for host in hosts),
        free=min(free) if ask_free else None,
        across=len(hosts) > 1,
        gpu=gpu_model(hosts[0]),
        host=min(host.memory.total for host in hosts),
        ranks=max(ranks),
    )


def gpu_model(host: HostFacts) -> GpuModel:
    if not host.gpus:
        return GpuModel()
    first = host.gpus[0]
    return GpuModel(first.name, first.capability, unified=is_unified(host))
