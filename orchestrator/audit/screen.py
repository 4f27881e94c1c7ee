"""What the verbs of `audit` show; a bundle is untrusted, so its content is shown as plain text."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from orchestrator.audit.compare import BundleComparison
from orchestrator.audit.verify import BundleCheck
from orchestrator.cli.console import clean
from orchestrator.cli.render import table
from orchestrator.proofs.proof import STATE_STYLES

KEEP = "keep both hashes in another place: whoever can change a bundle can change its list too"
SAME = "is it the hash that `audit bundle` printed? If not, all of it may have been replaced"


def safe_text(text: str, style: str = "") -> Text:
    """No markup, and no control characters for the terminal to obey."""
    return Text(clean(text), style=style)


def bundle_screen(check: BundleCheck) -> RenderableType:
    title = safe_text(f"audit bundle of {check.recipe or check.model}: {check.file}")
    return Group(title, *heading_lines(check, KEEP), *missing_lines(check))


def check_screen(check: BundleCheck) -> RenderableType:
    """A row for each finding, then what the bundle lacks."""
    rows = table("", "check", "where", "note")
    for each in check.findings:
        cells = (safe_text(each.check), safe_text(each.where), safe_text(each.what))
        rows.add_row(Text(each.state, style=STATE_STYLES[each.state]), *cells)
        if each.hint and each.state != "pass":
            rows.add_row("", "", "", safe_text(f"hint: {each.hint}", "dim"))
    verdict = Text("verified", style="bold green")
    if not check.passed:
        verdict = Text("FAILED", style="bold red")
    title = Text.assemble(safe_text(f"{check.file}: "), verdict)
    return Group(title, *heading_lines(check, SAME), rows, *missing_lines(check))


def heading_lines(check: BundleCheck, advice: str) -> Iterator[Text]:
    if check.created:
        commit = f" at {check.commit}" if check.commit else ""
        yield safe_text(f"  model      {check.model}{commit}")
        yield safe_text(f"  created    {check.created} by {check.by}")
        yield safe_text(f"  content    {check.files} files, {check.bytes:,} bytes")
    yield safe_text(f"  SHA-256    {check.file_sha256} of the file")
    if check.passed:
        yield safe_text(
            f"  SHA-256    {check.list_sha256} of its SHA256SUMS, and so of all content"
        )
        yield safe_text(f"             {advice}", "dim")


def missing_lines(check: BundleCheck) -> Iterator[Text]:
    for each in check.missing:
        yield safe_text(f"  missing    {each.what}: {each.why}", "yellow")


def comparison_screen(done: BundleComparison) -> RenderableType:
    """A table of what matters; names and times in one line."""
    both = (done.first, done.second)
    failed = [each for each in both if not each.passed]
    if failed:
        return Group(*map(check_screen, failed), Text("not compared", style="bold red"))
    rows = table("", "what", "first", "second", "note")
    matters = [each for each in done.differences if each.matters]
    for number, each in enumerate(matters, 1):
        cells = (f"{each.rank}: {each.name}", each.first, each.second, each.why)
        rows.add_row(str(number), *map(safe_text, cells))
    lines = [safe_text(f"samples: {each}") for each in done.agreements]
    folded = [each.name for each in done.differences if not each.matters]
    if folded:
        lines.append(safe_text(f"also, changing no answer: {', '.join(folded)}", "dim"))
    heads = [safe_text(f"first   {both[0].file}, created {both[0].created}")]
    heads.append(safe_text(f"second  {both[1].file}, created {both[1].created}"))
    return Group(*heads, verdict_text(len(matters)), *([rows] if matters else []), *lines)


def verdict_text(count: int) -> Text:
    if not count:
        return Text("equal in all that matters", style="bold green")
    text = "1 difference that matters"
    if count > 1:
        text = f"{count} differences that matter, the most important first"
    return Text(text, style="bold red")
