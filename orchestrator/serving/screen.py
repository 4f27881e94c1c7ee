"""What `serve` prints; pure."""

from rich.console import RenderableType
from rich.markup import escape

from orchestrator.serving.serve import ServeReport


def served(report: ServeReport) -> RenderableType:
    rows = [
        f"  url        {report.url} (from {report.reached_from})",
        f"  split      {report.split}",
    ]
    if report.commit:
        pin = f"not pinned: orchestrate models lock {report.recipe}"
        rows.append(f"  commit     {report.commit} ({'models.lock' if report.locked else pin})")
    rows.append(f"  cache      {report.cache}")
    if report.key_file:
        rows.append(f"  API key    in {report.key_file} on {report.reached_from}")
    if report.ready is None:
        head = f"{report.served_name} was launched; it loads now"
        rows.append("  next       orchestrate status; orchestrate logs --follow")
    else:
        ready = report.ready
        head = f"{report.served_name} answers after {report.seconds:.1f} s"
        rows.append(
            f"  steps      port {ready.port_s:.1f} s, /health {ready.health_s:.1f} s, "
            f"first answer {ready.answer_s:.1f} s"
        )
        rows.append(f"  answer     {ready.answer.text!r} ({ready.answer.tokens} tokens)")
        rows.append("  next       orchestrate status; orchestrate teardown")
    return escape("\n".join([head, *rows]))
