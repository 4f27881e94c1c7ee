"""`serve` of a model that cannot be asked for, cannot start, dies, hangs, or is interrupted."""

import json
import signal

import pytest

from tests.hosts.lab import ALONE, API_PORT, QUICK, Lab, end_of, wait_for
from tests.support.foreign import listener

pytestmark = pytest.mark.hosts

TINY = ("serve", "--model", "tiny")


@pytest.fixture
def alone(lab: Lab) -> Lab:
    """A lab in which the model runs on h1 and needs no Ray."""
    lab.use(nodes=ALONE)
    return lab


def gate(lab: Lab) -> str:
    """What makes the stand-in load for ever: the file is never made."""
    return f"env.STAND_IN_GATE={lab.share}/never"


# -- wrong requests: nothing is started, exit 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "tinyy"), "no recipe `tinyy`\n  hint: did you mean `tiny`?"),
        (("--model", "tiny", "--set", "max_model_len"), "--set: `max_model_len` is not key=value"),
        (("--model", "tiny", "--set", "max_model_length=9"), "did you mean `max_model_len`"),
        (("--model", "tiny", "--set", "tool_call_parser=qwen3xml"), "did you mean `qwen3_xml`"),
        (("--model", "tiny", "--set", "dtype=float23"), "vLLM 0.32.0 has no --dtype `float23`"),
        (("--model", "tiny", "--set", "port=99999"), "port"),
        (("--recipe", "/nowhere.toml"), "/nowhere.toml: no such recipe file"),
        ((), "no recipe is named"),
    ],
)
def test_a_wrong_request(alone: Lab, words: tuple[str, ...], message: str) -> None:
    assert message in alone.fails("serve", *words, code=2)
    alone.nothing_left()


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"h2": {"colour": "red"}}, "[[node]] number 2, colour: unknown key"),
        ({"h2": {"role": "head"}}, "2 heads: h1, h2"),
        ({"h2": {"fast_address": "10.9.9.9"}}, "10.9.9.9 is outside the fast network"),
    ],
)
def test_a_wrong_inventory(lab: Lab, nodes: dict[str, dict[str, str | int]], message: str) -> None:
    lab.use(nodes=nodes)
    assert message in lab.fails("cluster", "start", code=2)


def test_no_inventory(lab: Lab) -> None:
    said = lab.fails("status", "--nodes", "/nowhere.toml", code=2)
    assert "/nowhere.toml: no such inventory" in said


# -- hosts that are not ready for it


def test_ray_is_not_up(lab: Lab) -> None:
    said = lab.fails(*TINY)
    assert "Ray does not count h1, h2 alive" in said
    assert "hint: orchestrate cluster start" in said


def test_a_lost_host_is_named_where_its_gpu_is_wanted(ray: Lab) -> None:
    ray.hosts[1].power_off()
    said = ray.fails(*TINY, "--set", "tensor_parallel_size=2")
    assert "2 GPUs are wanted, but there are: h1 1 of 1 free" in said
    assert f"h2: {ray.hosts[1].management}:22" in said


def test_somebody_else_has_the_port(alone: Lab) -> None:
    with listener(alone.hosts[0], API_PORT) as pid:
        said = alone.fails(*TINY)
        assert f"h1: port {API_PORT} on 0.0.0.0 is taken by pid {pid} (python3 -m http" in said
    alone.nothing_left()


# -- a launch that goes wrong


def test_a_model_that_dies_while_loading(alone: Lab) -> None:
    """The message has the first error and not the last one, and nothing of vLLM lives on."""
    said = alone.fails(*TINY, "--set", "env.STAND_IN_DIES=1")
    reason = "ValueError: No available memory for the cache blocks."
    assert f"h1: vllm-tiny exited with code 1: {reason}" in said
    assert "hint: orchestrate logs vllm-tiny" in said
    alone.nothing_left()
    assert "Engine core initialization failed" in alone.ok("logs", "vllm-tiny")
    assert "failed" in alone.run("status").stdout
    alone.ok(*TINY)


def test_a_model_that_never_answers(alone: Lab) -> None:
    """/health says yes and no completion comes back: that is not ready."""
    alone.use(nodes=ALONE, tables=QUICK + "\n[serve]\nready_timeout_s = 2\n")
    said = alone.fails(*TINY, "--set", "env.STAND_IN_MUTE=1")
    assert "h1: vllm-tiny did not get to a first answer within 2 s" in said
    assert "orchestrate logs vllm-tiny" in said
    alone.nothing_left()
    assert "startup complete" in alone.ok("logs", "vllm-tiny")


def test_a_model_that_stopped_answering_is_not_healthy(alone: Lab) -> None:
    alone.ok(*TINY)
    (server,) = (p for p, line in alone.hosts[0].marked("").items() if "vllm serve" in line)
    alone.hosts[0].run(["kill", "-STOP", str(server)])
    report = alone.run("status", "--json")
    assert report.returncode == 1
    (service,) = json.loads(report.stdout)["services"]
    assert (service["state"], service["detail"]) == (
        "failing",
        "1 of 3 processes stopped by a signal: vllm",
    )


def test_a_second_serve_starts_nothing(alone: Lab) -> None:
    alone.ok(*TINY)
    before = alone.hosts[0].marked("")
    assert "runs already" in alone.run(*TINY).stderr
    said = alone.fails(*TINY, "--set", "max_model_len=1024")
    assert "h1: vllm-tiny runs already, with other arguments (1024 2048)" in said
    assert alone.hosts[0].marked("") == before


def test_ctrl_c_while_it_loads_takes_the_launch_back(alone: Lab) -> None:
    process = alone.started(*TINY, "--set", gate(alone))
    wait_for(process, "loading weights")
    process.send_signal(signal.SIGINT)
    code, said = end_of(process)
    assert code == 130, said
    assert "interrupted" in said
    alone.nothing_left()
    assert alone.lock_is_free()


def test_the_host_is_lost_while_it_loads(alone: Lab) -> None:
    process = alone.started(*TINY, "--set", gate(alone))
    wait_for(process, "loading weights")
    alone.hosts[0].power_off()
    code, said = end_of(process)
    assert code == 1, said
    assert f"h1: {alone.hosts[0].management}:22" in said
    assert "Traceback" not in said


def test_ctrl_c_leaves_alone_what_ran_before(alone: Lab) -> None:
    alone.ok(*TINY, "--detach", "--set", gate(alone))
    before = alone.hosts[0].marked("")
    process = alone.started(*TINY, "--set", gate(alone))
    wait_for(process, "loading weights")
    process.send_signal(signal.SIGINT)
    assert end_of(process)[0] == 130
    assert alone.hosts[0].marked("") == before
