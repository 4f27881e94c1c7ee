"""Frozen reports -> text or JSON; pure."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

GOOD = ("up", "alive", "ready", "running", "same")
NEUTRAL = ("off", "starting")


def as_json(report: Any) -> str:
    return json.dumps(report, indent=2, default=to_jsonable)


def to_jsonable(value: Any) -> Any:
    """Field by field: asdict() copies, and an error in a report cannot be copied."""
    if dataclasses.is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    return dict(value) if isinstance(value, Mapping) else str(value)


def table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column != "note")
    return made


def coloured(state: str) -> Text:
    if state in GOOD:
        return Text(state, style="green")
    return Text(state, style="yellow" if state in NEUTRAL else "bold red")
