"""The command tree, as ONE table of verbs, and the exit codes. No logic."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Annotated

import typer
import typer.exceptions

from orchestrator import VERSION
from orchestrator.cli.lazy import COMPLETE, Tree, Verb, group_of

INTERRUPTED = 130
DEBUG = "ORCHESTRATE_DEBUG"

VERBS = Tree(
    {
        "Bring machines up, and down": {
            "cluster check": Verb(
                "orchestrator.machines.cli:cluster_check",
                "Find every problem of the hosts at once, before anything starts; change nothing.",
            ),
            "cluster start": Verb(
                "orchestrator.machines.cli:cluster_start",
                "Bring Ray up on every host; what is up stays as it is.",
            ),
            "cluster stop": Verb(
                "orchestrator.machines.cli:cluster_stop",
                "Take Ray down. Refused while a model runs on it.",
            ),
            "cluster trust": Verb(
                "orchestrator.machines.cli:cluster_trust",
                "Show the hosts' SSH keys and, after a yes, add the unknown ones to known_hosts.",
            ),
            "teardown": Verb(
                "orchestrator.machines.cli:teardown",
                "Take everything of this cluster down, and nothing else.",
            ),
        },
        "Choose a model and get its files": {
            "models list": Verb(
                "orchestrator.models.cli:models_list",
                "Every recipe: built-in ones and those of ./recipes; no host is asked.",
            ),
            "models show": Verb(
                "orchestrator.serving.show_cli:models_show",
                "The final arguments and environment of vLLM, and where each of them comes from.",
            ),
            "plan": Verb(
                "orchestrator.machines.plan_cli:plan_model",
                "What fits where: weights, KV cache, longest context, split. Starts nothing.",
            ),
            "models lock": Verb(
                "orchestrator.models.cli:models_lock",
                "Write to models.lock which commit the recipe's revision is, and every file's "
                "hash.",
            ),
            "models pull": Verb(
                "orchestrator.models.cli:models_pull",
                "Download the locked commit from the hub to one host, and go on where it stopped.",
            ),
            "models sync": Verb(
                "orchestrator.models.sync.cli:models_sync",
                "Copy a model from one host to all others over the fast link, and verify it.",
            ),
            "models verify": Verb(
                "orchestrator.models.verify.cli:models_verify",
                "Hash every file of a model on every host, and compare with models.lock.",
            ),
            "models manifest": Verb(
                "orchestrator.models.verify.cli:models_manifest",
                "Verify, then write down the SHA-256 of every file, sealed, for an audit to keep.",
            ),
        },
        "Serve it, and see how it is": {
            "serve": Verb(
                "orchestrator.serving.cli:serve_model",
                "Launch a model and wait until it has answered.",
            ),
            "status": Verb(
                "orchestrator.machines.status_cli:show_status",
                "Hosts, Ray, models, memory, addresses, and whether each model answers right now.",
            ),
            "logs": Verb(
                "orchestrator.serving.logs_cli:show_logs",
                "A service's log, from whichever host it runs on.",
            ),
            "generate": Verb(
                "orchestrator.api.cli:generate_text",
                "One answer to one prompt, as it comes.",
            ),
        },
        "Prove and measure it": {
            "test smoke": Verb(
                "orchestrator.proofs.cli:prove_smoke",
                "Is the server healthy, is the model there, does it give the same answer twice.",
            ),
            "test tools": Verb(
                "orchestrator.proofs.tools.cli:prove_tools",
                "Are tool calls returned as calls: one, several, streamed, whole, auto, forced.",
            ),
            "test structured": Verb(
                "orchestrator.proofs.structured.cli:prove_structured",
                "How many answers meet the JSON schema that the server was given.",
            ),
            "test vision": Verb(
                "orchestrator.proofs.vision.cli:prove_vision",
                "Does it see pictures and videos, and does it refuse those from other servers.",
            ),
            "test determinism": Verb(
                "orchestrator.proofs.determinism.cli:prove_determinism",
                "The same answer, token by token: alone, under load, from a warm cache.",
            ),
            "bench": Verb(
                "orchestrator.bench.cli:run_bench",
                "Latency, throughput and cost of a live model under increasing load.",
            ),
            "bench compare": Verb(
                "orchestrator.bench.cli:bench_compare",
                "Two runs side by side: what differs, and whether it is beyond the noise.",
            ),
            "sample": Verb(
                "orchestrator.sampling.cli:sample",
                "A long reproducible session, one request at a time; or `replay` one.",
            ),
            "sample replay": Verb(
                "orchestrator.sampling.cli:replay_sample",
                "Send every chunk of a session again; exit code 1 unless all tokens are the same.",
            ),
            "audit bundle": Verb(
                "orchestrator.audit.cli:audit_bundle",
                "Put all that is known of the running model into one file, for an audit.",
            ),
            "audit verify": Verb(
                "orchestrator.audit.cli:audit_verify",
                "Check a bundle, or compare two: what differs, the most important first, and why.",
            ),
        },
        "This command line": {
            "completion": Verb(
                "orchestrator.cli.completion:print_completion",
                "Print the script that completes verbs and options in a shell.",
            ),
        },
    },
    groups={
        "": "Turn a handful of GPU hosts into one model server.",
        "cluster": "Ray on the hosts: check, start, stop, host keys.",
        "models": "Recipes, and their files on the hosts.",
        "test": "Prove that the model answers as it should.",
        "audit": "Keep all that is known of a running model, and compare.",
    },
)


def show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"orchestrate {VERSION}")
        raise typer.Exit


def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=show_version, help="Show the version and leave."
        ),
    ] = False,
) -> None:
    if debug:
        os.environ[DEBUG] = "1"


app = group_of(VERBS, "", options)


def main() -> None:
    """The console script: exit 0, 1, 2 or 130; a traceback only with --debug."""
    if COMPLETE in os.environ:
        from orchestrator.cli.completion import know_shells

        know_shells()
    take_for_interrupt(signal.SIGTERM, signal.SIGHUP)
    sys.exit(exit_code_of(lambda: app(prog_name="orchestrate", standalone_mode=False)))


def take_for_interrupt(*signals: signal.Signals) -> None:
    """They end a run as Ctrl-C does, so that it takes back what it began; nohup stays nohup."""
    for each in signals:
        if signal.getsignal(each) is signal.SIG_DFL:
            signal.signal(each, signal.default_int_handler)


def exit_code_of(verb: Callable[[], object]) -> int:
    try:
        code = verb()  # typer turns its Exit, and Ctrl-C, into the value that it returns
    except SystemExit:  # typer's, after it has answered a shell
        raise
    except BrokenPipeError:
        return 1
    except BaseException as error:
        from orchestrator.cli.failure import exit_code_after

        return exit_code_after(error, debug=bool(os.environ.get(DEBUG)))
    if code == INTERRUPTED:
        from orchestrator.cli.console import Console

        Console().warn("interrupted")
    return code if isinstance(code, int) else 0
