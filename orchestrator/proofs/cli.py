"""The verbs of `orchestrate test`: parse, one verb, print its report. No logic."""

from collections.abc import Callable
from datetime import UTC, datetime

from orchestrator.api.options import KeyFile, ModelName, Url, with_target
from orchestrator.api.target import Target, Wanted
from orchestrator.cli.console import Console
from orchestrator.cli.options import Json, Nodes
from orchestrator.proofs.conclude import conclude
from orchestrator.proofs.proof import Proof, proof_screen
from orchestrator.proofs.smoke import smoke
from orchestrator.records.artifact import Artifact
from orchestrator.records.provenance import provenance


def prove_smoke(
    url: Url = None,
    model: ModelName = None,
    api_key_file: KeyFile = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """Is the server healthy, is the model there, does it give the same answer twice."""

    def verb(console: Console, target: Target) -> int:
        return prove(console, target, "smoke", lambda: smoke(target, console), json)

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
    """Run a test, show its report, save it under artifacts/test-<name>/; the exit code."""
    started = datetime.now(UTC)
    proof = test()
    artifact = Artifact(f"test-{name}", provenance(target), seed, started)
    return conclude(console, artifact, proof, proof_screen(f"{name} test", proof), json)
