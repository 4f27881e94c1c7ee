"""The verb `audit bundle`: all that is known of the running model, in one archive."""

import getpass
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cluster.errors import OrchestrateError, Problem, UsageError
from cluster.inventory.config import ClusterConfig
from cluster.reporter import Reporter
from cluster.whole_file import write_whole
from orchestrator.api.target import Target
from orchestrator.audit.archive import pack
from orchestrator.audit.attachments import read_attachments
from orchestrator.audit.bundle_files import BundleInputs, bundle_files
from orchestrator.audit.secret_search import local_secrets, require_no_secret
from orchestrator.audit.sha256sums import sha256, with_sums
from orchestrator.audit.verify import BundleCheck, check_bundle
from orchestrator.models.lockfile import LockedModel, lock_path, read_lock
from orchestrator.models.verify.manifest import read_manifest
from orchestrator.records.artifact import ROOT, run_name
from orchestrator.records.provenance import Provenance, provenance

WITHOUT = "--without-manifest, and the bundle says so"


@dataclass(frozen=True)
class BundleRequest:
    """The options of the user. `manifest` None: the newest of the recipe."""

    samples: Sequence[Path] = ()
    added: Sequence[Path] = ()
    manifest: Path | None = None
    without_manifest: bool = False
    output: Path | None = None


def bundle(target: Target, request: BundleRequest, reporter: Reporter) -> BundleCheck:
    """Gather, search for secrets, check as `verify` does, write. Raises OrchestrateError."""
    server, created = provenance(target), datetime.now(UTC)
    config = target.home.config if target.home else None
    top = run_name(server, created)
    path = request.output or ROOT / "audit" / f"{top}.tar.gz"
    if path.exists():
        raise UsageError(Problem("exists already", str(path), "choose another with --output"))
    manifest = manifest_for(server, config, request, reporter)
    inputs = BundleInputs(
        server=server,
        created=created,
        by=f"{getpass.getuser()}@{socket.gethostname()}",
        home=target.home,
        config=config,
        locked=lock_entry_for(server, config),
        manifest=manifest,
        others=read_attachments(request.samples, request.added),
    )
    files = with_sums(bundle_files(inputs))
    reporter.tell(f"searching for secrets in {len(files)} files")
    require_no_secret(files, local_secrets(target, config))
    archive = pack(top, files)
    check, _ = check_bundle(str(path), sha256(archive), files)
    require_passed(check)
    write_whole(path, archive)
    return check


def manifest_for(
    server: Provenance, config: ClusterConfig | None, request: BundleRequest, reporter: Reporter
) -> bytes | None:
    """The given one, or else the newest of the recipe. Raises UsageError where there is none."""
    if request.without_manifest:
        if request.manifest:
            raise UsageError(Problem("contradicts --manifest", "--without-manifest"))
        reporter.tell("WITHOUT a manifest: nothing in this bundle proves which weights are served")
        return None
    path = request.manifest or newest_manifest(server, config)
    if server.recipe:
        read_manifest(path, server.recipe)
    reporter.tell(f"manifest: {path}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", str(path))) from None


def newest_manifest(server: Provenance, config: ClusterConfig | None) -> Path:
    if config is None:
        what = "a bare address has no manifest: nothing says which weights are served"
        raise UsageError(Problem(what, "--url", f"--manifest FILE; or {WITHOUT}"))
    folder = lock_path(config).parent / "artifacts" / "manifests"
    own = re.compile(rf"\d{{8}}T\d{{6}}Z-{re.escape(server.recipe)}\.json")
    found = sorted(path for path in folder.glob("*.json") if own.fullmatch(path.name))
    if not found:
        what = f"no manifest of {server.recipe}: nothing says which weights the hosts hold"
        hint = f"orchestrate models manifest {server.recipe}; or {WITHOUT}"
        raise UsageError(Problem(what, str(folder), hint))
    return found[-1]


def lock_entry_for(server: Provenance, config: ClusterConfig | None) -> LockedModel | None:
    """The entry of the commit that is served; for files that are on no hub, of the revision."""
    models = read_lock(lock_path(config)).models if config else ()
    own = [each for each in models if each.model == server.model]
    if server.commit:
        return next((each for each in own if each.commit == server.commit), None)
    return next((e for e in own if not e.commit and e.revision == server.revision), None)


def require_passed(check: BundleCheck) -> None:
    """Raises OrchestrateError: a bundle that contradicts itself is not written."""
    if not check.passed:
        raise OrchestrateError(*failed_findings(check))


def failed_findings(check: BundleCheck) -> Iterator[Problem]:
    yield from (each.problem for each in check.findings if each.state == "failure")
