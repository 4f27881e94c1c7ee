"""`orchestrate test determinism`: parse, ask, show the report. No logic."""

from typing import Annotated

import typer

from orchestrator.api.options import KeyFile, ModelName, Url, with_target
from orchestrator.api.target import Target, Wanted
from orchestrator.cli.console import Console
from orchestrator.cli.options import Json, Nodes
from orchestrator.proofs.conclude import prove
from orchestrator.proofs.determinism.ask import DeterminismRequest, new_run, observe
from orchestrator.proofs.determinism.report import DeterminismReport, determinism_report

ComparedRequests = Annotated[
    int, typer.Option(min=2, help="How often the request is sent under load.")
]
LoadConcurrency = Annotated[
    int, typer.Option(min=1, help="Of these at once, beside as many of background load.")
]
AnswerTokens = Annotated[int, typer.Option(min=1, help="Tokens of each compared answer.")]
PromptSeed = Annotated[int, typer.Option(help="Of the prompt and of the background load.")]
Bitwise = Annotated[
    bool,
    typer.Option(
        "--bitwise",
        help="Fail also where only logprobs differ. Always so where the recipe sets "
        "VLLM_BATCH_INVARIANT.",
    ),
]


def prove_determinism(
    requests: ComparedRequests = 100,
    concurrency: LoadConcurrency = 10,
    tokens: AnswerTokens = 128,
    seed: PromptSeed = 0,
    bitwise: Bitwise = False,
    url: Url = None,
    model: ModelName = None,
    api_key_file: KeyFile = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """The same answer, token by token: alone, under load, from a warm cache."""
    request = DeterminismRequest(requests, concurrency, tokens, seed, bitwise)

    def verb(console: Console, target: Target) -> int:
        def test() -> DeterminismReport:
            run = new_run()
            seen = observe(target, request, run, console)
            return determinism_report(target, request, run, seen)

        return prove(console, target, "determinism", test, json, seed=seed)

    with_target(Wanted(url, model, api_key_file, nodes), verb)
