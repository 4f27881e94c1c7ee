"""Quoting is exact, and no secret is ever shown."""

import shlex

from hypothesis import given
from hypothesis import strategies as st

from cluster.host.masking import argv_shown, without_userinfo
from cluster.transport.command import Command, masked, shell_line

WORD = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.lists(WORD, min_size=1))
def test_every_word_survives_the_shell(words: list[str]) -> None:
    assert shlex.split(str(Command(tuple(words)))) == list(argv_shown(words))
    assert shlex.split(shell_line(tuple(words))) == words


@given(st.dictionaries(st.from_regex(r"NCCL_[B-J]{1,8}", fullmatch=True), WORD, max_size=4))
def test_every_variable_survives_the_shell(env: dict[str, str]) -> None:
    words = shlex.split(str(Command(("run",), env)))
    hidden = [name for name in env if masked(name, "x") == "****"]
    assert not hidden
    plain = {key: without_userinfo(value) for key, value in sorted(env.items())}
    assert words == [*(f"{key}={value}" for key, value in plain.items()), "run"]


def test_secrets_are_masked_by_their_name() -> None:
    secrets = {"VLLM_API_KEY": "s1", "hf_token": "s2", "A_SECRET": "s3", "PASSWORD": "s4"}
    shown = str(Command(("serve",), {**secrets, "NCCL_DEBUG": "plain", "VLLM_X": "2"}))
    assert shown == (
        "A_SECRET=**** NCCL_DEBUG=plain PASSWORD=**** "
        "VLLM_API_KEY=**** VLLM_X=2 hf_token=**** serve"
    )


def test_environment_is_a_copy_that_cannot_be_changed() -> None:
    given_env = {"A": "1"}
    command = Command(("run",), given_env).with_env({"B": "2"})
    given_env["A"] = "changed"
    assert dict(command.env) == {"A": "1", "B": "2"}
    assert not hasattr(command.env, "__setitem__")
