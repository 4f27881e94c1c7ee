"""The end of a test of a live model: its report on the screen, its result in the artifact."""

from rich.console import RenderableType

from orchestrator import report
from orchestrator.artifact import Artifact
from orchestrator.console import Console
from orchestrator.proof import Proof


def conclude(
    console: Console, artifact: Artifact, proof: Proof, screen: RenderableType, json: bool
) -> int:
    """Show it, keep it; the exit code."""
    if json:
        console.raw(report.as_json(proof))
    else:
        console.show(screen)
    console.tell(f"result: {artifact.write(proof)}")
    return 0 if proof.passed else 1
