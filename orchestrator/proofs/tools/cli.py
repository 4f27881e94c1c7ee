"""`orchestrate test tools`: parse, ask, show the report. No logic."""

from typing import Annotated

import typer

from orchestrator.api.options import KeyFile, ModelName, Url, with_target
from orchestrator.api.target import Target, Wanted
from orchestrator.cli.console import Console
from orchestrator.cli.options import Json, Nodes
from orchestrator.proofs.conclude import conclude
from orchestrator.proofs.proof import proof_screen
from orchestrator.proofs.tools.ask import MAX_TOKENS, run_questions
from orchestrator.records.artifact import Artifact
from orchestrator.records.jsonl import open_jsonl
from orchestrator.records.provenance import provenance

AnswerMaxTokens = Annotated[
    int, typer.Option(min=16, help="Limit for each answer; more for a model that reasons first.")
]


def prove_tools(
    max_tokens: AnswerMaxTokens = MAX_TOKENS,
    url: Url = None,
    model: ModelName = None,
    api_key_file: KeyFile = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Are tool calls returned as calls: one, several, streamed, whole, auto, forced."""

    def verb(console: Console, target: Target) -> int:
        artifact = Artifact("test-tools", provenance(target))
        with open_jsonl(artifact.folder / "answers.jsonl") as keep:
            proof = run_questions(target, max_tokens, keep, console)
        return conclude(console, artifact, proof, proof_screen("tools test", proof), json)

    with_target(Wanted(url, model, api_key_file, nodes), verb)
