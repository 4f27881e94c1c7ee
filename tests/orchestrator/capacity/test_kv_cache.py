"""Tokens, blocks and bytes for each kind of attention."""

import pytest

from orchestrator.capacity.architecture import read_architecture
from orchestrator.capacity.cache_types import cache_type
from orchestrator.capacity.kv_groups import layer_groups
from orchestrator.capacity.page import Page
from orchestrator.capacity.pages import PageRequest, layer_pages, state_bytes, token_bytes
from orchestrator.capacity.weights import Split
from tests.support.models import GIB, config, judged

MIB = 1 << 20
ROOM = {"kv_cache_memory_bytes": 10 * GIB}


def asked(tensor: int, state: tuple[int, int] = (2, 2)) -> PageRequest:
    return PageRequest(tensor, cache_type("auto", 2), state)


def test_heads_are_split_and_then_repeated() -> None:
    arch = read_architecture(config("qwen3-235b-a22b-instruct-2507"))
    sizes = {ranks: token_bytes(arch, asked(ranks), 0) for ranks in (1, 2, 4, 8)}
    assert sizes == {1: 2048, 2: 1024, 4: 512, 8: 512}


def test_the_latent_of_mla_is_on_every_rank() -> None:
    arch = read_architecture(config("deepseek-v3"))
    assert token_bytes(arch, asked(1), 0) == token_bytes(arch, asked(8), 0) == 576 * 2
    fit = judged(config("deepseek-v3"), Split(8), {"max_model_len": 4096, **ROOM})
    assert fit.kv_tokens == 10 * GIB // (61 * 16 * 1152) * 16


def test_a_cache_of_one_byte_an_element_holds_twice_as_much() -> None:
    name, args = "llama-3.1-8b-instruct", {"max_model_len": 8192, **ROOM}
    plain = judged(config(name), Split(1), args).kv_tokens
    narrow = judged(config(name), Split(1), {**args, "kv_cache_dtype": "fp8"}).kv_tokens
    assert narrow == pytest.approx(2 * plain, rel=0.001)


def test_groups_have_the_size_of_the_rarest_kind() -> None:
    gemma = layer_groups(layer_pages(read_architecture(config("gemma-3-27b-it")), asked(1)))
    assert [(group.kind, len(group.pages)) for group in gemma] == [
        *[("sliding", 9)] * 4,
        *[("sliding", 8)] * 2,
        ("full", 10),
    ]
    oss = layer_groups(layer_pages(read_architecture(config("gpt-oss-20b")), asked(1)))
    assert [(group.kind, len(group.pages)) for group in oss] == [("sliding", 12), ("full", 12)]
    near = [*[Page(0, "full", 16, 8)] * 13, *[Page(0, "sliding", 16, 8, 64)] * 12]
    assert len(layer_groups(near)) == 2, "nearly equal: padded, not split"
    assert layer_groups([]) == ()


def test_a_sliding_window_keeps_the_window_and_what_is_in_flight() -> None:
    fit = judged(config("gpt-oss-20b"), Split(1), {"max_model_len": 131072, **ROOM})
    full, window = 131072 // 16, -(-(128 - 1 + 2 * 8192) // 16) + 1
    assert fit.cache.blocks_for(131072) == full + window
    assert fit.kv_tokens == int(fit.blocks / (full + window) * 131072)
    assert fit.cache.blocks_for(64) == 4 + 5, "no more than the request has, and one for its start"


def test_linear_layers_keep_a_state_and_set_the_size_of_a_block() -> None:
    """The block is the least multiple of 16 tokens whose page holds a state."""
    arch = read_architecture(config("qwen3-next-80b-a3b-instruct-fp8"))
    assert state_bytes(arch, asked(1)) == (3 * 8192 + 32 * 128 * 128) * 2
    args = {"max_model_len": 8192, **ROOM}
    fit = judged(config("qwen3-next-80b-a3b-instruct-fp8"), Split(1), args)
    assert fit.cache.block == 544
    assert fit.cache.groups[0].pages[0].bytes == 544 * 2048
    assert [len(group.pages) for group in fit.cache.groups] == [12] * 4
    assert fit.cache.blocks_for(8192) == 3 * 2 + 16
    fixed = {**args, "enable_prefix_caching": False}
    without = judged(config("qwen3-next-80b-a3b-instruct-fp8"), Split(1), fixed)
    assert without.cache.blocks_for(8192) == 3 * 1 + 16


def test_the_longest_request_is_the_longest_that_vllm_admits() -> None:
    fit = judged(config("llama-3.1-8b-instruct"), Split(1), {"max_model_len": 8192, **ROOM})
    assert fit.blocks == 10 * GIB // (2 * MIB)
    assert fit.longest == (fit.blocks - 1) * 16, "vLLM keeps one block for itself"
    assert fit.at_once(8192) == (fit.blocks - 1) // 512
