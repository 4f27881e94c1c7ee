"""What only a check asks of a host; sizes in bytes, None where it has no limit or nobody knows."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict


class Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class GpuUser(Fact):
    """A compute process on a GPU; `gpu` is the GPU's UUID, `mark` ours or None."""

    gpu: str
    pid: int
    name: str
    memory: int | None
    mark: str | None = None


class Process(Fact):
    """A process and its resident memory."""

    pid: int
    name: str
    memory: int
    mark: str | None = None


class MemoryUse(Fact):
    """Where the memory is; the page cache is given back when it is wanted."""

    free: int = 0
    page_cache: int = 0
    shared: int = 0
    processes: int = 0
    swap_total: int = 0
    swap_free: int = 0


class Logind(Fact):
    """What happens to a user's things at the logout; `tracked`: our SSH session counts."""

    systemd: bool
    tracked: bool
    linger: bool
    remove_ipc: bool
    kill_processes: bool


class Survey(Fact):
    """Limits are (soft, hard); `dns` and `names` say what is wrong with each, "" for nothing."""

    gpu_users: tuple[GpuUser, ...]
    memory: MemoryUse
    biggest: tuple[Process, ...]
    nofile: tuple[int | None, int | None]
    memlock: tuple[int | None, int | None]
    logind: Logind
    shm_total: int | None
    nccl: Mapping[str, str]
    dns: Mapping[str, str]
    names: Mapping[str, str]
