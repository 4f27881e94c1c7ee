"""`orchestrate test vision`: parse, ask, show the report. No logic."""

from orchestrator.api.options import KeyFile, ModelName, Url, with_target
from orchestrator.api.target import Target, Wanted
from orchestrator.cli.console import Console
from orchestrator.cli.options import Json, Nodes
from orchestrator.proofs.conclude import prove
from orchestrator.proofs.vision.cases import BY_URL, media_file
from orchestrator.proofs.vision.media_fixtures import served_files
from orchestrator.proofs.vision.run import VisionReport, vision


def prove_vision(
    url: Url = None,
    model: ModelName = None,
    api_key_file: KeyFile = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Does it see pictures and videos, and does it refuse those from other servers."""

    def verb(console: Console, target: Target) -> int:
        files = {name: media_file(name) for name in BY_URL}
        with served_files(target, files) as base:

            def test() -> VisionReport:
                return vision(target, base, console)

            return prove(console, target, "vision", test, json)

    with_target(Wanted(url, model, api_key_file, nodes), verb)
