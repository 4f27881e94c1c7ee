"""One fault, one verb: does it end in time, say who and what next, and harm nobody?"""

import re
import time
from dataclasses import dataclass
from subprocess import TimeoutExpired

from tests.hosts.faults.fault import VERBS, Fault
from tests.hosts.faults.ground import bring, clear, living, ours
from tests.hosts.lab import ORCHESTRATE, Lab
from tests.support.hints import command_lines, wrong_with
from tests.testbed.programs import Completed

LIMIT_S = 90.0
COLUMNS = ("bounded", "host", "hint", "exit", "left", "neighbour")
NO_WORDS_OF_OURS = re.compile(r"^Traceback|bug in orchestrate", re.MULTILINE)
PROGRESS = re.compile(r"^\[ *[\d.]+ s\].*\n?", re.MULTILINE)
NOT_WELL = re.compile(
    r"error: |unreachable|failing|failed|leftover|stray|lost|off|unknown|starting"
)


@dataclass(frozen=True)
class Cell:
    """`wrong` says by column what does not hold; `said` is all that the verb wrote."""

    fault: str
    verb: str
    seconds: float
    wrong: dict[str, str]
    said: str


def run_cell(lab: Lab, fault: Fault, verb: str) -> Cell:
    """Bring up what shall run, make the fault, run the verb; then undo it and take all down."""
    clear(lab)
    bring(lab, fault.state_before(verb))
    before, neighbours = ours(lab), [living(host) for host in lab.hosts]
    with fault.make(lab):
        begun = time.monotonic()
        done = bounded(lab, VERBS[verb])
        seconds = time.monotonic() - begun
        wrong = judged(fault, verb, done)
        wrong |= left_at_once(fault, verb, done, before, ours(lab))
    wrong |= left_in_the_end(lab)
    if any(each - living(host) for each, host in zip(neighbours, lab.hosts, strict=True)):
        wrong["neighbour"] = "a process that is not ours was ended"
    return Cell(fault.name, verb, seconds, wrong, done.stdout + done.stderr)


def bounded(lab: Lab, words: tuple[str, ...]) -> Completed:
    """The verb's end; a code that no verb has where it had to be ended."""
    try:
        return lab.testbed.control([ORCHESTRATE, *words], env=lab.env, timeout_s=LIMIT_S)
    except TimeoutExpired as late:
        return Completed(list(words), -9, str(late.output or ""), str(late.stderr or ""))


def judged(fault: Fault, verb: str, done: Completed) -> dict[str, str]:
    """By what it said and how it ended."""
    wrong, said = {}, done.stdout + done.stderr
    if done.returncode == -9:
        wrong["bounded"] = f"it did not end within {LIMIT_S:g} s"
    if done.returncode != fault.code(verb) or NO_WORDS_OF_OURS.search(said):
        wrong["exit"] = f"exit code {done.returncode}, and not {fault.code(verb)}"
    if done.returncode and (unnamed := [each for each in fault.hosts if not names(said, each)]):
        wrong["host"] = f"{', '.join(unnamed)} not named"
    if done.returncode and not re.search(fault.says, said):
        wrong["host"] = f"it does not say: {fault.says}"
    if verb == "status" and (gone := [name for name in fault.rows if not row(said, name)]):
        wrong["host"] = f"{', '.join(gone)} without a row"
    if done.returncode and (problem := wrong_hint(said)):
        wrong["hint"] = problem
    return wrong


def names(said: str, host: str) -> bool:
    """In an error or in a row that says what is wrong: progress does not count."""
    lines = PROGRESS.sub("", said).splitlines()
    return any(re.search(rf"\b{host}\b", line) and NOT_WELL.search(line) for line in lines)


def row(said: str, host: str) -> bool:
    return re.search(rf"^{host} ", said, re.MULTILINE) is not None


def wrong_hint(said: str) -> str:
    """Why there is no way on; empty where each command that is named can be typed."""
    if "hint: " not in said and not list(command_lines(said)):
        return "no hint"
    hints = [text for line in said.splitlines() if (text := line.partition("hint: ")[2])]
    found = (wrong_with(line) for hint in hints for line in command_lines(hint))
    return next(filter(None, found), "")


def left_at_once(
    fault: Fault,
    verb: str,
    done: Completed,
    before: dict[str, set[int]],
    after: dict[str, set[int]],
) -> dict[str, str]:
    """A verb that fails takes back what it started; teardown leaves nothing where it came."""
    if done.returncode and fault.refused:
        return {} if before == after else {"left": f"it was refused and changed {after}"}
    if verb == "teardown":
        after = {h: pids for h, pids in after.items() if not (done.returncode and h in fault.hosts)}
        return {"left": f"at once: {after}"} if any(after.values()) else {}
    started = {host: pids - before[host] for host, pids in after.items()}
    if done.returncode and any(started.values()):
        return {"left": f"what it started: {started}"}
    return {}


def left_in_the_end(lab: Lab) -> dict[str, str]:
    """Without the fault, teardown ends all that is still there."""
    done = bounded(lab, VERBS["teardown"])
    if done.returncode:
        return {"left": f"teardown: {done.stderr}"}
    folders = [h.run("ls -d /tmp/ray-lab*", check=False).stdout.strip() for h in lab.hosts]
    left = {host: pids for host, pids in ours(lab).items() if pids}
    return {"left": f"in the end: {left} {folders}"} if left or any(folders) else {}
