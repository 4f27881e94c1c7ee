"""The environment that makes NCCL, Gloo, UCX and Ray use the fast link, host by host; pure."""

from cluster.facts.hosts import HostFacts

# NCCL_IB_GID_INDEX is left unset on purpose: the index of an address drifts after a reboot, and the
# wrong one hangs after the weights are loaded. NCCL finds the right one by itself.

# one cable of a DGX Spark is two RoCE devices: NCCL reaches 200 Gb/s only with both named
SPARK_CAPABILITY = "12.1"

# Not to be copied from the head to other hosts: interface names differ from host to host.
PER_HOST_VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "GLOO_SOCKET_IFNAME",
    "NCCL_IB_DISABLE",
    "NCCL_IB_HCA",
    "NCCL_SOCKET_IFNAME",
    "ORCHESTRATE_SERVICE",
    "RAY_AUTH_TOKEN_PATH",
    "TP_SOCKET_IFNAME",
    "UCX_NET_DEVICES",
    "VLLM_HOST_IP",
)


def network_environment(host: HostFacts) -> dict[str, str]:
    """Variables of this host alone; the interface must be known (preflight sees to it)."""
    fast = host.fast_interface
    if fast is None:
        return {}
    env = {
        "VLLM_HOST_IP": host.node.fast,
        "NCCL_SOCKET_IFNAME": fast.name,
        "GLOO_SOCKET_IFNAME": fast.name,
        "TP_SOCKET_IFNAME": fast.name,
    }
    if fast.name == "lo":
        return env
    env["UCX_NET_DEVICES"] = fast.name
    if fast.rdma_active:
        used = host.interfaces if is_spark(host) else (fast,)
        devices = {device for each in used if each.addresses for device in each.rdma_active}
        env["NCCL_IB_DISABLE"] = "0"
        env["NCCL_IB_HCA"] = ",".join(sorted(devices))
    if is_spark(host):
        env["NCCL_IGNORE_CPU_AFFINITY"] = "1"
    return env


def is_spark(host: HostFacts) -> bool:
    return any(gpu.capability == SPARK_CAPABILITY for gpu in host.gpus)
