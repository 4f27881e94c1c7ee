"""`plan` and `serve` on hosts: sizes from the cache, damaged weights, a context that cannot fit."""

import json

import pytest

from tests.hosts.lab import Lab

pytestmark = pytest.mark.hosts

TINY = ("--model", "tiny")
SHARD = "model-00002-of-00002.safetensors"


def test_the_sizes_come_from_the_hosts_cache(lab: Lab) -> None:
    said = json.loads(lab.ok("plan", *TINY, "--json"))
    assert said["source"] == f"h1:{lab.model}"
    assert said["split"] == "tensor parallel 2 on h1, h2"
    assert said["kv_tokens"] == 524_288
    lab.nothing_left()


def test_weights_that_were_cut_off(lab: Lab) -> None:
    lab.hosts[0].run(f"truncate -s 100 {lab.model}/{SHARD}")
    for verb in ("plan", "serve"):
        said = lab.fails(verb, *TINY)
        assert f"h1: model tiny in {lab.model}: {SHARD} is truncated" in said
    lab.nothing_left()


def test_a_context_that_cannot_fit_is_refused_before_anything_starts(ray: Lab) -> None:
    long = ("--set", "max_model_len=4000000")
    said = ray.fails("serve", *TINY, *long)
    assert "h1, h2: one request of 4000000 tokens needs 7.6 GiB of KV cache" in said
    assert "hint: --set max_model_len=32768" in said
    assert not any("vllm" in line for lines in ray.marked().values() for line in lines)
    done = ray.run("plan", *TINY, *long)
    assert done.returncode == 1
    assert "tiny does not fit on 2 x CPU" in done.stdout
    assert "tiny answers after" in ray.ok("serve", *TINY, *long, "--force", "memory")


def test_hardware_needs_neither_inventory_nor_host(lab: Lab) -> None:
    nowhere = {"ORCHESTRATE_NODES": "/nowhere/nodes.toml"}
    assert "tiny fits on 2 x NVIDIA GB10" in lab.ok(
        "plan", *TINY, "--hardware", "gb10x2", env=nowhere
    )
