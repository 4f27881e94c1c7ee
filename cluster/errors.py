"""Every error that a user can meet; knows nothing of what raises it.

OrchestrateError            something failed; exit 1
├── UsageError              the request or the configuration is wrong; exit 2
│   └── ConfigError         nodes.toml, a recipe or the environment: all problems at once
├── PreflightError          what the hosts are like rules it out: all problems at once
├── HostError               one host, one command
│   └── Unreachable         the host did not let us in
├── HostsError              several hosts failed in one stage
├── Busy                    another orchestrate holds the cluster's lock
└── LockLost                another orchestrate may hold it by now: nothing more is changed
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: what, where (file and key, or host), and what to do next."""

    what: str
    where: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}" + (f"\n  hint: {self.hint}" if self.hint else "")


class OrchestrateError(Exception):
    """Something failed; carries the problems to print, one or many."""

    exit_code = 1

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class UsageError(OrchestrateError):
    """The request cannot be understood or contradicts itself."""

    exit_code = 2


class ConfigError(UsageError):
    """nodes.toml, a recipe, --set or the environment holds something impossible."""


class PreflightError(OrchestrateError):
    """Found before anything was started."""


class HostError(OrchestrateError):
    """A command failed on a host; `log` holds the last lines that explain it."""

    def __init__(self, host: str, what: str, hint: str = "", log: str = "") -> None:
        self.host, self.log = host, log
        tail = "".join(f"\n    | {line}" for line in log.splitlines())
        super().__init__(Problem(what + tail, host, hint))


class Unreachable(HostError):
    """The host cannot be reached over SSH; the reason says at which step."""


class HostsError(OrchestrateError):
    """Several hosts failed in one stage; every failure is kept."""

    def __init__(self, failures: Sequence[OrchestrateError]) -> None:
        self.failures = tuple(failures)
        super().__init__(*(p for failure in failures for p in failure.problems))


class Busy(OrchestrateError):
    """Another run of orchestrate is changing this cluster."""


class LockLost(OrchestrateError):
    """This run was away for so long that its lock went; it must not touch what others do now."""

    def __init__(self, head: str) -> None:
        super().__init__(
            Problem(
                "the cluster's lock is lost: this run stood still, or the head did",
                head,
                "orchestrate status shows what runs now",
            )
        )
