"""What one check says of one place: pass, warning or failure, with a hint where it is no pass."""

from dataclasses import dataclass
from typing import Literal

from cluster.errors import Problem

ALL_HOSTS = "hosts"  # where a finding is of no host alone
State = Literal["pass", "warning", "failure"]


@dataclass(frozen=True)
class Finding:
    """`check` is the stable name that --force takes; `where` a host, `a -> b`, or ALL_HOSTS."""

    check: str
    where: str
    state: State
    what: str
    hint: str = ""

    @property
    def problem(self) -> Problem:
        return Problem(self.what, self.where, self.hint)
