"""What nvidia-smi says on the hosts, and what it says besides."""

import pytest

from tests.hosts.gpus import break_driver, give_gpus, take_gpus
from tests.hosts.lab import Lab
from tests.hosts.test_check import findings

pytestmark = pytest.mark.hosts


def test_a_driver_that_complains_takes_no_host_away(ray: Lab) -> None:
    """Below its table, and with the exit code that it has for a warning."""
    host = ray.hosts[1]
    row = "0, NVIDIA H200, 143771, 143000, 9.0, 580.95, GPU-0"
    break_driver(host, f"echo '{row}'; echo 'WARNING: infoROM is corrupted'; exit 14")
    try:
        found = {(each["check"], each["where"]): each for each in findings(ray)}
        assert found["gpu", "h2"]["what"] == "nvidia-smi: WARNING: infoROM is corrupted"
        assert found["gpu", "h2"]["state"] == "warning"
        assert ("ssh", "h2") not in found
        assert "is down" in ray.ok("teardown", "--yes")
        ray.nothing_left()
    finally:
        take_gpus(host)


def test_drivers(lab: Lab) -> None:
    first, second = lab.hosts
    give_gpus(first, 1)
    give_gpus(second, 2, driver="590.48")
    try:
        found = {(each["check"], each["where"]): each["what"] for each in findings(lab)}
        assert found["versions", "hosts"] == (
            "driver is not the same everywhere: h1 580.95, h2 590.48"
        )
        assert found["gpu", "h2"] == "nodes.toml says 1 GPUs, the driver counts 2"
        break_driver(second, "exec sleep 60")
        found = {(each["check"], each["where"]): each["what"] for each in findings(lab)}
        assert found["gpu", "h2"] == "nvidia-smi does not answer within 5 s"
    finally:
        take_gpus(first)
        take_gpus(second)
