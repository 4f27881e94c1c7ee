"""Plans meet hosts: the one thread pool; every host's failure is collected."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from cluster.answers import last_answer
from cluster.command import Command
from cluster.errors import HostError, HostsError, OrchestrateError
from cluster.node import Node
from cluster.plan import Plan, Put, Run, Stage, Start, Step, Stop
from cluster.program import Program, program
from cluster.transport import Transport

In = TypeVar("In")
Out = TypeVar("Out")
Tell = Callable[[str], None]
MAX_THREADS = 128


def silent(line: str) -> None:
    """Tell nobody."""


def gather(
    items: Iterable[In], call: Callable[[In], Out], *, finish: bool = False
) -> list[tuple[In, Out | OrchestrateError]]:
    """Call for all items side by side; an error is a value, so that no host hides another.

    After Ctrl-C what has begun is left alone, and the caller closes what it waits for; with
    `finish` it is waited for, so that it can be undone.
    """

    def attempt(item: In) -> tuple[In, Out | OrchestrateError]:
        try:
            return item, call(item)
        except OrchestrateError as error:
            return item, error

    wanted = list(items)
    pool = ThreadPoolExecutor(max(1, min(MAX_THREADS, len(wanted))))
    try:
        return [future.result() for future in [pool.submit(attempt, item) for item in wanted]]
    finally:
        pool.shutdown(wait=finish, cancel_futures=True)


def execute(plan: Plan, transport: Transport, tell: Tell = silent) -> list[Any]:
    """Run the stages in order; what each step answered. Raises HostsError after a failed stage."""
    answers = []
    for stage in plan.stages:
        if stage.steps:
            answers += execute_stage(stage, transport, tell)
    return answers


def execute_stage(stage: Stage, transport: Transport, tell: Tell) -> list[Any]:
    tell(f"{stage.title}: {', '.join(dict.fromkeys(step.node.name for step in stage.steps))}")
    done = gather(stage.steps, lambda step: perform(step, transport), finish=True)
    outcomes = [outcome for _, outcome in done]
    failures = [outcome for outcome in outcomes if isinstance(outcome, OrchestrateError)]
    if failures:
        raise HostsError(failures)
    return outcomes


def perform(step: Step, transport: Transport) -> Any:
    """Do one step on its host; what the host answered."""
    request: dict[str, Any]
    if isinstance(step, Start):
        service = step.service
        request = {
            "mark": service.mark,
            "words": service.command.words,
            "env": dict(service.command.env),
            "files": dict(service.files),
            "about": dict(service.about),
        }
        return call(transport, step.node, "cluster.host.launch", request, mark=service.mark)
    if isinstance(step, Stop):
        request = {
            "marks": step.marks,
            "grace_s": step.grace_s,
            "remove": step.remove,
            "keep_record": step.keep_record,
        }
        return call(transport, step.node, "cluster.host.stop", request, timeout_s=step.grace_s + 30)
    if isinstance(step, Put):
        request = {"path": step.path, "content": step.content, "mode": step.mode}
        return call(transport, step.node, "cluster.host.put", request)
    return run_command(step, transport)


def run_command(step: Run, transport: Transport) -> str:
    """The standard output of a Run. Raises HostError with the last lines when it fails."""
    sent = Program(Command(step.command.words, step.command.env), step.stdin.encode())
    result = transport.run(step.node, sent, timeout_s=step.timeout_s)
    if result.code:
        raise HostError(
            step.node.name,
            f"{step.title} failed with exit code {result.code}",
            f"try it: {transport.paste(step.node, str(step.command))}",
            log="\n".join((result.err or result.out).splitlines()[-12:]),
        )
    return result.out


def call(
    transport: Transport,
    node: Node,
    name: str,
    request: Any,
    *,
    mark: str = "",
    timeout_s: float = 30,
) -> Any:
    """Run a program of cluster.host and read its JSON answer. Raises HostError without one."""
    result = transport.run(node, program(name, request, mark=mark), timeout_s=timeout_s)
    try:
        return last_answer(result.out)
    except ValueError:
        raise HostError(
            node.name,
            f"the {name} program gave no answer (exit code {result.code})",
            f"does python3 3.9 or newer run there? {transport.paste(node, 'python3 --version')}",
            log="\n".join((result.err or result.out).splitlines()[-6:]),
        ) from None
