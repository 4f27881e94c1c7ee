"""The model's files on the hosts: found, complete, and the same everywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from cluster.checks.shared_cache import all_or_errors, ask_cache, sharers
from cluster.errors import HostError, PreflightError, Problem
from cluster.facts.hosts import HostFacts
from cluster.finding import ALL_HOSTS, Finding
from cluster.reporter import Reporter
from cluster.runtimes import Runtime, python_of
from cluster.transport.call import HostProgram
from cluster.transport.program import program
from cluster.transport.protocol import Transport
from orchestrator.models.made import making_request
from orchestrator.models.name import Folder, Made, name_of
from orchestrator.recipes.recipe import Recipe

MAKE_LIMIT_S = 300.0
WEIGHTS = (".safetensors", ".bin", ".gguf")


@dataclass(frozen=True)
class Listing:
    """What a host says of a model in its cache: (name, bytes) of each file, and config.json."""

    path: str
    files: tuple[tuple[str, int], ...]
    config: dict[str, Any] | None
    problem: str


LISTING = HostProgram("orchestrator.host.model_files", TypeAdapter(Listing))


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
    reporter: Reporter,
    *,
    make_with: Runtime | None,
) -> tuple[ModelFiles, ...]:
    """The model on every host, made there first by `make_with` where the recipe says so.

    What is missing is a value: not every host may be needed. Raises HostsError for a mount that
    hangs.
    """
    found = files_on(transport, recipe, hosts)
    if recipe.made and make_with:
        for _ in hosts:  # one after another: with a shared cache the first one serves all
            missing = next((model for model in found if model.problem == "missing"), None)
            if missing is None:
                break
            reporter.tell(f"making the {recipe.made} model on {missing.host.node.name}")
            make_model(transport, recipe, missing, make_with)
            found = files_on(transport, recipe, hosts)
    return found


def require_complete(recipe: Recipe, models: Sequence[ModelFiles]) -> None:
    """Raises PreflightError that names every host where files are missing."""
    made_later = [m for m in models if recipe.made and m.problem == "missing"]  # in a dry run
    whole = next((m.host.node.name for m in models if not m.problem), "")
    problems = [
        files_problem(recipe, m, whole) for m in models if m.problem and m not in made_later
    ]
    if problems:
        raise PreflightError(*problems)


def files_on(
    transport: Transport, recipe: Recipe, hosts: Sequence[HostFacts]
) -> tuple[ModelFiles, ...]:
    name = name_of(recipe)

    def one(host: HostFacts) -> ModelFiles:
        request = {
            "cache": host.cache.path,
            "folder": name.folder,
            "on_hub": name.on_hub,
            "revision": recipe.revision,
        }
        found = ask_cache(transport, host, LISTING, request)
        return ModelFiles(host, found.path, found.files, found.config or {}, found.problem)

    return all_or_errors(hosts, one)


def make_model(transport: Transport, recipe: Recipe, missing: ModelFiles, runtime: Runtime) -> None:
    host, made = missing.host, str(recipe.made)
    sent = program(
        f"orchestrator.host.make_{made}",
        making_request(made, missing.path),
        interpreter=python_of(runtime, host),
    )
    result = transport.run(host.node, sent, timeout_s=MAKE_LIMIT_S)
    if result.code:
        raise HostError(
            host.node.name,
            f"the {recipe.made} model could not be made in {missing.path}",
            "is the disk full, or the folder not writable?",
            log="\n".join(result.err.splitlines()[-6:]),
        )


def files_problem(recipe: Recipe, model: ModelFiles, whole: str) -> Problem:
    """`whole` is a host that has all of the model, or nothing."""
    if model.problem == "missing":
        what = f"model {recipe.model} is not in the cache: no folder {model.path}"
        if isinstance(name_of(recipe), Folder):
            what = f"model {recipe.model} is not on this host: no such folder"
    else:
        what = f"model {recipe.model} in {model.path} is not complete: {model.problem}"
    return Problem(what, model.host.node.name, how_to_get(recipe, whole))


def how_to_get(recipe: Recipe, whole: str = "") -> str:
    """What to type where a host lacks the model and the host `whole`, if any, has all of it."""
    if whole:
        return f"orchestrate models sync {recipe.words} --from {whole}"
    match name_of(recipe):
        case Made():
            return f"orchestrate serve {recipe.option} makes it where there is no such folder"
        case Folder():
            then = f"orchestrate models sync {recipe.words}"
            return f"copy it to {recipe.model} on one host, then {then}"
    return f"orchestrate models pull {recipe.words}"


def prove_same(transport: Transport, models: Sequence[ModelFiles]) -> list[Finding]:
    """Whether and how the hosts come to the same files: one shared folder, or equal copies.

    One host writes a nonce, all others must read it; where they cannot, names and sizes of all
    files must be equal. A failure names each host's mount.
    """
    first, *others = models
    if not others:
        return [same_files("one host")]
    hosts = [model.host for model in others]
    if first.host.cache.writable and len(sharers(transport, first.host, hosts)) == len(hosts):
        return [same_files("shared by all hosts")]
    differing = [
        model for model in others if (model.path, model.files) != (first.path, first.files)
    ]
    return [other_files(first, model) for model in differing] or [
        same_files("equal copies on all hosts")
    ]


def same_files(how: str) -> Finding:
    return Finding("cache", ALL_HOSTS, "pass", how)


def other_files(first: ModelFiles, other: ModelFiles) -> Finding:
    def described(model: ModelFiles) -> str:
        cache = model.host.cache
        return f"{model.path} ({cache.type} from {cache.source}, {len(model.files)} files)"

    return Finding(
        "cache",
        other.host.node.name,
        "failure",
        f"the model cache is not the one of {first.host.node.name}: a file written there does not "
        f"appear here, and the copies differ: {described(first)} there, {described(other)} here",
        f"mount the same share at {first.host.cache.path} on both, or copy the model",
    )
