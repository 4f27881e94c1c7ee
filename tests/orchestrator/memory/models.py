"""The models of tests/captured/configs, and what vLLM has been seen to say of some."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.host import make_tiny
from orchestrator.memory.fit import Fit, Memory, Model, judge
from orchestrator.memory.known_tensors import known_tensors
from orchestrator.memory.serving import serving_of
from orchestrator.memory.shape import read_shape
from orchestrator.memory.weights import Split
from orchestrator.recipe import Recipe, load_hardware

GIB = 1 << 30
CONFIGS = Path(__file__).parents[2] / "captured" / "configs"
H200 = int((load_hardware()["h200"].memory_gib or 0) * GIB)
MIXTURE = {  # 3.9 B random weights: 24 layers, 32 experts
    **make_tiny.CONFIG,
    "hidden_size": 2048,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "head_dim": 128,
    "num_experts": 32,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 768,
}


@dataclass(frozen=True)
class Measured:
    """What vLLM 0.25.1 said on H200s: GiB of weights and of KV cache on a rank, and its tokens."""

    name: str
    config: dict[str, Any]
    split: Split
    args: dict[str, Any]
    across: bool
    weights: float
    room: float
    tokens: int


EIGHT = {"max_model_len": 8192, "gpu_memory_utilization": 0.5}
EAGER = {**EIGHT, "enforce_eager": True}
ONE, TWO, STAGES = Split(1), Split(2), Split(1, 2)
TINY_TWO = {"max_model_len": 2048, "gpu_memory_utilization": 0.3, "max_num_seqs": 8}
TINY_ONE = {**TINY_TWO, "gpu_memory_utilization": 0.2, "enforce_eager": True}
MEASURED = (
    Measured("one GPU, eager", MIXTURE, ONE, EAGER, False, 7.25, 61.69, 1_347_584),
    Measured("one GPU, graphs", MIXTURE, ONE, EIGHT, False, 7.25, 61.28, 1_338_704),
    Measured("TP 2, graphs, NVLink", MIXTURE, TWO, EIGHT, False, 3.63, 64.68, 2_825_872),
    Measured("TP 2, graphs, two hosts", MIXTURE, TWO, EIGHT, True, 3.63, 64.28, 2_808_368),
    Measured("TP 2, eager, two hosts", MIXTURE, TWO, EAGER, True, 3.63, 65.47, 2_860_560),
    Measured("PP 2, graphs, two hosts", MIXTURE, STAGES, EIGHT, True, 3.63, 65.1, 2_843_968),
    Measured("tiny, TP 2, graphs", make_tiny.CONFIG, TWO, TINY_TWO, False, 0.01, 41.24, 43_247_408),
    Measured(
        "tiny, one GPU, eager", make_tiny.CONFIG, ONE, TINY_ONE, False, 0.01, 27.65, 14_495_552
    ),
)


def config(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CONFIGS / f"{name}.json").read_text("utf-8"))
    return found


def model(raw: dict[str, Any]) -> Model:
    shape = read_shape(raw)
    return Model("m/m", shape, known_tensors(shape), "config.json")


def recipe(args: dict[str, Any], env: dict[str, str] | None = None) -> Recipe:
    fields: dict[str, Any] = {"name": "m", "description": "d", "model": "m/m", "served_name": "m"}
    return Recipe(**fields, args=args, env=env or {})


def judged(raw: dict[str, Any], split: Split, args: dict[str, Any], *, across: bool = False) -> Fit:
    """On H200s that nobody else uses."""
    made = model(raw)
    serving = serving_of(recipe(args), made.shape, H200, split.ranks)
    return judge(made, split, serving, Memory(H200, None, across))
