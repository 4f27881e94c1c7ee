"""Sends the load of one step and records the outcomes; decides nothing."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

import httpx

from cluster.errors import OrchestrateError, Problem
from cluster.reporter import Reporter
from orchestrator.api.closed_loop import Limits, send_all
from orchestrator.api.errors import hint_of
from orchestrator.api.open_loop import send_at
from orchestrator.api.pages import page_of_json
from orchestrator.api.reply import Failure, Outcome
from orchestrator.api.request import Call
from orchestrator.api.send import Server, connected
from orchestrator.api.target import Target
from orchestrator.bench.request_record import Repeat, record_of
from orchestrator.bench.workload import PROMPT_TEXT, LoadStep, PromptSource, arrival_times

TOO_LONG = "does the model take prompts and answers of this length? --input-tokens, --output-tokens"
OPEN_AT_ONCE = 900  # connections: below the usual limit of 1,024 files


def token_pool(target: Target) -> tuple[int, ...]:
    """Token ids of ordinary words, from vLLM's /tokenize; empty for other servers."""
    body = {"model": target.model, "prompt": PROMPT_TEXT, "add_special_tokens": False}
    try:
        with target.http() as http:
            found = page_of_json(http, "/tokenize", json=body)["tokens"]
        return tuple(sorted({token for token in found if type(token) is int}))
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return ()


async def run_step(
    target: Target, prompts: PromptSource, step: LoadStep, taken: list[Repeat], reporter: Reporter
) -> None:
    """Runs the warm-up and the repeats over the same connections; `taken` grows as answers come.

    Raises OrchestrateError where the warm-up was not answered at all.
    """
    load = prompts.load
    at_once = int(step.value) if step.kind == "concurrency" else OPEN_AT_ONCE
    async with connected(target.url, target.key, connections=at_once) as server:
        warm = add_repeat(taken, step, 0)
        reporter.tell(f"{step.label}: {step.warmup} warm-up requests")
        calls = islice(prompts.calls(f"{step.label}/warm-up"), step.warmup)
        limits = Limits(min(at_once, step.warmup), load.timeout_s)
        with time_repeat(warm) as started:
            failure = await closed_loop(server, calls, limits, warm, started)
        if failure and not any(not record.failure for record in warm.records):
            what = f"{step.label}: no warm-up request was answered: {failure.kind}: {failure}"
            raise OrchestrateError(Problem(what, target.shown, hint_of(failure) or TOO_LONG))
        for number in range(1, load.repeats + 1):
            reporter.tell(f"{step.label}: repeat {number} of {load.repeats}")
            await run_repeat(server, prompts, step, add_repeat(taken, step, number))


def add_repeat(taken: list[Repeat], step: LoadStep, number: int) -> Repeat:
    taken.append(Repeat(step.label, number, []))
    return taken[-1]


async def run_repeat(server: Server, prompts: PromptSource, step: LoadStep, repeat: Repeat) -> None:
    load, name = prompts.load, f"{step.label}/{repeat.number}"
    calls = prompts.calls(name)
    with time_repeat(repeat) as started:
        if step.kind == "rate":
            timed = zip(arrival_times(load, step, name), calls, strict=False)

            def arrived(at_s: float, late_s: float, outcome: Outcome) -> None:
                repeat.records.append(record_of(at_s, late_s, outcome))

            await send_at(server, timed, arrived, timeout_s=load.timeout_s)
            return
        some = islice(calls, load.count(step))
        limited = calls_until(some, started + load.duration_s) if load.duration_s else some
        await closed_loop(server, limited, Limits(int(step.value), load.timeout_s), repeat, started)


async def closed_loop(
    server: Server, calls: Iterable[Call], limits: Limits, repeat: Repeat, started: float
) -> Failure | None:
    """Sends a request when the one before it has ended. Returns the first failure."""
    first: list[Failure] = []

    def done(number: int, outcome: Outcome) -> None:
        if isinstance(outcome, Failure):
            first.append(outcome)
        at_s = time.perf_counter() - started - outcome.timing.total_s
        repeat.records.append(record_of(max(0.0, at_s), 0.0, outcome))

    await send_all(server, calls, limits, done)
    return first[0] if first else None


def calls_until(calls: Iterable[Call], end: float) -> Iterator[Call]:
    """The calls until the end; requests in flight then are waited for."""
    for call in calls:
        if time.perf_counter() >= end:
            return
        yield call


@contextmanager
def time_repeat(repeat: Repeat) -> Iterator[float]:
    """Yields the start; records that the repeat was completed, and our own CPU time."""
    started, used = time.perf_counter(), time.process_time()
    yield started
    repeat.busy = (time.process_time() - used) / max(1e-9, time.perf_counter() - started)
    repeat.ended = True
