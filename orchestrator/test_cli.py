"""The verbs of `orchestrate test`: parse, one verb, print its report. No logic."""

from collections.abc import Callable
from datetime import UTC, datetime

import typer

from orchestrator.artifact import Artifact
from orchestrator.conclude import conclude
from orchestrator.console import Console
from orchestrator.proof import Proof, proof_screen
from orchestrator.provenance import provenance
from orchestrator.smoke import smoke
from orchestrator.structured_cli import prove_structured
from orchestrator.target import Target, Wanted
from orchestrator.target_cli import KeyFile, ModelName, Url, with_target
from orchestrator.tools_cli import prove_tools
from orchestrator.verb import Json, Nodes

test_app = typer.Typer(help="Prove that the model answers as it should.", no_args_is_help=True)


@test_app.callback()
def test() -> None:
    pass


test_app.command("tools")(prove_tools)
test_app.command("structured")(prove_structured)


@test_app.command("smoke")
def prove_smoke(
    url: Url = None,
    model: ModelName = None,
    api_key_file: KeyFile = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Is the server well, does it serve the model, does it say the same thing twice."""

    def verb(console: Console, target: Target) -> int:
        return prove(console, target, "smoke", lambda: smoke(target, console.tell), json)

    with_target(Wanted(url, model, api_key_file, nodes), verb)


def prove(
    console: Console,
    target: Target,
    name: str,
    test: Callable[[], Proof],
    json: bool,
    *,
    seed: int | None = None,
) -> int:
    """Run a test, show its report, keep it under artifacts/test-<name>/; the exit code."""
    started = datetime.now(UTC)
    proof = test()
    artifact = Artifact(f"test-{name}", provenance(target), seed, started)
    return conclude(console, artifact, proof, proof_screen(f"{name} test", proof), json)
