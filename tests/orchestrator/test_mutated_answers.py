"""Whatever a host answers, a verb ends with a report or with an error that names the host."""

import io
import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from cluster.bandwidth.tcp import TOOLS, one_way
from cluster.check import check_cluster
from cluster.errors import OrchestrateError
from cluster.execution.execute import execute
from cluster.execution.plan import Plan, Put, Stage, Start, Stop
from cluster.facts.gather import gather_facts
from cluster.ray.environment_report import environment_report
from cluster.reporter import SILENT
from cluster.start import prepare_start, start_cluster
from cluster.stop import plan_stop, stop_cluster
from cluster.transport.dialogue import dialogues
from cluster.transport.program import program
from cluster.transport.protocol import Transport
from orchestrator.cli.render import as_json
from orchestrator.machines.screen import checked, started, stopped
from orchestrator.models.download import download
from orchestrator.models.hub.ask import HubAccess
from orchestrator.models.sync.copying import Copy
from orchestrator.models.sync.plan import Content
from orchestrator.models.sync.sync import what_to_copy
from orchestrator.models.verify.hashing import hash_program, read_contents
from orchestrator.recipes.recipe import load_recipe
from orchestrator.serving.logs import read_log
from orchestrator.serving.prepare import prepare
from orchestrator.serving.ready import await_ready
from orchestrator.serving.resolve import ServeRequest
from orchestrator.serving.status import status
from orchestrator.serving.status_screen import status_screen
from tests.orchestrator.serving.test_serve import script as serving_script
from tests.support.factory import host_facts
from tests.support.honest import (
    COMPLETION,
    CONFIG,
    COPY,
    ENTRY,
    FOLLOW,
    HASHES,
    HEAD,
    LOG,
    PULLED,
    SERVICE,
    SNAPSHOTS,
    STARTS,
    TCP,
    cluster_script,
)
from tests.support.liar import Liar
from tests.support.scripted import HttpStream, Script

RUNS = int(os.environ.get("MUTATED_ANSWERS", "2000"))


def shown(renderable: Any) -> None:
    Console(file=io.StringIO(), width=80).print(renderable)


def check(transport: Transport) -> None:
    report = check_cluster(transport, CONFIG, SILENT)
    shown(checked(report))
    as_json(report)


def start(transport: Transport) -> None:
    str(prepare_start(transport, CONFIG, SILENT).plan)
    shown(started(start_cluster(transport, CONFIG, SILENT)))


def environment(transport: Transport) -> None:
    as_json(environment_report(CONFIG, gather_facts(transport, CONFIG)))


def show_status(transport: Transport) -> None:
    report = status(transport, CONFIG)
    shown(status_screen(report))
    as_json(report)


def teardown(transport: Transport) -> None:
    str(plan_stop(CONFIG, gather_facts(transport, CONFIG)))
    shown(stopped(stop_cluster(transport, CONFIG, SILENT)))


def steps(transport: Transport) -> None:
    plan = Plan(
        "p",
        (
            Stage("put", (Put(HEAD, "~/key", "secret"),)),
            Stage("start", (Start(SERVICE),)),
            Stage("stop", (Stop(HEAD, (SERVICE.mark,), grace_s=3),)),
        ),
    )
    execute(plan, transport)


def serve(transport: Transport) -> None:
    request = ServeRequest(load_recipe("tiny"), {})
    launch = prepare(transport, CONFIG, request, SILENT, dry=True)
    str(launch.plan)


def logs(transport: Transport) -> None:
    found = (host_facts(HEAD), "vllm-tiny")
    read_log(transport, found, CONFIG, lambda line: None, lines=3, follow=True)


def ready(transport: Transport) -> None:
    await_ready(transport, SERVICE, limit_s=5, key="", reporter=SILENT)


def verify(transport: Transport) -> None:
    session = transport.session(HEAD, hash_program("/m", None))
    read_contents(HEAD, session, lambda progress: None)


def pull(transport: Transport) -> None:
    download(transport, host_facts(HEAD), ENTRY, HubAccess("http://hub", None, 1.0), SILENT)


def sync(transport: Transport) -> None:
    content = Content(("w",), 5, "sha256:" + "a" * 64, "", "k")
    hosts = [host_facts(node) for node in CONFIG.node]
    Copy(transport, {"run": "r"}, [content], hosts, SILENT).run()


def snapshot(transport: Transport) -> None:
    from orchestrator.models.cache import ModelFiles

    source = ModelFiles(host_facts(HEAD), f"/c/snapshots/{'c' * 40}", (), {}, "")
    what_to_copy(transport, load_recipe("awq-235b"), source, None)


def bandwidth(transport: Transport) -> None:
    hosts = [host_facts(node) for node in CONFIG.node]
    sent = program("cluster.host.bandwidth", {})
    with dialogues(transport, hosts, lambda host: sent, TOOLS) as (opened, broken):
        if broken:
            raise broken[0]
        one_way((opened[0], opened[1]), 1)


def talking(**talks: list[Any]) -> Script:
    return Script(talks={name.replace("__", "."): said for name, said in talks.items()})


VERBS: tuple[tuple[Callable[[Transport], None], Callable[[], Script]], ...] = (
    *((verb, cluster_script) for verb in (check, start, environment, show_status, teardown, steps)),
    (serve, serving_script),
    (logs, lambda: Script(talks=LOG)),
    (ready, lambda: Script(talks={FOLLOW: STARTS}, dialled=lambda: HttpStream(200, COMPLETION))),
    (verify, lambda: talking(orchestrator__host__hash_files=HASHES)),
    (pull, lambda: talking(orchestrator__host__download=PULLED)),
    (sync, lambda: talking(orchestrator__host__sync=COPY)),
    (snapshot, lambda: SNAPSHOTS),
    (bandwidth, lambda: Script(talks=TCP)),
)


def ended(verb: Callable[[Transport], None], transport: Transport) -> OrchestrateError | None:
    try:
        verb(transport)
    except OrchestrateError as error:
        return error
    return None


@pytest.mark.parametrize(("verb", "make"), VERBS, ids=lambda each: getattr(each, "__name__", ""))
def test_no_answer_of_a_host_ends_in_a_traceback(
    verb: Callable[[Transport], None], make: Callable[[], Script]
) -> None:
    honest = make()
    error = ended(verb, honest)
    assert error is None or verb is sync
    asked = sorted({(host, name) for host, name, _ in honest.ran})
    for seed in range(RUNS // len(VERBS)):
        chance = random.Random(f"{verb.__name__}-{seed}")
        host, name = chance.choice(asked)
        liar = Liar(make(), name, host, chance)
        try:
            error = ended(verb, liar)
        except Exception as other:
            raise AssertionError(f"seed {seed}: {name} on {host}: {other!r}") from other
        assert liar.told, (seed, host, name)
        assert error is None or all(problem.what for problem in error.problems)
