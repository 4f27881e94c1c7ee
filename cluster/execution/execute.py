"""Plans meet hosts: the one thread pool; every host's failure is collected."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from cluster.errors import HostsError, LockLost, OrchestrateError
from cluster.execution.plan import Plan, Stage, Start, Step, Stop
from cluster.reporter import SILENT, Reporter
from cluster.transport.call import HostProgram, call
from cluster.transport.parallel import gather
from cluster.transport.protocol import Transport


@dataclass(frozen=True)
class Stopped:
    """What a host says of a Stop: processes by mark, command lines of those that needed KILL, what
    survived it by pid, what could not be removed.
    """

    stopped: Mapping[str, int]
    killed: tuple[str, ...]
    left: Mapping[int, str]
    kept: tuple[str, ...] = ()
    host: str = ""


@dataclass(frozen=True)
class Launched:
    """The pid of a service's supervisor; `already` where it runs since an earlier launch."""

    pid: int | None = None
    already: int | None = None


@dataclass(frozen=True)
class Written:
    """A file, in bytes."""

    bytes: int


Done = Stopped | Launched | Written
STOP = HostProgram("cluster.host.stop", TypeAdapter(Stopped))
LAUNCH = HostProgram("cluster.host.launch", TypeAdapter(Launched))
PUT = HostProgram("cluster.host.put", TypeAdapter(Written))


@dataclass(frozen=True)
class Run:
    """One run of a verb: its id marks what it starts; `require` is asked before every stage and
    raises where the run may change nothing more.
    """

    id: str = ""
    require: Callable[[], None] = lambda: None


def execute(
    plan: Plan,
    transport: Transport,
    reporter: Reporter = SILENT,
    run: Run = Run(),
    *,
    go_on: bool = False,
) -> list[Done]:
    """Run the stages in order; what each step answered.

    Raises HostsError after a failed stage; with `go_on` after the last one, with every failure, or
    where the lock went meanwhile. Raises LockLost where nothing has failed before it went.
    """
    answers: list[Done] = []
    failures: list[OrchestrateError] = []
    for stage in plan.stages:
        if stage.steps:
            try:
                run.require()
            except LockLost as lost:
                raise HostsError([*failures, lost]) if failures else lost from None
            outcomes = execute_stage(stage, transport, reporter, run)
            failures += [each for each in outcomes if isinstance(each, OrchestrateError)]
            answers += [each for each in outcomes if not isinstance(each, OrchestrateError)]
            if failures and not go_on:
                break
    if failures:
        raise HostsError(failures)
    return answers


def execute_stage(
    stage: Stage, transport: Transport, reporter: Reporter, run: Run
) -> list[Done | OrchestrateError]:
    reporter.tell(
        f"{stage.title}: {', '.join(dict.fromkeys(step.node.name for step in stage.steps))}"
    )
    done = gather(stage.steps, lambda step: perform(step, transport, run), finish=True)
    return [outcome for _, outcome in done]


def perform(step: Step, transport: Transport, run: Run = Run()) -> Done:
    """Do one step on its host; what the host answered. Raises HostError."""
    request: dict[str, Any]
    if isinstance(step, Start):
        service = step.service
        request = {
            "mark": service.mark,
            "words": service.command.argv,
            "env": dict(service.command.env),
            "files": dict(service.files),
            "about": dict(service.labels),
            "run": run.id,
        }
        return call(transport, step.node, LAUNCH, request, mark=service.mark)
    if isinstance(step, Stop):
        request = {
            "marks": step.marks,
            "grace_s": step.grace_s,
            "remove": step.remove,
            "keep_record": step.keep_record,
            "run": run.id if step.only_this_run else "",
        }
        said = call(transport, step.node, STOP, request, timeout_s=step.grace_s + 30)
        return replace(said, host=step.node.name)
    request = {"path": step.path, "content": step.content, "mode": step.mode}
    return call(transport, step.node, PUT, request)
