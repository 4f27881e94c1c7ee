"""Keys that are valid alone and cannot stand together: told before any host is asked."""

from typing import Any

import pytest

from cluster.errors import ConfigError
from tests.support.factory import config_of


@pytest.mark.parametrize(
    ("ray", "what", "hint"),
    [
        ({"worker_ports": "70000-70100"}, "70000-70100 is no range of ports", "to 65535"),
        ({"worker_ports": "20999-20000"}, "20999-20000 is no range of ports", "first-last"),
        ({"worker_ports": "1000-1100"}, "1000-1100 is no range of ports", "from 1024"),
        ({"worker_ports": "6000-7000"}, "6000-7000 holds `ray.port` 6379", "leave 6379 to it"),
        ({"dashboard_port": 20500}, "holds `ray.dashboard_port` 20500", "leave 20500 to it"),
        ({"dashboard_port": 6379}, "6379 is also `ray.dashboard_port`", "two ports"),
    ],
)
def test_ports_of_ray(ray: dict[str, Any], what: str, hint: str) -> None:
    with pytest.raises(ConfigError) as error:
        config_of(ray=ray)
    (problem,) = error.value.problems
    assert what in problem.what
    assert hint in problem.hint
    assert problem.where.startswith("nodes.toml [ray], ")


def test_ports_that_can_stand_together() -> None:
    assert config_of(ray={"port": 6380, "worker_ports": "6381-6500"}).ray.port == 6380
