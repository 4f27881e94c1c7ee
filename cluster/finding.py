"""What one check says of one place: pass, warning or failure, with a hint where it is no pass."""

from dataclasses import dataclass
from typing import Literal

from cluster.errors import Problem

State = Literal["pass", "warning", "failure"]


@dataclass(frozen=True)
class Finding:
    """`check` is the stable name that --force takes; `where` a host, or `a -> b`."""

    check: str
    where: str
    state: State
    what: str
    hint: str = ""

    @property
    def problem(self) -> Problem:
        return Problem(self.what, self.where, self.hint)
