"""A node that was given another name keeps nothing running behind our back."""

from cluster.checks.reach import stray_findings
from cluster.execution.plan import Stop
from cluster.facts.hosts import Facts
from cluster.stop import plan_stop
from tests.support.factory import config_of, entry, fresh, host_facts
from tests.support.findings import said

CONFIG = config_of(entry(1), entry(2))
MARK = "test/old-name/vllm-tiny"
FACTS = Facts((*fresh(CONFIG).hosts[:1], host_facts(CONFIG.node[1], strays={MARK: (7, 8)})), ())


def test_it_is_told_before_anything_starts() -> None:
    states = [(state, where) for state, where, _ in said(stray_findings(CONFIG, FACTS))]
    assert states == [("pass", "h1"), ("failure", "h2")]


def test_it_is_stopped_whatever_the_inventory_calls_it_now() -> None:
    assert str(plan_stop(CONFIG, FACTS)) == (
        f"stop cluster test\nstop services:\n  h2: stop {MARK}"
    )


def test_rays_folder_goes_with_a_ray_of_another_name() -> None:
    stray = host_facts(CONFIG.node[1], strays={"test/old-name/ray-worker": (7,)})
    (stop,) = plan_stop(CONFIG, Facts((stray,), ())).stages[0].steps
    assert isinstance(stop, Stop)
    assert stop.remove == ("/tmp/ray-test-ada",)
