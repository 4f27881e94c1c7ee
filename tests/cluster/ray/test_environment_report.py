"""`cluster check --env` shows what `cluster start` gives, host by host."""

from cluster.execution.plan import Start
from cluster.facts.hosts import Facts
from cluster.ray.environment_report import environment_report
from cluster.ray.plan import plan_start
from orchestrator.cli.render import as_json
from orchestrator.machines.env_report import exports
from tests.support.factory import config_of, host_facts, interface, spark

NODES = (
    {"name": "s1", "role": "head", "fast_address": "192.168.100.10", "address": "10.1.0.1"},
    {
        "name": "s2",
        "fast_address": "192.168.100.11",
        "address": "10.1.0.2",
        "env": {"HF_TOKEN": "hf_secret", "NCCL_NOTE": "two words"},
    },
)
CONFIG = config_of(*NODES)
FACTS = Facts(
    tuple(spark(node, f"192.168.101.1{place}") for place, node in enumerate(CONFIG.node)), ()
)
REPORT = environment_report(CONFIG, FACTS)


def test_it_is_what_start_gives_to_ray() -> None:
    steps = [step for stage in plan_start(CONFIG, FACTS, "token").stages for step in stage.steps]
    given = [dict(step.service.command.env) for step in steps if isinstance(step, Start)]
    for shown, env in zip(REPORT.hosts, given, strict=True):
        env.pop("ORCHESTRATE_HEAD_LIMIT_S", None)
        env.pop("HF_TOKEN", None)
        assert shown.env == env


def test_it_can_be_pasted() -> None:
    text = exports(REPORT)
    assert "# s1: 192.168.100.10 on enp1s0f0np0\nexport GLOO_SOCKET_IFNAME=enp1s0f0np0\n" in text
    assert "export NCCL_IB_HCA=roceP2p1s0f0,rocep1s0f0\n" in text
    assert "export RAY_memory_monitor_refresh_ms=0\n" in text
    assert "export NCCL_NOTE='two words'\n" in text
    assert "# NCCL_IB_GID_INDEX is left unset: " in text
    assert all(not line or line.startswith(("#", "export ")) for line in text.splitlines())


def test_secrets_are_named_and_never_shown() -> None:
    for text in (exports(REPORT), as_json(REPORT)):
        assert "HF_TOKEN" in text
        assert "hf_secret" not in text


def test_a_host_without_the_address_is_a_problem() -> None:
    lost = host_facts(CONFIG.node[1], interfaces=(interface("eth0", "10.9.0.1"),))
    report = environment_report(CONFIG, Facts((FACTS.hosts[0], lost), ()))
    assert [each.host for each in report.hosts] == ["s1"]
    assert [problem.where for problem in report.problems] == ["s2"]
