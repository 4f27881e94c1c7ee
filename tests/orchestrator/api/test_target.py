"""Which server is meant, with an address and with an inventory."""

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import HostError, OrchestrateError, Unreachable, UsageError
from cluster.facts.hosts import Facts, Unreached
from cluster.inventory.config import LOCAL, ClusterConfig
from cluster.transport.local import Local
from orchestrator.api.target import Target, Wanted, at_home, base_of, choose, given_key, open_target
from tests.served.script import Answer, Status
from tests.served.server import serving
from tests.support.factory import config_of, host_facts, service
from tests.support.scripted import Script

CONFIG = config_of()
HERE = CONFIG.model_copy(update={"source": LOCAL})


def about(name: str = "tiny", **changes: Any) -> dict[str, Any]:
    plain = {"recipe": name, "served_name": f"{name}-served", "host": "127.0.0.1", "port": 8200}
    return {**plain, **changes}


def facts(*names: str) -> Facts:
    services = tuple(service(f"vllm-{name}", about=about(name)) for name in names)
    head = host_facts(CONFIG.head, services=(service("ray-head"), *services))
    return Facts((head, host_facts(CONFIG.workers[0])), ())


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("http://h:8000", "http://h:8000"),
        ("http://h:8000/v1/", "http://h:8000"),
        ("https://h/some/where/v1", "https://h/some/where"),
    ],
)
def test_an_address_with_and_without_v1(address: str, base: str) -> None:
    assert base_of(address) == base


@pytest.mark.parametrize(
    "address", ["h:8000", "", "ftp://h", "http://", "http://u:p@h", "http://h?key=1", "http://h:x"]
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        base_of(address)
    assert str(caught.value).startswith("--url: ")


def test_the_only_model_of_an_address_is_meant() -> None:
    with serving(Answer(), key="sesame") as server:
        wanted = Wanted(server.url + "/v1")
        with open_target(wanted, {"ORCHESTRATE_API_KEY": "sesame"}) as target:
            assert (target.url, target.model) == (server.url, "tiny")
            assert "sesame" not in repr(target)
        with pytest.raises(OrchestrateError, match="HTTP 401"), open_target(wanted, {}):
            pass


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"data": [{"id": "a"}, {"id": "b"}]}', "serves 2 models: a, b"),
        ('{"data": []}', "serves 0 models"),
        ('{"error": 1}', "is not the list of an OpenAI-compatible server"),
        ("<html>", "is not the list of an OpenAI-compatible server"),
    ],
)
def test_addresses_that_are_not_clear(text: str, said: str) -> None:
    with (
        serving(Answer(), pages={"/v1/models": Status(200, text)}) as server,
        pytest.raises(OrchestrateError, match=said),
        open_target(Wanted(server.url), {}),
    ):
        pass


def test_the_key_comes_from_the_file_before_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n")
    environ = {"ORCHESTRATE_API_KEY": "from-environment"}
    assert given_key(Wanted(key_file=str(file)), environ) == "from-file"
    assert given_key(Wanted(), environ) == "from-environment"
    assert given_key(Wanted(), {}) == ""


@pytest.mark.parametrize("content", ["", " \n", "two\nlines", "schlüssel"])
def test_what_is_no_key_file(content: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(UsageError, match="--api-key-file: holds no API key"):
        given_key(Wanted(key_file=str(tmp_path / "key")), {})
    with pytest.raises(UsageError, match="--api-key-file: cannot be read"):
        given_key(Wanted(key_file=str(tmp_path)), {})


@pytest.mark.parametrize("name", [None, "tiny", "tiny-served", "vllm-tiny"])
def test_the_one_model_that_runs(name: str | None) -> None:
    home = choose(Script(), CONFIG, facts("tiny"), name)
    assert (home.host.node.name, home.service.name) == ("h1", "vllm-tiny")


def test_one_of_several() -> None:
    assert choose(Script(), CONFIG, facts("tiny", "huge"), "huge").service.name == "vllm-huge"
    with pytest.raises(UsageError, match="2 models run: vllm-tiny on h1, vllm-huge on h1"):
        choose(Script(), CONFIG, facts("tiny", "huge"), None)
    with pytest.raises(UsageError, match=r"no model `hugo` runs\n.*did you mean `huge`"):
        choose(Script(), CONFIG, facts("tiny", "huge"), "hugo")


def test_none_runs() -> None:
    with pytest.raises(OrchestrateError, match=r"no model runs\n.*orchestrate serve") as caught:
        choose(Script(), CONFIG, facts(), None)
    assert not isinstance(caught.value, UsageError)
    lost = Unreached(CONFIG.node[1], Unreachable("h2", "gone"))
    with pytest.raises(OrchestrateError, match="no model runs; h2 does not answer"):
        choose(Script(), CONFIG, Facts(facts().hosts[:1], (lost,)), None)
    with pytest.raises(OrchestrateError, match="h2: gone"):
        choose(Script(), CONFIG, Facts((), (lost,)), None)


def probing(port: int, host: str = "127.0.0.1") -> Script:
    services = (service("vllm-tiny", about=about(port=port, host=host)),)

    def probe(node: Any, request: Any) -> dict[str, Any]:
        found = host_facts(node, services=services if node.is_head else ())
        return json.loads(found.model_dump_json(exclude={"node"}))  # type: ignore[no-any-return]

    return Script(
        answers={
            "cluster.host.probe": probe,
            "cluster.host.get": lambda node, request: {"text": "the-key\n"},
        }
    )


def test_a_server_on_a_host_is_reached_through_the_transport() -> None:
    with serving(Answer()) as server:
        script = probing(server.port)
        script.dialled = lambda: Local().dial(CONFIG.head, "127.0.0.1", server.port, 5)
        with at_home(script, CONFIG, Wanted(), "") as target:
            assert target.url != server.url
            assert target.shown == f"http://127.0.0.1:{server.port}/v1 on h1"
            assert (target.model, target.recipe, target.key) == ("tiny-served", "tiny", "")
            assert ask(target) == ["tiny"]


def test_the_key_that_serve_made_is_read_on_the_host() -> None:
    config = config_of(serve={"host": "0.0.0.0"})
    with serving(Answer(), key="the-key") as server:
        script = probing(server.port, "0.0.0.0")
        script.dialled = lambda: Local().dial(CONFIG.head, "127.0.0.1", server.port, 5)
        with at_home(script, config, Wanted(), "") as target:
            assert target.key == "the-key"
        with at_home(script, config, Wanted(), "another") as target:
            assert target.key == "another"


def ask(target: Target) -> list[str]:
    with target.http() as http:
        return [card["id"] for card in http.get("/v1/models").json()["data"]]


@pytest.mark.parametrize("config", [CONFIG, HERE], ids=["forwarded", "local"])
def test_a_model_that_does_not_listen_yet_is_loading(config: ClusterConfig) -> None:
    loading = r"vllm-tiny is still loading: nothing accepts connections at 127\.0\.0\.1:8200"
    hint = r"orchestrate serve --model tiny waits for it; orchestrate logs vllm-tiny"
    with (
        pytest.raises(HostError, match=rf"{loading}(?s:.)*{hint}"),
        at_home(probing(8200), config, Wanted(), ""),
    ):
        pass
