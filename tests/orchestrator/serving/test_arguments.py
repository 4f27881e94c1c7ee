"""What vLLM would refuse after ten minutes is refused at once."""

import json

import pytest

from cluster.errors import ConfigError, HostError
from cluster.reporter import SILENT
from cluster.runtimes.process import Process
from cluster.transport.program import PROGRAM_DIED
from cluster.transport.protocol import Result
from orchestrator.recipes.layer import Value
from orchestrator.serving.arguments import (
    AcceptedArguments,
    argument_problems,
    ask,
    check_arguments,
)
from tests.support.factory import config_of, host_facts
from tests.support.scripted import Script

PROGRAM = "orchestrator.host.vllm_arguments"
OPTIONS: dict[str, list[str] | None] = {
    "--max-model-len": None,
    "--enforce-eager": None,
    "--no-enforce-eager": None,
    "--dtype": ["auto", "float16", "float32"],
    "--tool-call-parser": None,
    "--reasoning-parser": None,
    "--tool-parser-plugin": None,
    "-tp": None,
}
ACCEPTED = AcceptedArguments(
    options=OPTIONS, tool_parsers=["hermes", "qwen3_xml"], reasoning_parsers=["qwen3"]
)
HOST = host_facts(config_of().head)


def problems(**args: Value) -> list[str]:
    return [str(problem) for problem in argument_problems(args, ACCEPTED, "0.32.0")]


def test_what_vllm_knows_passes() -> None:
    assert not problems(
        max_model_len=8192,
        enforce_eager=False,
        dtype="float32",
        tool_call_parser="qwen3_xml",
        reasoning_parser="qwen3",
    )


def test_every_wrong_argument_is_named_with_the_nearest_right_one() -> None:
    assert problems(max_model_length=1, dtype="float31", tool_call_parser="qwen3xml") == [
        "args.max_model_length: vLLM 0.32.0 has no option --max-model-length\n"
        "  hint: did you mean `max_model_len`?",
        "args.dtype: vLLM 0.32.0 has no --dtype `float31`\n"
        "  hint: did you mean `float32` or `float16`?",
        "args.tool_call_parser: vLLM 0.32.0 has no --tool-call-parser `qwen3xml`\n"
        "  hint: did you mean `qwen3_xml`?",
    ]


def test_a_parser_like_no_other_lists_them_all() -> None:
    [problem] = problems(reasoning_parser="zzz")
    assert problem.endswith("hint: known: qwen3")


def test_a_parser_that_a_plugin_of_the_users_registers_is_no_mistake() -> None:
    assert problems(tool_call_parser="mine")
    assert not problems(tool_call_parser="mine", tool_parser_plugin="/home/ada/mine.py")


def test_the_host_is_asked_with_its_version() -> None:
    script = Script(answers={PROGRAM: lambda node, request: ACCEPTED.model_dump()})
    with pytest.raises(ConfigError, match="no option --nope"):
        check_arguments(script, HOST, {"nope": 1}, SILENT, Process(), keep=True)
    assert script.ran == [("h1", PROGRAM, {"version": "0.32.0", "keep": True})]


def test_a_vllm_that_does_not_start_says_why() -> None:
    broken = Result(1, "", "Traceback\nImportError: libcuda.so.1")
    script = Script(answers={PROGRAM: lambda node, request: broken})
    with pytest.raises(HostError, match="does not say which arguments") as caught:
        ask(script, HOST, SILENT, Process(), keep=False)
    assert "| ImportError: libcuda.so.1" in str(caught.value)


def test_a_disk_that_takes_nothing_is_told() -> None:
    died = Result(1, json.dumps({PROGRAM_DIED: "/home/ada/.cache: No space left on device"}), "")
    script = Script({PROGRAM: lambda node, request: died})
    with pytest.raises(HostError, match=r"program failed: .*No space left on device"):
        ask(script, HOST, SILENT, Process())
