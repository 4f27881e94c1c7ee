"""The verb `serve`: check, place, launch, wait until a real generation has come back."""

import time
from dataclasses import dataclass

from cluster.checks.gate import audit_note
from cluster.errors import HostsError
from cluster.execution.execute import execute
from cluster.execution.lock import cluster_lock
from cluster.inventory.config import ClusterConfig
from cluster.reporter import Reporter
from cluster.start import rollback
from cluster.transport.protocol import Transport
from orchestrator.serving.api_key import api_key_path
from orchestrator.serving.endpoint import require_endpoint
from orchestrator.serving.log_watch import ServerDied
from orchestrator.serving.media import await_media
from orchestrator.serving.prepare import Launch, prepare
from orchestrator.serving.ready import Ready, await_ready
from orchestrator.serving.resolve import ServeRequest


@dataclass(frozen=True)
class ServeReport:
    """A model that answers (or, detached, one that was started), and how long each step took.

    `commit` is empty where no hub knows the files; `locked` when models.lock names it.
    """

    recipe: str
    served_name: str
    url: str
    split: str
    commit: str
    locked: bool
    cache: str
    reached_from: str
    key_file: str
    ready: Ready | None
    seconds: float


def serve(
    transport: Transport,
    config: ClusterConfig,
    request: ServeRequest,
    reporter: Reporter,
    *,
    detach: bool,
) -> ServeReport:
    """Launch and wait; what does not come to an answer, or Ctrl-C, is taken back."""
    begun = time.monotonic()
    with cluster_lock(transport, config, reporter=reporter) as lock:
        launch = prepare(transport, config, request, reporter, dry=False)
        lock.audit(audit_line(launch))
        ready = None
        if launch.runs_already:
            reporter.tell(f"{launch.service.name} runs already")
        limit_s = config.serve.ready_timeout_s
        try:
            execute(launch.plan, transport, reporter, lock.run())
            if launch.media in launch.plan.starts():
                await_media(transport, launch.media)
            if not detach:
                service, key = launch.service, launch.key
                ready = await_ready(transport, service, limit_s=limit_s, key=key, reporter=reporter)
        except BaseException as error:
            if started := launch.plan.starts():
                rollback(started, transport, reporter, lock.id, keep_record=died(error))
            raise
    return report_of(config, launch, ready, time.monotonic() - begun)


def audit_line(launch: Launch) -> str:
    what = "(runs already)" if launch.runs_already else launch.service.command
    return f"{launch.plan.title} {what}{audit_note(launch.forced)}"


def died(error: BaseException) -> bool:
    """The server ended by itself: what it left is for `status` and `logs` to show."""
    failures = error.failures if isinstance(error, HostsError) else ()
    return any(isinstance(each, ServerDied) for each in failures)


def report_of(
    config: ClusterConfig, launch: Launch, ready: Ready | None, seconds: float
) -> ServeReport:
    endpoint = require_endpoint(launch.service)
    return ServeReport(
        recipe=endpoint.recipe,
        served_name=endpoint.served_name,
        url=endpoint.url,
        split=endpoint.split,
        commit=endpoint.commit,
        locked=launch.locked,
        cache=launch.cache,
        reached_from=launch.service.node.name,
        key_file=api_key_path(config, launch.placement.hosts[0]) if launch.key else "",
        ready=ready,
        seconds=seconds,
    )
