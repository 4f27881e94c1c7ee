"""A secret that lies on a host, read past whatever else is said there."""

import json

import pytest

from cluster.errors import HostError
from cluster.execution.kept_secret import find_secret
from cluster.transport.protocol import Result
from tests.support.factory import config_of, entry, whole
from tests.support.scripted import Script

CONFIG = config_of(entry(1))
HEAD = whole(CONFIG).hosts[0]


def found(text: str | None, banner: str = "") -> str:
    answer = Result(0, f"{banner}{json.dumps({'text': text})}\n", "")
    script = Script(answers={"cluster.host.get": lambda node, request: answer})
    return find_secret(script, CONFIG, HEAD, "api-key")


def test_what_a_login_shell_prints_is_no_secret() -> None:
    assert found("sesame\n", "Welcome!\n") == "sesame"
    assert found(None, "Welcome!\n") != "Welcome!"


def test_where_there_is_none_a_fresh_one_is_made() -> None:
    assert len(found(None)) > 30
    assert found("") != found("")


def test_another_text_is_refused_with_a_way_on() -> None:
    with pytest.raises(HostError, match="does not hold one of our secrets") as caught:
        found("two words")
    assert "rm /home/ada/.orchestrate/" in str(caught.value)
