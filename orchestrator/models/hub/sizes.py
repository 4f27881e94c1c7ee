"""A model's config.json and tensor list through the hub; no weights are downloaded."""

import json
import logging
from pathlib import Path
from typing import Any

from huggingface_hub.errors import (
    EntryNotFoundError,
    LocalEntryNotFoundError,
    NotASafetensorsRepoError,
    SafetensorsParsingError,
)

from cluster.errors import PreflightError, Problem
from cluster.reporter import Reporter
from orchestrator.host.model_headers import QUANTISED, collapsed
from orchestrator.models.hub.ask import HubAccess, ask_patiently, hub_errors, model_info

LIMIT_S = 20.0
CONFIG = "config.json"


def read_sizes(hub: HubAccess, model: str, revision: str, reporter: Reporter) -> dict[str, Any]:
    """As model_headers answers. Raises OrchestrateError, as every question to the hub does."""
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    with hub_errors(hub, model, revision):
        # asked first: huggingface_hub tries a download again by itself, for half a minute
        info = model_info(hub, model, revision, reporter)
        commit, names = info.sha or "", {each.rfilename for each in info.siblings or ()}
        main = "params.json" if "config.json" not in names and "params.json" in names else CONFIG

        def table(name: str) -> Any:
            return json.loads(ask_patiently(lambda: file_text(hub, model, commit, name), reporter))

        config = table(main)
        if QUANTISED in names and "quantization_config" not in config:
            config["quantization_config"] = {**table(QUANTISED), "quant_method": "modelopt"}
        tensors = ask_patiently(lambda: tensor_rows(hub, model, commit), reporter)
    return {"config": config, "tensors": tensors, "problem": ""}


def file_text(hub: HubAccess, model: str, commit: str, name: str) -> str:
    """Raises PreflightError for a repository without it."""
    try:
        file = hub.api.hf_hub_download(model, name, revision=commit, etag_timeout=LIMIT_S)
    except LocalEntryNotFoundError:
        raise
    except EntryNotFoundError:
        what, hint = f"has no {name} on the hub", "what vLLM serves has one: is the name right?"
        raise PreflightError(Problem(what, model, hint)) from None
    return Path(str(file)).read_text("utf-8")


def tensor_rows(hub: HubAccess, model: str, commit: str) -> list[list[Any]]:
    """Empty for a model without safetensors: then only its config.json says anything."""
    try:
        found = hub.api.get_safetensors_metadata(model, revision=commit, timeout=LIMIT_S)
    except (NotASafetensorsRepoError, SafetensorsParsingError):
        return []
    return collapsed(
        (name, tensor.dtype, tuple(tensor.shape))
        for file in found.files_metadata.values()
        for name, tensor in file.tensors.items()
    )
