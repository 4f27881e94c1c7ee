"""The verb `test tools`: each question whole and streamed, then a turn with a tool's result."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cluster.finding import Finding
from cluster.reporter import Reporter
from orchestrator.api.closed_loop import Limits, send_all
from orchestrator.api.reply import Failure, Outcome, Reply, ToolCall
from orchestrator.api.request import Message
from orchestrator.api.send import ANSWER_LIMIT_S, Server, connected, send
from orchestrator.api.target import Target
from orchestrator.proofs.proof import Proof
from orchestrator.proofs.tools.cases import (
    FIRST_QUESTION,
    OWN_ID,
    QUESTIONS,
    RESULT,
    SECOND_TURN,
    WEATHER,
    ToolCase,
)
from orchestrator.proofs.tools.judge import (
    AUTO,
    PARSER,
    Exchange,
    exchange_finding,
    parser_hint,
    raw_markup,
    refusal_hint,
    reply_faults,
)
from orchestrator.records.jsonl import WriteLine

QUESTIONS_AT_ONCE = 4
MAX_TOKENS = 1024
UNPROVEN = "auto"


@dataclass(frozen=True)
class ToolAnswer:
    """The answer to one question."""

    check: str
    calls: tuple[ToolCall, ...]
    text: str
    finish_reason: str | None


@dataclass(frozen=True)
class ToolsReport(Proof):
    """`parser` is the one that the server uses, where the inventory says so."""

    parser: str = ""
    answers: tuple[ToolAnswer, ...] = ()


def run_questions(
    target: Target, max_tokens: int, write: WriteLine, reporter: Reporter
) -> ToolsReport:
    """One question first; nothing more is sent to a server that does not answer it."""
    reporter.tell(f"asking {target.shown}")
    exchanges = asyncio.run(ToolsRun(target, max_tokens, write, reporter).all())
    answers = tuple(tool_answer(each) for each in exchanges if isinstance(each.outcome, Reply))
    found = tuple(tools_findings(exchanges, target.shown))
    return ToolsReport(target.shown, target.model, found, parser_of(target), answers)


@dataclass(frozen=True)
class ToolsRun:
    """Sends the questions; every exchange is written as soon as it has ended."""

    target: Target
    max_tokens: int
    write: WriteLine
    reporter: Reporter

    async def all(self) -> list[Exchange]:
        url, key = self.target.url, self.target.key
        async with connected(url, key, connections=QUESTIONS_AT_ONCE) as server:
            first = await self.send_cases(server, [FIRST_QUESTION])
            if is_unreachable(first[0].outcome):
                return first
            streamed = [replace(case, streamed=True) for case in QUESTIONS]
            exchanges = first + await self.send_cases(server, [*QUESTIONS[1:], *streamed])
            history = second_turn_messages(exchanges)
            turns = [SECOND_TURN, replace(SECOND_TURN, streamed=True)]
            exchanges += await self.send_cases(server, turns, history)
            return exchanges + await self.without_a_parser(server, exchanges)

    async def send_cases(
        self, server: Server, cases: Sequence[ToolCase], messages: list[Message] | None = None
    ) -> list[Exchange]:
        calls = [
            case.asking(self.target.model, messages, self.max_tokens)
            if messages
            else case.call(self.target.model, self.max_tokens)
            for case in cases
        ]
        parser = parser_of(self.target)
        checks = ", ".join(case.check for case in cases)
        self.reporter.tell(f"at most {ANSWER_LIMIT_S:g} s for each of: {checks}")

        def done(number: int, outcome: Outcome) -> None:
            line = {"check": cases[number].check, "request": calls[number].body, "answer": outcome}
            self.write(line)

        outcomes = await send_all(server, calls, Limits(QUESTIONS_AT_ONCE), done)
        return [Exchange(*pair, parser) for pair in zip(cases, outcomes, strict=True)]

    async def without_a_parser(
        self, server: Server, exchanges: Sequence[Exchange]
    ) -> list[Exchange]:
        """Where a call is missing: what the model writes, special tokens included."""
        silent = next((each for each in exchanges if is_silent(each)), None)
        if silent is None:
            return []
        case = replace(silent.case, name="raw text", choice="none", streamed=False)
        call = case.call(self.target.model, self.max_tokens).changed(skip_special_tokens=False)
        outcome = await send(server, call)
        self.write({"check": case.check, "request": call.body, "answer": outcome})
        return [Exchange(case, outcome, silent.parser)]


def is_unreachable(outcome: Outcome) -> bool:
    """Whether more questions would fail in the same way."""
    if isinstance(outcome, Reply):
        return False
    lost = ("connect", "timeout", "rate limited")
    return outcome.kind in lost or outcome.status in (401, 403, 404)


def is_silent(one: Exchange) -> bool:
    """Whether the model should have chosen to call a tool and no call came, not even a raw one."""
    case, outcome = one.case, one.outcome
    if case.choice != "auto" or case.wanted == "none":
        return False
    if isinstance(outcome, Failure):
        return AUTO in outcome.what or PARSER in outcome.what
    return not outcome.tool_calls and not outcome.truncated and not raw_markup(case, outcome)


def second_turn_messages(exchanges: Iterable[Exchange]) -> list[Message]:
    """A turn with the first valid call, or else with our own, and the tool's result."""
    good = (
        each.outcome.tool_calls[0]
        for each in exchanges
        if isinstance(each.outcome, Reply)
        and each.outcome.tool_calls
        and each.outcome.tool_calls[0].name == WEATHER.name
        and not list(reply_faults(each, each.outcome))
    )
    ours = ToolCall(OWN_ID, WEATHER.name, '{"city": "Paris", "unit": "celsius"}')
    call = next(good, ours)
    function = {"name": call.name, "arguments": call.arguments}
    message = {"id": call.id, "type": "function", "function": function}
    return [
        {"role": "user", "content": FIRST_QUESTION.question},
        {"role": "assistant", "content": None, "tool_calls": [message]},
        {"role": "tool", "tool_call_id": call.id, "content": RESULT},
    ]


