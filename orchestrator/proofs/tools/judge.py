"""Judges an answer: tells faults of the server from choices of the model; pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from cluster.finding import Finding
from orchestrator.api.errors import ALL_REASONING, LONGER, hint_of
from orchestrator.api.reply import Failure, Outcome, Reply, ToolCall
from orchestrator.api.schema import judged
from orchestrator.models.tool_markup import Markup, dropped_by, find_markup, parser_setting
from orchestrator.proofs.tools.cases import RESULT_DEGREES, ToolCase

TEXT_LIMIT = 120  # characters of a model's text in a message
AUTO = "enable-auto-tool-choice"  # in vLLM's refusals
PARSER = "tool-call-parser"
STRICT = "the model's mistake; vLLM enforces the schema with --set tool_strict_level=parameter"
OTHER_PARSER = "try another --set tool_call_parser, or another version of the server"
REASONING_PARSER = "does the reasoning_parser fit the model? if so,"
TWINS = {  # by whether an answer streams: its twin, and who is to blame where only that is right
    True: ("the whole answer", "a bug in the parser's streaming"),
    False: ("the streamed answer", "a bug in how the parser reads a whole answer"),
}
READ_ANSWERS = "the answers are in answers.jsonl, next to the result"


@dataclass(frozen=True)
class Fault:
    """What no client can handle, and what to type next."""

    what: str
    hint: str


@dataclass(frozen=True)
class Exchange:
    """A question and its answer; `parser` is the one that the server uses, if known."""

    case: ToolCase
    outcome: Outcome
    parser: str = ""


def exchange_finding(one: Exchange, where: str, twin: Outcome | None = None) -> Finding:
    """`twin` is the answer to the same question, streamed where this one is whole and the other
    way round: what only one of them has wrong is not the model's.
    """
    case, outcome = one.case, one.outcome
    if isinstance(outcome, Failure):
        return Finding(
            case.check, where, "failure", f"{outcome.kind}: {outcome}", refusal_hint(outcome)
        )
    faults = list(reply_faults(one, outcome))
    if isinstance(twin, Reply):
        faults = list(faults_beside(one, outcome, twin, faults))
    if faults:
        what = "; ".join(each.what for each in faults)
        return Finding(case.check, where, "failure", what, faults[0].hint)
    if remark := model_remark(case, outcome):
        return Finding(case.check, where, "warning", remark, READ_ANSWERS)
    return Finding(case.check, where, "pass", calls_text(outcome))


def refusal_hint(failure: Failure, parser: str = "NAME") -> str:
    """The hint for a refusal: vLLM refuses tools where it was started without them."""
    if AUTO in failure.what or PARSER in failure.what:
        return (
            "serve it again with --set enable_auto_tool_choice=true "
            f"--set tool_call_parser={parser}"
        )
    return hint_of(failure)


def reply_faults(one: Exchange, reply: Reply) -> Iterator[Fault]:
    """Truncation, departures from the API and raw text explain other faults, so these are not
    reported then.
    """
    case = one.case
    if reply.truncated:
        what = f"cut off at the token limit, after {reply.usage.completion} tokens"
        yield Fault(what, LONGER)
    elif reply.faults:
        yield from (Fault(each, OTHER_PARSER) for each in reply.faults)
    elif markup := raw_markup(case, reply):
        yield raw_markup_fault(markup, one.parser, in_text=bool(find_markup_in(case, reply.text)))
    elif reply.tool_calls:
        yield from faults_of_calls(case, reply)
    elif case.choice != "auto":
        what = f"no tool was called, though tool_choice requires it: {said_text(reply)}"
        yield Fault(what, "does the server support this tool_choice? orchestrate logs")
    elif not reply.text.strip():
        yield nothing_fault(reply, one.parser)


def nothing_fault(reply: Reply, parser: str) -> Fault:
    if reply.reasoning.strip():
        what = f"neither a call nor text, but reasoning: {quoted(reply.reasoning)}"
        return Fault(what, ALL_REASONING)
    if reply.refusal:
        return Fault(f"the model refuses: {quoted(reply.refusal)}", READ_ANSWERS)
    hint = parser_hint(dropped_by(parser), parser)
    return Fault("neither a call nor text: a parser may have dropped it", hint)


def faults_beside(one: Exchange, reply: Reply, twin: Reply, faults: list[Fault]) -> Iterator[Fault]:
    """The faults in the light of the twin: where that one is right, reading is at fault, or else
    the model wrote two different texts, which then have different numbers of tokens.
    """
    twin_is_right = not list(reply_faults(one, twin)) and not model_remark(one.case, twin)
    if not faults and one.case.streamed:
        yield from stream_faults(reply, twin)
    elif not faults or reply.truncated or not twin_is_right:
        yield from faults
    else:
        how, blamed = TWINS[one.case.streamed]
        counts = reply.usage.completion, twin.usage.completion
        doubt = "" if counts[0] == counts[1] else f", of {counts[1]} tokens and not {counts[0]},"
        hint = f"{'perhaps ' if doubt else ''}{blamed}: {OTHER_PARSER}"
        yield from (Fault(each.what, hint) for each in faults)
        yield Fault(f"{how}{doubt} is right: {calls_text(twin)}", hint)


def raw_markup(case: ToolCase, reply: Reply) -> Markup | None:
    """Markup left in the text; the reasoning counts only where no call was made."""
    thought = "" if reply.tool_calls else reply.reasoning
    return find_markup_in(case, reply.text) or find_markup_in(case, thought)


def find_markup_in(case: ToolCase, text: str) -> Markup | None:
    return find_markup(text, [tool.name for tool in case.tools])


def raw_markup_fault(markup: Markup, parser: str, *, in_text: bool = True) -> Fault:
    if not in_text:
        what = f"raw {markup.excerpt} came as reasoning: no tool parser reads that"
        return Fault(what, f"{REASONING_PARSER} {parser_hint(markup, parser)}")
    if parser in markup.parsers:
        what = f"raw {markup.excerpt} was left in the text, though {parser} reads that format"
        return Fault(what, f"did the model write it completely? {READ_ANSWERS}")
    runs = f"the parser {parser} does" if parser else "the server's parser does"
    what = f"raw {markup.excerpt} was left in the text: {runs} not read what the model writes"
    return Fault(what, parser_hint(markup, parser))


def parser_hint(markup: Markup | None, parser: str) -> str:
    fitting = [each for each in markup.parsers if each != parser] if markup else []
    known = f", in place of {parser}" if parser else ""
    return f"serve it again with {parser_setting(fitting or ['NAME'])}{known}"


def call_faults(case: ToolCase, call: ToolCall) -> Iterator[str]:
    if not call.id:
        yield "it has no id"
    tool = case.tool(call.name)
    if tool is None:
        yield f"`{call.name}` is not one of the tools" if call.name else "it names no tool"
        return
    if case.forced and call.name != case.forced:
        yield f"{call.name} was called, though tool_choice names {case.forced}"
    _, errors = judged(call.arguments, tool.parameters)
    if errors:
        yield f"the arguments of {call.name} are wrong: {'; '.join(errors)}"


def faults_of_calls(case: ToolCase, reply: Reply) -> Iterator[Fault]:
    """Of each call, then across them."""
    for number, call in enumerate(reply.tool_calls, 1):
        what = "; ".join(call_faults(case, call))
        if what:
            yield Fault(f"call {number}: {what}", READ_ANSWERS if case.is_strict else STRICT)
    ids = [call.id for call in reply.tool_calls if call.id]
    if len(set(ids)) < len(ids):
        what = "two calls have the same id: whose result is whose?"
        yield Fault(what, f"the ids are the parser's: {OTHER_PARSER}")
    allowed = ("tool_calls", "stop") if case.forced else ("tool_calls",)
    if reply.finish_reason not in allowed:
        what = f"a tool was called, but finish_reason is `{reply.finish_reason}`"
        yield Fault(what, "clients that check it never run the tool: orchestrate logs")


def stream_faults(streamed: Reply, whole: Reply) -> Iterator[Fault]:
    """Other calls from the same number of tokens: the model wrote the same text."""
    counts = streamed.usage.completion, whole.usage.completion
    if 0 < counts[0] == counts[1] and calls_essence(streamed) != calls_essence(whole):
        what = f"from the same {counts[0]} tokens the stream gave {calls_text(streamed)}"
        what += f", the whole answer {calls_text(whole)}"
        yield Fault(what, f"{TWINS[True][1]}: {OTHER_PARSER}")


def calls_essence(reply: Reply) -> list[tuple[str, object]]:
    """Names and arguments of the calls, without regard to white space in the JSON."""
    return [(call.name, parsed_arguments(call.arguments)) for call in reply.tool_calls]


def parsed_arguments(arguments: str) -> object:
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def model_remark(case: ToolCase, reply: Reply) -> str:
    """What depends on the model: no fault of the server."""
    count = len(reply.tool_calls)
    if case.name == "second turn" and not count and RESULT_DEGREES not in reply.text:
        return f"the answer does not use the tool's result: {quoted(reply.text)}"
    if case.wanted == "none" and count:
        return f"the model called a tool that was not needed: {calls_text(reply)}"
    if case.wanted != "none" and not count:
        return f"the model called no tool, but wrote {said_text(reply)}"
    if case.wanted == "several" and count == 1:
        return f"the model made one call where several were asked for: {calls_text(reply)}"
    if case.wanted == "one" and count > 1 and case.choice == "auto":
        return f"the model made {count} calls where one was asked for: {calls_text(reply)}"
    return ""


def calls_text(reply: Reply) -> str:
    if not reply.tool_calls:
        return quoted(reply.text)
    return ", ".join(f"{call.name} {shortened(call.arguments)}" for call in reply.tool_calls)


def said_text(reply: Reply) -> str:
    """What came in place of a call."""
    return quoted(reply.text) if reply.text.strip() else quoted(reply.reasoning or reply.refusal)


def quoted(text: str) -> str:
    return repr(shortened(text.strip()))


def shortened(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}..."
