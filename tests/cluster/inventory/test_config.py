"""nodes.toml and the environment: every mistake at once, each with its place and a hint."""

import tomllib
from pathlib import Path

import pytest

from cluster.errors import ConfigError, Problem, UsageError
from cluster.inventory.config import ClusterConfig, checked, load
from cluster.inventory.toml_file import read_toml
from tests.support.folders import ROOT

GOOD = """
[cluster]
name = "lab"
fast_network = "10.0.0.0/24"
[[node]]
name = "h1"
role = "head"
fast_address = "10.0.0.1"
[[node]]
name = "h2"
fast_address = "10.0.0.2"
"""


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder without nodes.toml or .env."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config_of(text: str, **env: str) -> ClusterConfig:
    return checked(tomllib.loads(text), "nodes.toml", env)


def problems_of(text: str) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        config_of(text)
    return list(caught.value.problems)


def only(text: str) -> Problem:
    [problem] = problems_of(text)
    return problem


def test_the_inventory_of_this_repository_loads() -> None:
    config = load(str(ROOT / "nodes.toml"), environ={})
    assert config.name == "spark"
    assert [node.name for node in config.node] == ["spark-1", "spark-2"]
    assert config.head.name == "spark-1"
    assert [node.address for node in config.node] == ["192.168.100.10", "192.168.100.11"]


def test_every_commented_key_of_it_is_a_key() -> None:
    """What a reader uncomments must load: the file is the reference too."""
    lines = (ROOT / "nodes.toml").read_text("utf-8").splitlines()
    text = "\n".join(
        line.removeprefix("# ") if line.startswith("# ") and " = " in line else line
        for line in lines
    )
    config = config_of(text)
    assert config.ssh.user == "you"
    assert config.head.gpus == 1
    assert config.head.env == {"NCCL_DEBUG": "INFO"}


def test_defaults_of_the_tables_fill_the_nodes() -> None:
    config = config_of(GOOD + "port = 2222\n[ssh]\nuser = 'ada'\nport = 22\n")
    head, worker = config.node
    assert (head.user, head.port, worker.port) == ("ada", 22, 2222)
    assert (head.venv, head.cache) == ("~/vllm-env", "~/.cache/huggingface")
    assert config.workers == (worker,)


def test_mistakes_come_all_at_once() -> None:
    found = problems_of(
        """
        [cluter]
        [cluster]
        nam = "x"
        fast_network = "10.0.0.0/24"
        [ray]
        port = "many"
        [[node]]
        name = "h1"
        role = "head"
        fast_address = "10.0.0.1"
        [[node]]
        name = "h1"
        role = "head"
        fast_address = "10.9.0.1"
        gpus = 65
        """
    )
    shown = {problem.where: str(problem) for problem in found}
    assert "did you mean `cluster`?" in shown["nodes.toml"]
    assert "did you mean `name`?" in shown["nodes.toml [cluster], nam"]
    assert "(it is 'many')" in shown["nodes.toml [ray], port"]
    assert "less than or equal to 64" in shown["nodes.toml [[node]] number 2, gpus"]
    assert "2 heads: h1, h1" in shown["nodes.toml [[node]] role"]
    assert "`h1` is also the name of node h1" in shown["nodes.toml [[node]] h1, name"]
    assert "10.9.0.1 is outside" in shown["nodes.toml [[node]] h1, fast_address"]
    assert len(found) == 7
    assert all(problem.hint for problem in found)


