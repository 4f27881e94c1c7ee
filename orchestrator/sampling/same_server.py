"""Is this the server that the file was started with? Compares all that is known of both."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import httpx

from cluster.errors import OrchestrateError, Problem, UsageError
from orchestrator.api.pages import page_of_json
from orchestrator.api.target import Target
from orchestrator.records.compare import (
    ServerFact,
    compare_facts,
    host_facts,
    provenance_facts,
    provenance_of,
)
from orchestrator.records.provenance import Provenance

CARD = ("id", "root", "max_model_len")  # of /v1/models: what it serves, from where, how long
IGNORED = {"url", "orchestrate", "Python of orchestrate", "python", "addresses", "memory"}
Identity = Mapping[str, Any]  # a Provenance as JSON, and the model's card


def identity_of(target: Target, known: Provenance) -> Identity:
    """As JSON has it, so that it can be written and compared with what a file holds."""
    found = {**asdict(known), "card": card_of(target)}
    return json.loads(json.dumps(found, default=dict))  # type: ignore[no-any-return]


def card_of(target: Target) -> Mapping[str, Any]:
    """The model's entry in /v1/models; empty where the server does not give it."""
    try:
        with target.http() as http:
            cards = page_of_json(http, "/v1/models")["data"]
        found = next(card for card in cards if card["id"] == target.model)
        return {key: found.get(key) for key in CARD}
    except (httpx.HTTPError, ValueError, KeyError, TypeError, StopIteration):
        return {}


def card_facts(card: Mapping[str, Any]) -> Iterator[ServerFact]:
    for key in CARD:
        value = card.get(key)
        yield ServerFact("model", f"card.{key}", "" if value is None else str(value))


def identity_facts(identity: Identity) -> Iterator[ServerFact]:
    server = provenance_of(identity)
    yield from provenance_facts(server)
    yield from host_facts(server.hosts)
    yield from card_facts(identity.get("card") or {})


def identity_differences(was: Identity, now: Identity, where: str) -> tuple[str, ...]:
    """A text for each fact that differs. Raises OrchestrateError where `was` is damaged."""
    try:
        before = list(identity_facts(was))
    except ValueError as error:
        what = f"damaged: its server cannot be read: {error}"
        raise OrchestrateError(
            Problem(what, where, "start a new session: orchestrate sample")
        ) from None
    return tuple(difference_texts(before, list(identity_facts(now))))


def difference_texts(was: list[ServerFact], now: list[ServerFact]) -> Iterator[str]:
    for each in compare_facts(was, now):
        if each.name not in IGNORED:
            first, second = (value or "not known" for value in (each.first, each.second))
            yield f"{each.name} was {first}, is {second}"


def require_same_server(was: Identity, now: Identity, where: str) -> None:
    """Raises UsageError with each difference."""
    require_no_difference(identity_differences(was, now, where), where)


def require_same_card(was: Mapping[str, Any], now: Mapping[str, Any], where: str) -> None:
    """Raises UsageError with each difference."""
    require_no_difference(
        tuple(difference_texts(list(card_facts(was)), list(card_facts(now)))), where
    )


def require_no_difference(differences: tuple[str, ...], where: str) -> None:
    hint = "bring that server back, or start a new session without --resume"
    found = [Problem(f"another server: {each}", where) for each in differences]
    if found:
        raise UsageError(*found[:-1], Problem(found[-1].what, where, hint))
