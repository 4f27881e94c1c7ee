"""Does the model answer? Asked over an injected httpx.Client; knows nothing of hosts."""

import time
from dataclasses import dataclass

import httpx

from cluster.inventory.node import Node
from cluster.transport.http import http_client
from cluster.transport.protocol import Transport
from orchestrator.serving.endpoint import LOOPBACK

PROMPT = "Hello, my name is"
RUNNING, MADE = "vllm:num_requests_running", "vllm:generation_tokens_total"
METRICS_LIMIT_S = 2.0
FLOW_S = 0.3  # a slow model makes a token or more in it; a long prefill makes none: then we ask
FEW_TOKENS = 8  # fewer may be all the same by chance
GENERATION_LIMIT_S = 120.0  # the first one may compile kernels


@dataclass(frozen=True)
class Answer:
    """One real generation: its text, and seconds from the request to the whole answer."""

    text: str
    tokens: int
    seconds: float


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
        if not isinstance(text, str) or not isinstance(count, int):
            raise TypeError
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise httpx.DecodingError(f"no completion in the answer: {words_of(answer)}") from None
    return Answer(text, count, time.monotonic() - begun)


def degenerate(text: str, tokens: int) -> str:
    """What shows that the text of so many tokens is nobody's answer; empty for any other.

    Kernels that a new GPU does not run rightly give numbers that are none, and these are token 0,
    in most vocabularies `!`. A text that repeats one word may be a model's own.
    """
    visible = "".join(text.split())
    if tokens >= FEW_TOKENS and not visible.strip("\N{REPLACEMENT CHARACTER}"):
        return f"{tokens} tokens, and no text that can be read"
    if len(visible) >= FEW_TOKENS and len(set(visible)) == 1:
        return f"nothing but `{visible[0]}`"
    return ""


def tokens_flowing(http: httpx.Client) -> int:
    """Tokens that came out for others while we looked; 0 for an idle server, or one that stands."""
    before = read_tokens(http)
    if before is None or not before.running:
        return 0
    time.sleep(FLOW_S)
    after = read_tokens(http)
    return max(0, after.made - before.made) if after else 0


@dataclass(frozen=True)
class TokenCount:
    """vLLM's own counters: requests in work now, tokens made since it started."""

    running: int
    made: int


def read_tokens(http: httpx.Client) -> TokenCount | None:
    """None where the server does not show them."""
    from orchestrator.metrics.read import read_metrics, sum_of  # only a model that runs needs it

    samples = read_metrics(http, METRICS_LIMIT_S)
    running = None if samples is None else sum_of(samples, RUNNING)
    if samples is None or running is None:
        return None
    return TokenCount(int(running), int(sum_of(samples, MADE) or 0))


def problem_of(error: httpx.HTTPError) -> str:
    """An httpx error in a few words."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}: {words_of(error.response).strip()}"
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return str(error) or type(error).__name__


def words_of(response: httpx.Response) -> str:
    """The beginning of a body, whatever charset its header names."""
    return response.content.decode(errors="replace")[:200]


ASK_LIMIT_S = 5.0


def ask_media(transport: Transport, node: Node, port: int) -> float:
    """Seconds until it says that it lists nothing. Raises httpx.HTTPError."""
    begun = time.monotonic()
    with http_client(transport, node, LOOPBACK[0], port) as http:
        http.head("/", timeout=ASK_LIMIT_S)
    return time.monotonic() - begun
