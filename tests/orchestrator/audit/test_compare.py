"""Two bundles: every class of difference is found, the most important one first."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.audit.compare import BundleComparison, compare_bundles
from orchestrator.audit.verify import verify_bundle
from orchestrator.records.provenance import Provenance
from tests.support.audit_facts import (
    COMMIT,
    LOCKED,
    NOON,
    SHA256,
    files,
    manifest,
    samples,
    server,
    written,
)
from tests.support.typed import typed

OTHER = "f" * 40


def against(tmp_path: Path, **changes: Any) -> BundleComparison:
    """The plain bundle and one that was made otherwise."""
    first = verify_bundle(written(tmp_path / "first.tar.gz"))
    second = verify_bundle(written(tmp_path / "second.tar.gz", files(**changes)))
    return compare_bundles(first, second)


def mattering(done: BundleComparison) -> list[str]:
    return [f"{each.rank}: {each.name}" for each in done.differences if each.matters]


def words(**changes: str) -> tuple[str, ...]:
    """The arguments with other values of some options."""
    found = list(server().arguments)
    for name, value in changes.items():
        found[found.index(f"--{name}") + 1] = value
    return tuple(found)


def hosts(**changes: Any) -> Provenance:
    return server(hosts=tuple(dataclasses.replace(h, **changes) for h in server().hosts))


def versions(**changes: str) -> Provenance:
    return hosts(versions={**server().hosts[0].versions, **changes})


def test_a_bundle_is_equal_to_itself(tmp_path: Path) -> None:
    done = against(tmp_path)
    assert done.equal
    assert done.differences == ()
    assert done.agreements == ("100 % of 6 tokens in 2 chunks are the same",)


def test_times_and_names_do_not_count(tmp_path: Path) -> None:
    renamed = hosts(address="10.9.9.9")
    env = {**renamed.environment, "NCCL_IB_HCA": "mlx5_0"}
    done = against(
        tmp_path,
        created=NOON.replace(hour=13),
        by="grace@desk",
        server=dataclasses.replace(
            renamed, url="http://elsewhere", environment=env, arguments=words(port="9000")
        ),
    )
    assert done.equal
    assert [each.name for each in done.differences] == [
        "NCCL_IB_HCA",
        "addresses",
        "created",
        "created by",
        "port",
        "serving since",
        "url",
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (versions(vllm="0.33.0"), "software: vllm"),
        (versions(torch="2.14.0"), "software: torch"),
        (versions(cuda="13.1"), "software: cuda"),
        (versions(ray="2.61.0"), "software: ray"),
        (hosts(driver="590.1"), "software: driver"),
        (hosts(kernel="6.19.0"), "software: kernel"),
        (server(arguments=words(dtype="float32")), "arguments: dtype"),
        (server(arguments=words(seed="2")), "arguments: seed"),
        (server(arguments=(*words(), "--max-num-seqs", "1")), "arguments: max_num_seqs"),
        (server(arguments=(*words(), "--no-async-scheduling")), "arguments: async_scheduling"),
        (server(arguments=tuple(w for w in words() if w != "--enforce-eager")),
         "arguments: enforce_eager"),
        (server(split="tensor parallel 1 on h1, h2"), "arguments: split"),
        (server(environment={"HF_TOKEN": "****"}), "environment: VLLM_BATCH_INVARIANT"),
        (hosts(gpus=("NVIDIA GB10",)), "hardware: GPUs"),
        (hosts(machine="aarch64"), "hardware: machine"),
    ],
)  # fmt: skip
def test_one_thing_is_different(tmp_path: Path, changed: Provenance, expected: str) -> None:
    done = against(tmp_path, server=changed)
    assert not done.equal
    assert [name for name in mattering(done) if name != "environment: NCCL_IB_HCA"] == [expected]
    assert all(each.why for each in done.differences)


def test_another_commit_comes_with_its_files(tmp_path: Path) -> None:
    done = against(tmp_path, **at(OTHER, {**SHA256, "config.json": "e" * 64}))
    assert mattering(done) == ["model: commit", "model: files of the model"]
    assert done.differences[1].second == "config.json eeeeeeeeeeee"


def test_the_same_commit_with_other_bytes(tmp_path: Path) -> None:
    done = against(tmp_path, **at(COMMIT, {**SHA256, "config.json": "e" * 64}))
    assert mattering(done) == ["model: files of the model"]


def test_weights_that_nobody_hashed_are_not_equal(tmp_path: Path) -> None:
    bare = verify_bundle(written(tmp_path / "bare.tar.gz", files(manifest=None)))
    done = compare_bundles(bare, bare)
    assert mattering(done) == ["model: files of the model"]
    assert done.differences[0].first == "not known: no manifest"


def test_the_most_important_comes_first(tmp_path: Path) -> None:
    changed = dataclasses.replace(
        versions(vllm="0.33.0", torch="2.14.0", ray="2.61.0"),
        arguments=words(seed="2", dtype="float32"),
        environment={"HF_TOKEN": "****", "OMP_NUM_THREADS": "2"},
        hosts=tuple(
            dataclasses.replace(host, gpus=("NVIDIA GB10",), driver="590.1", kernel="7.0")
            for host in versions(vllm="0.33.0", torch="2.14.0", ray="2.61.0").hosts
        ),
    )
    others = {"samples/s.jsonl": samples([1, 2, 3], [4, 9, 6])}
    sums = {**SHA256, "config.json": "e" * 64}
    done = against(
        tmp_path,
        server=changed,
        manifest=json.dumps(manifest(sums)).encode(),
        others=others,
        by="grace@desk",
    )
    assert mattering(done) == [
        "model: files of the model",
        "software: vllm",
        "software: torch",
        "software: driver",
        "software: ray",
        "software: kernel",
        "arguments: dtype",
        "arguments: seed",
        "environment: OMP_NUM_THREADS",
        "environment: VLLM_BATCH_INVARIANT",
        "hardware: GPUs",
        "samples: session 1",
    ]
    assert done.agreements == (
        "66.67 % of 6 tokens in 2 chunks are the same; "
        "the first difference is in chunk 1 at token 1: 5 and 9",
    )


@pytest.mark.parametrize(
    ("chunks", "settings", "share", "equal"),
    [
        (([1, 2, 3], [4, 5, 6], [7]), {}, "100 % of 6 tokens in 2", True),  # went on for longer
        (([1, 2, 3],), {}, "100 % of 3 tokens in 1", True),
        (([1, 2, 3], [4, 5]), {}, "83.33 % of 6 tokens in 2", False),
        (([9, 2, 3], [4, 5, 6]), {}, "50.00 % of 6 tokens in 2", False),
        (([1, 2, 3], [4, 5, 6]), {"concurrency": 8}, "100 % of 6 tokens in 2", True),
        (([1, 2, 3], [4, 5, 6]), {"seed": 7}, "", True),  # another question: nothing to compare
    ],
)
def test_the_share_of_tokens_that_are_the_same(
    tmp_path: Path,
    chunks: tuple[list[int], ...],
    settings: dict[str, Any],
    share: str,
    equal: bool,
) -> None:
    done = against(tmp_path, others={"samples/other.jsonl": samples(*chunks, **settings)})
    assert [said.startswith(share) for said in done.agreements] == ([True] if share else [])
    assert done.equal is equal


def test_a_bundle_that_fails_is_not_compared(tmp_path: Path) -> None:
    bad = files(server=versions(vllm="0.33.0"))
    bad["added/x/note"] = b"changed"
    one = written(tmp_path / "one.tar.gz")
    two = written(tmp_path / "two.tar.gz", bad)
    done = typed("audit", "verify", str(one), str(two))
    assert done.exit_code == 1
    assert "two.tar.gz: FAILED" in done.stdout
    assert "not compared" in done.stdout
    done = typed("audit", "verify", str(one), str(two), "--json")
    assert json.loads(done.stdout)["differences"] == []


def test_what_the_screen_says(tmp_path: Path) -> None:
    one = written(tmp_path / "one.tar.gz")
    two = written(tmp_path / "two.tar.gz", files(server=versions(vllm="0.33.0"), by="x@y"))
    done = typed("audit", "verify", str(one), str(two))
    assert done.exit_code == 1
    assert "1 difference that matters" in done.stdout
    assert "scheduling, kernels and sampling are vLLM's code" in done.stdout
    assert "also, changing no answer: created by" in done.stdout
    same = typed("audit", "verify", str(one), str(one), "--json")
    assert same.exit_code == 0
    assert json.loads(same.stdout)["equal"] is True


def at(commit: str, sums: dict[str, str]) -> dict[str, Any]:
    """The facts of a model at another commit, or with other bytes."""
    return {
        "server": server(
            commit=commit, arguments=tuple(w.replace(COMMIT, commit) for w in words())
        ),
        "locked": LOCKED.model_copy(update={"commit": commit}),
        "manifest": json.dumps(manifest(sums, commit=commit)).encode(),
        "others": {},
    }
