"""Programs of somebody else on a host of the testbed."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.testbed.host import Host
from tests.testbed.observe import pid_of
from tests.testbed.programs import poll


@contextmanager
def listener(host: Host, port: int) -> Iterator[int]:
    """A server of somebody else; its pid, and at the end proof that it still lives."""
    process = host.popen(["python3", "-m", "http.server", str(port)])
    line = f"http.server {port}"
    try:
        poll(lambda: f":{port}" in host.run(["ss", "-Hltn"]).stdout, "it listens")
        yield pid_of(host, line) or 0
        assert pid_of(host, line)
    finally:
        process.kill()
        process.communicate()
