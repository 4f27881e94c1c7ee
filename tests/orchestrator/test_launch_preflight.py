"""What keeps a model from being launched, all at once."""

from cluster.command import Command
from cluster.config import ClusterConfig
from cluster.facts import Facts, HostFacts, Listener, RunningService
from cluster.plan import Service
from orchestrator.placement import Placement
from orchestrator.preflight import launch_problems
from tests.factory import config_of, host_facts, service, whole

CONFIG = config_of()


def made(config: ClusterConfig) -> Service:
    words = ("vllm", "serve", "--max-model-len", "64")
    return Service("test", "vllm-tiny", config.head, Command(words), about={"port": 8200})


def problems(
    *hosts: HostFacts, facts: Facts | None = None, existing: RunningService | None = None
) -> list[str]:
    placement = Placement(hosts, len(hosts), 1)
    known = facts or Facts(hosts, ())
    found = launch_problems(CONFIG, known, placement, made(CONFIG), existing)
    return [str(problem) for problem in found]


def test_a_whole_cluster_has_none() -> None:
    facts = whole(CONFIG)
    assert problems(*facts.hosts, facts=facts) == []


def test_ray_must_count_every_host_that_is_used() -> None:
    facts = whole(CONFIG, lost=("h2",))
    assert problems(*facts.hosts, facts=facts) == [
        "Ray: Ray does not count h2 alive, and the model spreads over 2 hosts\n"
        "  hint: orchestrate cluster start"
    ]
    assert problems(facts.hosts[0], facts=facts) == []


def test_the_port_may_be_a_strangers_or_our_own_other_models() -> None:
    stranger = Listener(port=8200, address="127.0.0.1", uid=0, pid=9, command="nginx")
    [problem] = problems(host_facts(CONFIG.head, ports=(stranger,)))
    assert "port 8200 on 127.0.0.1 is taken by pid 9 (nginx)" in problem
    other = service("vllm-other", about={"port": 8200})
    assert problems(host_facts(CONFIG.head, services=(other,))) == [
        "h1: port 8200 is taken by our own vllm-other\n  hint: --set port=8201"
    ]


def test_the_same_model_with_other_arguments_is_not_replaced_in_silence() -> None:
    same = service("vllm-tiny", words=made(CONFIG).command.words)
    host = host_facts(CONFIG.head, services=(same,))
    assert problems(host, existing=same) == []
    other = service("vllm-tiny", words=("vllm", "serve", "--max-model-len", "128"))
    [problem] = problems(host, existing=other)
    assert "vllm-tiny runs already, with other arguments (128 64)" in problem


def test_vllm_must_be_there() -> None:
    [problem] = problems(host_facts(CONFIG.head, versions={"python": "3.12.3", "ray": "2.60.0"}))
    assert problem.startswith("h1: no vLLM in /home/ada/vllm-env")
