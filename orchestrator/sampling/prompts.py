"""The prompts of a session: the built-in ones, or those of a file."""

import json
from pathlib import Path
from typing import Any

from cluster.errors import Problem, UsageError
from orchestrator.sampling.session import Messages

PROMPTS_HINT = (
    'one prompt a line; in a .jsonl file "text", {"prompt": "text"} or {"messages": [...]}'
)
BUILT_IN = "built in"
PROMPTS = (
    "Explain how a suspension bridge carries its load, from the deck to the ground.",
    "Write a short story about a lighthouse keeper who receives a letter meant for someone else.",
    "Compare merge sort and quicksort: how they work, what they cost, when to choose which.",
    "Describe the water cycle for a ten-year-old, then once more for a student of physics.",
    "Write a Python module that reads a CSV file and reports the mean of each numeric column.",
    "What led to the fall of the Western Roman Empire? Weigh the main explanations.",
    "Plan a week of vegetarian dinners for four people, with a shopping list.",
    "Prove that the square root of two is irrational, then that of every prime number.",
    "Draft a letter to a city council that asks for a safer crossing in front of a school.",
    "How does a compiler turn a loop into machine code? Follow one example through all steps.",
    "Write a dialogue between a botanist and a clockmaker about what it means to grow.",
    "Give an overview of the immune system: which cells take part and how they cooperate.",
    "Design a database schema for a public library, and argue for each table.",
    "Tell the history of the number zero.",
    "A train leaves at 8:40 and travels 312 km at 96 km/h. When does it arrive? Show every step, "
    "then make up five similar exercises with solutions.",
    "List the advantages and the drawbacks of remote work for a small company, with examples.",
)


def built_in_prompts() -> tuple[Messages, ...]:
    return tuple(user_message(text) for text in PROMPTS)


def read_prompts(path: str) -> tuple[Messages, ...]:
    """Skips empty lines. Raises UsageError with the line that is not a prompt."""
    try:
        text = Path(path).expanduser().read_text("utf-8")
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", path)) from None
    except UnicodeDecodeError as error:
        raise UsageError(Problem(f"not UTF-8: {error}", path)) from None
    is_json = Path(path).suffix == ".jsonl"
    lines = [(n, line.strip()) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise UsageError(Problem("holds no prompts", path, PROMPTS_HINT))
    return tuple(
        prompt_in(line, f"{path}, line {n}") if is_json else user_message(line) for n, line in lines
    )


def prompt_in(line: str, where: str) -> Messages:
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(Problem(f"not valid JSON: {error}", where, PROMPTS_HINT)) from None
    if isinstance(value, dict):
        value = value.get("messages", value.get("prompt"))
    if isinstance(value, str) and value.strip():
        return user_message(value)
    if isinstance(value, list) and value and all(is_message(each) for each in value):
        return tuple(value)
    raise UsageError(Problem("not a prompt", where, PROMPTS_HINT))


def user_message(text: str) -> Messages:
    return ({"role": "user", "content": text},)


def is_message(value: object) -> bool:
    return isinstance(value, dict) and {"role", "content"} <= value.keys()
