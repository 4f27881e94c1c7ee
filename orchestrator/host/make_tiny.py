"""Make a Qwen3-MoE of 5 million random weights, with a tokenizer of its own.

Runs in the host's virtual environment (torch, transformers). The same versions give the same
weights. Sizes: 8 heads, 4 KV heads, so that it splits over 1, 2 or 4 ranks.
Input: {"path"}. Output: {"parameters"}.
"""

import glob
import json
import os
from typing import Any

from orchestrator.host import cache_modes

VOCABULARY = 2048
CONFIG: dict[str, Any] = {
    "model_type": "qwen3_moe",
    "vocab_size": VOCABULARY,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 32,
    "num_experts": 8,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 128,
    "max_position_embeddings": 32768,
    "eos_token_id": 2,
    "bos_token_id": 0,
}
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def main(request: dict[str, Any]) -> None:
    cache_modes.keep_from_others()
    path = os.path.expanduser(request["path"])
    fresh = f"{path}.new-{os.getpid()}"
    tokenizer().save_pretrained(fresh)
    model = weights()
    model.save_pretrained(fresh)
    if not os.path.isdir(path):
        os.rename(fresh, path)
    print(json.dumps({"parameters": sum(each.numel() for each in model.parameters())}))


def tokenizer() -> Any:
    """Byte-level BPE, trained on the standard library: text that every host has."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 48,
        show_progress=False,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    plain.train(sorted(glob.glob(os.path.dirname(os.__file__) + "/*.py"))[:80], trainer)
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=plain, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    wrapped.chat_template = TEMPLATE
    return wrapped


def weights() -> Any:
    import torch
    from transformers import Qwen3MoeConfig, Qwen3MoeForCausalLM

    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    sizes = {key: value for key, value in CONFIG.items() if key != "model_type"}
    return Qwen3MoeForCausalLM(Qwen3MoeConfig(**sizes))
