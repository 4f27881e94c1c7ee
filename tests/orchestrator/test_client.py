"""The Python client, against the scripted server."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel

from cluster.errors import UsageError
from orchestrator.client import Client, RequestFailed, SchemaNotMet
from tests.served.script import Answer, Request, Status
from tests.served.server import serving
from tests.support.folders import ROOT

PAGE = ROOT / "docs" / "client.md"
ADA = '{"name": "Ada", "age": 36}'
SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


def adult(age: int) -> int:
    if age < 18:
        raise ValueError("too young")
    return age


class Person(BaseModel):
    name: str
    age: Annotated[int, AfterValidator(adult)]


def test_a_text_a_value_or_an_instance() -> None:
    with serving(Answer(ADA)) as server, Client(server.url) as client:
        assert client.model == "tiny"
        assert client.generate("Who?", max_tokens=20, temperature=0, seed=7, system="Be") == ADA
        assert client.generate("Who?", schema=SCHEMA) == {"name": "Ada", "age": 36}
        person = client.generate("Who?", schema=Person)
        assert person == Person(name="Ada", age=36)
        first, _, third = [request.body for request in server.heard if request.body]
    wanted = {"max_tokens": 20, "temperature": 0, "seed": 7}
    assert wanted.items() <= first.items()
    assert third["response_format"]["json_schema"]["schema"] == Person.model_json_schema()


@pytest.mark.parametrize("schema", [SCHEMA, Person])
@pytest.mark.parametrize(
    ("answer", "truncated"),
    [(Answer('{"age": "x"}'), False), (Answer('{"age', finish_reason="length"), True)],
)
def test_a_schema_that_is_not_met(answer: Answer, truncated: bool, schema: Any) -> None:
    with (
        serving(answer) as server,
        Client(server.url) as client,
        pytest.raises(SchemaNotMet) as caught,
    ):
        client.generate("Who?", schema=schema)
    assert (caught.value.raw, caught.value.truncated) == (answer.text, truncated)
    assert caught.value.errors


def test_pydantic_asks_for_more_than_the_schema_says() -> None:
    with (
        serving(Answer('{"name": "Ada", "age": 7}')) as server,
        Client(server.url) as client,
        pytest.raises(SchemaNotMet, match=r"\$\.age: Value error, too young"),
    ):
        client.generate("Who?", schema=Person)


def test_failures_are_named() -> None:
    with serving(Status(500)) as server, Client(server.url) as client:
        with pytest.raises(RequestFailed, match="server error: HTTP 500: scripted") as caught:
            client.generate("Who?")
        with pytest.raises(UsageError, match="not a JSON schema"):
            client.generate("Who?", schema={"type": "objekt"})
    assert caught.value.failure.status == 500


def test_it_works_where_an_event_loop_runs_already() -> None:
    async def notebook() -> str:
        return client.generate("Who?")

    with serving(Answer("Ada")) as server, Client(server.url) as client:
        assert asyncio.run(notebook()) == "Ada"


def test_several_threads_share_one() -> None:
    def echo(request: Request) -> Answer:
        return Answer(request.body["messages"][0]["content"])

    with serving(echo) as server, Client(server.url) as client, ThreadPoolExecutor(8) as pool:
        texts = [f"text {number}" for number in range(32)]
        assert list(pool.map(client.generate, texts)) == texts


def test_a_key_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sesame\n")
    with (
        serving(Answer("Ada"), key="sesame") as server,
        Client(server.url, api_key_file=str(tmp_path / "key")) as client,
    ):
        assert client.generate("Who?") == "Ada"


def test_closing_twice_is_no_mistake() -> None:
    with serving(Answer("Ada")) as server:
        client = Client(server.url)
        client.close()
        client.close()


def test_the_example_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    person = '{"name": "Ada Lovelace", "born": 1815}'

    def answer(request: Request) -> Answer:
        return Answer(person if "response_format" in request.body else "Ada wrote programs.")

    with serving(answer) as server:
        exec(example.replace("http://127.0.0.1:8000", server.url), {})
    assert capsys.readouterr().out == "Ada wrote programs.\nAda Lovelace 1815\n{'born': 1815}\n"
