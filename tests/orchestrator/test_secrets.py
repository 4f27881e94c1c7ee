"""A secret of the environment is in nothing that is shown or written, whatever its name."""

import dataclasses
import json
from collections.abc import Callable

import pytest

from cluster.execution.plan import Plan, Stage, Start
from cluster.facts.hosts import Facts
from cluster.ray.environment_report import environment_report
from cluster.ray.plan import plan_start
from cluster.reporter import SILENT
from cluster.runtimes.service import Service
from cluster.transport.command import Command
from orchestrator.audit.bundle_files import bundle_files
from orchestrator.audit.secret_search import known_secrets
from orchestrator.cli.render import as_json
from orchestrator.machines.env_report import exports
from orchestrator.models.lockfile import ModelsLock
from orchestrator.recipes.layers import apply_layers
from orchestrator.recipes.recipe import load_recipe
from orchestrator.records.provenance import provenance
from orchestrator.serving.checks import other_arguments
from orchestrator.serving.made_of import RECIPE, recorded
from orchestrator.serving.prepare import Launch
from orchestrator.serving.resolve import ServeRequest
from orchestrator.serving.serve import audit_line
from orchestrator.serving.show import show_recipe
from orchestrator.serving.show_screen import show_screen
from tests.support.audit_facts import CONFIG, home, home_of, known, target
from tests.support.factory import config_of, entry, service, spark
from tests.support.screen import screen_text

VALUE = "hunter2-open-now"
ADDRESS = f"http://ada:{VALUE}@proxy:3128"
BY_NAME = ("OPENAI_APIKEY", "GITHUB_PAT", "DB_PASS", "PGPASSWORD", "MYSQL_PWD", "S3_CREDENTIALS")
NAMES = (*BY_NAME, "APITOKEN", "MY_AUTH", "https_proxy", "UNFORESEEN", "NCCL_URL")
PLAIN = "NCCL_DEBUG"


def environment(name: str) -> dict[str, str]:
    return {name: ADDRESS if name in ("https_proxy", "NCCL_URL") else VALUE, PLAIN: "plain-text"}


def launched(env: dict[str, str]) -> Service:
    words = ("/venv/bin/vllm", "serve", "--api-key", VALUE, "--url", ADDRESS)
    node = config_of().head
    return Service("lab", "vllm-tiny", node, Command(words, env), files={}, labels={})


def dry_run(env: dict[str, str]) -> str:
    return str(Plan("serve", (Stage("start", (Start(launched(env)),)),)))


def dry_run_of_start(env: dict[str, str]) -> str:
    config = config_of(entry(1, env=env), entry(2))
    return str(plan_start(config, Facts(tuple(spark(n, "10.9.0.1") for n in config.node), ()), ""))


def line_of_the_audit(env: dict[str, str]) -> str:
    plan = Plan("serve", (Stage("start", (Start(launched(env)),)),))
    launch = Launch(plan, launched(env), None, "", True, "")  # type: ignore[arg-type]
    return audit_line(launch)


def check_env(env: dict[str, str]) -> str:
    config = config_of(entry(1, env=env), entry(2))
    hosts = tuple(spark(node, "10.9.0.1") for node in config.node)
    report = environment_report(config, Facts(hosts, ()))
    return exports(report) + as_json(report)


def models_show(env: dict[str, str]) -> str:
    asked = ServeRequest(load_recipe("tiny"), {f"env.{name}": value for name, value in env.items()})
    found = show_recipe(asked, ModelsLock(), "h100", SILENT, note="")
    return screen_text(show_screen(found)) + as_json(found)


def where_it_comes_from(env: dict[str, str]) -> str:
    running = service("vllm-tiny", about=home().service.labels, words=("--api-key", VALUE), env=env)
    there = home_of(CONFIG, home().facts, home().host, running)
    return as_json(provenance(dataclasses.replace(target(), home=there)))


def bundle_of(env: dict[str, str]) -> str:
    """Of a service that an earlier version launched, which wrote all of it down."""
    settings = {f"env.{name}": value for name, value in env.items()}
    made = recorded(apply_layers(load_recipe("tiny"), None, settings))
    old = {**made, "recipe": {**made["recipe"], "env": env}}
    old["layers"] = [{"origin": "command line", "args": {}, "env": env}]
    about = {**home().service.labels, RECIPE: old}
    running = service("vllm-tiny", about=about, words=("--api-key", VALUE), env=env)
    there = home_of(CONFIG, home().facts, home().host, running)
    served = provenance(dataclasses.replace(target(), home=there))
    config = config_of(entry(1, env=env), entry(2))
    files = bundle_files(known(home=there, server=served, config=config))
    return b"".join(files.values()).decode()


def recipe_on_the_host(env: dict[str, str]) -> str:
    settings = {f"env.{name}": value for name, value in env.items()}
    return json.dumps(recorded(apply_layers(load_recipe("tiny"), None, settings)))


OUTPUTS = (
    *(dry_run, dry_run_of_start, line_of_the_audit, check_env, models_show),
    *(where_it_comes_from, bundle_of, recipe_on_the_host),
)


@pytest.mark.parametrize("output", OUTPUTS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_no_output_has_the_value(output: Callable[[dict[str, str]], str], name: str) -> None:
    text = output(environment(name))
    assert name in text
    assert VALUE not in text
    assert "plain-text" in text


def test_other_arguments_of_a_running_server() -> None:
    (found,) = other_arguments(launched({}), service("vllm-tiny", words=("--api-key", "older-1")))
    assert VALUE not in found.what
    assert "older-1" not in found.what


@pytest.mark.parametrize("name", [name for name in NAMES if name != "UNFORESEEN"])
def test_a_bundle_is_searched_for_it(name: str) -> None:
    config = config_of(entry(1, env=environment(name)), entry(2))
    assert VALUE in known_secrets(target(), config, {}).values()
    assert VALUE in known_secrets(target(), None, environment(name)).values()
    assert "plain-text" not in known_secrets(target(), config, environment(name)).values()


def test_the_folder_of_a_shell_is_no_secret() -> None:
    assert "/home/ada/work" not in known_secrets(target(), None, {"PWD": "/home/ada/work"}).values()


def test_the_service_still_gets_the_value() -> None:
    config = config_of(entry(1, env={"DB_PASS": VALUE}), entry(2))
    plan = plan_start(config, Facts(tuple(spark(n, "10.9.0.1") for n in config.node), ()), "")
    steps = [each for stage in plan.stages for each in stage.steps if isinstance(each, Start)]
    assert steps[0].service.command.env["DB_PASS"] == VALUE
