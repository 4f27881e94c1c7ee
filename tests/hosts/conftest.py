"""The lab of the fault tests: hosts for a module, put in order after each test."""

from collections.abc import Iterator

import pytest

from tests.hosts.lab import Lab
from tests.testbed.testbed import Testbed


@pytest.fixture(scope="module")
def furnished(two_hosts: Testbed) -> Lab:
    """Two hosts with a stand-in environment and a model on their share."""
    return Lab(two_hosts).furnish()


@pytest.fixture
def lab(furnished: Lab) -> Iterator[Lab]:
    """Hosts on which nothing of orchestrate runs or lies."""
    yield furnished
    furnished.reset()


@pytest.fixture
def ray(lab: Lab) -> Lab:
    """The same, with Ray up."""
    lab.ok("cluster", "start")
    return lab
