"""Writes result.json, requests.jsonl and report.html of a run, and reads the result again."""

import json
from pathlib import Path
from typing import Any

from cluster.errors import Problem, UsageError
from cluster.whole_file import write_whole
from orchestrator.bench.html_report import html_report
from orchestrator.bench.run import BenchResult
from orchestrator.records.artifact import RESULT_FORMAT, Artifact

REPORT_PAGE = "report.html"


def write_run(artifact: Artifact, measured: BenchResult) -> Path:
    """Returns the folder. The result is written last: where it exists, everything does."""
    lines = (line for repeat in measured.repeats for line in repeat.lines())
    write_whole(artifact.folder / "requests.jsonl", "".join(f"{line}\n" for line in lines))
    moment = f"{artifact.started:%Y-%m-%d %H:%M:%S} UTC"
    page = html_report(measured.report, measured.repeats, artifact.provenance, moment)
    write_whole(artifact.folder / REPORT_PAGE, page)
    artifact.write(measured.report)
    return artifact.folder


def read_run(name: str) -> dict[str, Any]:
    """The record of a run, named by its folder or by its result.json. Raises UsageError."""
    path = Path(name).expanduser()
    path = path / "result.json" if path.is_dir() else path
    hint = "name a folder of artifacts/bench, or its result.json"
    try:
        record = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", str(path), hint)) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(Problem(f"not valid JSON: {error}", str(path), hint)) from None
    if not isinstance(record, dict) or record.get("verb") != "bench":
        raise UsageError(Problem("not the result of a bench", str(path), hint))
    if record.get("format") != RESULT_FORMAT:
        what = f"format {record.get('format')}, not {RESULT_FORMAT}"
        raise UsageError(Problem(what, str(path), "bench again with this version"))
    return record
