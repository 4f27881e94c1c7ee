"""NCCL's own bandwidth over all hosts at once: an all-gather of one GPU a host."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from cluster.errors import HostError, OrchestrateError
from cluster.facts.hosts import HostFacts
from cluster.finding import Finding
from cluster.inventory.config import ClusterConfig
from cluster.ray.environment import is_spark, network_environment
from cluster.runtimes import python_of, runtime_of
from cluster.transport.call import HostProgram, last_answer
from cluster.transport.parallel import gather
from cluster.transport.program import program
from cluster.transport.protocol import Transport

LIMIT_S = 90.0  # imports, connecting, and a run at 0.5 GB/s
FREE_BYTES = 4 << 30
SPARK_GBYTE_S = 21.9  # NVIDIA's own gate for two DGX Sparks and one cable
GOOD_SHARE = 0.6


@dataclass(frozen=True)
class RankAnswer:
    """One rank's bus bandwidth in GB/s and NCCL's version, or why there is none."""

    gbyte_s: float = 0.0
    nccl: str = ""
    error: str = ""


RANK = HostProgram("cluster.host.bandwidth_nccl", TypeAdapter(RankAnswer))


@dataclass(frozen=True)
class NcclRate:
    """Bus bandwidth in GB/s; `least` is what it should reach, None where nothing is known."""

    gbyte_s: float
    least: float | None
    version: str


def why_not(hosts: Sequence[HostFacts]) -> str:
    """Why it cannot be measured; empty where it can. A running model is not disturbed."""
    for host in hosts:
        name = host.node.name
        if not host.gpus:
            return f"NCCL was not measured: no GPU on {name}"
        if "torch" not in host.versions:
            return f"NCCL was not measured: no torch in {host.venv} on {name}"
        running = [each.name for each in host.services if each.alive and "vllm" in each.name]
        if running:
            return f"NCCL was not measured: {running[0]} runs on {name}"
        free = host.gpus[0].memory_free
        if (host.memory.available if free is None else free) < FREE_BYTES:
            return f"NCCL was not measured: less than 4 GiB of GPU memory are free on {name}"
    return ""


def measure_nccl(
    transport: Transport, config: ClusterConfig, hosts: Sequence[HostFacts]
) -> NcclRate:
    """Raises HostError with what the first host that failed has said."""
    port = int(config.ray.worker_ports.split("-")[1])

    def run(rank: int) -> RankAnswer:
        host = hosts[rank]
        request = {
            "rank": rank,
            "world": len(hosts),
            "address": hosts[0].node.fast,
            "port": port,
            "env": {**network_environment(host), **host.node.env},
            "limit_s": LIMIT_S,
        }
        python = python_of(runtime_of(config), host)
        sent = program(RANK.name, request, interpreter=python)
        result = transport.run(host.node, sent, timeout_s=LIMIT_S + 10)
        try:
            answer = last_answer(host.node, RANK, result.out)
        except ValueError:
            raise nccl_error(host, f"ended with exit code {result.code}", result.err) from None
        if answer.error:
            raise nccl_error(host, answer.error, result.err)
        return answer

    found = [outcome for _, outcome in gather(range(len(hosts)), run)]
    for each in found:
        if isinstance(each, OrchestrateError):
            raise each
    answers = [each for each in found if isinstance(each, RankAnswer)]
    slowest = min(each.gbyte_s for each in answers)
    return NcclRate(slowest, least_of(hosts), answers[0].nccl)


def nccl_error(host: HostFacts, what: str, err: str) -> HostError:
    log = "\n".join(err.splitlines()[-6:])
    hint = 'orchestrate cluster check; then nodes.toml: env = { NCCL_DEBUG = "INFO" }'
    return HostError(host.node.name, f"NCCL all-gather: {what}", hint, log=log)


def least_of(hosts: Sequence[HostFacts]) -> float | None:
    """The gate for Sparks, else a share of the slowest interface."""
    if all(is_spark(host) for host in hosts):
        return SPARK_GBYTE_S
    speeds = [host.fast_interface.speed for host in hosts if host.fast_interface]
    known = [speed for speed in speeds if speed]
    return GOOD_SHARE * min(known) / 8000 if len(known) == len(hosts) else None


def nccl_finding(rate: NcclRate) -> Finding:
    what = f"NCCL {rate.version} all-gather {rate.gbyte_s:.3g} GB/s bus bandwidth"
    if rate.least is None or rate.gbyte_s >= rate.least:
        return Finding("bandwidth", "hosts", "pass", what)
    return Finding(
        "bandwidth",
        "hosts",
        "warning",
        f"{what}, good from {rate.least:.3g}",
        "likeliest first: 1. MTU below 9000; 2. only one of a port's twins has an address or "
        "stands in NCCL_IB_HCA (about half); 3. NCCL fell back to TCP (about 3 GB/s): NCCL_DEBUG="
        "INFO shows NET/Socket; 4. the port fell back to 13 Gb/s (about 1.6 GB/s): pull the cable, "
        "plug it in",
    )
