"""From launch to the first answer: port, /health, one generation; or why the server died."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from cluster.errors import HostError, HostsError, OrchestrateError
from cluster.execute import Tell, gather
from cluster.http import http_client
from cluster.plan import Service
from cluster.program import program
from cluster.retry import WaitedTooLong, poll
from cluster.transport import Session, Transport
from orchestrator.health import Answer, generate_once, is_healthy
from orchestrator.loading import Loading, reason

POLL_S = 0.1
SILENCE_S = 24 * 3600.0


@dataclass(frozen=True)
class Ready:
    """Seconds from the launch to each step, and the first answer."""

    port_s: float
    health_s: float
    answer_s: float
    answer: Answer


class ServerDied(Exception):
    """The log's session ended: the other thread knows why."""


def await_ready(
    transport: Transport, service: Service, *, limit_s: float, key: str, tell: Tell
) -> Ready:
    """Wait in three steps. Raises HostError with the reason out of the log when the server dies,
    or when the limit is reached.
    """
    request = {"mark": service.mark, "lines": 100_000, "follow": True}
    session = transport.session(service.node, program("cluster.host.follow", request))
    state: dict[str, Any] = {"died": None, "loading": Loading()}

    def follow() -> None:
        state["died"] = follow_log(service, session, state["loading"], tell)

    def steps() -> Ready:
        try:
            return three_steps(transport, service, limit_s, key, lambda: state["died"])
        finally:
            session.close()

    tasks: list[Callable[[], Ready | None]] = [follow, steps]
    try:
        outcomes = [outcome for _, outcome in gather(tasks, lambda task: task())]
    finally:
        session.close()
    for outcome in outcomes:
        if isinstance(outcome, Ready):
            return outcome
    raise HostsError([each for each in outcomes if isinstance(each, OrchestrateError)])


def follow_log(
    service: Service, session: Session, loading: Loading, tell: Tell
) -> HostError | None:
    """Tell what the server is doing; the error once it has died, None when the session ended."""
    for line in session.lines(SILENCE_S):
        event = json.loads(line)
        if "exit" in event:
            return HostError(
                service.node.name,
                f"{service.name} {event['exit']['reason']}: {reason(loading.lines)}",
                f"orchestrate logs {service.name}",
                log="\n".join(loading.tail()),
            )
        news = loading.read(event["line"])
        if news:
            tell(news)
    return None


def three_steps(
    transport: Transport,
    service: Service,
    limit_s: float,
    key: str,
    died: Callable[[], HostError | None],
) -> Ready:
    begun = time.monotonic()
    host, port = service.about["host"], service.about["port"]
    address = "127.0.0.1" if host == "0.0.0.0" else host

    def wait(what: str, check: Callable[[], Any]) -> Any:
        def alive_check() -> Any:
            error = died()
            if error:
                raise error
            return check()

        left = limit_s - (time.monotonic() - begun)
        try:
            return poll(alive_check, timeout_s=max(0.1, left), every_s=POLL_S)
        except WaitedTooLong:
            raise HostError(
                service.node.name,
                f"{service.name} did not get to {what} within {limit_s:g} s",
                f"orchestrate logs {service.name}; the limit is serve.ready_timeout_s",
            ) from None

    def connects() -> bool | None:
        try:
            transport.dial(service.node, address, port, 5).close()
        except OSError:
            return None
        return True

    wait("an open port", connects)
    port_s = time.monotonic() - begun
    with http_client(transport, service.node, address, port, key=key) as http:
        wait("a healthy /health", lambda: is_healthy(http) or None)
        health_s = time.monotonic() - begun
        answer = wait("a first answer", lambda: answered(http, service))
    return Ready(port_s, health_s, time.monotonic() - begun, answer)


def answered(http: httpx.Client, service: Service) -> Answer | None:
    """None while the server is not there yet. Raises HostError for an answer that is a refusal."""
    try:
        return generate_once(http, service.about["served_name"])
    except httpx.HTTPStatusError as error:
        if error.response.status_code >= 500:
            return None
        raise HostError(
            service.node.name,
            f"{service.name} refuses a completion: HTTP {error.response.status_code} "
            f"{error.response.text[:200]}",
            f"orchestrate logs {service.name}",
        ) from None
    except httpx.HTTPError:
        return None
