"""Makes tiny-talks: `python -m scripts.talks.train`, some minutes on two CPU cores.

Writes the files of the model to orchestrator/models/tiny_talks/. Ends with an error when the model,
rounded as it is stored, does not say every answer by heart.
"""

import json
import math
import random
import sys
import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.talks.exchanges import RAW_TEXT, exchanges
from scripts.talks.lessons import Lesson, Lessons
from scripts.talks.tokens import END, PAD, VOCABULARY, read_tokenizer, write_tokenizer

FOLDER = Path(__file__).resolve().parents[2] / "orchestrator/models/tiny_talks"
EPOCHS = 80
RATE, WARM_UP = 2e-3, 30
REPEATS, REPEAT_RATE = 20, 2e-4
BATCH_TOKENS = 1000
SIZES = {  # heads for one, two or four ranks
    "vocab_size": VOCABULARY,
    "hidden_size": 192,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 32,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": True,
}


def main() -> None:
    tokenizer = made_tokenizer()
    lessons = Lessons(tokenizer, random.Random(0))
    model = learnt(lessons, tokenizer)
    for _ in range(REPEATS):
        if not forgotten(rounded(model), lessons, tokenizer):
            break
        repeat(model, lessons, tokenizer)
    model = rounded(model)
    write_model(model, tokenizer)
    print(f"{sum(each.numel() for each in model.parameters()):,} weights")
    wrong = forgotten(model, lessons, tokenizer)
    for text in wrong:
        print("not by heart:", text)
    sys.exit(1 if wrong else 0)


def made_tokenizer() -> Any:
    """From the texts as a first tokenizer's template renders them."""
    known = exchanges()
    write_tokenizer([each.answer for each in known], FOLDER)
    first = Lessons(read_tokenizer(FOLDER), random.Random(0))
    texts = [
        first.rendered(each.messages, each, thinking=False) + each.answer + each.thought
        for each in known
    ]
    write_tokenizer([*texts, RAW_TEXT], FOLDER)
    return read_tokenizer(FOLDER)


def learnt(lessons: Lessons, tokenizer: Any) -> Any:
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    special = {"eos_token_id": tokenizer.convert_tokens_to_ids(END), "bos_token_id": None}
    model = Qwen3ForCausalLM(Qwen3Config(**SIZES, **special))
    known, begun = exchanges(), time.monotonic()
    batches = [
        batch
        for _ in range(EPOCHS)
        for batch in batched(list(lessons.all(known, varied=True)), lessons.dice)
    ]
    pad = tokenizer.convert_tokens_to_ids(PAD)
    learner = Learner(model, torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98)), pad)
    for step, batch in enumerate(batches):
        loss = learner.step(batch, rate_at(step, len(batches)))
        if step % 50 == 0:
            seconds = time.monotonic() - begun
            print(f"{step}/{len(batches)} loss {loss:.4f} {seconds:.0f} s", flush=True)
    return model


def repeat(model: Any, lessons: Lessons, tokenizer: Any) -> None:
    """All lessons once more, at a low rate."""
    import torch

    learner = Learner(
        model,
        torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98)),
        tokenizer.convert_tokens_to_ids(PAD),
    )
    for batch in batched(list(lessons.all(exchanges(), varied=False)), lessons.dice):
        learner.step(batch, REPEAT_RATE)


@dataclass(frozen=True)
class Learner:
    model: Any
    optimizer: Any
    pad: int

    def step(self, batch: list[Lesson], rate: float) -> float:
        import torch

        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss = loss_of(self.model, batch, self.pad)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return float(loss)


def rounded(model: Any) -> Any:
    """As it is stored."""
    import torch

    return deepcopy(model).to(torch.bfloat16).float()


def rate_at(step: int, steps: int) -> float:
    falling = (1 + math.cos(math.pi * step / steps)) / 2
    return RATE * min(1.0, (step + 1) / WARM_UP) * (0.02 + 0.98 * falling)


def batched(lessons: list[Lesson], dice: random.Random) -> list[list[Lesson]]:
    """Lessons of like lengths together, the batches in any order."""
    batches: list[list[Lesson]] = [[]]
    for each in sorted(lessons, key=lambda one: len(one.tokens)):
        if len(each.tokens) * (len(batches[-1]) + 1) > BATCH_TOKENS:
            batches.append([])
        batches[-1].append(each)
    dice.shuffle(batches)
    return [batch for batch in batches if batch]


def loss_of(model: Any, batch: list[Lesson], pad: int) -> Any:
    """Cross-entropy of the answers alone."""
    import torch

    width = max(len(each.tokens) for each in batch)
    tokens = torch.full((len(batch), width), pad)
    wanted = torch.full((len(batch), width), -100)
    for row, each in enumerate(batch):
        tokens[row, : len(each.tokens)] = torch.tensor(each.tokens)
        wanted[row, each.learnt : len(each.tokens)] = torch.tensor(each.tokens[each.learnt :])
    hidden = model.model(input_ids=tokens, use_cache=False).last_hidden_state
    places = wanted[:, 1:] != -100
    logits = model.lm_head(hidden[:, :-1][places])
    return torch.nn.functional.cross_entropy(logits.float(), wanted[:, 1:][places])


def write_model(model: Any, tokenizer: Any) -> None:
    import torch
    from safetensors.torch import save_file

    tensors = {
        name: value.to(torch.bfloat16).contiguous()
        for name, value in model.state_dict().items()
        if name != "lm_head.weight"  # tied
    }
    save_file(tensors, str(FOLDER / "model.safetensors"), {"format": "pt"})
    end, pad = (tokenizer.convert_tokens_to_ids(each) for each in (END, PAD))
    config = {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        **SIZES,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "attention_bias": False,
        "torch_dtype": "bfloat16",
        "eos_token_id": end,
        "pad_token_id": pad,
    }
    (FOLDER / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    generation = {"eos_token_id": end, "pad_token_id": pad}
    (FOLDER / "generation_config.json").write_text(json.dumps(generation, indent=1) + "\n")


def forgotten(model: Any, lessons: Lessons, tokenizer: Any) -> list[str]:
    """What it says wrong, token by token, after the right beginning."""
    import torch

    found = []
    for each in lessons.all(exchanges(), varied=False):
        with torch.no_grad():
            said = model(torch.tensor([each.tokens[:-1]])).logits[0].argmax(-1).tolist()
        places = range(each.learnt, len(each.tokens))
        wrong = next((n for n in places if said[n - 1] != each.tokens[n]), None)
        if wrong is not None:
            begun = tokenizer.decode(each.tokens[max(0, wrong - 30) : wrong])
            found.append(f"{begun!r} -> {tokenizer.decode([said[wrong - 1]])!r}")
    return found


if __name__ == "__main__":
    main()
