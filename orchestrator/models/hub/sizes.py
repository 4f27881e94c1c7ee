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
from orchestrator.host.model_headers import collapsed
from orchestrator.models.hub.ask import HubAccess, ask_patiently, hub_errors, model_info

LIMIT_S = 20.0


def read_sizes(hub: HubAccess, model: str, revision: str, reporter: Reporter) -> dict[str, Any]:
    """As model_headers answers. Raises OrchestrateError, as every question to the hub does."""
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    with hub_errors(hub, model, revision):
        # asked first: huggingface_hub tries a download again by itself, for half a minute
        commit = model_info(hub, model, revision, reporter).sha or ""
        config = json.loads(ask_patiently(lambda: config_text(hub, model, commit), reporter))
        tensors = ask_patiently(lambda: tensor_rows(hub, model, commit), reporter)
    return {"config": config, "tensors": tensors, "problem": ""}


def config_text(hub: HubAccess, model: str, commit: str) -> str:
    """Raises PreflightError for a repository without one."""
    try:
        file = hub.api.hf_hub_download(model, "config.json", revision=commit, etag_timeout=LIMIT_S)
    except LocalEntryNotFoundError:
        raise
    except EntryNotFoundError:
        what, hint = "has no config.json on the hub", "what vLLM serves has one: is the name right?"
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
