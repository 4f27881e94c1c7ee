"""Real logs of vLLM 0.32.0 (CPU build): what is told while it loads, and why it failed."""

from pathlib import Path

import pytest

from orchestrator.serving.load_log import LINE_CHARACTERS, Loading, hopeless, plain, reason
from tests.support.folders import CAPTURED


def log(name: str) -> list[str]:
    return (CAPTURED / f"vllm-{name}.log").read_text("utf-8").splitlines()


def told(lines: list[str]) -> list[str]:
    loading = Loading()
    return [news for line in lines if (news := loading.read(line))]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("unrecognized-argument", "unrecognized arguments: --no-such-flag 3"),
        ("bad-model", "Invalid repository ID or local directory specified: '/etc'."),
        ("bad-parser", "KeyError: 'invalid tool call parser: nope (chose from { apertus,"),
        ("max-len", "User-specified max_model_len (999999) is greater than the derived"),
        ("no-model", "huggingface_hub.errors.HFValidationError: Repo id must be in the form"),
        ("port-taken", "OSError: [Errno 98] Address already in use"),
        ("kv-too-big", "ValueError: Available memory on node 0 (8.29/10.96 GiB) on kv cache"),
        ("worker-killed", "RayWorkerProc rank=[1] died unexpectedly, shutting down executor."),
        ("two-hosts", "its log names no error"),
        ("no-gpus-in-ray", "its log names no error"),
    ],
)
def test_the_reason_is_the_first_cause(name: str, expected: str) -> None:
    found = reason(log(name))
    assert found.startswith(expected)
    assert len(found) <= 400


@pytest.mark.parametrize("file", sorted(CAPTURED.glob("*.log")), ids=lambda file: file.stem)
def test_a_consequence_is_never_the_reason(file: Path) -> None:
    lines = file.read_text("utf-8").splitlines()
    assert "root cause" not in reason(lines)
    consequence = "RuntimeError: Engine core initialization failed. See root cause above."
    assert "Engine core" not in reason([*lines, consequence])


def test_a_lone_consequence_says_nothing() -> None:
    said = "RuntimeError: Engine core initialization failed. See root cause above. Failed: {}"
    assert reason([said]) == "its log names no error"
    assert reason([]) == "its log names no error"


def test_an_exception_that_vllm_only_warns_of_is_no_reason() -> None:
    warning = "(APIServer pid=9) WARNING 11-21 09:27:24 [x.py:1] ImportError: no fancy kernel"
    assert reason([warning]) == "its log names no error"


def test_raylets_wrapping_is_no_reason() -> None:
    lines = [
        "\x1b[36m(RayWorkerWrapper pid=7, ip=10.0.0.2)\x1b[0m Traceback (most recent call last):",
        "ray.exceptions.RayTaskError(OutOfMemoryError): ray::RayWorkerWrapper.execute_method()",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
    ]
    assert reason(lines) == lines[2]


def test_pydantic_states_its_error_on_the_next_lines() -> None:
    lines = [
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for CacheConfig",
        "gpu_memory_utilization",
        "  Input should be less than or equal to 1 [type=less_than_equal, input_value=2, x=y]",
    ]
    assert reason(lines) == (
        "CacheConfig: gpu_memory_utilization: Input should be less than or equal to 1"
    )


def test_progress_of_a_load_over_two_hosts() -> None:
    assert told(log("two-hosts")) == [
        "architecture Qwen3MoeForCausalLM",
        "engine v0.32.0 starts",
        "joining Ray",
        "joined Ray",
        "loading weights: 0 of 1 files",
        "loading weights: 1 of 1 files",
        "weights read in 0.02 s",
        "KV cache: 1,048,576 tokens",
        "engine ready in 38.66 s",
        "server starts",
        "server started",
    ]


def test_progress_on_a_gpu() -> None:
    assert told(
        [
            "(Worker pid=1) INFO 11-21 09:22:52 [x.py:1] Starting to load model /models/m...",
            "Loading safetensors checkpoint shards:  50% Completed | 1/2 [00:01<00:01,  1.0s/it]",
            "Loading safetensors checkpoint shards: 100% Completed | 2/2 [00:02<00:00,  1.0s/it]",
            "(Worker_TP0 pid=1) INFO 11-21 09:22:52 [x.py:1] Loading weights took 1.2 seconds",
            "(Worker_TP1 pid=2) INFO 11-21 09:22:53 [x.py:1] Loading weights took 1.3 seconds",
            "Model loading took 7.25 GiB memory and 3.1 seconds",
            "torch.compile takes 12.31 s in total",
            "GPU KV cache size: 1,347,584 tokens",
            "Capturing CUDA graphs (decode, FULL):  33%|###       | 1/3",
            "Capturing CUDA graphs (decode, FULL):  66%|######    | 2/3",
            "Graph capturing finished in 5 secs, took 0.49 GiB",
            "init engine (profile, create kv cache, warmup model) took 38.66 s",
            "Starting vLLM server on http://127.0.0.1:8235",
            "INFO:     Application startup complete.",
        ]
    ) == [
        "loading the model",
        "loading weights: 1 of 2 files",
        "loading weights: 2 of 2 files",
        "weights read in 1.2 s",
        "weights loaded: 7.25 GiB",
        "compiled in 12.31 s",
        "KV cache: 1,347,584 tokens",
        "CUDA graphs: 33 %",
        "CUDA graphs: 66 %",
        "CUDA graphs done in 5 s",
        "engine ready in 38.66 s",
        "server starts",
        "server started",
    ]


def test_waiting_for_gpus_is_told_and_hopelessness_is_seen() -> None:
    lines = log("no-gpus-in-ray")
    assert told(lines)[-2:] == [
        "waiting for free GPUs in Ray since 30 s",
        "waiting for free GPUs in Ray since 70 s",
    ]
    [vain] = filter(None, map(hopeless, lines))
    assert "fewer GPUs" in vain
    assert not any(map(hopeless, log("two-hosts")))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("(EngineCore pid=3) ERROR 11-21 09:28:49 [core.py:1510] boom", ("ERROR", "boom")),
        ("\x1b[36m(W pid=1, ip=10.0.0.2)\x1b[0m (Worker_TP1 pid=1) hi", ("", "hi")),
        ("\x1b[0;36m(EngineCore_DP0 pid=1)\x1b[0;0m INFO 11-21 09:00:00 [a.py:1] x", ("INFO", "x")),
        ("\x1b[36m(pid=210)\x1b[0m plain", ("", "plain")),
        ("(not a speaker) stays", ("", "(not a speaker) stays")),
        (
            "INFO:     Application startup complete.",
            ("", "INFO:     Application startup complete."),
        ),
    ],
)
def test_speakers_colours_and_stamps_are_taken_off(line: str, expected: tuple[str, str]) -> None:
    assert plain(line) == expected


def test_the_tail_is_short_and_plain() -> None:
    loading = Loading()
    for line in log("worker-killed"):
        loading.read(line)
    assert len(loading.tail()) == 15
    assert not any("\x1b" in line or "pid=" in line for line in loading.tail())


def test_patterns_see_no_more_than_the_beginning_of_a_line() -> None:
    loading = Loading()
    loading.read("ray." * 100_000 + " Error")
    assert len(loading.lines[0]) == LINE_CHARACTERS
    assert len(plain("(" * 100_000)[1]) == LINE_CHARACTERS
