"""The model's files on the hosts: found, complete, and the same everywhere."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.answers import last_answer
from cluster.errors import HostError, HostsError, OrchestrateError, PreflightError, Problem
from cluster.execute import Tell, gather
from cluster.facts import HostFacts
from cluster.program import guarded, program
from cluster.transport import Transport
from orchestrator.recipe import Recipe

MOUNT_LIMIT_S = 3.0
MAKE_LIMIT_S = 300.0
WEIGHTS = (".safetensors", ".bin", ".gguf")


@dataclass(frozen=True)
class ModelFiles:
    """A model as one host sees it; sizes in bytes."""

    host: HostFacts
    path: str
    files: tuple[tuple[str, int], ...]
    config: Mapping[str, Any]
    problem: str

    @property
    def weight_bytes(self) -> int:
        return sum(size for name, size in self.files if name.endswith(WEIGHTS))


def find_model(
    transport: Transport,
    recipe: Recipe,
    hosts: Sequence[HostFacts],
    tell: Tell,
    *,
    make_missing: bool,
) -> tuple[ModelFiles, ...]:
    """The model on every host, made there first when the recipe says so and `make_missing`.

    What is missing is a value: not every host may be needed. Raises HostsError for a mount that
    hangs.
    """
    found = look(transport, recipe, hosts)
    if recipe.made and make_missing:
        for _ in hosts:  # one after another: with a shared cache the first one serves all
            missing = next((model for model in found if model.problem == "missing"), None)
            if missing is None:
                break
            tell(f"making the {recipe.made} model on {missing.host.node.name}")
            make(transport, recipe, missing)
            found = look(transport, recipe, hosts)
    return found


def require_complete(recipe: Recipe, models: Sequence[ModelFiles]) -> None:
    """Raises PreflightError that names every host where files are missing."""
    made_later = [m for m in models if recipe.made and m.problem == "missing"]  # in a dry run
    problems = [problem_of(recipe, m) for m in models if m.problem and m not in made_later]
    if problems:
        raise PreflightError(*problems)


def look(
    transport: Transport, recipe: Recipe, hosts: Sequence[HostFacts]
) -> tuple[ModelFiles, ...]:
    def one(host: HostFacts) -> ModelFiles:
        request = {"cache": host.cache.path, "model": recipe.model, "revision": recipe.revision}
        answer = ask(transport, host, "orchestrator.host.model_files", request)
        return ModelFiles(
            host,
            answer["path"],
            tuple((name, size) for name, size in answer["files"]),
            answer["config"] or {},
            answer["problem"],
        )

    return all_or_errors(hosts, one)


def ask(transport: Transport, host: HostFacts, name: str, request: Any) -> Any:
    """Run a program that touches the cache. Raises HostError when the mount hangs."""
    sent = guarded(name, request, MOUNT_LIMIT_S)
    answer = last_answer(transport.run(host.node, sent).out)
    if answer["hangs"]:
        raise HostError(
            host.node.name,
            f"the model cache {host.cache.path} hangs: no answer within {MOUNT_LIMIT_S:g} s "
            f"(mounted on {host.cache.mount} from {host.cache.source}, {host.cache.type})",
            "is the NFS server up? on that host: grep " + host.cache.mount + " /proc/mounts",
        )
    if answer["code"]:
        raise HostError(
            host.node.name,
            f"the model cache {host.cache.path} cannot be used",
            "does the folder exist, and may the SSH user write there?",
            log="\n".join(answer["out"].splitlines()[-1:]),
        )
    return json.loads(answer["out"])


def all_or_errors(hosts: Sequence[HostFacts], one: Any) -> tuple[Any, ...]:
    outcomes = [outcome for _, outcome in gather(hosts, one)]
    failures = [each for each in outcomes if isinstance(each, OrchestrateError)]
    if failures:
        raise HostsError(failures)
    return tuple(outcomes)


def make(transport: Transport, recipe: Recipe, missing: ModelFiles) -> None:
    host = missing.host
    sent = program(
        f"orchestrator.host.make_{recipe.made}",
        {"path": missing.path},
        python=f"{host.venv}/bin/python",
    )
    result = transport.run(host.node, sent, timeout_s=MAKE_LIMIT_S)
    if result.code:
        raise HostError(
            host.node.name,
            f"the {recipe.made} model could not be made in {missing.path}",
            "is the disk full, or the folder not writable?",
            log="\n".join(result.err.splitlines()[-6:]),
        )


def problem_of(recipe: Recipe, model: ModelFiles) -> Problem:
    if model.problem == "missing":
        what = f"model {recipe.model} is not in the cache: no folder {model.path}"
    else:
        what = f"model {recipe.model} in {model.path} is not complete: {model.problem}"
    at = "" if recipe.revision == "main" else f" --revision {recipe.revision}"
    on_hub = recipe.model.count("/") == 1
    download = f"hf download {recipe.model}{at}" if on_hub else "copy it there"
    hint = f"HF_HOME={model.host.cache.path} {download}"
    return Problem(what, model.host.node.name, hint)


def prove_same(transport: Transport, models: Sequence[ModelFiles]) -> str:
    """Say how the hosts come to the same files: one shared folder, or equal copies.

    One host writes a nonce, all others must read it; where they cannot, names and sizes of all
    files must be equal. Raises PreflightError that names each host's mount otherwise.
    """
    first, *others = models
    if not others:
        return "one host"
    if is_shared(transport, first, others):
        return "shared by all hosts"
    differing = [
        model for model in others if (model.path, model.files) != (first.path, first.files)
    ]
    if differing:
        raise PreflightError(*(not_the_same(first, model) for model in differing))
    return "equal copies on all hosts"


def is_shared(transport: Transport, first: ModelFiles, others: Sequence[ModelFiles]) -> bool:
    text = secrets.token_hex(16)
    name = f".orchestrate-nonce-{text}"

    def nonce(host: HostFacts, content: str | None) -> Any:
        request = {"cache": host.cache.path, "name": name, "text": content}
        return ask(transport, host, "orchestrator.host.nonce", request)["text"]

    if not first.host.cache.writable:
        return False
    nonce(first.host, text)
    try:
        seen = all_or_errors([model.host for model in others], lambda host: nonce(host, None))
    finally:
        nonce(first.host, "")
    return all(each == text for each in seen)


def not_the_same(first: ModelFiles, other: ModelFiles) -> Problem:
    def described(model: ModelFiles) -> str:
        cache = model.host.cache
        return f"{model.path} ({cache.type} from {cache.source}, {len(model.files)} files)"

    return Problem(
        f"the model cache is not the one of {first.host.node.name}: a file written there does not "
        f"appear here, and the copies differ: {described(first)} there, {described(other)} here",
        other.host.node.name,
        f"mount the same share at {first.host.cache.path} on both, or copy the model",
    )
