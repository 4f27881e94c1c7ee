"""Is it the server that the file was begun with: all that can be seen of it, then and now."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import httpx

from cluster.errors import Problem, UsageError
from orchestrator.api.target import Target
from orchestrator.records.provenance import Provenance

CARD = ("id", "root", "max_model_len")  # of /v1/models: what it serves, from where, how long
FREE = {"url", "orchestrate", "python", "address", "memory_total"}  # change nothing in an answer


def seen_of(target: Target, known: Provenance) -> Mapping[str, Any]:
    """As JSON has it, so that it can be compared with what a file holds."""
    seen = {**asdict(known), "card": card_of(target)}
    return json.loads(json.dumps(seen, default=dict))  # type: ignore[no-any-return]


def card_of(target: Target) -> Mapping[str, Any]:
    """What /v1/models says of the model; empty where it cannot be asked."""
    try:
        with target.http() as http:
            cards = http.get("/v1/models").raise_for_status().json()["data"]
        found = next(card for card in cards if card["id"] == target.model)
        return {key: found.get(key) for key in CARD}
    except (httpx.HTTPError, ValueError, KeyError, TypeError, StopIteration):
        return {}


def differences(was: Any, now: Any, place: str = "") -> Iterator[str]:
    """One text for each value that differs: where, what it was, what it is."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted({*was, *now} - FREE):
            yield from differences(was.get(key), now.get(key), f"{place}.{key}".strip("."))
    elif is_list_of_dicts(was) and is_list_of_dicts(now) and len(was) == len(now):
        for number, (one, other) in enumerate(zip(was, now, strict=True), 1):
            yield from differences(one, other, f"{place}.{number}")
    elif isinstance(was, list) and isinstance(now, list):
        gone, come = [e for e in was if e not in now], [e for e in now if e not in was]
        if was != now:
            yield f"{place} was {shown(gone or was)}, is {shown(come or now)}"
    elif was != now:
        yield f"{place} was {shown(was)}, is {shown(now)}"


def require_same(was: Mapping[str, Any], now: Mapping[str, Any], where: str) -> None:
    """Raises UsageError with each difference."""
    hint = "a session belongs to one server: bring that one back, or start anew without --resume"
    found = [Problem(f"another server: {each}", where) for each in differences(was, now)]
    if found:
        raise UsageError(*found[:-1], Problem(found[-1].what, where, hint))


def is_list_of_dicts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(e, dict) for e in value)


def shown(value: Any) -> str:
    if value in (None, "", [], {}):
        return "not known"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