def tools_findings(exchanges: Sequence[Exchange], where: str) -> Iterable[Finding]:
    """One for each question, and a failure of its own where `auto` led to no call at all."""
    answers = {(each.case.name, each.case.streamed): each.outcome for each in exchanges}
    hidden = next((each for each in exchanges if each.case.choice == "none"), None)
    states: list[str] = []  # of the questions where the model should choose to call a tool
    for each in exchanges:
        if each is hidden:
            continue
        twin = answers.get((each.case.name, not each.case.streamed))
        found = exchange_finding(each, where, twin)
        yield found
        if each.case.choice == "auto" and each.case.wanted != "none":
            called = isinstance(each.outcome, Reply) and bool(each.outcome.tool_calls)
            states.append("called" if called else found.state)
    if hidden and isinstance(hidden.outcome, Reply):
        yield from hidden_call_findings(hidden, exchanges, where)
    if {*states} == {"warning"}:
        what = "no question led to a tool call with tool_choice auto: this proves nothing"
        hint = "does the chat template show the tools to the model? is it the right parser?"
        yield Finding(UNPROVEN, where, "failure", what, hint)


def hidden_call_findings(
    hidden: Exchange, exchanges: Sequence[Exchange], where: str
) -> Iterable[Finding]:
    """The model wrote a call and the server returned none: the format names the parser."""
    assert isinstance(hidden.outcome, Reply)
    markup = raw_markup(hidden.case, hidden.outcome)
    if markup is None:
        return
    what = f"asked without a parser, the model writes its call as {markup.excerpt}"
    silent = next(each.outcome for each in exchanges if is_silent(each))
    if isinstance(silent, Failure):
        hint = refusal_hint(silent, markup.parsers[0])
    else:
        hint = parser_hint(markup, hidden.parser)
    yield Finding(hidden.case.check, where, "failure", what, hint)


def tool_answer(one: Exchange) -> ToolAnswer:
    assert isinstance(one.outcome, Reply)
    reply = one.outcome
    return ToolAnswer(one.case.check, reply.tool_calls, reply.text, reply.finish_reason)


def parser_of(target: Target) -> str:
    """The value of --tool-call-parser among the arguments of the service."""
    words = target.home.service.words if target.home else ()
    for word, value in zip(words, [*words, ""][1:], strict=True):
        name, _, joined = word.partition("=")
        if name == "--tool-call-parser":
            return joined or value
    return ""
