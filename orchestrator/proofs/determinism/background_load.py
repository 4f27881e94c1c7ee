"""The compared request and the background load around it, all drawn from a seed; pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.api.request import Call, completion

PROMPT_WORDS = 200  # several blocks of any prefix cache: they hold 16 to 128 tokens each
BACKGROUND_WORDS = (1, 300)
PROBE_TEXT = """\
amber anchor apple arrow autumn bamboo barrel beacon bishop blanket border bottle branch bridge
candle canyon carpet castle cedar circle cloud copper corner cotton desert diamond dragon eagle
ember engine falcon feather fiddle forest garden ginger glacier hammer harbor hollow island ivory
jacket jungle kettle ladder lantern lemon marble meadow mirror needle oyster paper pebble pepper
pillow planet pocket rabbit ribbon river saddle sailor shadow silver spider summer temple thunder
ticket timber tunnel valley velvet violin walnut window winter yellow"""
PROBE_VOCABULARY = tuple(PROBE_TEXT.split())


@dataclass(frozen=True)
class BackgroundRequest:
    """Words of its prompt, tokens of its answer, the seed of the words."""

    words: int
    tokens: int
    seed: int


def probe_prompt(seed: int) -> str:
    """The prompt whose continuations are compared."""
    words = " ".join(random.Random(seed).choices(PROBE_VOCABULARY, k=PROMPT_WORDS))
    return f"A story in which each of these words occurs: {words}.\n\nThe story begins:"


def probe_call(model: str, prompt: str, tokens: int, salt: str) -> Call:
    """Greedy, always `tokens` long. Requests with different salts share no prefix cache."""
    call = completion(
        model, prompt, max_tokens=tokens, temperature=0, ignore_eos=True, cache_salt=salt
    )
    return call.exact()


def background_requests(seed: int, tokens: int) -> Iterator[BackgroundRequest]:
    """Endless; prompts and answers of random length."""
    dice = random.Random(f"crowd {seed}")  # another text would draw other requests
    while True:
        words, most = dice.randint(*BACKGROUND_WORDS), dice.randint(1, 2 * tokens)
        yield BackgroundRequest(words, most, dice.getrandbits(31))


def background_call(model: str, each: BackgroundRequest) -> Call:
    """At temperature 0.8, so that a batch holds greedy and sampled requests.

    It sends no seed: one kills the engine of vLLM 0.32's CPU build where a prompt is read in
    several steps, and these answers are not compared.
    """
    prompt = " ".join(random.Random(each.seed).choices(PROBE_VOCABULARY, k=each.words))
    return completion(model, prompt, max_tokens=each.tokens, temperature=0.8, ignore_eos=True)
