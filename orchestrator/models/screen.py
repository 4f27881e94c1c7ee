"""What `models list`, `models lock` and `models pull` print; pure."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cluster.units import GB, MB
from orchestrator.models.listing import RecipeList, RecipeRow
from orchestrator.models.lock import LockReport
from orchestrator.models.pull import PullReport


def recipe_list(found: RecipeList) -> RenderableType:
    """Two lines a recipe: what it is for, then the facts."""
    rows = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    rows.add_column(no_wrap=True, style="bold")
    rows.add_column(overflow="fold")
    for row in found.recipes:
        rows.add_row(row.name, Text(row.description))
        rows.add_row("", Text(facts_of(row), style="dim"))
    return rows


def facts_of(row: RecipeRow) -> str:
    size = [] if row.bytes is None else [f"{row.bytes / GB:.1f} GB"]
    lock = "locked" + (f" at {row.commit[:12]}" if row.commit else "")
    source = row.source + (", in place of the built-in one" if row.replaces_built_in else "")
    hardware = [f"differs on {', '.join(row.hardware)}"] if row.hardware else []
    parts = [row.model, *size, lock if row.locked else "not locked", *hardware, source]
    return " | ".join(parts)


MOST_NAMES = 8  # names in a row


def lock_screen(report: LockReport) -> RenderableType:
    what = f"{report.model} {report.revision}" if report.commit else report.model
    where = f" at {report.commit[:12]}" if report.commit else ""
    size = f"{report.files} files, {report.total_bytes / GB:.2f} GB"
    if not report.differs:
        return escape(f"{what} is{where} as locked ({size}) in {report.lock_file}")
    state = "locked" if report.written else "not as locked:"
    lines = [f"{state} {what}{where} ({size}) in {report.lock_file}"]
    if report.former_commit != report.commit and not report.is_new:
        lines.append(f"  commit     {report.former_commit[:12]} -> {report.commit[:12]}")
    lines += [
        f"  {kind:9}  {first_names(paths)}"
        for kind in ("added", "removed", "changed")
        if (paths := getattr(report, kind))
    ]
    if not report.written:
        lines.append(f"  next       orchestrate models lock {report.recipe}")
    elif report.commit:
        lines.append(f"  next       orchestrate models pull {report.recipe}")
    return escape("\n".join(lines))


def first_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def pull_screen(report: PullReport) -> RenderableType:
    size = f"{report.files} files, {report.total_bytes / GB:.2f} GB"
    head = f"{report.model} at {report.commit[:12]} ({size}) is whole on {report.host}"
    done = "nothing was missing"
    if report.downloaded_files:
        rate = report.downloaded_bytes / max(report.seconds, 1e-3) / MB
        done = (
            f"{report.downloaded_bytes / GB:.2f} GB in {report.downloaded_files} files after "
            f"{report.seconds:.1f} s, {rate:.0f} MB/s"
        )
    lines = [head, f"  downloaded {done}", f"  folder     {report.path}"]
    if report.shared_with:
        lines.append(f"  cache      shared with {first_names(report.shared_with)}")
    if report.without:
        lines.append(
            f"  not on     {first_names(report.without)}: orchestrate models sync {report.recipe}"
        )
    else:
        lines.append(f"  next       orchestrate serve --model {report.recipe}")
    return escape("\n".join(lines))
