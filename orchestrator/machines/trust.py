"""`cluster trust`: the keys of the hosts, and of those in between, looked at by a person."""

from collections.abc import Sequence

import typer

from cluster.errors import OrchestrateError
from cluster.transport.host_keys import HostKey, accept, host_keys
from orchestrator.cli.options import Run

ROUNDS = 8  # what lies behind a jump host shows its key once that one is trusted


def trust(run: Run, yes: bool) -> int:
    """The exit code: 0 when the keys of all nodes are known now."""
    for _ in range(ROUNDS):
        found = host_keys(run.config)
        keys = [key for key in found if isinstance(key, HostKey)]
        show_keys(run, keys)
        unknown = [key for key in keys if key.state == "unknown"]
        if unknown:
            if not yes:
                typer.confirm("Are these the keys of your hosts?", abort=True, err=True)
            accept(unknown)
            for file in dict.fromkeys(key.file for key in unknown):
                count = sum(key.file == file for key in unknown)
                run.console.raw(f"{count} {'key' if count == 1 else 'keys'} added to {file}")
        if not any(key.is_jump for key in unknown):
            break
    errors = [each for each in found if isinstance(each, OrchestrateError)]
    for error in errors:
        run.console.fail(error)
    return 1 if errors or any(key.state in ("changed", "revoked") for key in keys) else 0


def show_keys(run: Run, keys: Sequence[HostKey]) -> None:
    for key in keys:
        note = f" (known_hosts has its {key.note})" if key.note and key.state == "unknown" else ""
        run.console.raw(
            f"{key.name}  {key.entry}  {key.kind}  {key.fingerprint}  {key.state}{note}"
        )
    for key in keys:
        if key.state == "changed":
            run.console.warn(
                f"{key.name} shows another key than known_hosts has: if it was reinstalled, "
                f"ssh-keygen -R '{key.entry}', then again"
            )
        if key.state == "revoked":
            run.console.warn(f"{key.name} shows a key that known_hosts calls @revoked: never added")
