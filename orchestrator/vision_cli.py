"""`orchestrate test vision`: parse, ask, show the report. No logic."""

from orchestrator.console import Console
from orchestrator.target import Target, Wanted
from orchestrator.target_cli import KeyFile, ModelName, Url, with_target
from orchestrator.test_cli import prove
from orchestrator.verb import Json, Nodes
from orchestrator.vision.cases import FILES
from orchestrator.vision.look import VisionReport, vision
from orchestrator.vision.shelf import on_the_shelf


def prove_vision(
    url: Url = None,
    model: ModelName = None,
    api_key_file: KeyFile = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Does it see pictures and videos, sent along and by URL, and fetch from nowhere else."""

    def verb(console: Console, target: Target) -> int:
        with on_the_shelf(target, nodes, FILES) as base:

            def test() -> VisionReport:
                return vision(target, base, console.tell)

            return prove(console, target, "vision", test, json)

    with_target(Wanted(url, model, api_key_file, nodes), verb)
