"""Hardware profiles: what a kind of GPU adds to every recipe."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cluster.facts.hosts import Gpu, HostFacts
from orchestrator.recipes.layer import Layer


class Hardware(Layer):
    """A kind of hardware, known by its compute capability and, where two share it, its name.

    `memory_gib` is one GPU's memory, or on unified memory the host's; None where no GPU is meant.
    """

    capability: str
    gpu: str = ""
    memory_gib: float | None = None
    gpus_per_host: int = 1
    unified: bool = False
    source: str = ""

    def fits(self, capability: str, name: str) -> bool:
        return self.capability == capability and (not self.gpu or self.gpu in name.split())


def load_hardware() -> dict[str, Hardware]:
    text = (Path(__file__).parent / "hardware.toml").read_text("utf-8")
    return {name: Hardware(**table) for name, table in tomllib.loads(text).items()}


def hardware_on(hosts: Iterable[HostFacts]) -> str | None:
    return hardware_name([gpu for host in hosts for gpu in host.gpus], load_hardware())


def hardware_name(gpus: Sequence[Gpu], known: Mapping[str, Hardware]) -> str | None:
    """The profile for these GPUs; without a GPU it is the one without a capability."""
    wanted = (gpus[0].capability, gpus[0].name) if gpus else ("", "")
    return next((name for name, each in known.items() if each.fits(*wanted)), None)
