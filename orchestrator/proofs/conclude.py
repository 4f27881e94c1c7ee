"""Ends a test of a live model: its report on the screen, its result in the artifact."""

from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import RenderableType

from orchestrator.api.target import Target
from orchestrator.cli.console import Console
from orchestrator.cli.options import show_on
from orchestrator.proofs.proof import Proof, proof_screen
from orchestrator.records.artifact import Artifact
from orchestrator.records.provenance import provenance


def conclude(
    console: Console, artifact: Artifact, proof: Proof, screen: RenderableType, json: bool
) -> int:
    """Show the report and save it; the exit code."""
    show_on(console, proof, lambda _: screen, json)
    console.tell(f"result: {artifact.write(proof)}")
    return 0 if proof.passed else 1


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
