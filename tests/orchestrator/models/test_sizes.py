"""Model folders as they are found, whole and broken: a Model or a clear error, no traceback."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import OrchestrateError
from cluster.reporter import SILENT
from orchestrator.capacity.engine_args import serving_of
from orchestrator.capacity.fit import GpuMemory, Model, judge
from orchestrator.capacity.weights import Split
from orchestrator.host.model_files import problem_with
from orchestrator.host.model_headers import read_folder
from orchestrator.models.sizes import made_model, model_of, model_without_hosts
from tests.support.models import CONFIGS, H200, MIXTURE, recipe

INDEX = "model.safetensors.index.json"
UP = "model.layers.0.mlp.experts.%d.up_proj.weight"


def folder(path: Path, config: Any = MIXTURE) -> Path:
    (path / "config.json").write_text(json.dumps(config))
    return path


def shard(path: Path, tensors: Mapping[str, tuple[str, list[int]]], *, size: int = 1024) -> None:
    table = {
        name: {"dtype": dtype, "shape": shape, "data_offsets": [0, size]}
        for name, (dtype, shape) in tensors.items()
    }
    text = json.dumps({"__metadata__": {"format": "pt"}, **table}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(size))


def read(path: Path) -> Model:
    return model_without_hosts(recipe({}).model_copy(update={"model": str(path)}), SILENT)


def refused(path: Path) -> str:
    with pytest.raises(OrchestrateError) as caught:
        read(path)
    assert caught.value.problems[0].hint
    return str(caught.value)


def test_headers_are_read_and_experts_are_one_row(tmp_path: Path) -> None:
    tensors = {UP % n: ("BF16", [768, 2048]) for n in range(32)}
    shard(
        folder(tmp_path) / "model.safetensors", {**tensors, "lm_head.weight": ("F8_E4M3", [8, 8])}
    )
    found = read(tmp_path)
    assert found.source == str(tmp_path)
    assert [(tensor.name, tensor.count) for tensor in found.tensors] == [
        ("model.layers.0.mlp.experts.*.up_proj.weight", 32),
        ("lm_head.weight", 1),
    ]
    assert found.tensors[0].bytes == 32 * 768 * 2048 * 2
    assert found.guesses == ()


def test_only_a_config_is_enough_for_a_known_architecture(tmp_path: Path) -> None:
    assert read(folder(tmp_path)).source.endswith("sizes computed from config.json")


def test_only_a_config_of_an_unknown_architecture(tmp_path: Path) -> None:
    text = refused(folder(tmp_path, {"architectures": ["FooForCausalLM"], "num_hidden_layers": 2}))
    assert "the architecture FooForCausalLM is not known" in text


def test_an_unknown_architecture_with_headers_is_a_guess(tmp_path: Path) -> None:
    shard(folder(tmp_path, {"model_type": "foo"}) / "a.safetensors", {"x": ("F16", [9, 9])})
    assert "architecture foo is not known" in read(tmp_path).guesses[0]


def test_an_unknown_quantisation_is_a_guess(tmp_path: Path) -> None:
    raw = {**MIXTURE, "quantization_config": {"quant_method": "sesame"}}
    assert read(folder(tmp_path, raw)).guesses == (
        "quantisation sesame is not known: counted as stored",
    )


def test_no_config(tmp_path: Path) -> None:
    assert f"no config.json in {tmp_path}" in refused(tmp_path)
    assert "no config.json" in refused(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"a": ' * 100_000, "\x00"])
def test_a_config_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert "config.json" in refused(tmp_path)


def test_an_index_that_names_a_missing_shard(tmp_path: Path) -> None:
    shard(folder(tmp_path) / "a.safetensors", {"x": ("F16", [9, 9])})
    names = {"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}
    (tmp_path / INDEX).write_text(json.dumps(names))
    assert f"{INDEX} names 1 files that are missing, as b.safetensors" in refused(tmp_path)
    (tmp_path / INDEX).write_text("{}")
    assert f"{INDEX} has no weight_map" in refused(tmp_path)


def test_truncated_weights(tmp_path: Path) -> None:
    file = folder(tmp_path) / "model.safetensors"
    shard(file, {"x": ("F16", [16, 32])})
    whole = file.read_bytes()
    for kept in (0, 4, 8, 20, len(whole) - 1):
        file.write_bytes(whole[:kept])
        assert "model.safetensors is truncated" in refused(tmp_path)
    file.write_bytes((1 << 62).to_bytes(8, "little") + b"{}")
    assert "a header of 4611686018427387904" in refused(tmp_path)
    with file.open("wb") as sparse:
        sparse.write((1 << 30).to_bytes(8, "little"))
        sparse.truncate(1 << 31)
    assert "is truncated" in refused(tmp_path), "a header of a gibibyte is not read"


@pytest.mark.parametrize(
    "table", ['{"x": 1}', '{"x": {"dtype": "F16", "shape": "no"}}', "[1]", "{"]
)
def test_a_header_that_makes_no_sense(tmp_path: Path, table: str) -> None:
    file = folder(tmp_path) / "model.safetensors"
    file.write_bytes(len(table).to_bytes(8, "little") + table.encode())
    assert "model.safetensors" in refused(tmp_path)


@pytest.mark.parametrize("size", ["1e400", "Infinity", "NaN", "9" * 400])
def test_a_size_that_no_tensor_has(tmp_path: Path, size: str) -> None:
    """Read in a file, and as it comes from a host."""
    table = f'{{"x": {{"dtype": "F16", "shape": [{size}], "data_offsets": [0, 4]}}}}'
    file = folder(tmp_path) / "model.safetensors"
    file.write_bytes(len(table).to_bytes(8, "little") + table.encode() + bytes(8))
    assert "model.safetensors" in refused(tmp_path) or "impossible tensor" in refused(tmp_path)
    answer = {"config": {}, "tensors": [["x", "F16", [json.loads(size)], 1]]}
    with pytest.raises(OrchestrateError, match="a header lists an impossible tensor"):
        model_of(recipe({}), answer, "h1")


def test_a_negative_size(tmp_path: Path) -> None:
    shard(folder(tmp_path) / "model.safetensors", {"x": ("F16", [-4, 4])})
    assert "an impossible tensor" in refused(tmp_path)


def test_the_tiny_model_is_known_before_it_is_made() -> None:
    made = recipe({}).model_copy(update={"made": "tiny"})
    assert made_model(made).source == "how it is made, sizes computed from config.json"


KEYS = st.sampled_from(
    sorted(
        {key for file in CONFIGS.glob("*.json") for key in json.loads(file.read_text("utf-8"))}
        | {"text_config", "quantization_config", "layer_types", "weight_block_size", "quant_method"}
    )
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["qwen3_moe", "deepseek_v3", "gemma3_text", "fp8", "linear_attention"])
)
VALUES = st.recursive(
    SCALARS, lambda some: st.lists(some, max_size=3) | st.dictionaries(KEYS, some, max_size=5)
)


@given(
    st.dictionaries(KEYS, VALUES, max_size=12),
    st.sampled_from(sorted(CONFIGS.glob("*.json"))),
    st.booleans(),
    st.integers(1, 8),
    st.integers(1, 3),
)
def test_any_config_is_judged_or_refused(
    raw: dict[str, Any], base: Path, over: bool, tensor: int, pipeline: int
) -> None:
    """Wholly made up, or a real one with some keys wrong."""
    config = {**json.loads(base.read_text("utf-8")), **raw} if over else raw
    wanted = recipe({})
    try:
        model = model_of(wanted, {"config": config, "tensors": []}, "a test", stored=1000)
    except OrchestrateError:
        return
    serving = serving_of(wanted, model.architecture, H200, tensor * pipeline)
    fit = judge(model, Split(tensor, pipeline), serving, GpuMemory(H200, None, False))
    assert fit.kv_tokens >= 0
    assert fit.longest >= 0


@given(st.binary(max_size=200))
def test_any_bytes_as_weights(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = folder(tmp_path_factory.mktemp("any"))
    (path / "model.safetensors").write_bytes(content)
    assert read_folder(str(path))["problem"]


def test_shards_whose_names_say_that_there_are_more(tmp_path: Path) -> None:
    shard(folder(tmp_path) / "model-00001-of-00002.safetensors", {"x": ("F16", [9, 9])})
    assert "1 files that are missing, as model-00002-of-00002.safetensors" in refused(tmp_path)
    files = [["config.json", 1], ["model-00001-of-00002.safetensors", 1]]
    assert problem_with(str(tmp_path), files, [])[0] == (
        "1 weight files are missing, as model-00002-of-00002.safetensors"
    )


def test_mistrals_own_format(tmp_path: Path) -> None:
    params = {"dim": 64, "n_layers": 2, "n_heads": 4, "n_kv_heads": 2, "hidden_dim": 128}
    (tmp_path / "params.json").write_text(json.dumps({**params, "vocab_size": 320}))
    names = {
        "tok_embeddings.weight": ("BF16", [320, 64]),
        "layers.0.attention.wk.weight": ("BF16", [32, 64]),
    }
    shard(tmp_path / "consolidated.safetensors", names)
    found = read(tmp_path)
    assert [each.name for each in found.tensors] == [
        "model.embed_tokens.weight",
        "model.layers.0.self_attn.k_proj.weight",
    ]
    arch = found.architecture
    assert (arch.family, arch.hidden, arch.kv_heads, arch.width) == ("dense", 64, 2, 128)
    assert found.guesses == ()
    files = [["params.json", 1], ["consolidated.safetensors", 1]]
    assert problem_with(str(tmp_path), files, [])[0] == ""


def test_modelopts_own_file_is_read_where_config_says_nothing(tmp_path: Path) -> None:
    told = {"quantization": {"quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}}
    (folder(tmp_path) / "hf_quant_config.json").write_text(json.dumps(told))
    quant = read(tmp_path).architecture.quant
    assert (quant.method, quant.kv_cache) == ("modelopt", "fp8")
