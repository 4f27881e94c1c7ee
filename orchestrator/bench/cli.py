"""`orchestrate bench` and `bench compare`: parse, one verb, print its report. No logic."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cluster.errors import Problem, UsageError
from orchestrator.api.options import KeyFile, ModelName, Url, with_target
from orchestrator.api.send import ANSWER_LIMIT_S
from orchestrator.api.target import Target, Wanted
from orchestrator.bench.compare import compare_runs
from orchestrator.bench.compare_screen import compare_screen
from orchestrator.bench.output import REPORT_PAGE, read_run, write_run
from orchestrator.bench.run import STOPPED_BY_USER, BenchRequest, bench
from orchestrator.bench.screen import bench_screen
from orchestrator.bench.workload import Workload, ladder
from orchestrator.cli.console import Console
from orchestrator.cli.interrupts import end_as_by_ctrl_c
from orchestrator.cli.options import Json, Nodes, show_on
from orchestrator.records.artifact import Artifact
from orchestrator.records.provenance import provenance

INTERRUPTED_CODE = 130


Ladder = Annotated[
    str | None,
    typer.Option(metavar="N,N", help="Requests at once, one step each. Default: 1,4,16."),
]
RateLadder = Annotated[
    str | None,
    typer.Option(metavar="N,N", help="Or requests a second, at random times (Poisson)."),
]
RequestsPerRepeat = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="For each repeat of a step. Default: 4 times N, at least 16; 32 for a rate.",
    ),
]
Duration = Annotated[
    float | None, typer.Option(min=0.1, help="Or send for this many seconds in each repeat.")
]
InputTokens = Annotated[int, typer.Option(min=1, help="Length of each prompt.")]
OutputTokens = Annotated[int, typer.Option(min=1, help="Length of each answer.")]
Repeats = Annotated[int, typer.Option(min=1, help="Of each step; they show the noise.")]
WorkloadSeed = Annotated[int, typer.Option(help="Of the prompts and the arrival times.")]
BenchTimeoutS = Annotated[float, typer.Option(min=0.1, help="Limit for one answer, in seconds.")]
DailyRequests = Annotated[
    float | None, typer.Option(min=1, help="Show what a day with this many requests costs.")
]
LoadS = Annotated[
    float | None,
    typer.Option(min=0, help="Seconds that `serve` took: show when loading on demand pays off."),
]


def run_bench(
    ctx: typer.Context,
    concurrency: Ladder = None,
    rate: RateLadder = None,
    requests: RequestsPerRepeat = None,
    duration: Duration = None,
    input_tokens: InputTokens = 256,
    output_tokens: OutputTokens = 128,
    repeats: Repeats = 3,
    seed: WorkloadSeed = 0,
    timeout_s: BenchTimeoutS = ANSWER_LIMIT_S,
    daily_requests: DailyRequests = None,
    load_s: LoadS = None,
    url: Url = None,
    model: ModelName = None,
    api_key_file: KeyFile = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Latency, throughput and cost of a live model under increasing load."""
    if ctx.invoked_subcommand:
        return
    if requests and duration:
        raise UsageError(Problem("either --requests or --duration"))
    load = Workload(
        steps=ladder(concurrency, rate),
        requests=requests,
        duration_s=duration,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        repeats=repeats,
        seed=seed,
        timeout_s=timeout_s,
    )
    request = BenchRequest(load, daily_requests, load_s)

    def verb(console: Console, target: Target) -> int:
        return measure(console, target, request, json)

    with_target(Wanted(url, model, api_key_file, nodes), verb)


def measure(console: Console, target: Target, request: BenchRequest, json: bool) -> int:
    """Run the ladder, show and save the result; the exit code."""
    started = datetime.now(UTC)
    artifact = Artifact("bench", provenance(target), request.load.seed, started)
    with end_as_by_ctrl_c():
        try:
            measured = bench(target, request, console)
        except BaseException:
            artifact.folder.rmdir()  # nothing was measured
            raise
        folder = write_run(artifact, measured)  # first: a terminal may be gone
    found = measured.report
    show_on(console, found, bench_screen, json)
    console.tell(f"result: {folder}; for a browser: {folder / REPORT_PAGE}")
    if found.stopped == STOPPED_BY_USER:
        return INTERRUPTED_CODE
    return 0 if found.good else 1


RunPath = Annotated[str, typer.Argument(help="A folder of artifacts/bench, or its result.json.")]


def bench_compare(a: RunPath, b: RunPath, json: Json = False) -> None:
    """Two runs side by side: what differs, and whether it is beyond the noise."""
    found = compare_runs((a, b), read_run(a), read_run(b))
    show_on(Console(), found, compare_screen, json)
