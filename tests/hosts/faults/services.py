"""What runs is stopped, killed, or in each other's way."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.hosts.faults.ground import living
from tests.hosts.lab import API_PORT, GCS_PORT
from tests.support.foreign import listener
from tests.testbed.host import Host
from tests.testbed.programs import poll

SUPERVISOR = "host.launch"


def pids_of(host: Host, service: str, *, supervisor: bool = False) -> list[str]:
    """Of a service's own processes, or of the one that watches over them."""
    found = host.marked(f"lab/{host.name}/{service}")
    own = {pid: line for pid, line in found.items() if pid not in living(host)}
    return [str(pid) for pid, line in own.items() if line.endswith(SUPERVISOR) == supervisor]


@contextmanager
def stopped(host: Host, service: str) -> Iterator[None]:
    """SIGSTOP to all of its processes; not undone."""
    host.run(["kill", "-STOP", *pids_of(host, service)])
    yield


@contextmanager
def killed(host: Host, service: str) -> Iterator[None]:
    """SIGKILL to all of its processes; the supervisor sees it."""
    host.run(["kill", "-9", *pids_of(host, service)], check=False)  # one may take others along
    poll(lambda: not pids_of(host, service, supervisor=True), f"{service} is over")
    yield


@contextmanager
def unwatched(host: Host, service: str) -> Iterator[None]:
    """SIGKILL to its supervisor alone."""
    host.run(["kill", "-9", *pids_of(host, service, supervisor=True)])
    yield


@contextmanager
def taken_ports(host: Host) -> Iterator[None]:
    """Somebody else listens on those ports of Ray and of the model that are free."""
    with ExitStack() as stack:
        for port in (GCS_PORT, API_PORT):
            if f":{port} " not in host.run(["ss", "-Hltn"]).stdout:
                stack.enter_context(listener(host, port))
        yield
