"""Run programs with a limit that holds even when a child is stuck in the kernel.

Does not know hosts or namespaces. Output goes through files and not pipes: waiting for the end of
a pipe would wait for every process that inherited it, stuck ones and daemons included.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from tempfile import TemporaryFile

Completed = subprocess.CompletedProcess[str]

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
POLL_INTERVAL_S = 0.01


class ProgramFailed(RuntimeError):
    """A program ended with a status other than 0; the message carries what it wrote."""


def run(
    words: Sequence[str],
    *,
    timeout_s: float = 30,
    input: str | None = None,
    env: Mapping[str, str] | None = None,
    check: bool = True,
) -> Completed:
    """Run a program to its end, or kill its process group and raise TimeoutExpired."""
    with TemporaryFile() as stdin, TemporaryFile() as stdout, TemporaryFile() as stderr:
        stdin.write((input or "").encode())
        stdin.seek(0)
        with subprocess.Popen(
            words, stdin=stdin, stdout=stdout, stderr=stderr, env=env, start_new_session=True
        ) as process:
            try:
                process.wait(timeout_s)
                expired = False
            except subprocess.TimeoutExpired:
                expired = True
            finally:
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
        texts = []
        for stream in (stdout, stderr):
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
    if expired:
        raise subprocess.TimeoutExpired(list(words), timeout_s, texts[0], texts[1])
    if check and process.returncode != 0:
        detail = (texts[1] or texts[0]).strip()
        raise ProgramFailed(f"{list(words)} ended with {process.returncode}: {detail}")
    return Completed(list(words), process.returncode, *texts)


def poll(condition: Callable[[], bool], what: str, timeout_s: float = 10) -> None:
    """Wait until the condition holds; raise TimeoutError naming what was waited for."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s} s")
        time.sleep(POLL_INTERVAL_S)
