"""No secret is shown, wherever a variable or an argument comes to light."""

import json
from pathlib import Path

import pytest

from cluster.execution.plan import Plan, Stage, Start
from cluster.facts.hosts import Facts
from cluster.host import masking
from cluster.host.probe import our_services
from cluster.ray.environment_report import environment_report
from cluster.runtimes.service import Service
from cluster.transport.command import Command
from orchestrator.machines.env_report import exports
from orchestrator.recipes.layers import apply_layers
from orchestrator.recipes.recipe import load_recipe
from orchestrator.serving.made_of import recorded
from tests.support.factory import config_of, entry, host_facts

SECRET = "sesame-open-now"
NAMES = (
    *("OPENAI_APIKEY", "GITHUB_PAT", "DB_PASS", "PGPASSWORD", "MYSQL_PWD", "S3_CREDENTIALS"),
    *("APITOKEN", "MY_AUTH", "https_proxy", "HF_TOKEN", "VLLM_API_KEY", "AWS_SECRET_ACCESS_KEY"),
    *("SOMETHING_NOBODY_KNOWS", "NCCL_PASSWORD", "RAY_MY_TOKEN"),
    *("NCCL_KEYBOARD", "TOKENIZERS_X", "RAY_AUTHS"),
)
PLAIN = (
    *("VLLM_HOST_IP", "NCCL_DEBUG", "RAY_DEDUP_LOGS", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"),
    *("HF_HUB_OFFLINE", "TOKENIZERS_PARALLELISM", "PYTHONUNBUFFERED", "RAY_AUTH_MODE", "PATH"),
)


def plan_text(name: str, value: str) -> str:
    service = Service("test", "x", config_of().head, Command(("run",), {name: value}))
    return str(Plan("p", (Stage("s", (Start(service),)),)))


def command_text(name: str, value: str) -> str:
    """As in the audit line."""
    return str(Command(("run",), {name: value}))


def variables_to_paste(name: str, value: str) -> str:
    config = config_of(entry(1, env={name: value}))
    return exports(environment_report(config, Facts((host_facts(config.head),), ())))


def models_show(name: str, value: str) -> str:
    return str(masking.env_shown({name: value}))


def record_of_the_recipe(name: str, value: str) -> str:
    return json.dumps(recorded(apply_layers(load_recipe("tiny"), None, {f"env.{name}": value})))


@pytest.mark.parametrize(
    "text",
    [plan_text, command_text, variables_to_paste, models_show, record_of_the_recipe],
    ids=lambda text: text.__name__,
)
@pytest.mark.parametrize("name", NAMES)
def test_a_secret_is_shown_nowhere(name: str, text: object) -> None:
    assert callable(text)
    said = text(name, SECRET)
    assert name in said
    assert SECRET not in said


@pytest.mark.parametrize("text", [plan_text, command_text, variables_to_paste, models_show])
@pytest.mark.parametrize("name", PLAIN)
def test_what_is_known_to_be_harmless_is_shown(name: str, text: object) -> None:
    assert callable(text)
    assert "plain-value" in text(name, "plain-value")


def test_a_password_in_an_address_is_never_shown() -> None:
    value = f"http://ada:{SECRET}@proxy:3128/x"
    for text in (plan_text, command_text, variables_to_paste, models_show):
        assert SECRET not in text("VLLM_PROXY", value)
    assert masking.without_userinfo(value) == "http://****@proxy:3128/x"
    assert masking.without_userinfo("http://host/@x") == "http://host/@x"
    assert masking.without_userinfo("http://ada:o@p@proxy/x") == "http://****@proxy/x"
    assert masking.passwords_in("http://ada:open@h, http://token@h, http://h") == ["open", "token"]


def test_secrets_do_not_leave_the_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".orchestrate/only-in-this-test/h1/x"
    folder.mkdir(parents=True)
    words = ["vllm", "--api-key", SECRET, f"--hf-token={SECRET}", "--max-tokens", "2"]
    spec = {"env": dict.fromkeys(NAMES, SECRET), "words": words}
    (folder / "spec.json").write_text(json.dumps(spec))
    [found] = our_services("only-in-this-test", "h1", {})
    assert SECRET not in json.dumps(found)
    assert found["words"][1:] == ["--api-key", "****", "--hf-token=****", "--max-tokens", "2"]
