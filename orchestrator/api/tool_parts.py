"""Tool calls out of their parts, read as leniently as can be; what departs from the API is kept.

The API, by the types of OpenAI's clients and how they join parts: every part of a stream has the
`index` of its call, counted from 0; id and name come whole, once; `arguments` is text.
"""

import json
from dataclasses import dataclass

from orchestrator.api.fields import Json, list_in, object_in, word_in
from orchestrator.api.reply import ToolCall

NO_INDEX = "the parts of its tool calls have no `index`: clients cannot tell which call they extend"
SHARED_INDEX = "several tool calls have the same `index`: clients join them into one"
GAPS = "the `index` of its tool calls does not count from 0"
CHANGING_ID = "the id of a tool call changes from part to part"
NUMBER_ID = "the id of a tool call is not a text"
REPEATED_NAME = "every part repeats the name of its tool call: clients that join parts double it"
SPLIT_NAME = "the name of a tool call comes in parts: clients that take the last one lose the rest"
NOT_TEXT = "the `arguments` of a tool call are not a text, but JSON itself"
LEGACY = "the call came as `function_call`, which `tool_calls` replaced: clients do not look there"


@dataclass
class PartialCall:
    """A call that grows; `index` is the server's, or its place in the list."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class ToolParts:
    """Raises NotAnAnswer for what is no tool call at all. `faults` in the order of their coming."""

    def __init__(self) -> None:
        self.faults: dict[str, None] = {}
        self._calls: list[PartialCall] = []
        self._legacy = PartialCall(0)

    @property
    def count(self) -> int:
        return len(self._calls) + bool(self._legacy.name)

    def add(self, said: Json, *, streamed: bool) -> None:
        """All that one message, or one delta, has of calls."""
        for part in list_in(said, "tool_calls"):
            self._add(object_in(part, "a tool call"), streamed)
        if function := said.get("function_call"):
            self._extend(self._legacy, object_in(function, "`function_call`"))

    def _add(self, part: Json, streamed: bool) -> None:
        function = object_in(part.get("function") or {}, "`function`")
        number = part.get("id")
        call_id = "" if number is None else str(number)
        if call_id and not isinstance(number, str):
            self.faults[NUMBER_ID] = None
        call = self._whose(part.get("index"), call_id, word_in(function, "name"), streamed)
        call.id = call.id or call_id
        self._extend(call, function)

    def _whose(self, index: object, call_id: str, name: str, streamed: bool) -> PartialCall:
        """The call that a part extends, or a new one."""
        if not streamed:
            return self._new(len(self._calls))
        if not isinstance(index, int) or isinstance(index, bool):
            self.faults[NO_INDEX] = None
            found = self._calls[-1] if self._calls else None
            if call_id and (known := [each for each in self._calls if each.id == call_id]):
                return known[0]
            begins = bool(call_id or name) and (not found or bool(found.name))
            return self._new(len(self._calls)) if begins or not found else found
        same = [each for each in self._calls if each.index == index]
        if not same:
            return self._new(index)
        call = next((each for each in same if each.id == call_id), same[-1])
        if call_id and call.id and call_id != call.id:
            if name:
                self.faults[SHARED_INDEX] = None
                return self._new(index)
            self.faults[CHANGING_ID] = None
        return call

    def _new(self, index: int) -> PartialCall:
        self._calls.append(PartialCall(index))
        return self._calls[-1]

    def _extend(self, call: PartialCall, function: Json) -> None:
        name = word_in(function, "name")
        if name and name == call.name:
            self.faults[REPEATED_NAME] = None
        else:
            if name and call.name:
                self.faults[SPLIT_NAME] = None
            call.name += name
        arguments = function.get("arguments")
        if arguments is not None and not isinstance(arguments, str):
            self.faults[NOT_TEXT] = None
            arguments = json.dumps(arguments, ensure_ascii=False)
        call.arguments += arguments or ""

    def calls(self) -> tuple[ToolCall, ...]:
        """In the order of their index; a legacy call only where there is no other."""
        found = sorted(self._calls, key=lambda call: call.index)
        if not found and self._legacy.name:
            found = [self._legacy]
        return tuple(ToolCall(call.id, call.name, call.arguments) for call in found)

    def all_faults(self) -> tuple[str, ...]:
        """Those of single parts, then those of the whole."""
        found = list(self.faults)
        if self._legacy.name and not self._calls:
            found.append(LEGACY)
        indexes = {call.index for call in self._calls}
        if indexes and indexes != set(range(len(indexes))):
            found.append(GAPS)
        return tuple(found)
