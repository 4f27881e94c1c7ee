"""What a model's name means: one on the hub, a folder on the hosts, or one made there; pure.

The only place that decides it. Programs on hosts are told the folder, and whether it has the layout
of the hub's cache.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from orchestrator.recipes.recipe import Recipe, is_folder


@dataclass(frozen=True)
class ModelName(ABC):
    """`text` is what the recipe says."""

    text: str
    on_hub: ClassVar[bool] = False

    @staticmethod
    def of(text: str, *, made: bool = False) -> "ModelName":
        """`made`: the recipe says that it is generated on the host."""
        if made:
            return Made(text)
        return Folder(text) if is_folder(text) else Hub(text)

    @property
    @abstractmethod
    def folder(self) -> str:
        """Below the host's cache, or absolute; a ~ is the host's to expand."""


class Hub(ModelName):
    """OWNER/NAME, or one of the hub's old models without an owner."""

    on_hub = True

    @property
    def folder(self) -> str:
        """The repository: its snapshots lie below it."""
        return "hub/models--" + self.text.replace("/", "--")


class Folder(ModelName):
    """A folder that is on the hosts already."""

    @property
    def folder(self) -> str:
        return self.text


class Made(ModelName):
    """Made on the hosts; a folder of ours in the cache, unless the recipe names another."""

    @property
    def folder(self) -> str:
        return self.text if is_folder(self.text) else f"orchestrate/{self.text}"


def name_of(recipe: Recipe) -> ModelName:
    return ModelName.of(recipe.model, made=recipe.made is not None)
