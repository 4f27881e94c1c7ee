"""What `cluster start`, `cluster stop` and `teardown` would do, as text that a person has read."""

from cluster.facts.hosts import Facts
from cluster.ray.plan import plan_start
from cluster.stop import plan_stop
from tests.support.factory import config_of, ended, entry, fresh, host_facts, service, spark, whole
from tests.support.golden_text import assert_golden

CONFIG = config_of(entry(1), entry(2), entry(3))
TOKEN = "a-secret-of-32-characters-or-more"


def test_start_of_a_fresh_cluster() -> None:
    assert_golden("start-fresh", str(plan_start(CONFIG, fresh(CONFIG), TOKEN)))


def test_start_on_two_sparks() -> None:
    config = config_of(
        {
            "name": "spark-1",
            "role": "head",
            "fast_address": "192.168.100.10",
            "address": "10.1.0.1",
        },
        {
            "name": "spark-2",
            "fast_address": "192.168.100.11",
            "address": "10.1.0.2",
            "env": {"NCCL_DEBUG": "INFO"},
        },
    )
    head, worker = config.node
    facts = Facts((spark(head, "192.168.101.10"), spark(worker, "192.168.101.11")), ())
    assert_golden("start-sparks", str(plan_start(config, facts, TOKEN)))


def test_start_of_a_whole_cluster_is_empty() -> None:
    plan = plan_start(CONFIG, whole(CONFIG), TOKEN)
    assert not plan
    assert str(plan) == "start Ray of cluster test: nothing to do"


def test_start_brings_back_just_the_lost_worker() -> None:
    assert_golden("start-lost-worker", str(plan_start(CONFIG, whole(CONFIG, lost=("h3",)), TOKEN)))


def test_a_worker_without_a_service_is_lost_too() -> None:
    up = whole(CONFIG)
    facts = Facts((*up.hosts[:2], host_facts(CONFIG.node[2])), ())
    plan = plan_start(CONFIG, facts, TOKEN)
    assert [step.node.name for stage in plan.stages for step in stage.steps] == ["h3"]


def test_a_young_worker_is_given_time_to_join() -> None:
    up = whole(CONFIG, lost=("h3",))
    young = up.hosts[2].model_copy(update={"services": (service("ray-worker", age_s=3.0),)})
    assert not plan_start(CONFIG, Facts((*up.hosts[:2], young), ()), TOKEN)


def test_a_stale_head_is_cleared_everywhere_first() -> None:
    up = whole(CONFIG)
    stale = up.hosts[0].model_copy(update={"services": (ended("ray-head"),), "ports": ()})
    facts = Facts((stale, *up.hosts[1:]), ())
    assert_golden("start-stale-head", str(plan_start(CONFIG, facts, TOKEN)))


def test_an_old_head_that_does_not_listen_is_started_anew() -> None:
    up = whole(CONFIG)
    deaf = up.hosts[0].model_copy(update={"ports": ()})
    assert plan_start(CONFIG, Facts((deaf, *up.hosts[1:]), ()), TOKEN)


def test_stop_goes_in_reverse_order() -> None:
    up = whole(CONFIG)
    serving = (*up.hosts[0].services, service("vllm-tiny"))
    head = up.hosts[0].model_copy(update={"services": serving})
    facts = Facts((head, *up.hosts[1:]), ())
    assert_golden("stop", str(plan_stop(CONFIG, facts)))
    assert_golden("stop-only-ray", str(plan_stop(CONFIG, facts, only_ray=True)))


def test_stop_where_nothing_runs_is_empty() -> None:
    assert str(plan_stop(CONFIG, fresh(CONFIG))) == "stop cluster test: nothing to do"


def test_a_worker_whose_ray_stands_still_is_brought_back_though_its_head_counts_it() -> None:
    up = whole(CONFIG)
    still = service("ray-worker", stopped=("raylet",))
    hosts = (*up.hosts[:2], up.hosts[2].model_copy(update={"services": (still,)}))
    plan = plan_start(CONFIG, Facts(hosts, ()), TOKEN)
    assert {step.node.name for stage in plan.stages for step in stage.steps} == {"h3"}
    model = service("ray-worker", stopped=("python",))  # a process of a model, Ray itself goes on
    hosts = (*up.hosts[:2], up.hosts[2].model_copy(update={"services": (model,)}))
    assert not plan_start(CONFIG, Facts(hosts, ()), TOKEN)


def test_a_head_whose_ray_stands_still_is_down() -> None:
    up = whole(CONFIG)
    still = service("ray-head", stopped=("gcs_server", "raylet"))
    hosts = (up.hosts[0].model_copy(update={"services": (still,)}), *up.hosts[1:])
    plan = plan_start(CONFIG, Facts(hosts, ()), TOKEN)
    assert {step.node.name for step in plan.stages[-1].steps} == {"h1", "h2", "h3"}
