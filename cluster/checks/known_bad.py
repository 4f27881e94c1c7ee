"""The table of versions that are known to fail: data, each entry with its reason and source."""

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict


class KnownBad(BaseModel):
    """A version that fails; `capability` of the GPU, or any where it is empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    package: str
    versions: str
    capability: str = ""
    state: Literal["warning", "failure"]
    reason: str
    hint: str
    source: str

    def applies(self, package: str, version: str, capabilities: frozenset[str]) -> bool:
        here = not self.capability or self.capability in capabilities
        return here and package == self.package and fnmatchcase(version, self.versions)


@cache
def known_bad() -> tuple[KnownBad, ...]:
    table = tomllib.loads((files("cluster.checks") / "known_bad.toml").read_text("utf-8"))
    return tuple(KnownBad(**entry) for entry in table["bad"])
