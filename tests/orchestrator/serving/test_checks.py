"""What keeps a model from being launched, all at once."""

from cluster.facts.hosts import Facts, HostFacts, Listener, RunningService
from cluster.inventory.config import ClusterConfig
from cluster.runtimes.service import Service
from cluster.transport.command import Command
from orchestrator.capacity.placement import Placement
from orchestrator.serving.checks import launch_findings, software_findings
from tests.support.factory import GIB, config_of, gpu, host_facts, service, survey, whole

CONFIG = config_of()


def made(config: ClusterConfig) -> Service:
    words = ("vllm", "serve", "--max-model-len", "64")
    return Service(
        "test", "vllm-tiny", config.head, Command(words), labels={"host": "127.0.0.1", "port": 8200}
    )


def problems(
    *hosts: HostFacts, facts: Facts | None = None, existing: RunningService | None = None
) -> list[str]:
    placement = Placement(hosts, len(hosts), 1)
    known = facts or Facts(hosts, ())
    found = launch_findings(CONFIG, known, placement, made(CONFIG), existing)
    return [str(each.problem) for each in found if each.state == "failure"]


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
    other = service("vllm-other", about={"host": "127.0.0.1", "port": 8200})
    assert problems(host_facts(CONFIG.head, services=(other,))) == [
        "h1: port 8200 is taken by our own vllm-other\n  hint: --set port=8201"
    ]


def test_the_same_model_with_other_arguments_is_not_replaced_in_silence() -> None:
    same = service("vllm-tiny", words=made(CONFIG).command.argv)
    host = host_facts(CONFIG.head, services=(same,))
    assert problems(host, existing=same) == []
    other = service("vllm-tiny", words=("vllm", "serve", "--max-model-len", "128"))
    [problem] = problems(host, existing=other)
    assert "vllm-tiny runs already, with other arguments (128 64)" in problem


def missing(*hosts: HostFacts) -> list[str]:
    found = software_findings(Placement(hosts, len(hosts), 1))
    return [str(each.problem).splitlines()[0] for each in found if each.state == "failure"]


def test_vllm_must_be_there_on_every_host_and_ray_where_it_is_used() -> None:
    bare = {"python": "3.12.3", "ray": "2.60.0"}
    alone = {"python": "3.12.3", "vllm": "0.32.0"}
    hosts = [host_facts(node, versions=bare) for node in CONFIG.node]
    assert missing(*hosts) == [
        "h1: no vLLM in /home/ada/vllm-env",
        "h2: no vLLM in /home/ada/vllm-env",
    ]
    first, second = (host_facts(node, versions=alone) for node in CONFIG.node)
    assert missing(first) == []
    assert missing(first, second)[1] == "h2: no Ray in /home/ada/vllm-env"


def test_a_gpu_that_is_not_wanted_may_be_held() -> None:
    gpus = tuple(gpu(index, uuid=f"GPU-{index}") for index in range(2))
    held = {"gpu": "GPU-1", "pid": 7, "name": "train", "memory": 100 * GIB}
    host = host_facts(CONFIG.head, gpus=gpus, survey=survey(gpu_users=[held]))
    assert problems(host) == []
    [problem] = problems(host_facts(CONFIG.head, gpus=gpus[1:], survey=survey(gpu_users=[held])))
    assert problem.startswith("h1: GPU 1: pid 7 (train) holds 100.0 GiB of its memory")


def test_a_model_that_stands_still_is_named_and_not_waited_for() -> None:
    words = made(CONFIG).command.argv
    still = service("vllm-tiny", words=words, stopped=("VLLM::EngineCor",))
    host = host_facts(CONFIG.head, services=(still,))
    assert problems(host, existing=still) == [
        "h1: vllm-tiny runs already, and stands still (1 of 2 processes stopped by a signal: "
        "VLLM::EngineCor)\n  hint: orchestrate logs vllm-tiny --host h1, then orchestrate teardown"
    ]
