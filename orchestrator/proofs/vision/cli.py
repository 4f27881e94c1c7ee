"""`orchestrate test vision`: parse, ask, show the report. No logic."""

from orchestrator.api.options import KeyFile, ModelName, Url, with_target
from orchestrator.api.target import Target, Wanted
from orchestrator.cli.console import Console
from orchestrator.cli.options import Json, Nodes
from orchestrator.proofs.cli import prove
from orchestrator.proofs.vision.cases import FILES
from orchestrator.proofs.vision.media_fixtures import on_the_shelf
from orchestrator.proofs.vision.run import VisionReport, vision


def prove_vision(
    url: Url = None,
    model: ModelName = None,
    api_key_file: KeyFile = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Does it see pictures and videos, and fetch them from nowhere else."""

    def verb(console: Console, target: Target) -> int:
        with on_the_shelf(target, nodes, FILES) as base:

            def test() -> VisionReport:
                return vision(target, base, console.tell)

            return prove(console, target, "vision", test, json)

    with_target(Wanted(url, model, api_key_file, nodes), verb)