@pytest.mark.parametrize(
    ("text", "what", "where", "hint"),
    [
        ("", "missing", "nodes.toml [node]", "docs/nodes.md"),
        (GOOD.replace('role = "head"', ""), "no head", "[[node]] role", 'role = "head"'),
        (GOOD + 'role = "head"', "2 heads: h1, h2", "[[node]] role", "on one of them"),
        (GOOD + 'role = "boss"', "'head' or 'worker' (it is 'boss')", "number 2, role", "docs"),
        (
            GOOD.replace("0.0.2", "0.0.1"),
            "also the fast_address of node h1",
            "h2, fast_",
            "its own",
        ),
        (GOOD.replace("0.0.2", "9.0.2"), "outside the fast network", "h2, fast_", "10.0.0.0/24"),
        (GOOD + "adress = 'x'", "unknown key", "number 2, adress", "`address`"),
        (GOOD + "[sever]", "unknown table `sever`", "nodes.toml", "`serve`"),
        (GOOD + "[ray]\nport = 0", "greater than or equal to 1", "[ray], port", "docs"),
        (
            GOOD + "[ray]\nworker_ports = '1-2'",
            "`1-2` is no range of ports",
            "[ray], worker_ports",
            "first-last",
        ),
        (
            GOOD + "[ssh]\nconnect_timeout_s = 0",
            "greater than 0",
            "[ssh], connect_timeout_s",
            "docs",
        ),
        (GOOD.replace("h2", "H_2"), "`H_2` is no name: a-z, 0-9", "number 2, name", "`h-2`?"),
        (
            GOOD.replace("10.0.0.0/24", "10.0.0.1/24"),
            "`10.0.0.1/24` is an address, not a network",
            "[cluster], fast_network",
            '"10.0.0.0/24"',
        ),
        (GOOD.replace("10.0.0.0/24", "ten"), "no IPv4 network", "[cluster], fast_network", "as in"),
        (GOOD.replace("10.0.0.2", "10.0.2"), "IPv4", "number 2, fast_address", "docs"),
    ],
)
def test_one_mistake_has_its_place_and_its_hint(
    text: str, what: str, where: str, hint: str
) -> None:
    found = next(problem for problem in problems_of(text) if what in problem.what)
    assert where in found.where
    assert hint in found.hint


def test_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATE_RAY__PORT", "6380")
    assert config_of(GOOD + "[ray]\nport = 7000").ray.port == 6380


def test_dotenv_wins_over_the_file_and_loses_to_the_environment(
    monkeypatch: pytest.MonkeyPatch, elsewhere: Path
) -> None:
    (elsewhere / ".env").write_text("ORCHESTRATE_RAY__PORT=6381\nORCHESTRATE_SSH__USER=ada\n")
    assert config_of(GOOD).ray.port == 6381
    monkeypatch.setenv("ORCHESTRATE_RAY__PORT", "6382")
    config = config_of(GOOD)
    assert (config.ray.port, config.ssh.user) == (6382, "ada")


@pytest.mark.parametrize("key", ["ORCHESTRATE_RAY__PORT", "ORCHESTRATE_RAY__PROT"])
def test_a_mistake_in_the_environment_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv(key, "many")
    with pytest.raises(ConfigError) as caught:
        load(str(ROOT / "nodes.toml"))
    [problem] = caught.value.problems
    assert problem.where == f"environment {key}"
    assert problem.hint


def test_a_mistake_in_dotenv_names_the_variable(elsewhere: Path) -> None:
    (elsewhere / ".env").write_text("ORCHESTRATE_RAY__PORT=many\n")
    with pytest.raises(ConfigError, match="environment ORCHESTRATE_RAY__PORT"):
        load(str(ROOT / "nodes.toml"))


def test_a_whole_table_in_the_environment_must_be_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATE_RAY", "port=6380")
    with pytest.raises(ConfigError) as caught:
        config_of(GOOD)
    assert "ray" in str(caught.value)


def test_the_place_of_the_inventory_cannot_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORCHESTRATE_SOURCE", "local")
    assert not config_of(GOOD).is_local


def test_inventory_is_named_by_option_then_variable_then_folder(elsewhere: Path) -> None:
    for name in ("option", "variable", "nodes"):
        (elsewhere / f"{name}.toml").write_text(GOOD.replace("lab", name))
    env = {"ORCHESTRATE_NODES": "variable.toml"}
    assert load("option.toml", environ=env).name == "option"
    assert load(None, environ=env).name == "variable"
    assert load(None, environ={}).name == "nodes"


def test_local_is_this_machine_alone() -> None:
    config = load("local", environ={"HF_HOME": "/models"})
    assert config.is_local
    assert (config.name, config.head.name, config.head.cache) == ("local", "local", "/models")
    assert config.head.fast == "127.0.0.2"


def test_files_that_cannot_be_read(elsewhere: Path) -> None:
    with pytest.raises(UsageError, match=r"nodes\.toml: no such inventory\n  hint: write one"):
        load(None, environ={})
    with pytest.raises(UsageError, match="cannot be read"):
        read_toml(elsewhere)
    (elsewhere / "broken.toml").write_text("[cluster")
    with pytest.raises(ConfigError, match=r"broken\.toml: not valid TOML"):
        load("broken.toml", environ={})


def test_a_host_that_is_none_is_told_as_one() -> None:
    with pytest.raises(ConfigError) as caught:
        config_of(GOOD + '[serve]\nhost = "a b"\n')
    assert "[serve], host: `a b` is no name and no address of a host" in str(caught.value)
