"""What the Hugging Face hub says of a model: its commit, and every file's size and hash.

Every question to the hub from this machine goes this way: one patience, one set of errors.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2
from huggingface_hub import HfApi, ModelInfo, constants, get_session, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RevisionNotFoundError
from pydantic import ValidationError

from cluster.execution.retry import poll
from cluster.host import retry_pause
from cluster.reporter import Reporter
from orchestrator.models.hub.errors import hub_error, no_size, not_a_hub, unknown_revision
from orchestrator.models.lockfile import LockedFile, LockedModel

ANSWER_LIMIT_S = 10.0
PATIENCE_S = 120.0  # for all pauses of one question together
T = TypeVar("T")


@dataclass(frozen=True)
class HubAccess:
    """Where the hub is, who asks, and how long a download may be silent, in seconds."""

    endpoint: str
    token: str | None = field(default=None, repr=False)
    silence_s: float = constants.DEFAULT_DOWNLOAD_TIMEOUT

    @property
    def api(self) -> HfApi:
        get_session().timeout = httpx2.Timeout(ANSWER_LIMIT_S)  # some of its calls set none
        return HfApi(endpoint=self.endpoint, token=self.token or False)


def the_hub() -> HubAccess:
    """What the environment says, and HF_TOKEN or what `hf auth login` has saved here."""
    return HubAccess(constants.ENDPOINT.rstrip("/"), get_token(), constants.HF_HUB_DOWNLOAD_TIMEOUT)


def ask_hub(hub: HubAccess, model: str, revision: str, reporter: Reporter) -> LockedModel:
    """The model at the commit that the revision is now.

    Raises OrchestrateError: no such model or revision, closed to us, or no answer of a hub.
    """
    with hub_errors(hub, model, revision):
        info = model_info(hub, model, revision, reporter)
        files = tuple(sorted(map(locked_file, info.siblings or ()), key=lambda file: file.path))
        return LockedModel(
            model=model, revision=revision, commit=info.sha or "", locked=now(), files=files
        )


@contextmanager
def hub_errors(hub: HubAccess, model: str, revision: str) -> Iterator[None]:
    """Turns whatever a request to the hub raises into an OrchestrateError with a next step."""
    try:
        yield
    except RevisionNotFoundError:
        raise unknown_revision(model, revision, branches_and_tags(hub, model)) from None
    except (httpx2.HTTPError, OSError, HFValidationError) as error:
        raise hub_error(error, hub.endpoint, model, known_user=bool(hub.token)) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else f"{error}"
        raise not_a_hub(reason, hub.endpoint, model) from None


def model_info(hub: HubAccess, model: str, revision: str, reporter: Reporter) -> ModelInfo:
    """Commit and files, of a model that we may read. Raises the hub's errors."""
    info = ask_patiently(
        lambda: hub.api.model_info(model, revision=revision, files_metadata=True), reporter
    )
    if info.gated:
        ask_patiently(lambda: may_read(hub, model), reporter)
    if not info.sha:
        raise ValueError("no commit")
    return info


def may_read(hub: HubAccess, model: str) -> bool:
    """Raises the hub's error when our token does not open a gated model."""
    hub.api.auth_check(model)
    return True


def locked_file(sibling: Any) -> LockedFile:
    size = sibling.lfs.size if sibling.lfs else sibling.size
    if size is None or not (sibling.lfs or sibling.blob_id):
        raise no_size(sibling.rfilename)
    known = f"sha256:{sibling.lfs.sha256}" if sibling.lfs else f"git-sha1:{sibling.blob_id}"
    return LockedFile(path=sibling.rfilename, size=size, hash=known)


def branches_and_tags(hub: HubAccess, model: str) -> list[str]:
    """Branches and tags; none where the hub does not say."""
    try:
        refs = hub.api.list_repo_refs(model)
    except (httpx2.HTTPError, OSError, ValueError, KeyError, TypeError):
        return []
    return [each.name for each in (*refs.branches, *refs.tags)]


def ask_patiently(question: Callable[[], T], reporter: Reporter) -> T:
    """Ask again after the pause that the hub asks for, or when it fails by itself; bounded.

    Raises the last error of the hub when that does not help.
    """
    waited, tries = 0.0, 0
    pause_s = 0.0

    def attempt() -> T | None:
        nonlocal waited, tries, pause_s
        try:
            return question()
        except HfHubHTTPError as error:
            status, headers = error.response.status_code, error.response.headers
            pause = pause_after(status, headers, tries)
            if pause is None or waited + pause > PATIENCE_S:
                raise
            waited, tries, pause_s = waited + pause, tries + 1, pause
            reporter.tell(f"the hub answers {status}; asking again in {pause:g} s")
            return None

    return poll(attempt, timeout_s=2 * PATIENCE_S, pause=lambda: time.sleep(pause_s))


def pause_after(status: int, headers: Mapping[str, str], tries: int) -> float | None:
    """Seconds until it is worth asking again; None where it is not. Pure."""
    if not retry_pause.may_pass(status):
        return None
    named_s = None
    if status == 429:
        names = ("ratelimit", "retry-after")
        named_s = retry_pause.named_pause(*(headers.get(name, "") for name in names))
    return retry_pause.next_pause(tries + 1, named_s)


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
