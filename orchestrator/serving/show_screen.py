"""What `models show` prints; pure."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.recipes.layers import Setting
from orchestrator.serving.show import ShowReport


def show_screen(found: ShowReport) -> RenderableType:
    head = [f"{found.name}: {found.description}", f"  source    {found.source}"]
    head.append(f"  hardware  {found.hardware}")
    if found.split:
        head.append(f"  split     {found.split}")
    if found.note:
        head.append(f"  note      {found.note}")
    parts: list[RenderableType] = [Text("\n".join(head)), Text()]
    parts += [
        settings_table("recipe", found.fields),
        Text(),
        settings_table("argument", found.args),
    ]
    if found.env:
        parts += [Text(), settings_table("environment", found.env)]
    if found.command:
        parts += [Text(), Text(shlex.join(found.command))]
    return Group(*parts)


def settings_table(title: str, values: Mapping[str, Setting]) -> Table:
    """One line a key: its value, where that comes from, what it took the place of."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in (title, "value", "from", "instead of"):
        table.add_column(column, overflow="fold")
    for key, setting in values.items():
        over = (
            f"{setting_value_text(value)} ({origin})" for origin, value in reversed(setting.over)
        )
        cells = (key, setting_value_text(setting.value), setting.origin, ", ".join(over))
        table.add_row(*(Text(cell) for cell in cells))
    return table


def setting_value_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
