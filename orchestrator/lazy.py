"""Verbs whose modules are imported when typed: `status` need not wait for what `bench` needs."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

# verb: its module, and what stands there for it (a Typer or a function)
LAZY = {
    "cluster": ("orchestrator.cluster_cli", "cluster_app"),
    "models": ("orchestrator.models_cli", "models_app"),
    "plan": ("orchestrator.plan_cli", "plan_model"),
    "generate": ("orchestrator.generate_cli", "generate_text"),
    "test": ("orchestrator.prove_cli", "test_app"),
    "sample": ("orchestrator.sample_cli", "sample_app"),
    "bench": ("orchestrator.bench_cli", "bench_app"),
    "audit": ("orchestrator.audit_cli", "audit_app"),
}


class LazyGroup(TyperGroup):
    """The verbs of LAZY beside those that are registered."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *LAZY]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in LAZY:
            return super().get_command(ctx, cmd_name)
        module, name = LAZY[cmd_name]
        verb = getattr(import_module(module), name)
        shell = typer.Typer(add_completion=False, rich_markup_mode=None)
        if isinstance(verb, typer.Typer):
            shell.add_typer(verb, name=cmd_name)
        else:
            shell.command(cmd_name)(verb)
        return get_group(shell).commands[cmd_name]
