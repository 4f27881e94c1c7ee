"""Does the model answer? Asked over an injected httpx.Client; knows nothing of hosts."""

import time
from dataclasses import dataclass

import httpx

PROMPT = "Hello, my name is"
GENERATION_LIMIT_S = 120.0  # the first one may compile kernels


@dataclass(frozen=True)
class Answer:
    """One real generation: its text, and seconds from the request to the whole answer."""

    text: str
    tokens: int
    seconds: float


def asked_at(host: str) -> str:
    """Where to ask a server that listens on `host`: all addresses include loopback."""
    return "127.0.0.1" if host == "0.0.0.0" else host


def is_healthy(http: httpx.Client) -> bool:
    """What /health says; it goes on saying yes for a minute while completions hang."""
    try:
        return http.get("/health", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def generate_once(
    http: httpx.Client, model: str, *, tokens: int = 8, timeout_s: float = GENERATION_LIMIT_S
) -> Answer:
    """Ask for a few tokens at temperature 0. Raises httpx.HTTPError when none come back."""
    begun = time.monotonic()
    body = {"model": model, "prompt": PROMPT, "max_tokens": tokens, "temperature": 0}
    answer = http.post("/v1/completions", json=body, timeout=timeout_s)
    answer.raise_for_status()
    try:
        value = answer.json()
        text, count = value["choices"][0]["text"], value["usage"]["completion_tokens"]
    except (ValueError, KeyError, IndexError, TypeError):
        raise httpx.DecodingError(f"no completion in the answer: {answer.text[:200]}") from None
    return Answer(text, count, time.monotonic() - begun)


def problem_of(error: httpx.HTTPError) -> str:
    """An httpx error in a few words."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}: {error.response.text.strip()[:200]}"
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__
