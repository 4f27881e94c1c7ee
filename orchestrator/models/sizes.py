"""Where a model's sizes come from: the hosts' cache, a folder, the hub; else its architecture."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from cluster.errors import HostError, OrchestrateError, PreflightError, Problem
from cluster.reporter import Reporter
from cluster.transport.call import HostProgram, call_guarded, guarded_answer
from cluster.transport.protocol import Transport
from orchestrator.capacity.architecture import Architecture, read_architecture
from orchestrator.capacity.fit import Model
from orchestrator.capacity.mistral_format import config_of_params, is_params, renamed
from orchestrator.capacity.option_values import table_option
from orchestrator.capacity.synthetic_tensors import draft_tensors, known_tensors
from orchestrator.capacity.tensors import Tensor, parse_tensors
from orchestrator.host.model_headers import read_folder
from orchestrator.models.cache import ModelFiles, how_to_get, require_complete
from orchestrator.models.made import made_config
from orchestrator.models.name import Folder, name_of
from orchestrator.recipes.recipe import Recipe


class HeaderAnswer(TypedDict):
    """What a host says of a model's folder: its config.json, [name, dtype, shape, count] of its
    tensors, and what is wrong with it.
    """

    config: dict[str, Any] | None
    tensors: list[tuple[str, str, tuple[int, ...], int]]
    problem: str


HEADERS = HostProgram("orchestrator.host.model_headers", TypeAdapter(HeaderAnswer))
HEADERS_LIMIT_S = 20.0  # headers of some hundred files over NFS


def read_model(transport: Transport, recipe: Recipe, models: Sequence[ModelFiles]) -> Model:
    """To serve: from a host that has it whole. Raises PreflightError where none has it."""
    found = model_on_hosts(transport, recipe, models)
    if found is None:
        require_complete(recipe, models)
        return made_model(recipe)  # a dry run, before it is made
    return found


def model_on_hosts(
    transport: Transport, recipe: Recipe, models: Sequence[ModelFiles]
) -> Model | None:
    """Read on the first host that has it whole; None where no host has it. Raises HostError."""
    whole = next((model for model in models if not model.problem), None)
    if whole is None:
        return None
    answer = ask_headers(transport, whole)
    if answer["problem"]:
        raise PreflightError(
            Problem(
                f"model {recipe.model} in {whole.path}: {answer['problem']}",
                whole.host.node.name,
                f"orchestrate models verify {recipe.words} says which files to replace",
            )
        )
    return model_of(recipe, answer, f"{whole.host.node.name}:{whole.path}", whole.weight_bytes)


def ask_headers(transport: Transport, model: ModelFiles) -> HeaderAnswer:
    node = model.host.node
    done = call_guarded(transport, node, HEADERS.name, {"path": model.path}, HEADERS_LIMIT_S)
    if done.hangs or done.code:
        said = f"within {HEADERS_LIMIT_S:g} s" if done.hangs else done.last_line[-200:]
        raise HostError(
            node.name,
            f"the headers of the weights in {model.path} could not be read ({said})",
            "does the file system of the model cache answer? orchestrate cluster check",
        )
    return guarded_answer(node, HEADERS, done)


def model_without_hosts(
    recipe: Recipe,
    reporter: Reporter,
    ask: Callable[[Recipe, Reporter], Model] | None = None,
) -> Model:
    """Where no host is asked: a folder is then one of this machine. `ask` asks the hub; where that
    fails, the sizes of a built-in recipe's model are known. Raises OrchestrateError."""
    name = name_of(recipe)
    if isinstance(name, Folder):
        return model_in_folder(recipe, os.path.expanduser(name.folder))
    if not name.on_hub:
        return made_model(recipe)
    try:
        return (ask or model_on_hub)(recipe, reporter)
    except OrchestrateError:
        known = known_config(recipe.model)
        if known is None:
            raise
        source = "what this package knows of it, as the hub does not say it"
        return model_of(recipe, {"config": known, "tensors": []}, source)


