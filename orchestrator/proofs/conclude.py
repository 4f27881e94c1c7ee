"""Ends a test of a live model: its report on the screen, its result in the artifact."""

from rich.console import RenderableType

from orchestrator.cli import render as report
from orchestrator.cli.console import Console
from orchestrator.proofs.proof import Proof
from orchestrator.records.artifact import Artifact


def conclude(
    console: Console, artifact: Artifact, proof: Proof, screen: RenderableType, json: bool
) -> int:
    """Show the report and save it; the exit code."""
    if json:
        console.raw(report.as_json(proof))
    else:
        console.show(screen)
    console.tell(f"result: {artifact.write(proof)}")
    return 0 if proof.passed else 1
