"""Which server a request goes to: an address, or the model running on this inventory."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from cluster.errors import HostError, HostsError, OrchestrateError, Problem, UsageError
from cluster.facts.gather import gather_facts
from cluster.facts.hosts import Facts, HostFacts, RunningService
from cluster.inventory.config import ClusterConfig, load
from cluster.inventory.problems import nearest
from cluster.transport.forward import NothingListens, forwarded, require_listener
from cluster.transport.open import open_transport
from cluster.transport.protocol import Transport
from orchestrator.api.pages import PAGE_LIMIT_S, page_of_json
from orchestrator.serving.api_key import find_key
from orchestrator.serving.endpoint import Endpoint, endpoints
from orchestrator.serving.health import problem_of

KEY_VARIABLE = "ORCHESTRATE_API_KEY"


@dataclass(frozen=True)
class Wanted:
    """What the user said: an address, or an inventory; `model` chooses where there are several."""

    url: str | None = None
    model: str | None = None
    key_file: str | None = None
    nodes: str | None = None


@dataclass(frozen=True)
class Home:
    """Where the inventory has the server, and the road there: whoever needs a host again logs in
    no second time.
    """

    config: ClusterConfig
    transport: Transport
    facts: Facts
    host: HostFacts
    service: RunningService
    endpoint: Endpoint


@dataclass(frozen=True)
class Target:
    """A server that can be asked from here: `url` has no /v1, `shown` is for people."""

    url: str
    shown: str
    model: str
    key: str = field(default="", repr=False)
    home: Home | None = None

    @property
    def recipe(self) -> str:
        """The recipe where it is known, else the name that the server gives its model."""
        return self.home.endpoint.recipe if self.home else self.model

    def http(self) -> httpx.Client:
        """For single questions such as /health; loads go through orchestrator.api."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return httpx.Client(
            base_url=self.url, headers=headers, timeout=PAGE_LIMIT_S, trust_env=False
        )


@contextmanager
def open_target(wanted: Wanted, environ: Mapping[str, str] | None = None) -> Iterator[Target]:
    """The server, reachable while the context lasts.

    Raises UsageError where it is not clear which one is meant, OrchestrateError where none runs.
    """
    key = given_key(wanted, os.environ if environ is None else environ)
    if wanted.url:
        yield by_url(wanted.url, wanted.model, key)
        return
    config = load(wanted.nodes)
    with (
        closing(open_transport(config)) as transport,
        at_home(transport, config, wanted, key) as target,
    ):
        yield target


def given_key(wanted: Wanted, environ: Mapping[str, str]) -> str:
    """The key of the file, else of the environment. Raises UsageError for an unreadable file."""
    if wanted.key_file is None:
        return environ.get(KEY_VARIABLE, "").strip()
    try:
        key = Path(wanted.key_file).expanduser().read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(Problem(f"cannot be read: {error}", "--api-key-file")) from None
    if not key or not key.isascii() or not key.isprintable():
        raise UsageError(Problem("holds no API key: one line of text", "--api-key-file"))
    return key


def by_url(address: str, model: str | None, key: str) -> Target:
    url = base_of(address)
    target = Target(url, f"{url}/v1", model or "", key)
    return target if model else Target(url, target.shown, only_model(target), key)


def base_of(address: str) -> str:
    """The address without /v1. Raises UsageError for what is no address, or holds a password."""
    hint = "as in --url http://127.0.0.1:8000"
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise UsageError(Problem(f"not an address: {error}", "--url", hint)) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(Problem(f"`{address}` is not an http address", "--url", hint))
    if url.userinfo or url.query:
        raise UsageError(Problem("a key does not belong into the address", "--url", KEY_HINT))
    return str(url).rstrip("/").removesuffix("/v1")


KEY_HINT = f"use --api-key-file FILE or {KEY_VARIABLE}"


def only_model(target: Target) -> str:
    names = served_models(target)
    if len(names) != 1:
        what = f"serves {len(names)} models: {', '.join(names)}"
        raise UsageError(Problem(what, target.shown, "choose one with --model NAME"))
    return names[0]


def served_models(target: Target) -> list[str]:
    """The names of /v1/models. Raises OrchestrateError where it cannot be asked."""
    try:
        with target.http() as http:
            return [str(card["id"]) for card in page_of_json(http, "/v1/models")["data"]]
    except httpx.HTTPStatusError as error:
        hint = KEY_HINT if error.response.status_code in (401, 403) else "is it a model server?"
        raise OrchestrateError(Problem(problem_of(error), target.shown, hint)) from None
    except httpx.HTTPError as error:
        what = f"cannot be asked: {problem_of(error)}"
        raise OrchestrateError(Problem(what, target.shown, "does a server run there?")) from None
    except (ValueError, KeyError, TypeError):
        what = "/v1/models is not the list of an OpenAI-compatible server"
        raise OrchestrateError(Problem(what, target.shown)) from None


@contextmanager
def at_home(
    transport: Transport, config: ClusterConfig, wanted: Wanted, key: str
) -> Iterator[Target]:
    """The server of the inventory: directly on this machine, else through the transport."""
    home = choose(transport, config, gather_facts(transport, config), wanted.model)
    found = home.endpoint
    shown = f"{found.url} on {home.host.node.name}"
    key = key or find_key(transport, config, home.host)
    with ExitStack() as stack:
        url = reached_url(home, stack)
        yield Target(url, shown, found.served_name, key, home)


def reached_url(home: Home, stack: ExitStack) -> str:
    """Where the server can be asked from here, while the stack lasts. Raises HostError."""
    found, node = home.endpoint, home.host.node
    try:
        if home.config.is_local:
            require_listener(home.transport, node, found.address, found.port)
            return f"http://{found.address}:{found.port}"
        way = forwarded(home.transport, node, found.address, found.port)
        return f"http://127.0.0.1:{stack.enter_context(way)}"
    except NothingListens as error:
        what = f"{home.service.name} is still loading: {error.problems[0].what}"
        hint = (
            f"orchestrate serve --model {found.recipe} waits for it; "
            f"orchestrate logs {home.service.name}"
        )
        raise HostError(node.name, what, hint) from None


def choose(transport: Transport, config: ClusterConfig, facts: Facts, model: str | None) -> Home:
    """The one model that runs, or the one whose recipe, served name or service has this name."""
    running = [
        Home(config, transport, facts, host, service, endpoint)
        for host in facts.hosts
        for service in host.services
        if (endpoint := endpoints(host).get(service.name)) and endpoint.is_model
    ]
    if not running:
        raise no_model(config, facts)
    found = [home for home in running if model is None or model in names_of(home)]
    if len(found) == 1:
        return found[0]
    known = [f"{home.service.name} on {home.host.node.name}" for home in running]
    if not found:
        names = {name for home in running for name in names_of(home)}
        raise UsageError(
            Problem(f"no model `{model}` runs", "--model", nearest(model or "", names))
        )
    what = f"{len(found)} models run: {', '.join(known)}"
    raise UsageError(Problem(what, config.name, "choose one with --model NAME"))


def names_of(home: Home) -> Sequence[str]:
    return home.endpoint.recipe, home.endpoint.served_name, home.service.name


def no_model(config: ClusterConfig, facts: Facts) -> OrchestrateError:
    if facts.unreached and not facts.hosts:
        return HostsError([lost.error for lost in facts.unreached])
    hint = "orchestrate serve --model RECIPE; or ask another server with --url"
    where = f"cluster {config.name}"
    lost = [f"{each.node.name} does not answer" for each in facts.unreached]
    return OrchestrateError(Problem("; ".join(["no model runs", *lost]), where, hint))
