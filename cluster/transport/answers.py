"""What programs on a host answer: told apart from what a login shell prints, bounded, typed."""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Annotated, Any, NoReturn, TypeVar, Union

from pydantic import Discriminator, Tag, TypeAdapter, ValidationError

from cluster.errors import HostError
from cluster.inventory.node import Node
from cluster.inventory.problems import first_fault
from cluster.transport.program import PROGRAM_DIED
from cluster.transport.protocol import LOOK_AT_IT, Session

LARGEST = 1 << 63  # no size, count or time on a host is larger
FAULT_LIMIT = 300  # characters of what did not fit: a fault quotes what the host said
T = TypeVar("T")

OBJECT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class ProgramDied(ValueError):
    """Our program could not go on, and says why."""


def parsed(text: str) -> Any:
    """A JSON value that a program of ours may have written.

    Raises ProgramDied where it says that it cannot go on, ValueError for any other text, for
    numbers beyond a float or 64 bits, and for what is nested deeper than Python goes.
    """
    try:
        value = json.loads(text, parse_constant=refuse, parse_float=finite, parse_int=whole)
        value = printable(value) if "\\ud" in text.lower() else value
    except RecursionError:
        raise ValueError("nested too deep") from None
    if isinstance(value, dict) and value.keys() == {PROGRAM_DIED}:
        raise ProgramDied(str(value[PROGRAM_DIED])[:FAULT_LIMIT])
    return value


def refuse(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is no number of a host")


def finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        refuse(text)
    return value


def whole(text: str) -> int:
    value = int(text)
    if abs(value) > LARGEST:
        refuse(text)
    return value


def printable(value: Any) -> Any:
    """File names that are not UTF-8, made printable."""
    if isinstance(value, dict):
        return {printable(key): printable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [printable(inner) for inner in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def keyed(*kinds: type) -> TypeAdapter[Any]:
    """One of several dataclasses: the one whose first field stands in the object."""
    names = {fields(kind)[0].name: kind for kind in kinds}

    def tag(value: Any) -> str | None:
        return next((name for name in names if isinstance(value, dict) and name in value), None)

    tagged = tuple(Annotated[kind, Tag(name)] for name, kind in names.items())
    told = f"it has none of {', '.join(names)}"
    by_name = Discriminator(tag, custom_error_type="no_kind", custom_error_message=told)
    union: Any = Annotated[Union[tagged], by_name]  # noqa: UP007
    return TypeAdapter(union)


def shaped(node: Node, name: str, kind: TypeAdapter[T], value: Any) -> T:
    """What the program `name` answered, as its reader needs it. Raises HostError that says where it
    does not fit.
    """
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        raise no_sense(node, name, first_fault(error)) from None


def no_sense(node: Node, name: str, fault: str) -> HostError:
    what = f"the answer of the {name} program makes no sense: {fault[:FAULT_LIMIT]}"
    return HostError(node.name, what, LOOK_AT_IT)


def heard(node: Node, name: str, text: str) -> Any:
    """What the program `name` said, untyped. Raises HostError where it says that it cannot go on,
    ValueError as `parsed`.
    """
    try:
        return parsed(text)
    except ProgramDied as died:
        hint = "look at it, on that host: df -h ~ /tmp"
        raise HostError(node.name, f"the {name} program failed: {died}", hint) from None


def awaited(said: Iterator[T], wanted: Callable[[T], object], limit_s: float) -> T:
    """The next answer that is wanted. Raises TimeoutError where none comes within `limit_s`, much
    as else may be said, and StopIteration at the end.
    """
    deadline = time.monotonic() + limit_s
    while not wanted(answer := next(said)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no answer for {limit_s:g} s")
    return answer


def answers(
    session: Session, kind: TypeAdapter[T], timeout_s: float, *, within_s: float = math.inf
) -> Iterator[T]:
    """The JSON objects of a session. Raises TimeoutError after `timeout_s` without one, since other
    lines are no sign of life, and after `within_s` altogether; HostError for another kind.
    """
    begun = alive = time.monotonic()
    node, name = session.node, session.program.name
    for line in session.lines(timeout_s):
        if time.monotonic() - begun > within_s:
            raise TimeoutError(f"no end within {within_s:g} s")
        try:
            value = heard(node, name, line)
        except ValueError:
            value = None
        if isinstance(value, dict):
            yield shaped(node, name, kind, value)
            alive = time.monotonic()
        elif time.monotonic() - alive > timeout_s:
            raise TimeoutError(f"no answer for {timeout_s:g} s")
