"""Fixtures that every test may use, and the skipping of tests that this machine cannot run."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from tests.testbed.testbed import Testbed, default_state

# a busy machine is no failure; on CI the same examples each time, at a desk always new ones
settings.register_profile("untimed", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("untimed")
# a shell that starts us in the background ignores Ctrl-C for us, and for all that tests start
signal.signal(signal.SIGINT, signal.default_int_handler)
TESTBED_MARKS = {"hosts", "e2e"}
TESTBED_PROGRAMS = ("ip", "nft", "nsenter", "setpriv", "ss", "ssh", "ssh-keygen", "sshd", "tc")


def reason_against_testbed() -> str | None:
    """Say why this machine cannot run a testbed; None when it can."""
    if sys.platform != "linux":
        return "the testbed needs Linux"
    if os.geteuid() != 0:
        return "the testbed needs root"
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [name for name in TESTBED_PROGRAMS if shutil.which(name, path=search) is None]
    if missing:
        return f"the testbed needs {', '.join(missing)}"
    if subprocess.run(["unshare", "--net", "--mount", "true"], check=False).returncode:
        return "the testbed needs to make namespaces, which this container forbids"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that need a testbed where there can be none."""
    needing = [item for item in items if TESTBED_MARKS & {m.name for m in item.iter_markers()}]
    if needing and (reason := reason_against_testbed()):
        for item in needing:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def two_hosts() -> Iterator[Testbed]:
    """Two hosts for all tests of a module: each test leaves them as it found them."""
    with Testbed.up(2, state=Path(f"{default_state()}-two")) as testbed:
        yield testbed


@pytest.fixture
def hosts_up() -> Iterator[Callable[[int], Testbed]]:
    """Give a function that makes hosts for one test, which may wreck them."""
    with ExitStack() as stack:
        made = 0

        def up(count: int) -> Testbed:
            nonlocal made
            made += 1
            state = Path(f"{default_state()}-own{made}")
            return stack.enter_context(Testbed.up(count, state=state))

        yield up
