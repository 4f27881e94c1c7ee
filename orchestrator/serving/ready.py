"""From launch to the first answer: port, /health, one generation; or why the server died."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx

from cluster.errors import HostError, HostsError, OrchestrateError
from cluster.execution.retry import WaitedTooLong, poll
from cluster.inventory.node import Node
from cluster.reporter import Reporter
from cluster.runtimes.log import open_log
from cluster.runtimes.service import Service
from cluster.transport.http import DIAL_LIMIT_S, http_client
from cluster.transport.parallel import gather
from cluster.transport.protocol import Transport
from orchestrator.serving.endpoint import Endpoint, require_endpoint
from orchestrator.serving.health import (
    GENERATION_LIMIT_S,
    Answer,
    generate_once,
    is_healthy,
    words_of,
)
from orchestrator.serving.log_watch import LoadWatch

LOG_LINES = 100_000  # all of it: the reason of a death may be near its start


@dataclass(frozen=True)
class Ready:
    """Seconds from the launch to each step, and the first answer."""

    port_s: float
    health_s: float
    answer_s: float
    answer: Answer


def await_ready(
    transport: Transport, service: Service, *, limit_s: float, key: str, reporter: Reporter
) -> Ready:
    """Wait in three steps. Raises HostError with the reason out of the log when the server dies,
    when it waits in vain, or when the limit is reached.
    """
    session = open_log(transport, service.node, service.mark, LOG_LINES)
    watch = LoadWatch(service)

    def steps() -> Ready:
        try:
            return three_steps(transport, watch, limit_s, key)
        finally:
            session.close()

    tasks: list[Callable[[], Ready | None]] = [lambda: watch.follow(session, reporter), steps]
    try:
        outcomes = [outcome for _, outcome in gather(tasks, lambda task: task())]
    finally:
        watch.stop()
        session.close()
    return ready_of(outcomes)


def ready_of(outcomes: Iterable[object]) -> Ready:
    found = list(outcomes)
    for outcome in found:
        if isinstance(outcome, Ready):
            return outcome
    raise HostsError([each for each in found if isinstance(each, OrchestrateError)])


def three_steps(transport: Transport, watch: LoadWatch, limit_s: float, key: str) -> Ready:
    begun, service = time.monotonic(), watch.service
    endpoint = require_endpoint(service)

    def left_s() -> float:
        return max(0.1, limit_s - (time.monotonic() - begun))

    def wait(what: str, check: Callable[[], Any]) -> Any:
        def alive_check() -> Any:
            watch.require_life()
            return check()

        try:
            return poll(alive_check, timeout_s=left_s(), pause=watch.pause)
        except WaitedTooLong:
            raise too_late(service, what, limit_s) from None

    wait("an open port", lambda: connects(transport, service.node, endpoint))
    port_s = time.monotonic() - begun
    with http_client(transport, service.node, endpoint.address, endpoint.port, key=key) as http:
        wait("a healthy /health", lambda: is_healthy(http) or None)
        health_s = time.monotonic() - begun
        answer = wait("a first answer", lambda: answered(http, service, left_s()))
    return Ready(port_s, health_s, time.monotonic() - begun, answer)


def connects(transport: Transport, node: Node, endpoint: Endpoint) -> bool | None:
    try:
        transport.dial(node, endpoint.address, endpoint.port, DIAL_LIMIT_S).close()
    except OSError:
        return None
    return True


def too_late(service: Service, what: str, limit_s: float) -> HostError:
    return HostError(
        service.node.name,
        f"{service.name} did not get to {what} within {limit_s:g} s",
        f"orchestrate logs {service.name}; the limit is serve.ready_timeout_s",
    )


def answered(http: httpx.Client, service: Service, left_s: float) -> Answer | None:
    """None while the server is not there yet. Raises HostError for an answer that is a refusal."""
    try:
        limit_s = min(GENERATION_LIMIT_S, left_s)
        return generate_once(http, require_endpoint(service).served_name, timeout_s=limit_s)
    except httpx.HTTPStatusError as error:
        if error.response.status_code >= 500:
            return None
        raise HostError(
            service.node.name,
            f"{service.name} refuses a completion: HTTP {error.response.status_code} "
            f"{words_of(error.response)}",
            f"orchestrate logs {service.name}",
        ) from None
    except httpx.HTTPError:
        return None
