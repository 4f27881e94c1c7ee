"""A fact that cannot be read is one finding."""

from cluster.checks.facts import fact_findings
from cluster.checks.software import venv_findings
from cluster.facts.hosts import Facts
from tests.support.factory import config_of, gpu, host_facts

CONFIG = config_of()
WHY = "/home/ada/vllm-env/bin/python: Permission denied"


def test_each_is_named_with_its_reason() -> None:
    host = host_facts(CONFIG.head, unread={"ports": "odd", "versions": WHY}, versions={})
    facts = Facts((host, host_facts(CONFIG.workers[0])), ())
    found = [(each.where, each.state, each.what) for each in fact_findings(CONFIG, facts)]
    assert found == [
        ("h1", "failure", "ports cannot be read: odd"),
        ("h1", "failure", f"versions cannot be read: {WHY}"),
        ("h2", "pass", "everything we ask can be read"),
    ]
    first, _ = venv_findings(CONFIG, facts)
    assert first.what == f"/home/ada/vllm-env cannot be used: {WHY}"


def test_what_the_driver_says_besides_is_a_warning() -> None:
    from cluster.checks.gpus import gpu_findings

    host = host_facts(CONFIG.head, driver_note="infoROM is corrupted", gpus=(gpu(),))
    states = {each.state: each.what for each in gpu_findings(CONFIG, Facts((host,), ()))}
    assert states == {"pass": "1 NVIDIA H200", "warning": "nvidia-smi: infoROM is corrupted"}
