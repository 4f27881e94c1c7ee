"""Errors of the hub, in words and with what to type next; pure."""

from collections.abc import Sequence

import httpx2
from huggingface_hub import errors

from cluster.errors import OrchestrateError, PreflightError, Problem, UsageError
from cluster.inventory.problems import nearest


def hub_error(error: Exception, endpoint: str, model: str, *, known_user: bool) -> OrchestrateError:
    """What a failed question means. `known_user`: a token was sent."""
    if isinstance(error, errors.HFValidationError):
        return no_name(model)
    if isinstance(error, errors.OfflineModeIsEnabled):
        what, hint = "HF_HUB_OFFLINE is set, and the hub is needed here", "unset HF_HUB_OFFLINE"
        return PreflightError(Problem(what, model, hint))
    if isinstance(error, errors.HfHubHTTPError):
        code = error.response.headers.get("X-Error-Code", "")
        return hub_refusal(error.response.status_code, code, endpoint, model, known_user=known_user)
    return hub_unreachable(hub_error_reason(error), endpoint)


def hub_refusal(
    status: int, code: str, endpoint: str, model: str, *, known_user: bool
) -> OrchestrateError:
    """What an answer with an error status means; `code` is the hub's X-Error-Code."""
    page = f"{endpoint}/{model}"
    if code == "GatedRepo" and known_user:
        what = f"the token's account has no access to {model}, which is gated"
        hint = f"accept the terms at {page}; a fine-grained token needs the right to read it"
    elif code == "GatedRepo":
        what = f"{model} is gated: the hub gives its files only to those who accepted its terms"
        hint = f"accept them at {page}, then set HF_TOKEN to a token of that account"
    elif code == "RepoNotFound" or status == 404:
        what = f"the hub has no model {model}, or it is private"
        hint = f"is the name right? {page}" + ("" if known_user else "; private: set HF_TOKEN")
    elif status == 401:
        what = "the hub refuses the token"
        hint = f"HF_TOKEN is wrong or expired; a new one: {endpoint}/settings/tokens"
    elif status == 403:
        what = f"the token may not read {model}"
        hint = f"give it that right: {endpoint}/settings/tokens"
    elif status == 429:
        what = "the hub has had too many requests from here (429)"
        hint = "try again later" + ("" if known_user else "; with HF_TOKEN it allows more")
    else:
        what = f"the hub answers with error {status}"
        hint = f"try again later; is {endpoint} up? https://status.huggingface.co"
    return PreflightError(Problem(what, model, hint))


def hub_unreachable(reason: str, endpoint: str) -> OrchestrateError:
    """No answer at all to this machine."""
    return PreflightError(
        Problem(
            f"the hub {endpoint} cannot be reached: {reason}",
            "",
            "is the machine online? behind a proxy set HTTPS_PROXY, for a mirror HF_ENDPOINT",
        )
    )


def hub_error_reason(error: Exception) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "no answer in time"
    text = str(error) or type(error).__name__
    resolved = not any(each in text for each in ("Name or service", "name resolution", "nodename"))
    return text if resolved else "its name does not resolve"


def unknown_revision(model: str, revision: str, names: Sequence[str]) -> OrchestrateError:
    hint = nearest(revision, names) if names else "a branch, a tag or a commit of it"
    return UsageError(Problem(f"{model} has no revision `{revision}`", "revision", hint))


def no_name(model: str) -> OrchestrateError:
    hint = "the hub names models OWNER/NAME; a folder on the hosts starts with /"
    return UsageError(
        Problem(f"`{model}` is not a name that a model on the hub can have", "model", hint)
    )


def not_a_hub(said: str, endpoint: str, model: str) -> OrchestrateError:
    what = f"{endpoint} does not answer as a hub ({said})"
    return PreflightError(Problem(what, model, "is HF_ENDPOINT right, or a login page in between?"))


def no_size(path: str) -> OrchestrateError:
    what = "the hub states no size or no hash for this file"
    return PreflightError(Problem(what, path, "is HF_ENDPOINT a mirror that keeps only names?"))
