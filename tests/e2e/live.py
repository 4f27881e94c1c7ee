"""What every verb against a live model must do on the real one."""

import json
from pathlib import Path

from tests.testbed.driver import Driver

SCHEMA = {
    "type": "object",
    "properties": {"kind": {"enum": ["red", "green"]}, "ok": {"type": "boolean"}},
    "required": ["kind", "ok"],
    "additionalProperties": False,
}
TRIES = 5  # a model with random weights may fill its tokens with the white space that JSON allows


def guarded(orchestrate: Driver) -> None:
    """Every path that vLLM has, asked from another machine without the key: nothing but /health."""
    base = f"http://{orchestrate.testbed.hosts[0].management}:8200"
    key = orchestrate.testbed.hosts[0].run("cat ~/.orchestrate/lab/api-key").stdout.strip()
    found = json.loads(asked(orchestrate, "GET", f"{base}/openapi.json", key)[1])
    paths = {(method.upper(), path) for path, each in found["paths"].items() for method in each}
    assert len(paths) > 20
    extra = {("GET", "/docs"), ("GET", "/metrics"), ("GET", "/openapi.json"), ("GET", "/nothing")}
    for method, path in sorted(paths | extra):
        code, body = asked(orchestrate, method, base + path, "")
        assert code == (200 if path == "/health" else 401), (method, path, code, body)


def asked(orchestrate: Driver, method: str, url: str, key: str) -> tuple[int, str]:
    """(HTTP status, body) as the control station gets it."""
    words = ["curl", "-s", "-m", "10", "-X", method, "-w", "\n%{http_code}", url]
    header = ["-H", f"Authorization: Bearer {key}"] if key else []
    body, _, code = orchestrate.testbed.control([*words, *header]).stdout.rpartition("\n")
    return int(code), body


def prove(orchestrate: Driver) -> None:
    """Smoke test, generation and structured output, and what is kept of them."""
    guarded(orchestrate)
    folder = orchestrate.testbed.state / "live"
    folder.mkdir()
    smoke(orchestrate, folder)
    words = ("generate", "Hello", "--max-tokens", "8", "--temperature", "0")
    texts = [orchestrate(*words, folder=folder).stdout for _ in range(2)]
    assert texts[0] == texts[1] != ""
    structured(orchestrate, folder)
    bench(orchestrate, folder)
    sampled(orchestrate, folder)
    schemas(orchestrate, folder)
    tools(orchestrate, folder)
    deterministic(orchestrate, folder)
    audited(orchestrate, folder)


def audited(orchestrate: Driver, folder: Path) -> None:
    """The model's files are locked and hashed, then bundled with what is known of its server."""
    manifest, bundle = str(folder / "manifest.json"), str(folder / "bundle.tar.gz")
    for words in (
        ("models", "lock", "tiny"),
        ("models", "manifest", "tiny", "--output", manifest),
        ("audit", "bundle", "--manifest", manifest, "--output", bundle),
        ("audit", "verify", bundle),
    ):
        done = orchestrate(*words, folder=folder)
        assert done.returncode == 0, done.stdout + done.stderr


