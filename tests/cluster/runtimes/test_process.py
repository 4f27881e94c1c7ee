"""The seam behind which all ways to run a service stand; `process` wraps nothing."""

from cluster.runtimes import RUNTIMES, python_of, runtime_of, started_in
from cluster.runtimes.service import Needs, Service
from cluster.transport.command import Command
from tests.support.factory import config_of, host_facts

CONFIG = config_of()
HOST = host_facts(CONFIG.head)


def test_a_process_runs_as_it_is() -> None:
    runtime = runtime_of(CONFIG)
    service = Service("test", "demo", CONFIG.head, Command(("sleep", "1"), {"A": "1"}))
    assert started_in(runtime, service) == service
    assert runtime.executable(HOST, "vllm") == "/home/ada/vllm-env/bin/vllm"
    assert python_of(runtime, HOST) == ("/home/ada/vllm-env/bin/python",)
    assert runtime.listing("test", CONFIG.head) is None
    assert runtime.end("7") is None
    assert list(runtime.checks(HOST, Needs())) == []


def test_a_runtime_is_found_by_its_name() -> None:
    assert all(name == runtime.name for name, runtime in RUNTIMES.items())
