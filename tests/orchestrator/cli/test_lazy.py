"""The table of verbs: what it says is true, and a verb's module is imported when it is typed."""

import json
import subprocess
import sys
from inspect import getdoc

import pytest

from orchestrator.cli.lazy import loaded, meant
from orchestrator.main import VERBS
from tests.support.typed import typed

ROOMS = """
import json, sys
import orchestrator.main
print(json.dumps(sorted(n for n in sys.modules if n.split(".")[0] in ("cluster", "orchestrator"))))
"""
# One process for all: each child types one verb and tells which modules with verbs it has then.
TYPED = """
import json, os, sys
from orchestrator.main import VERBS, app
targets = {verb.target.partition(":")[0] for verb in VERBS.verbs.values()}
for words in json.loads(sys.argv[1]):
    if not os.fork():
        command, context = app, app.make_context("orchestrate", [], resilient_parsing=True)
        for word in words.split():
            command = command.get_command(context, word)
        print(json.dumps([words, sorted(targets & set(sys.modules))]), flush=True)
        os._exit(0)
    os.wait()
"""


def run_python(code: str, *words: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("path", sorted(VERBS.verbs))
def test_a_summary_is_the_first_line_of_the_docstring(path: str) -> None:
    verb = VERBS.verbs[path]
    assert (getdoc(loaded(verb)) or "").split("\n\n")[0].replace("\n", " ") == verb.summary


def test_the_tree_is_there_before_any_room_is_imported() -> None:
    (found,) = map(json.loads, run_python(ROOMS))
    assert found == [
        "orchestrator",
        "orchestrator.cli",
        "orchestrator.cli.lazy",
        "orchestrator.main",
    ]


def test_a_verb_that_is_typed_imports_no_other_verb() -> None:
    one_of_each = {verb.target.partition(":")[0]: path for path, verb in VERBS.verbs.items()}
    told = map(json.loads, run_python(TYPED, json.dumps(sorted(one_of_each.values()))))
    assert {path: modules for path, modules in told} == {
        path: [module] for module, path in one_of_each.items()
    }


@pytest.mark.parametrize("path", ["", *VERBS.children(""), *sorted(VERBS.verbs)])
def test_h_is_help_everywhere(path: str) -> None:
    short, long = typed(*path.split(), "-h"), typed(*path.split(), "--help")
    assert short == long
    assert short.exit_code == 0
    assert short.stdout.startswith(f"Usage: orchestrate {path}".rstrip())


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        (["sevre"], "did you mean `serve`?"),
        (["cluster", "chekc"], "did you mean `check`?"),
        (["models", "sycn", "tiny"], "did you mean `sync`?"),
        (["sample", "reply", "f"], "did you mean `replay`?"),
        (["start"], "did you mean `orchestrate cluster start`?"),
        (["test", "sync"], "did you mean `orchestrate models sync`?"),
    ],
)
def test_an_unknown_verb_is_answered_with_the_nearest(words: list[str], meaning: str) -> None:
    found = typed(*words)
    assert found.exit_code == 2
    assert found.stderr.endswith(f"hint: {meaning}\n")
    assert f"No such command '{words[1] if len(words) > 1 else words[0]}'" in found.stderr


def test_a_word_that_is_near_to_none_is_answered_with_all() -> None:
    assert "hint: known: check, start, stop, trust\n" in typed("cluster", "xyzzy").stderr


def test_two_verbs_with_one_ending_are_both_named() -> None:
    both = "`orchestrate models verify` or `orchestrate audit verify`"
    assert meant(VERBS, "verify") == f"did you mean {both}?"
