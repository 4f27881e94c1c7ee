"""Does the model answer? Asked of a server that says what the test wrote down."""

import httpx
import pytest

from orchestrator.serving.health import generate_once, is_healthy, problem_of

GOOD = {"choices": [{"text": " Ada."}], "usage": {"completion_tokens": 3}}


def client(answer: httpx.Response | Exception) -> httpx.Client:
    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.Client(base_url="http://host:1", transport=httpx.MockTransport(handle))


def test_health_is_status_200_and_nothing_else() -> None:
    assert is_healthy(client(httpx.Response(200)))
    assert not is_healthy(client(httpx.Response(503)))
    assert not is_healthy(client(httpx.ConnectError("refused")))
    assert not is_healthy(client(httpx.ReadTimeout("silent")))


def test_an_answer_is_text_tokens_and_time() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=GOOD)

    http = httpx.Client(base_url="http://host:1", transport=httpx.MockTransport(handle))
    answer = generate_once(http, "tiny", tokens=3)
    assert (answer.text, answer.tokens) == (" Ada.", 3)
    assert answer.seconds >= 0
    assert seen[0].url.path == "/v1/completions"
    assert b'"max_tokens":3' in seen[0].content


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (httpx.Response(500, text="engine is dead\n"), "HTTP 500: engine is dead"),
        (httpx.Response(401, text="no key"), "HTTP 401: no key"),
        (httpx.ReadTimeout(""), "no answer in time"),
        (httpx.ConnectError("refused"), "refused"),
        (httpx.ConnectError(""), "ConnectError"),
        (httpx.Response(200, text="<html>"), "no completion in the answer: <html>"),
        (httpx.Response(200, json={"choices": []}), 'no completion in the answer: {"choices":[]}'),
        (httpx.Response(200, json=[1]), "no completion in the answer: [1]"),
        (httpx.Response(200, json={"choices": None}), "no completion in the answer"),
    ],
)
def test_what_is_wrong_in_a_few_words(answer: httpx.Response | Exception, shown: str) -> None:
    with pytest.raises(httpx.HTTPError) as caught:
        generate_once(client(answer), "tiny")
    assert problem_of(caught.value).startswith(shown)
