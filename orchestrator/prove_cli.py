"""The verbs of `orchestrate test`, those with modules of their own among them."""

from orchestrator.determinism_cli import prove_determinism
from orchestrator.test_cli import test_app
from orchestrator.vision_cli import prove_vision

test_app.command("determinism")(prove_determinism)
test_app.command("vision")(prove_vision)
