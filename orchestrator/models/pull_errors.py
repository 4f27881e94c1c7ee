"""What a host met while it downloaded, in words and with what to type next; pure."""

from dataclasses import dataclass

from cluster.errors import HostError, OrchestrateError
from cluster.facts.hosts import HostFacts
from cluster.units import GB
from orchestrator.models.hub.ask import HubAccess
from orchestrator.models.hub.errors import hub_refusal
from orchestrator.models.lockfile import LockedModel

GOES_ON = "what has arrived stays: the same command goes on from there"


@dataclass(frozen=True)
class DownloadFailure:
    """The program's last event: the kind of failure, and what belongs to that kind. Bytes that are
    missing (`left`) and `free`; the hub's `status` and `code`.
    """

    failed: str
    path: str = ""
    why: str = ""
    limit_s: float = 0.0
    status: int = 0
    code: str = ""
    left: int | None = None
    free: int = 0


def download_error(
    event: DownloadFailure, host: HostFacts, hub: HubAccess, entry: LockedModel
) -> OrchestrateError:
    """A failure in words."""
    kind, path = event.failed, event.path
    if kind == "refused":
        return download_refusal(event, host, hub, entry)
    if kind == "full":
        what, hint = disk_full(event, host, entry)
    elif kind == "hub":
        what = f"the hub {hub.endpoint} gave no more of {path}: {event.why}"
        hint = f"{GOES_ON}; does the host reach it? the limit of silence: HF_HUB_DOWNLOAD_TIMEOUT"
    elif kind == "bytes":
        what = f"the hub sent other bytes of {path} than models.lock says; the file was removed"
        hint = "is HF_ENDPOINT a mirror, or a proxy in between? then pull again"
    elif kind == "busy":
        what, hint = f"another program downloads to {path}", "wait for it, or end it"
    elif kind == "hangs":
        what = f"the model cache {path} hangs: no answer within {event.limit_s:g} s " + (
            f"(mounted on {host.cache.mount} from {host.cache.source}, {host.cache.type})"
        )
        hint = f"is the NFS server up? on that host: grep {host.cache.mount} /proc/mounts"
    else:
        what = f"the model cache {host.cache.path} cannot be written: {event.why}"
        hint = "may the SSH user write there?"
    return HostError(host.node.name, what, hint)


def download_refusal(
    event: DownloadFailure, host: HostFacts, hub: HubAccess, entry: LockedModel
) -> OrchestrateError:
    """What the hub refuses, it refuses to every host alike."""
    status, code = event.status, event.code
    if code in ("EntryNotFound", "RevisionNotFound"):
        return HostError(
            host.node.name,
            f"the hub has no {event.path} at commit {entry.commit[:12]} any more",
            "the commit was deleted there: orchestrate models lock RECIPE takes the present one",
        )
    return hub_refusal(status, code, hub.endpoint, entry.model, known_user=bool(hub.token))


def disk_full(event: DownloadFailure, host: HostFacts, entry: LockedModel) -> tuple[str, str]:
    hint = f"make room there, or set `cache` to a larger disk; {GOES_ON}"
    if event.left is None:
        return f"the disk of {host.cache.path} is full: {event.why}", hint
    what = f"{event.left / GB:.2f} GB are missing of {entry.model}"
    return f"{what}, and {event.free / GB:.2f} GB are free in {host.cache.path}", hint


def no_answer(host: HostFacts, limit_s: float) -> OrchestrateError:
    return HostError(
        host.node.name,
        f"the download program sent nothing for {limit_s:g} s",
        f"the host is overloaded, or {host.cache.path} hangs; {GOES_ON}",
    )
