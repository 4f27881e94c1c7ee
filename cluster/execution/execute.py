"""Plans meet hosts: the one thread pool; every host's failure is collected."""

from typing import Any

from cluster.errors import HostError, HostsError, OrchestrateError
from cluster.execution.plan import Plan, Put, Run, Stage, Start, Step, Stop
from cluster.transport.call import call
from cluster.transport.command import Command
from cluster.transport.parallel import Tell, gather, silent
from cluster.transport.program import Program
from cluster.transport.protocol import Transport


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
