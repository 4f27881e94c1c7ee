"""Hosts that answer as they should, but for one value: what a broken or hostile host may say."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cluster.inventory.node import Node
from cluster.transport.program import Program
from cluster.transport.protocol import COMMAND_TIMEOUT_S, Result, Session, Stream
from tests.support.scripted import Script, Talk


def deep() -> Any:
    value: Any = 1
    for _ in range(300):
        value = [value]
    return value


STRANGE: tuple[Callable[[], Any], ...] = (
    *((lambda value=value: value) for value in (None, True, False, 0, -1, 7, 1 << 62, 1 << 70)),
    *((lambda value=value: value) for value in (0.5, -1e300, 1e300, float("inf"), float("nan"))),
    *((lambda value=value: value) for value in ("", "x", "x" * 100_000, "\ud800", "a\0b", "{0}")),
    *((lambda value=value: value) for value in ("\x1b]52;c;aGk=\a\x1b[2J", "1e400", "[/red]")),
    *((lambda value=value: value) for value in ("../..", "/", "a b", "9" * 5000)),
    *((list, dict, deep, lambda: [[]], lambda: [{}], lambda: {"a": 1}, lambda: [None] * 1000)),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside a value, and to itself."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value[:8]))
    return [path, *(place for key, each in inner for place in places(each, (*path, key)))]


def mutated(value: Any, chance: random.Random) -> Any:
    """A copy of a JSON value with one place replaced, removed or doubled."""
    copy = json.loads(json.dumps(value))
    *way, last = chance.choice(places(copy)) or (None,)
    if last is None:
        return chance.choice(STRANGE)()
    holder = copy
    for key in way:
        holder = holder[key]
    what = chance.randrange(10)
    if what == 0:
        del holder[last]
    elif what == 1 and isinstance(holder, list):
        holder.append(holder[last])
    else:
        holder[last] = chance.choice(STRANGE)()
    return copy


@dataclass
class Liar:
    """A script whose host `host` lies once, when it runs `name`."""

    script: Script
    name: str
    host: str
    chance: random.Random
    told: bool = False

    def lies(self, node: Node, program: Program) -> bool:
        if self.told or (node.name, program.name) != (self.host, self.name):
            return False
        self.told = True
        return True

    def run(self, node: Node, program: Program, *, timeout_s: float = COMMAND_TIMEOUT_S) -> Result:
        result = self.script.run(node, program, timeout_s=timeout_s)
        if not self.lies(node, program):
            return result
        answer = json.loads(result.out)
        if self.name == "cluster.host.guarded" and self.chance.random() < 0.8:
            answer["out"] = json.dumps(mutated(json.loads(answer["out"]), self.chance))
            return Result(0, json.dumps(answer), "")
        return Result(0, json.dumps(mutated(answer, self.chance)), "")

    def session(self, node: Node, program: Program) -> Session:
        talk = self.script.session(node, program)
        assert isinstance(talk, Talk)
        if self.lies(node, program):
            place = self.chance.randrange(len(talk.said))
            talk.said[place] = json.dumps(mutated(json.loads(talk.said[place]), self.chance))
        return talk

    def dial(self, node: Node, address: str, port: int, timeout_s: float) -> Stream:
        return self.script.dial(node, address, port, timeout_s)

    def paste(self, node: Node, command: str) -> str:
        return self.script.paste(node, command)

    def close(self) -> None:
        """Nothing is open."""
