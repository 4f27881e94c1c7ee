"""Who may ask what of ours listens: by service and address."""

import pytest

from cluster.checks.listeners import ANYBODY, KEY, LINK, LOGIN, TOKEN, listener_findings
from cluster.facts.hosts import Facts, HostFacts, Listener
from tests.support.factory import config_of, host_facts, service, survey

CONFIG = config_of(cluster={"name": "test", "fast_network": "10.0.0.0/24"})
ABOUT = {"host": "0.0.0.0", "port": 8000, "served_name": "m"}


def held(port: int, address: str, mark: str) -> Listener:
    return Listener(port=port, address=address, uid=1000, mark=mark)


def host(*ports: Listener) -> HostFacts:
    running = (service("vllm-m", about=ABOUT),)
    return host_facts(CONFIG.head, services=running, survey=survey(), ports=ports)


@pytest.mark.parametrize(
    ("name", "port", "address", "who"),
    [
        ("ray-head", 6379, "0.0.0.0", TOKEN),
        ("ray-head", 8265, "127.0.0.1", TOKEN),
        ("vllm-m", 8000, "0.0.0.0", KEY),
        ("vllm-m", 41000, "::", ANYBODY),
        ("vllm-m", 41000, "10.0.0.1", LINK),
        ("media", 8080, "127.0.0.1", LOGIN),
    ],
)
def test_who_may_ask(name: str, port: int, address: str, who: str) -> None:
    facts = Facts((host(held(port, address, f"test/h1/{name}")),), ())
    [found] = listener_findings(CONFIG, facts)
    assert found.what == f"{name} listens on {address}:{port}: for {who}"
    assert found.state == ("warning" if who == ANYBODY else "pass")
    assert ("10.0.0.0/24" in found.hint) == (who == ANYBODY)


def test_a_service_has_a_line_for_each_kind_of_asker() -> None:
    mark = "test/h1/vllm-m"
    ports = [held(n, "10.0.0.1", mark) for n in (40002, 40001)]
    facts = Facts((host(*ports, held(8000, "0.0.0.0", mark), held(22, "0.0.0.0", "")),), ())
    assert [each.what.split(" for ")[0] for each in listener_findings(CONFIG, facts)] == [
        "vllm-m listens on 10.0.0.1:40001, 40002:",
        "vllm-m listens on 0.0.0.0:8000:",
    ]


def test_what_is_not_ours_is_not_told_of() -> None:
    theirs = held(6379, "0.0.0.0", "other/h1/ray-head")
    assert not list(listener_findings(CONFIG, Facts((host(theirs),), ())))
