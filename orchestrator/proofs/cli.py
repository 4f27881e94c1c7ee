"""The verbs of `orchestrate test`: parse, one verb, print its report. No logic."""

from orchestrator.api.options import KeyFile, ModelName, Url, with_target
from orchestrator.api.target import Target, Wanted
from orchestrator.cli.console import Console
from orchestrator.cli.options import Json, Nodes
from orchestrator.proofs.conclude import prove
from orchestrator.proofs.smoke import smoke


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
