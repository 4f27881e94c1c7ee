"""Plans meet hosts: the one thread pool; every host's failure is collected."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cluster.errors import HostsError, OrchestrateError
from cluster.execution.plan import Plan, Stage, Start, Step, Stop
from cluster.reporter import SILENT, Reporter
from cluster.transport.call import call
from cluster.transport.parallel import gather
from cluster.transport.protocol import Transport


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
) -> list[Any]:
    """Run the stages in order; what each step answered.

    Raises HostsError after a failed stage; with `go_on` after the last one, with every failure.
    """
    answers: list[Any] = []
    failures: list[OrchestrateError] = []
    for stage in plan.stages:
        if stage.steps:
            run.require()
            outcomes = execute_stage(stage, transport, reporter, run)
            failures += [each for each in outcomes if isinstance(each, OrchestrateError)]
            answers += [each for each in outcomes if not isinstance(each, OrchestrateError)]
            if failures and not go_on:
                break
    if failures:
        raise HostsError(failures)
    return answers


def execute_stage(stage: Stage, transport: Transport, reporter: Reporter, run: Run) -> list[Any]:
    reporter.tell(
        f"{stage.title}: {', '.join(dict.fromkeys(step.node.name for step in stage.steps))}"
    )
    done = gather(stage.steps, lambda step: perform(step, transport, run), finish=True)
    return [outcome for _, outcome in done]


def perform(step: Step, transport: Transport, run: Run = Run()) -> Any:
    """Do one step on its host; what the host answered."""
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
        return call(transport, step.node, "cluster.host.launch", request, mark=service.mark)
    if isinstance(step, Stop):
        request = {
            "marks": step.marks,
            "grace_s": step.grace_s,
            "remove": step.remove,
            "keep_record": step.keep_record,
            "run": run.id if step.only_this_run else "",
        }
        return call(transport, step.node, "cluster.host.stop", request, timeout_s=step.grace_s + 30)
    request = {"path": step.path, "content": step.content, "mode": step.mode}
    return call(transport, step.node, "cluster.host.put", request)
