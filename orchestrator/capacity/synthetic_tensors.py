"""The tensors that a model of this architecture has, computed where no header can be read; pure."""

from collections.abc import Iterator

from orchestrator.capacity.architecture import Architecture, Vision
from orchestrator.capacity.config_json import count_in
from orchestrator.capacity.layer_kinds import block_letters
from orchestrator.capacity.stored_linear import plain_dtype, quantised
from orchestrator.capacity.synthetic_attention import attention_of
from orchestrator.capacity.synthetic_feed_forward import feed_forward_of
from orchestrator.capacity.tensors import Tensor


def known_tensors(arch: Architecture) -> tuple[Tensor, ...]:
    """Empty for sizes that say too little. Of a family that is not known it is an estimate: a
    decoder with attention, and experts where config.json has some."""
    if not arch.layers or not arch.hidden or not (arch.heads or arch.mamba or arch.linear):
        return ()
    return tuple(every_tensor(arch))


def draft_tensors(arch: Architecture) -> tuple[Tensor, ...]:
    """Of multi-token prediction, which vLLM loads only where `speculative_config` asks for it."""
    return tuple(drafts(arch)) if known_family(arch) else ()


def known_family(arch: Architecture) -> bool:
    return bool(arch.family and arch.layers and arch.hidden and arch.heads)


def every_tensor(arch: Architecture) -> Iterator[Tensor]:
    yield from vocabulary(arch)
    for number in range(len(arch.layers)):
        yield from layer(arch, number, f"{root_of(arch)}.layers.{number}")
    if arch.vision:
        yield from vision_tower(arch.vision, plain_dtype(arch))


def root_of(arch: Architecture) -> str:
    return "backbone" if arch.family == "nemotron" else "model"


def layer(arch: Architecture, number: int, prefix: str) -> Iterator[Tensor]:
    plain = plain_dtype(arch)
    yield Tensor(f"{prefix}.input_layernorm.weight", plain, (arch.hidden,))
    yield Tensor(f"{prefix}.post_attention_layernorm.weight", plain, (arch.hidden,))
    yield from attention_of(arch, number, prefix)
    yield from feed_forward_of(arch, number, prefix)


def vocabulary(arch: Architecture) -> Iterator[Tensor]:
    plain, shape = plain_dtype(arch), (arch.vocab, arch.hidden)
    yield Tensor("model.embed_tokens.weight", plain, shape)
    yield Tensor("model.norm.weight", plain, (arch.hidden,))
    if width := count_in(arch.table, "hidden_size_per_layer_input"):
        words = count_in(arch.table, "vocab_size_per_layer_input", default=arch.vocab)
        each = (words, width * len(arch.layers))
        yield Tensor("model.embed_tokens_per_layer.weight", plain, each)
    if arch.tied:
        return
    stored = arch.quant.head_format()
    if stored is None:
        yield Tensor("lm_head.weight", plain, shape)
    else:
        yield from quantised(stored, "lm_head", shape)


def drafts(arch: Architecture) -> Iterator[Tensor]:
    """Layers of multi-token prediction: like the model's own that have attention, and what joins
    hidden states with embeddings. DeepSeek numbers them after the model's."""
    numbered = bool(arch.latent) or arch.family == "deepseek_v4"
    for number in range(arch.draft_layers):
        first = len(arch.layers) + number
        prefix = f"model.layers.{first}" if numbered else f"mtp.layers.{number}"
        yield Tensor(f"{prefix}.eh_proj.weight", plain_dtype(arch), (arch.hidden, 2 * arch.hidden))
        for like in draft_models(arch):
            yield from layer(arch, like, prefix)


def draft_models(arch: Architecture) -> list[int]:
    """The layers that one of a draft is built like."""
    if arch.family == "nemotron":  # attention and experts are layers of their own
        pattern = ("hybrid_override_pattern", "layers_block_type")
        letters = block_letters(arch.table, *pattern)[: len(arch.layers)]
        drafted = ("mtp_hybrid_override_pattern", "mtp_layers_block_type")
        wanted = block_letters(arch.table, *drafted) or "*E"
        return [letters.rindex(letter) for letter in wanted[:8] if letter in letters]
    own = ("linear", "mamba", "none")
    return [max((n for n, kind in enumerate(arch.layers) if kind not in own), default=0)]


def vision_tower(tower: Vision, plain: str) -> Iterator[Tensor]:
    """Blocks of attention and a two-layer perceptron; a merger for the last and each deep layer."""
    hidden = tower.hidden
    yield Tensor("visual.patch_embed.proj.weight", plain, (hidden, 3, 2, tower.patch, tower.patch))
    for number in range(tower.depth):
        prefix = f"visual.blocks.{number}"
        yield Tensor(f"{prefix}.attn.qkv.weight", plain, (3 * hidden, hidden))
        yield Tensor(f"{prefix}.attn.proj.weight", plain, (hidden, hidden))
        yield Tensor(f"{prefix}.mlp.linear_fc1.weight", plain, (tower.width, hidden))
        yield Tensor(f"{prefix}.mlp.linear_fc2.weight", plain, (hidden, tower.width))
    merged = hidden * tower.merge**2
    for number in range(1 + tower.deepstack):
        yield Tensor(f"visual.merger.{number}.linear_fc1.weight", plain, (merged, merged))
        yield Tensor(f"visual.merger.{number}.linear_fc2.weight", plain, (tower.out, merged))
