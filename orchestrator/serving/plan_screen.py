"""A plan as text; pure."""

from rich.console import Group, RenderableType
from rich.text import Text

from cluster.inventory.cost import hour_and_day
from cluster.units import GIB
from orchestrator.cli.render import coloured, table
from orchestrator.serving.plan import Gpus, PlanReport

COLOURS = {"fits": "green", "may fit": "yellow", "does not fit": "bold red"}


def plan_screen(report: PlanReport) -> RenderableType:
    """Verdict, split, a row for each kind of rank, contexts, flags, and what would fit instead."""
    verdict = Text(report.verdict, COLOURS[report.verdict])
    parts: list[RenderableType] = [
        Text.assemble(report.recipe, " ", verdict, f" on {report.hardware}: {report.split}"),
        Text(f"  model      {report.model}, from {report.source}"),
    ]
    parts += [Text(f"  a guess    {guess}", style="yellow") for guess in report.guesses]
    parts += [Text(f"  problem    {problem}", style="red") for problem in report.problems]
    parts += [Text(), gpu_table(report), Text(), *details(report), Text(), context_table(report)]
    parts += [Text(), Text("vLLM's flags: " + " ".join(report.flags))]
    if report.nearest:
        parts += [Text(), Text("the nearest that fits:")]
        for option in report.nearest:
            words = " ".join(option.words) or "(more hardware)"
            said = f"  {words}  {option.what}: {option.split}, up to {option.longest:,} tokens"
            parts.append(Text(said))
    return Group(*parts)


def gpu_table(report: PlanReport) -> RenderableType:
    made = table("host", "GPUs", "stage", "memory", "weights", "overhead", "KV cache", "free")
    for gpus in report.gpus:
        made.add_row(gpus.host, str(gpus.count), str(gpus.stage), *sizes(gpus))
    return made


def sizes(gpus: Gpus) -> list[str]:
    held = (gpus.total, gpus.weights, gpus.overhead, gpus.kv_cache, gpus.free)
    return [gib_text(size) for size in held]


def details(report: PlanReport) -> list[RenderableType]:
    """Of the fullest rank."""
    weights = ", ".join(f"{name} {gib_text(size)}" for name, size in report.weights.items())
    at_once = ", ".join(f"{count} at {name}" for name, count in report.at_once.items())
    lines = [f"weights      {weights}"]
    lines += [f"overhead     {e.name} {gib_text(e.bytes)}: {e.source}" for e in report.overhead]
    lines += [
        f"KV cache     {report.kv_tokens:,} tokens as vLLM counts them{range_text(report)}",
        f"longest      {report.longest:,} tokens in one request",
        f"at once      {at_once} ({report.max_model_len:,}) tokens",
    ]
    if report.cost:
        lines.append(f"cost         {hour_and_day(report.cost)}")
        lines += [f"             {line}" for line in report.measured]
    return [Text(line) for line in lines]


def range_text(report: PlanReport) -> str:
    """Where the overhead is not certain."""
    low, high = report.kv_range
    return "" if low == high else f", {low:,} to {high:,} with the overhead's range"


def context_table(report: PlanReport) -> RenderableType:
    made = table("context", "KV cache each GPU", "at once", "verdict")
    for each in report.contexts:
        good = {"safe": "ready", "fits": "ready", "experimental": "starting", "may fit": "starting"}
        verdict = coloured(good.get(each.verdict, "failed"))
        made.add_row(
            f"{each.tokens:,}",
            gib_text(each.kv_bytes),
            str(each.at_once),
            Text(each.verdict, verdict.style),
        )
    return made


def gib_text(size: int) -> str:
    return f"{size / GIB:.2f} GiB"
