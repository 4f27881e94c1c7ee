"""The command lines that the product and its pages tell people to type."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.main import app

SAMPLES = {  # what a placeholder becomes
    "recipe.option": "--model tiny",
    "recipe.words": "tiny",
    "context.invoked_subcommand": "replay",
}
SAMPLES_OF_VERBS = ("VERB",)
SAMPLE = "tiny"
# `orchestrate` as the subject of a sentence, and what follows a command in one
SAYS = {
    *("is", "holds", "may", "gives", "makes", "wrote", "started", "will", "itself", "keeps"),
    *("and", "on", "needs", "knows", "for", "in", "has", "itself", "never", "sends", "can", "as"),
}
PROSE = {
    *("tells", "shows", "takes", "makes", "then", "first", "ends", "or", "and", "says", "names"),
    *("writes", "with", "on", "of", "is", "for", "in", "to", "again", "does", "from", "the", "by"),
    *("will", "reads", "beside", "may", "can", "needs", "do", "are", "answers", "starts", "once"),
    *("it", "where", "beside", "waits"),
}
END = re.compile(r"[;`\"|&>#\n)]|, |: |\.\.\.|,$|\.$|\. |\s{2}| - ")
VALUE = re.compile(r"(--[\w-]+) \.\.\.")
COMMAND = re.compile(r"(?<![\w./~-])orchestrate ((?:--|[a-z]).*)", re.DOTALL)


def strings_of(path: Path) -> Iterator[tuple[str, bool]]:
    """Every text of a module, and whether it is a docstring; samples stand in placeholders."""
    tree = ast.parse(path.read_text("utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    inner = {
        id(e) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for e in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(map(piece, node.values)), False
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner
        ):
            yield node.value, id(node) in docs


def piece(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.FormattedValue)
    return SAMPLES.get(ast.unparse(node.value), SAMPLE)


def command_lines(text: str) -> Iterator[str]:
    """What follows `orchestrate` up to the end of the command; sentences about it are left out."""
    for found in re.split(
        r"(?<![\w./~-])(?=orchestrate )", VALUE.sub(r"\1 tiny", text.replace("\\\n", " "))
    ):
        match = COMMAND.match(found)
        if match:
            line = END.split(match[1])[0].replace("[", "").replace("]", "").strip()
            if line and line.split()[0] not in (*SAYS, SAMPLE):
                yield line


def wrong_with(line: str, *, complete: bool = True) -> str:
    """Why this command line cannot be typed; empty where it can.

    `complete`: what is required must be there too.
    """
    words = list(up_to_prose(line.split()))
    command: Any = app
    context: Any = app.make_context("orchestrate", [], resilient_parsing=True)
    context.resilient_parsing = False  # else the parser passes over what it does not know
    while hasattr(command, "get_command"):
        wrong, rest = parsed(command, context, words, complete=complete)
        if wrong or not rest:
            return wrong
        inner = command.get_command(context, rest[0])
        if inner is None:
            return "" if rest[0] in SAMPLES_OF_VERBS else f"no verb: {rest[0]}"
        command, words = inner, rest[1:]
        context = type(context)(command, info_name=line, parent=context)
    wrong, rest = parsed(command, context, words, complete=complete)
    return wrong or (f"too many words: {' '.join(rest)}" if rest else "")


def up_to_prose(words: list[str]) -> Iterator[str]:
    for word in words:
        if word in PROSE:
            return
        yield word


def parsed(
    command: Any, context: Any, words: list[str], *, complete: bool
) -> tuple[str, list[str]]:
    """What is wrong with the options of one level, and the words that it leaves over."""
    if not complete and words and words[-1].startswith("--"):
        words = with_value(command, words)
    try:
        given, rest, _ = command.make_parser(context).parse_args(list(words))
    except Exception as error:  # the parser's own, of several kinds
        return f"{type(error).__name__}: {error}", []
    missing = [each.name for each in command.params if each.required and is_missing(each, given)]
    if any("--recipe" in each.opts for each in command.params):
        ways = [
            each for each in command.params if {"--recipe", "--model", "model"} & set(each.opts)
        ]
        missing += ["recipe"] if all(is_missing(each, given) for each in ways) else []
    if complete and missing and "--help" not in words:
        return f"missing: {', '.join(missing)}", []
    return "", list(rest)


def with_value(command: Any, words: list[str]) -> list[str]:
    """Of an option that is only named, the value does not matter."""
    takes = [each for each in command.params if words[-1] in each.opts and not is_flag(each)]
    return [*words, SAMPLE] if takes else words


def is_flag(parameter: Any) -> bool:
    return bool(getattr(parameter, "is_flag", False))


def is_missing(parameter: Any, given: Mapping[str, Any]) -> bool:
    value = given.get(parameter.name)
    return value is None or value == () or "UNSET" in repr(value)
