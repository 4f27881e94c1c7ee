"""The verb `test structured`: samples every schema and judges each answer."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cluster.reporter import Reporter
from orchestrator.api.closed_loop import Limits, send_all
from orchestrator.api.reply import Failure, Outcome
from orchestrator.api.request import Call
from orchestrator.api.send import ANSWER_LIMIT_S, connected
from orchestrator.api.target import Target
from orchestrator.proofs.structured.judge import Sample, judge_sample, schema_finding, schema_result
from orchestrator.proofs.structured.report import StructuredReport
from orchestrator.proofs.structured.subject import Sampling, SchemaSubject
from orchestrator.records.jsonl import WriteLine

SAMPLES_AT_ONCE = 8
LOST_SERVER = ("connect", "timeout")  # the next request would fail in the same way
DENIED = (401, 403, 404)


@dataclass(frozen=True)
class Question:
    """Sample `number` of a schema."""

    subject: SchemaSubject
    number: int


def sample_schemas(
    target: Target,
    subjects: Sequence[SchemaSubject],
    sampling: Sampling,
    write: WriteLine,
    reporter: Reporter,
) -> StructuredReport:
    """Sends every sample of every schema; stops once the server is lost."""
    questions = [Question(each, n) for each in subjects for n in range(sampling.samples)]
    reporter.tell(
        f"asking {target.shown}: {len(questions)} samples of {len(subjects)} schemas, "
        f"{SAMPLES_AT_ONCE} at once, at most {ANSWER_LIMIT_S:g} s each"
    )
    samples = asyncio.run(Sampler(target, sampling, write, reporter).all(questions))
    results = [
        schema_result(each, [sample for sample in samples if sample.schema == each.name])
        for each in subjects
    ]
    findings = tuple(schema_finding(each, target.shown, sampling.samples) for each in results)
    return StructuredReport(target.shown, target.model, findings, sampling, tuple(results))


@dataclass(frozen=True)
class Sampler:
    """Sends the questions; every sample is written as soon as it has ended."""

    target: Target
    sampling: Sampling
    write: WriteLine
    reporter: Reporter

    async def all(self, questions: Sequence[Question]) -> list[Sample]:
        samples: list[Sample] = []
        lost = asyncio.Event()

        def calls() -> Iterator[Call]:
            for one in questions:
                if lost.is_set():
                    return
                yield self.sampling.call(self.target.model, one.subject, one.number)

        def done(place: int, outcome: Outcome) -> None:
            one = questions[place]
            seed = self.sampling.seed_of(one.subject, one.number)
            samples.append(judge_sample(one.subject, one.number, seed, outcome))
            self.write(samples[-1])
            if is_server_lost(outcome):
                lost.set()
            if sum(each.schema == one.subject.name for each in samples) == self.sampling.samples:
                count = f"{len(samples)} of {len(questions)} samples"
                self.reporter.tell(f"{one.subject.name} is done, {count}")

        async with connected(
            self.target.url, self.target.key, connections=SAMPLES_AT_ONCE
        ) as server:
            await send_all(server, calls(), Limits(SAMPLES_AT_ONCE), done)
        return sorted(samples, key=lambda each: each.number)


def is_server_lost(outcome: Outcome) -> bool:
    return isinstance(outcome, Failure) and (
        outcome.kind in LOST_SERVER or outcome.status in DENIED
    )
