"""What is sent to find out whether answers depend on their company; pure, all of it from a seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.api.request import Call, completion

PROMPT_WORDS = 200  # several blocks of any prefix cache: they hold 16 to 128 tokens each
CROWD_WORDS = (1, 300)
TEXT = """\
amber anchor apple arrow autumn bamboo barrel beacon bishop blanket border bottle branch bridge
candle canyon carpet castle cedar circle cloud copper corner cotton desert diamond dragon eagle
ember engine falcon feather fiddle forest garden ginger glacier hammer harbor hollow island ivory
jacket jungle kettle ladder lantern lemon marble meadow mirror needle oyster paper pebble pepper
pillow planet pocket rabbit ribbon river saddle sailor shadow silver spider summer temple thunder
ticket timber tunnel valley velvet violin walnut window winter yellow"""
WORDS = tuple(TEXT.split())


@dataclass(frozen=True)
class Companion:
    """One of the crowd: words of its prompt, tokens of its answer, the seed of the words."""

    words: int
    tokens: int
    seed: int


def prompt_of(seed: int) -> str:
    """The text whose continuation is compared."""
    words = " ".join(random.Random(seed).choices(WORDS, k=PROMPT_WORDS))
    return f"A story in which each of these words occurs: {words}.\n\nThe story begins:"


def probe(model: str, prompt: str, tokens: int, salt: str) -> Call:
    """Greedy, always of that many tokens. No request with another salt shares its prefix cache."""
    call = completion(
        model, prompt, max_tokens=tokens, temperature=0, ignore_eos=True, cache_salt=salt
    )
    return call.exact()


def companions(seed: int, tokens: int) -> Iterator[Companion]:
    """Without end; prompts and answers of random length."""
    dice = random.Random(f"crowd {seed}")
    while True:
        words, most = dice.randint(*CROWD_WORDS), dice.randint(1, 2 * tokens)
        yield Companion(words, most, dice.getrandbits(31))


def company(model: str, each: Companion) -> Call:
    """It samples, so that the batch has both kinds of requests in it.

    Without a seed of its own: a seed kills the engine of vLLM 0.32's CPU build where a prompt is
    read in several steps, and what the crowd says is not compared.
    """
    prompt = " ".join(random.Random(each.seed).choices(WORDS, k=each.words))
    return completion(model, prompt, max_tokens=each.tokens, temperature=0.8, ignore_eos=True)
