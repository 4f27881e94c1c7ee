"""What `cluster check --bandwidth` measured -> text; pure."""

from rich.console import Group, RenderableType
from rich.text import Text

from cluster.bandwidth.findings import GOOD_SHARE, Rate
from cluster.bandwidth.measure import BandwidthReport
from orchestrator.cli.render import table
from orchestrator.machines.screen import COLOURS


def bandwidth_screen(report: BandwidthReport) -> RenderableType:
    """A row for each direction, then what is wrong with it."""
    rows = table("from", "to", "by", "Gb/s", "expected", "share", "note")
    for rate in report.rates:
        rows.add_row(*cells(rate))
    parts: list[RenderableType] = [rows, Text()] if report.rates else []
    if report.nccl:
        shown = f"{report.nccl.gbyte_s:.3g} GB/s bus bandwidth"
        parts += [Text(f"NCCL {report.nccl.version} all-gather over all hosts: {shown}"), Text()]
    for found in report.findings:
        if found.state != "pass":
            parts.append(Text(f"{found.state}: {found.where}: {found.what}", COLOURS[found.state]))
            parts.append(Text(f"  hint: {found.hint}"))
    parts += [Text(f"note: {note}") for note in report.notes]
    return Group(*parts, Text(f"measured in {report.seconds:.1f} s"))


def cells(rate: Rate) -> tuple[RenderableType, ...]:
    one = rate.measured
    plain = (Text(one.source), Text(one.target), Text(one.by.upper()), Text(f"{one.gbit:.3g}"))
    if rate.expected is None or rate.share is None:
        return (*plain, Text("?"), Text(""), Text(""))
    colour = COLOURS["pass" if rate.share >= GOOD_SHARE else "warning"]
    share = Text(f"{rate.share:.0%}", colour)
    return (*plain, Text(f"{rate.expected.gbit:.3g}"), share, Text(rate.expected.source))
