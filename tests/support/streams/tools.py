"""Tool calls in parts, as the API has them and as servers send them."""

from orchestrator.api.reply import ToolCall
from orchestrator.api.tool_parts import (
    CHANGING_ID,
    GAPS,
    LEGACY,
    NO_INDEX,
    NOT_TEXT,
    NUMBER_ID,
    REPEATED_NAME,
    SHARED_INDEX,
    SPLIT_NAME,
)
from tests.support.streams.case import (
    CALLED,
    DONE,
    END,
    OSLO,
    READ,
    ROME,
    Reading,
    StreamCase,
    call,
    delta,
    tool,
)

OPEN_0 = tool({"name": "weather", "arguments": ""}, index=0, id="c0")
REST_0 = tool({"arguments": OSLO[:8]}, index=0) + tool({"arguments": OSLO[8:]}, index=0)
ONE = (call(0, OSLO),)
BOTH = (call(0, OSLO), call(1, ROME))


def calling(*tools: ToolCall, faults: tuple[str, ...] = (), text: str = "") -> Reading:
    return Reading(text, tools=tools, finish_reason="tool_calls", faults=faults)


TOOLS = (
    StreamCase("one call", OPEN_0 + REST_0 + CALLED, calling(*ONE)),
    StreamCase(
        "calls side by side",
        OPEN_0
        + REST_0
        + tool({"name": "weather", "arguments": ROME}, index=1, id="c1", type="function")
        + CALLED,
        calling(*BOTH),
    ),
    StreamCase(
        "two calls in one part",
        delta(
            tool_calls=[
                {"index": 0, "id": "c0", "function": {"name": "weather", "arguments": OSLO}},
                {"index": 1, "id": "c1", "function": {"name": "weather", "arguments": ROME}},
            ]
        )
        + CALLED,
        calling(*BOTH),
    ),
    StreamCase(
        "other fields null",
        tool({"name": "weather", "arguments": None}, index=0, id="c0")
        + tool({"name": None, "arguments": OSLO}, index=0, id=None, type=None)
        + CALLED,
        calling(*ONE),
    ),
    StreamCase(
        "other fields empty",
        OPEN_0 + tool({"name": "", "arguments": OSLO}, index=0, id="") + CALLED,
        calling(*ONE),
    ),
    StreamCase("tool_calls null", delta(tool_calls=None, content="Hallo") + END, READ),
    StreamCase("tool_calls empty", delta(tool_calls=[], content="Hallo") + END, READ),
    StreamCase(
        "the id again", OPEN_0 + tool({"arguments": OSLO}, index=0, id="c0") + CALLED, calling(*ONE)
    ),
    StreamCase(
        "the name later",
        tool({"arguments": ""}, index=0, id="c0")
        + tool({"name": "weather", "arguments": OSLO}, index=0)
        + CALLED,
        calling(*ONE),
    ),
    StreamCase(
        "no index, one call",
        tool({"name": "weather"}, id="c0") + tool({"arguments": OSLO}) + CALLED,
        calling(*ONE, faults=(NO_INDEX,)),
    ),
    StreamCase(
        "index null, two calls",
        tool({"name": "weather"}, id="c0", index=None)
        + tool({"arguments": OSLO}, index=None)
        + tool({"name": "weather"}, id="c1", index=None)
        + tool({"arguments": ROME}, index=None)
        + CALLED,
        calling(*BOTH, faults=(NO_INDEX,)),
    ),
    StreamCase(
        "no index, parts that mix",
        tool({"name": "weather"}, id="c0")
        + tool({"name": "weather"}, id="c1")
        + tool({"arguments": OSLO}, id="c0")
        + tool({"arguments": ROME}, id="c1")
        + CALLED,
        calling(*BOTH, faults=(NO_INDEX,)),
    ),
    StreamCase(
        "no index and no ids",
        tool({"name": "weather", "arguments": OSLO})
        + tool({"name": "weather", "arguments": ROME})
        + CALLED,
        calling(ToolCall("", "weather", OSLO), ToolCall("", "weather", ROME), faults=(NO_INDEX,)),
    ),
    StreamCase(
        "an index of text",
        tool({"name": "weather", "arguments": OSLO}, id="c0", index="0") + CALLED,
        calling(*ONE, faults=(NO_INDEX,)),
    ),
    StreamCase(
        "index 0 for all",
        OPEN_0 + REST_0 + tool({"name": "weather", "arguments": ROME}, index=0, id="c1") + CALLED,
        calling(*BOTH, faults=(SHARED_INDEX,)),
    ),
    StreamCase(
        "index from 1",
        tool({"name": "weather", "arguments": OSLO}, index=1, id="c0") + CALLED,
        calling(*ONE, faults=(GAPS,)),
    ),
    StreamCase(
        "a new id in every part",
        OPEN_0 + tool({"arguments": OSLO}, index=0, id="c9") + CALLED,
        calling(*ONE, faults=(CHANGING_ID,)),
    ),
    StreamCase(
        "an id that is a number",
        tool({"name": "weather", "arguments": OSLO}, index=0, id=7) + CALLED,
        calling(ToolCall("7", "weather", OSLO), faults=(NUMBER_ID,)),
    ),
    StreamCase(
        "the name in every part",
        tool({"name": "weather", "arguments": OSLO[:8]}, index=0, id="c0")
        + tool({"name": "weather", "arguments": OSLO[8:]}, index=0)
        + CALLED,
        calling(*ONE, faults=(REPEATED_NAME,)),
    ),
    StreamCase(
        "the name in parts",
        tool({"name": "wea", "arguments": ""}, index=0, id="c0")
        + tool({"name": "ther", "arguments": OSLO}, index=0)
        + CALLED,
        calling(*ONE, faults=(SPLIT_NAME,)),
    ),
    StreamCase(
        "arguments as an object",
        tool({"name": "weather", "arguments": {"city": "Oslo"}}, index=0, id="c0") + CALLED,
        calling(*ONE, faults=(NOT_TEXT,)),
    ),
    StreamCase(
        "function_call",
        delta(function_call={"name": "weather", "arguments": ""})
        + delta(function_call={"arguments": OSLO})
        + delta("function_call")
        + DONE,
        Reading(
            tools=(ToolCall("", "weather", OSLO),), finish_reason="function_call", faults=(LEGACY,)
        ),
    ),
    StreamCase(
        "function_call beside tool_calls",
        delta(
            tool_calls=[
                {"index": 0, "id": "c0", "function": {"name": "weather", "arguments": OSLO}}
            ],
            function_call={"name": "weather", "arguments": OSLO},
        )
        + CALLED,
        calling(*ONE),
    ),
    StreamCase(
        "a second finish_reason",
        OPEN_0 + REST_0 + delta("tool_calls") + END,
        Reading(tools=ONE, finish_reason="stop"),
    ),
)
