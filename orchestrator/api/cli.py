"""`orchestrate generate`: parse, ask, show the answer. No logic."""

import asyncio
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from cluster.errors import Problem, UsageError
from orchestrator.api.errors import ALL_REASONING
from orchestrator.api.generate import generate
from orchestrator.api.options import KeyFile, ModelName, Url, with_target
from orchestrator.api.prompt import Prompt, data_urls
from orchestrator.api.reply import Piece, Reply
from orchestrator.api.schema import read_schema
from orchestrator.api.send import ANSWER_LIMIT_S, unheard
from orchestrator.api.target import Target, Wanted
from orchestrator.cli import render as report
from orchestrator.cli.console import Console
from orchestrator.cli.options import Json, Nodes

STDIN = "-"
PromptText = Annotated[str, typer.Argument(help="The user's message; - reads standard input.")]
SchemaFile = Annotated[
    str | None,
    typer.Option(help="JSON schema in a file; exit code 1 when the answer does not meet it."),
]
Images = Annotated[list[str] | None, typer.Option(help="An image file to send along. Repeatable.")]
System = Annotated[str | None, typer.Option(help="The system message.")]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="Default: as many as the server lets.")]
Temperature = Annotated[float | None, typer.Option(min=0, max=2, help="Default: the server's.")]
TopP = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="Sample from the likeliest tokens with this much probability together."
    ),
]
AnswerSeed = Annotated[
    int | None, typer.Option(help="The same seed gives the same answer, as far as the server can.")
]
TimeoutS = Annotated[float, typer.Option(min=0.1, help="Limit for the whole answer, in seconds.")]


def generate_text(
    prompt: PromptText,
    schema: SchemaFile = None,
    image: Images = None,
    system: System = None,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    seed: AnswerSeed = None,
    timeout_s: TimeoutS = ANSWER_LIMIT_S,
    url: Url = None,
    model: ModelName = None,
    api_key_file: KeyFile = None,
    nodes: Nodes = None,
    json: Json = False,
) -> None:
    """One answer to one prompt, as it comes."""
    asked = Prompt(
        text=text_of(prompt),
        system=system,
        images=data_urls(image or []),
        schema=read_schema(schema) if schema else None,
        max_tokens=max_tokens,
        temperature=temperature,
        top_p=top_p,
        seed=seed,
    )

    def verb(console: Console, target: Target) -> int:
        return show_answer(console, target, asked, timeout_s, json)

    with_target(Wanted(url, model, api_key_file, nodes), verb)


def show_answer(
    console: Console, target: Target, asked: Prompt, timeout_s: float, json: bool
) -> int:
    """Ask, and show the answer as it comes; the exit code."""

    def show_piece(piece: Piece) -> None:
        console.aside(piece.reasoning)
        console.stream(piece.text)

    hear = unheard if json else show_piece
    ask = generate(target, asked, timeout_s=timeout_s, hear=hear, reporter=console)
    found = asyncio.run(ask)
    if json:
        console.raw(report.as_json(found))
    else:
        console.end_line()
    found.require_schema_met()
    for warning in remarks_on(found.reply):
        console.warn(warning)
    return 0


def remarks_on(reply: Reply) -> Iterator[str]:
    """What a reader of the text alone would not see."""
    if reply.truncated:
        yield "the answer was cut off at the token limit"
    elif reply.reasoning and not reply.text:
        yield f"the answer is empty: {ALL_REASONING}"
    if reply.refusal:
        yield f"the model refuses: {reply.refusal}"


def text_of(prompt: str) -> str:
    """The prompt, or what standard input holds."""
    if prompt != STDIN:
        return prompt
    try:
        text = sys.stdin.read()
    except UnicodeDecodeError as error:
        raise UsageError(Problem(f"not UTF-8: {error}", "standard input")) from None
    if not text.strip():
        raise UsageError(Problem("no prompt", "standard input"))
    return text