def known_config(model: str) -> Mapping[str, Any] | None:
    """Of the built-in recipes' models: what of their config.json decides about memory."""
    table = json.loads((Path(__file__).parent / "known.json").read_text("utf-8"))
    found: Mapping[str, Any] | None = table.get(model)
    return found


def model_in_folder(recipe: Recipe, path: str) -> Model:
    answer = read_folder(path)
    if answer["problem"]:
        hint = "--hardware reads it on this machine; without --hardware it is read on the hosts"
        raise OrchestrateError(Problem(answer["problem"], recipe.model, hint))
    return model_of(recipe, answer, path)


def model_on_hub(recipe: Recipe, reporter: Reporter) -> Model:
    from orchestrator.models.hub.ask import the_hub  # huggingface_hub is slow to import
    from orchestrator.models.hub.sizes import read_sizes

    answer = read_sizes(the_hub(), recipe.model, recipe.revision, reporter)
    return model_of(recipe, answer, f"the hub, {recipe.model}@{recipe.revision}")


def made_model(recipe: Recipe) -> Model:
    """As it will be once it is made."""
    config = made_config(str(recipe.made))
    return model_of(recipe, {"config": config, "tensors": []}, "how it is made")


def model_of(recipe: Recipe, answer: Mapping[str, Any], source: str, stored: int = 0) -> Model:
    """`stored`: bytes of the weight files, used where nothing says what is in them."""
    config = answer["config"] if isinstance(answer["config"], Mapping) else {}
    mistral = is_params(config)
    config = config_of_params(config) if mistral else config
    arch = read_architecture(overridden(config, table_option(recipe.args, "hf_overrides")))
    try:
        tensors = parse_tensors(answer["tensors"])
        tensors = tuple(map(renamed, tensors)) if mistral else tensors
    except (TypeError, ValueError, OverflowError) as error:
        raise OrchestrateError(
            Problem(
                f"a header lists an impossible tensor ({error})",
                recipe.model,
                f"its files are damaged: orchestrate models verify {recipe.words}",
            )
        ) from None
    guesses = guesses_of(arch)
    if not tensors and (arch.family or not stored):
        tensors = (*known_tensors(arch), *draft_tensors(arch))
        source += ", sizes computed from config.json"
    if not tensors and stored:
        tensors = spread_evenly(stored, arch)
        guesses = (*guesses, "the weights are counted as if they split evenly over all ranks")
    if not tensors:
        raise OrchestrateError(
            Problem(
                f"the architecture {arch.name or arch.kind or '(none)'} "
                "is not known, and there are no safetensors headers to count its weights from",
                recipe.model,
                f"{how_to_get(recipe)}, in a form with *.safetensors",
            )
        )
    return Model(recipe.model, arch, tensors, source, guesses)


def overridden(config: Mapping[str, Any], changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """With `hf_overrides`, which vLLM applies before it reads anything."""
    found = dict(config)
    for key, value in changes.items():
        old = found.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        found[key] = overridden(old, value) if both else value  # type: ignore[arg-type]
    return found


def spread_evenly(stored: int, arch: Architecture) -> tuple[Tensor, ...]:
    count = max(1, len(arch.layers))
    each = (stored // count, 1)
    return tuple(Tensor(f"model.layers.{n}.weights", "U8", each) for n in range(count))


def guesses_of(arch: Architecture) -> tuple[str, ...]:
    """What makes the answer a guess, and which figure it is."""
    found = []
    if not arch.family:
        name = arch.name or arch.kind or "without a name"
        found.append(
            f"architecture {name} is not known: weights split by the names of its tensors, "
            "and the KV cache counted as if every layer were of a known kind"
        )
    found += [
        f"layers of the kind {name} are not known: counted as full attention, the KV cache"
        for name in arch.unknown_layers[:3]
    ]
    found += [f"{name} is not known: counted as stored" for name in arch.quant.unread]
    sized = arch.latent or (arch.kv_heads and arch.head_dim) or arch.mamba
    if not (arch.layers and sized):
        found.append("config.json does not say enough to size the KV cache")
    return tuple(found)
