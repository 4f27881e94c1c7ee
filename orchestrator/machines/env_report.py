"""The variables of each host as text to paste into a shell; pure."""

import shlex
from collections.abc import Iterator

from cluster.ray.environment_report import EnvironmentReport, HostEnvironment


def exports(report: EnvironmentReport) -> str:
    """A block for each host: names of interfaces differ, so none is for another host."""
    blocks = ["\n".join(variables_of(each, report)) for each in report.hosts]
    return "\n\n".join(blocks)


def variables_of(host: HostEnvironment, report: EnvironmentReport) -> Iterator[str]:
    yield f"# {host.host}: {host.address} on {host.interface}"
    for name, value in host.env.items():
        yield f"export {name}={shlex.quote(value)}"
    for name in host.withheld:
        yield f"# {name} is set too; its value is not shown"
    for name, reason in report.unset.items():
        if name not in host.env:
            yield f"# {name} is left unset: {reason}"