def deterministic(orchestrate: Driver, folder: Path) -> None:
    """The CPU build adds up in the same order whatever the batch; its cache was cold and warm."""
    words = ("--requests", "10", "--concurrency", "4", "--tokens", "16", "--json")
    done = orchestrate("test", "determinism", *words, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    states = {each["check"]: each["state"] for each in json.loads(done.stdout)["findings"]}
    assert states["prefix cache"] == "pass"
    assert {states[way] for way in ("alone, cold", "alone, warm", "under load, cold")} == {"pass"}


def smoke(orchestrate: Driver, folder: Path) -> None:
    done = orchestrate("test", "smoke", "--json", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert [each["state"] for each in report["findings"]] == ["pass"] * 4
    assert report["tokens"] == 16
    [kept] = (folder / "artifacts" / "test-smoke").glob("*-tiny/result.json")
    record = json.loads(kept.read_text())
    assert record["result"] == report
    server = record["server"]
    assert server["versions"]["vllm"].startswith("0.32")
    assert server["arguments"][1] == "serve"
    assert all(v == "****" for k, v in server["environment"].items() if k.endswith("_KEY"))


def structured(orchestrate: Driver, folder: Path) -> None:
    """xgrammar holds the model to the schema; what was cut off is called so."""
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    words = ("generate", "Pick", "--schema", "schema.json", "--json", "--max-tokens")
    cut = orchestrate(*words, "2", folder=folder)
    assert cut.returncode == 1
    assert "was cut off at the token limit" in cut.stderr
    for _ in range(TRIES):
        done = orchestrate(*words, "1000", folder=folder)
        if done.returncode == 0:
            break
        assert "was cut off at the token limit" in done.stderr
    assert set(json.loads(done.stdout)["value"]) == {"kind", "ok"}


def bench(orchestrate: Driver, folder: Path) -> None:
    """Every request of a small ladder is answered, with lengths to the token."""
    words = ("bench", "--json", "--concurrency", "1,2", "--requests", "4", "--repeats", "2")
    lengths = ("--input-tokens", "16", "--output-tokens", "8")
    done = orchestrate(*words, *lengths, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["exact_lengths"] is True
    for step in found["steps"]:
        assert (step["answered"], step["failed"], step["cached_tokens"]) == (8, {}, 0)
        assert (step["input_tokens"], step["output_tokens"]) == (8 * 16, 8 * 8)
    [page] = (folder / "artifacts" / "bench").glob("*-tiny/report.html")
    assert page.stat().st_size > 10_000


def sampled(orchestrate: Driver, folder: Path) -> None:
    """200 tokens at temperature 0.7, alone on the server, and the same ones again."""
    words = ("--target-tokens", "200", "--chunk-max-tokens", "64", "--json")
    done = orchestrate("sample", *words, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    made = json.loads(done.stdout)
    assert made["tokens"] >= 200
    assert (made["reference"], made["notes"]) == (True, [])
    header = json.loads((folder / made["file"]).read_text().split("\n")[0])
    assert header["server"]["card"]["max_model_len"] == 2048
    again = orchestrate("sample", "replay", made["file"], "--json", folder=folder)
    assert again.returncode == 0, again.stdout + again.stderr
    replayed = json.loads(again.stdout)
    assert (replayed["share"], replayed["logprobs_apart"]) == (1.0, 0.0)
    assert replayed["differences"] == []


def schemas(orchestrate: Driver, folder: Path) -> None:
    """xgrammar takes every schema of the suite and holds a model of random weights to it.

    All but control characters in strings of limited length, where xgrammar errs.
    """
    words = ("test", "structured", "--samples", "2", "--max-tokens", "400", "--json")
    done = orchestrate(*words, folder=folder)
    found = {each["schema"]: each for each in json.loads(done.stdout)["schemas"]}
    assert len(found) == 10, done.stderr
    for name, each in found.items():
        assert each["wrong"] == each["refused"] == each["failed"] == 0, each
        assert each["not_json"] == 0 or name == "lengths", each
    assert found["enum"]["met"] == 2
    [samples] = (folder / "artifacts" / "test-structured").glob("*-tiny/samples.jsonl")
    assert len(samples.read_text().splitlines()) == 20


def tools(orchestrate: Driver, folder: Path) -> None:
    """vLLM was started without tools and says so in its own words; the hint knows them."""
    done = orchestrate("test", "tools", "--max-tokens", "16", "--json", folder=folder)
    assert done.returncode == 1
    found = {each["check"]: each for each in json.loads(done.stdout)["findings"]}
    for check in ("one call", "required, streamed"):
        assert "--set enable_auto_tool_choice=true" in found[check]["hint"], found[check]
