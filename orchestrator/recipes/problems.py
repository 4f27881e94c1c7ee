"""What can be wrong with a recipe, in the words of its author; pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from cluster.errors import Problem
from cluster.inventory.problems import nearest

REFERENCE = "docs/recipes.md shows one, docs/recipe-keys.md lists every key"
MOST_NUMBER = 1 << 63
MOST_DEPTH = 32
COMMAND_LINE = "--set"
ELSEWHERE = {  # options that orchestrate gives vLLM itself
    "model": "set the recipe's own key `model`",
    "port": "set the recipe's own key `port`",
    "revision": "set the recipe's own key `revision`",
    "served_model_name": "set the recipe's own key `served_name`",
    "host": "set `host` in [serve] of nodes.toml",
    "api_key": "orchestrate makes the key and keeps it out of the command line",
    "hf_token": "a secret has no place in a command line: HF_TOKEN is read from the environment",
}
TABLES = ("args", "env", "hardware", "media")
NO_VALUE = "no value for an option: it takes true, false, a number, text, a list of these, a table"


def option_name(key: str) -> str:
    """An option of vLLM as a key of [args]. Raises ValueError for one that is set elsewhere."""
    name = key.replace("-", "_")
    if name in ELSEWHERE:
        raise ValueError(ELSEWHERE[name])
    return name


def one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be one line of printable text")
    return text


def within_toml(value: Any, depth: int = 0) -> Any:
    """A value of [args]. Raises ValueError for a number that TOML does not have, and for
    tables in tables without an end.
    """
    if isinstance(value, int) and not -MOST_NUMBER <= value < MOST_NUMBER:
        raise ValueError("a number beyond 64 bits")
    if depth > MOST_DEPTH:
        raise ValueError("nested too deeply")
    inner = value.values() if isinstance(value, Mapping) else value
    for each in inner if isinstance(value, Mapping | list) else ():
        within_toml(each, depth + 1)
    return value


def hardware_problems(
    raw: Mapping[str, Any], source: str, known: Iterable[str]
) -> Iterator[Problem]:
    """Tables for hardware profiles that do not exist: they would be ignored silently."""
    tables = raw.get("hardware")
    for name in tables if isinstance(tables, dict) else ():
        if name not in known:
            where = f"{source} [hardware.{name}]"
            yield Problem("there is no such hardware profile", where, nearest(name, known))


def name_problems(raw: Mapping[str, Any], source: str) -> list[Problem]:
    hint = "the file's name is the recipe's name: rename the file"
    reserved = {"name": hint, "source": "take it out"}
    return [Problem("unknown key", f"{source}, {k}", reserved[k]) for k in reserved if k in raw]


def recipe_problems(error: ValidationError, source: str, known: Iterable[str]) -> list[Problem]:
    """One for each key that is wrong: pydantic has one for each type that a value might have."""
    keys = [key for key in known if key not in ("name", "source")]
    found: dict[str, Problem] = {}
    for item in error.errors():
        path = key_path([str(part) for part in item["loc"]])
        where = key_place(path, source)
        found.setdefault(where, recipe_problem(dict(item), path, where, keys))
    return list(found.values())


def key_path(loc: list[str]) -> list[str]:
    """Without what pydantic adds below a key."""
    depth = {"args": 2, "env": 2, "hardware": 4, "media": 2}.get(loc[0] if loc else "", 1)
    return [part for part in loc[:depth] if part != "[key]"]


def key_place(path: list[str], source: str) -> str:
    """File, [table] and key; for the command line the word that was typed."""
    if source == COMMAND_LINE:
        return f"{source} {'.'.join(part for part in path if part != 'args')}"
    is_key = len(path) == 4 or (len(path) < 3 and path[-1] not in TABLES and path[0] != "hardware")
    table, key = (path[:-1], path[-1:]) if is_key else (path, [])
    return ", ".join([source + (f" [{'.'.join(table)}]" if table else ""), *key])


def recipe_problem(item: dict[str, Any], path: list[str], where: str, keys: list[str]) -> Problem:
    kind, value = item["type"], item["input"]
    shown = f" (it is {value!r:.60})" if isinstance(value, str | int | float) else ""
    if path == ["name"]:
        hint = "rename the file: a-z, 0-9 and -, at most 32 characters"
        return Problem(f"`{value}` cannot be a recipe's name", where.rpartition(", ")[0], hint)
    if "[key]" in item["loc"] or kind == "value_error":
        return key_problem(item, where)
    if kind == "extra_forbidden":
        inside = ["folder", "port"] if path[0] == "media" else ["args", "env"]
        near = nearest(path[-1], keys if len(path) == 1 else inside)
        return Problem("unknown key", where, f"{near} Options of vLLM stand in [args]")
    if path[-2:-1] == ["args"]:
        return Problem(f"{NO_VALUE}{shown}", where, REFERENCE)
    if path[-2:-1] == ["env"]:
        return Problem(f"must be text{shown}", where, f'in quotes, as in {path[-1]} = "1"')
    what = {"missing": "missing", "dict_type": "must be a table", "model_type": "must be a table"}
    return Problem(what.get(kind, f"{item['msg']}{shown}"), where, REFERENCE)


def key_problem(item: dict[str, Any], where: str) -> Problem:
    if item["type"] != "value_error":
        return Problem("cannot be a name", where, REFERENCE)
    reason = str(item["ctx"]["error"])
    if "[key]" in item["loc"]:
        return Problem("is not set here", where, reason)
    return Problem(reason, where, REFERENCE)
