"""The verb `models manifest`: what a verify found, in a form that an audit can keep."""

import getpass
import hashlib
import json
import platform
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from cluster.errors import ConfigError, OrchestrateError, Problem
from cluster.inventory.config import ClusterConfig
from cluster.inventory.problems import first_fault
from cluster.whole_file import write_whole
from orchestrator import VERSION
from orchestrator.models.lockfile import LockedFile, LockedModel, lock_path
from orchestrator.models.verify.verify import HostVerify, VerifyReport, VerifyRequest
from orchestrator.recipes.recipe import Recipe

FORMAT = "orchestrate-manifest-1"
SEAL = "body_sha256"


class ManifestHost(BaseModel):
    """What was read on one host: bytes and seconds."""

    name: str
    state: str
    path: str
    mounted: str
    files: int
    read_bytes: int
    seconds: float


class ManifestFile(BaseModel):
    """`size` in bytes; `locked` is the hash in models.lock."""

    path: str
    size: int
    sha256: str
    locked: str


class Manifest(BaseModel):
    """The file as it is stored; `body_sha256` seals everything else in it."""

    format: str = FORMAT
    recipe: str
    model: str
    revision: str
    commit: str
    locked: str
    verified: str
    by: str
    versions: Mapping[str, str]
    hosts: tuple[ManifestHost, ...]
    files: tuple[ManifestFile, ...]
    body_sha256: str = ""


@dataclass(frozen=True)
class ManifestReport:
    """Where it lies, and the hash that shows whether it was changed since."""

    file: str
    sums: str
    body_sha256: str
    verified: VerifyReport


def make_manifest(
    config: ClusterConfig, request: VerifyRequest, report: VerifyReport, output: Path | None
) -> ManifestReport:
    """Write down a verify that found no difference. Raises OrchestrateError."""
    now = datetime.now(UTC)
    who = f"{getpass.getuser()}@{socket.gethostname()}"
    manifest = manifest_of(report, request.locked, now.isoformat(timespec="seconds"), who)
    folder = lock_path(config).parent / "artifacts" / "manifests"
    file = output or folder.absolute() / f"{now:%Y%m%dT%H%M%SZ}-{report.recipe}.json"
    written, sums = write_manifest(manifest, file)
    return ManifestReport(str(written), str(sums), manifest.body_sha256, report)


def request_from_manifest(file: Path, recipe: Recipe) -> VerifyRequest:
    """A stored manifest in place of the lock. Raises ConfigError where it cannot be used."""
    locked = lock_from_manifest(read_manifest(file, recipe.name))
    return VerifyRequest(
        recipe.model_copy(update={"revision": locked.commit or recipe.revision}), locked
    )


def manifest_of(report: VerifyReport, locked: LockedModel, when: str, who: str) -> Manifest:
    """The sealed manifest of a verify in which every file of every host was as locked; pure.

    Raises OrchestrateError when two hosts read different bytes that pass the lock's SHA-1.
    """
    first, *others = report.hosts
    split = [host.host for host in others if host.sha256 != first.sha256]
    if split:
        what = f"the files have the locked SHA-1, but other bytes than on {first.host}"
        raise OrchestrateError(Problem(what, ", ".join(split), "keep both: this is no accident"))
    manifest = Manifest(
        recipe=report.recipe,
        model=report.model,
        revision=locked.revision,
        commit=report.commit,
        locked=locked.locked,
        verified=when,
        by=who,
        versions={
            "orchestrate": VERSION,
            "python": platform.python_version(),
        },
        hosts=tuple(manifest_host(host) for host in report.hosts),
        files=tuple(
            ManifestFile(path=f.path, size=f.size, sha256=first.sha256[f.path], locked=f.hash)
            for f in sorted(locked.files, key=lambda each: each.path)
        ),
    )
    body = manifest.model_dump(mode="json", exclude={SEAL})
    return manifest.model_copy(update={SEAL: seal(body)})


def manifest_host(host: HostVerify) -> ManifestHost:
    return ManifestHost(
        name=host.host,
        state=host.state,
        path=host.path,
        mounted=host.mounted,
        files=len(host.sha256),
        read_bytes=host.read_bytes,
        seconds=round(host.seconds, 3),
    )


def seal(body: Mapping[str, Any]) -> str:
    """SHA-256 over the body as JSON: sorted keys, no blanks, ASCII."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def sums_of(manifest: Manifest) -> str:
    """Lines for `sha256sum -c`, to be run in the model's folder."""
    return "".join(sum_line(each.sha256, each.path) for each in manifest.files)


def sum_line(sha256: str, path: str) -> str:
    """As sha256sum writes it: a backslash before the line when the name has one or a line break."""
    escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == path else chr(92)}{sha256}  {escaped}\n"


def write_manifest(manifest: Manifest, file: Path) -> tuple[Path, Path]:
    """The manifest, and the list for sha256sum beside it. Raises OrchestrateError."""
    sums = file.with_name(f"{file.stem}.files.sha256")
    write_whole(sums, sums_of(manifest))
    text = json.dumps(manifest.model_dump(mode="json"), sort_keys=True, indent=1)
    write_whole(file, text + "\n")
    return file, sums


def read_manifest(file: Path, recipe: str) -> Manifest:
    """A stored manifest of this recipe. Raises ConfigError where it is not one or was changed."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise no_manifest(str(file), error) from None
    manifest = parse_manifest(content, str(file))
    if manifest.recipe != recipe:
        hint = f"orchestrate models manifest {manifest.recipe} --check {file}"
        raise ConfigError(Problem(f"is of recipe {manifest.recipe}", str(file), hint))
    return manifest


def parse_manifest(content: bytes, where: str) -> Manifest:
    """A manifest whose seal holds. Raises ConfigError where it is not one or was changed."""
    try:
        body = json.loads(content.decode("utf-8"))
        sealed = body.pop(SEAL)
        form = body["format"]
        own = seal(body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise no_manifest(where, error) from None
    if form != FORMAT:
        raise ConfigError(Problem(f"is of another format: {form}", where))
    if own != sealed:
        what = f"was changed after it was written: its body is not what {SEAL} says"
        raise ConfigError(Problem(what, where, "take the copy that the audit keeps"))
    try:
        return Manifest.model_validate({**body, SEAL: sealed})
    except ValidationError as error:
        raise no_manifest(where, ValueError(first_fault(error))) from None


def no_manifest(where: str, error: Exception) -> ConfigError:
    what = f"is no manifest: {type(error).__name__}: {error}"
    return ConfigError(Problem(what, where, "orchestrate models manifest RECIPE writes one"))


def lock_from_manifest(manifest: Manifest) -> LockedModel:
    """What the manifest says, as a lock: now with the SHA-256 of every file."""
    return LockedModel(
        model=manifest.model,
        revision=manifest.revision,
        commit=manifest.commit,
        locked=manifest.verified,
        files=tuple(
            LockedFile(path=each.path, size=each.size, hash=f"sha256:{each.sha256}")
            for each in manifest.files
        ),
    )
