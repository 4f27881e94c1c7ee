"""The command of ssh's ProxyCommand as a socket; paramiko's own never notices its end."""

import socket
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

SAID_BYTES = 2000


@dataclass(frozen=True)
class ProxyCommand:
    """A running command, our end of its standard streams, and where it writes its errors."""

    sock: socket.socket
    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    def said(self) -> str:
        """The last line that it wrote to standard error."""
        with suppress(OSError, ValueError):
            self.errors.seek(0)
            lines = self.errors.read(SAID_BYTES).decode(errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""

    def close(self) -> None:
        self.sock.close()
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        self.errors.close()


def run_proxy(command: str) -> ProxyCommand:
    """As ssh: through a shell, in a session of its own so that Ctrl-C leaves it to us.
    Raises OSError.
    """
    ours, theirs = socket.socketpair()
    errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with the rest
    with theirs:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=errors,
            start_new_session=True,
        )
    return ProxyCommand(ours, process, errors)
