"""`orchestrate test structured`: parse, ask, show the report. No logic."""

from typing import Annotated

import typer

from orchestrator.api.options import KeyFile, ModelName, Url, with_target
from orchestrator.api.target import Target, Wanted
from orchestrator.cli.console import Console
from orchestrator.cli.options import Json, Nodes
from orchestrator.proofs.conclude import conclude
from orchestrator.proofs.structured.ask import sample_schemas
from orchestrator.proofs.structured.report import structured_screen
from orchestrator.proofs.structured.subject import Sampling, read_subjects
from orchestrator.records.artifact import Artifact
from orchestrator.records.jsonl import open_jsonl
from orchestrator.records.provenance import provenance

DEFAULT_SAMPLING = Sampling()
Schemas = Annotated[
    list[str] | None,
    typer.Option(
        "--schema",
        help="A file with a JSON schema, or a folder of them (*.json), instead of the built-in "
        "ones. Repeatable.",
    ),
]
SamplesPerSchema = Annotated[int, typer.Option(min=1, help="Answers for each schema.")]
SampleMaxTokens = Annotated[int, typer.Option(min=1, help="Limit for each answer.")]
SamplingTemperature = Annotated[float, typer.Option(min=0, max=2)]
SamplingSeed = Annotated[
    int, typer.Option(min=0, help="The seed of each sample is derived from it.")
]


def prove_structured(
    schema: Schemas = None,
    samples: SamplesPerSchema = DEFAULT_SAMPLING.samples,
    max_tokens: SampleMaxTokens = DEFAULT_SAMPLING.max_tokens,
    temperature: SamplingTemperature = DEFAULT_SAMPLING.temperature,
    seed: SamplingSeed = DEFAULT_SAMPLING.seed,
    url: Url = None,
    model: ModelName = None,
    api_key_file: KeyFile = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """How many answers meet the JSON schema that the server was given."""
    subjects = read_subjects(schema or [])
    sampling = Sampling(samples, max_tokens, temperature, seed)

    def verb(console: Console, target: Target) -> int:
        artifact = Artifact("test-structured", provenance(target), seed)
        with open_jsonl(artifact.folder / "samples.jsonl") as keep:
            proof = sample_schemas(target, subjects, sampling, keep, console)
        return conclude(console, artifact, proof, structured_screen(proof), json)

    with_target(Wanted(url, model, api_key_file, nodes), verb)
