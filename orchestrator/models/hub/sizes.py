"""A model's config.json and tensor list through the hub; no weights are downloaded.

Honours HF_ENDPOINT and HF_TOKEN, as huggingface_hub does.
"""

import json
import logging
from pathlib import Path
from typing import Any

from cluster.errors import OrchestrateError, Problem
from orchestrator.host.model_headers import collapsed
from orchestrator.recipes.recipe import Recipe

LIMIT_S = 20.0


def read_hub(recipe: Recipe) -> dict[str, Any]:
    """As model_headers answers. Raises OrchestrateError with what the hub says."""
    import httpx2
    from huggingface_hub import HfApi, errors, hf_hub_download

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    where = recipe.model
    try:
        # asked first: this is not tried again, while a download is, for half a minute
        commit = HfApi().model_info(where, revision=recipe.revision, timeout=LIMIT_S).sha
        file = hf_hub_download(where, "config.json", revision=commit, etag_timeout=LIMIT_S)
        config = json.loads(Path(file).read_text("utf-8"))
        tensors = hub_tensors(where, commit)
    except errors.GatedRepoError:
        hint = "accept its licence on the hub, and set HF_TOKEN"
        raise OrchestrateError(Problem("the model is gated", where, hint)) from None
    except errors.RepositoryNotFoundError:
        hint = "is the name right? a private model needs HF_TOKEN"
        raise OrchestrateError(Problem("the hub knows no such model", where, hint)) from None
    except (errors.HfHubHTTPError, httpx2.HTTPError, OSError, ValueError) as error:
        raise OrchestrateError(unreachable(where, error)) from None
    return {"config": config, "tensors": tensors, "problem": ""}


def unreachable(where: str, error: Exception) -> Problem:
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return Problem(
        f"its config.json cannot be read through the hub ({first})",
        where,
        "orchestrate models pull, or --set model=/a/folder/with/config.json",
    )


def hub_tensors(model: str, commit: str | None) -> list[list[Any]]:
    """Empty for a model without safetensors: then only its config.json speaks."""
    from huggingface_hub import errors, get_safetensors_metadata

    try:
        found = get_safetensors_metadata(model, revision=commit, timeout=LIMIT_S)
    except (errors.NotASafetensorsRepoError, errors.SafetensorsParsingError):
        return []
    return collapsed(
        (name, tensor.dtype, tuple(tensor.shape))
        for file in found.files_metadata.values()
        for name, tensor in file.tensors.items()
    )
