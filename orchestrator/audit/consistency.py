"""Checks that all of a bundle is about one model, as served, hashed and locked; pure."""

from collections.abc import Iterator

from cluster.finding import Finding
from orchestrator.audit.contents import BundleContents
from orchestrator.audit.samples import is_reference
from orchestrator.audit.schema import LOCK, MANIFEST
from orchestrator.models.lockfile import LockedModel
from orchestrator.models.verify.manifest import Manifest
from orchestrator.records.provenance import Provenance

NAMES_SHOWN = 5  # names in one message
MAKE = "orchestrate models manifest {recipe}, then bundle again"
WRONG = "the bundle mixes several models: do not rely on it"


def consistency_findings(contents: BundleContents) -> Iterator[Finding]:
    """A finding for each possible check; a missing part is a warning."""
    server, lock, manifest = contents.server, contents.lock, contents.manifest
    if server is None:
        return
    yield manifest_finding(server, manifest)
    yield lock_finding(server, lock)
    if lock and manifest:
        yield hashes_finding(lock, manifest)
    yield from samples_findings(contents, server)


def manifest_finding(server: Provenance, manifest: Manifest | None) -> Finding:
    """Checks that the hashed files are the served ones, on every host that serves the model."""
    name = server.recipe or server.served_name
    hint = MAKE.format(recipe=name)
    if manifest is None:
        what = "missing: nothing proves which weights were served"
        return Finding("manifest", MANIFEST, "warning", what, hint)
    wrong = [*model_mismatches(server, manifest), *host_mismatches(server, manifest)]
    if wrong:
        return Finding("manifest", MANIFEST, "failure", "; ".join(wrong), hint)
    at = f"{len(manifest.files)} files on {len(manifest.hosts)} hosts, hashed {manifest.verified}"
    return Finding("manifest", MANIFEST, "pass", f"its seal holds: {at}")


def model_mismatches(server: Provenance, manifest: Manifest) -> Iterator[str]:
    for what, hashed, serves in (
        ("recipe", manifest.recipe, server.recipe),
        ("model", manifest.model, server.model),
        ("commit", manifest.commit, server.commit),
    ):
        known = bool(server.recipe)  # a bare address states none of these
        if known and hashed != serves:
            yield f"it is for {what} {hashed or 'unknown'}, but {serves or 'unknown'} is served"


def host_mismatches(server: Provenance, manifest: Manifest) -> Iterator[str]:
    hashed = {host.name: host for host in manifest.hosts}
    served_path = server.arguments[2] if len(server.arguments) > 2 else ""
    for host in server.hosts:
        if host.name not in hashed:
            yield f"{host.name} serves the model, and its files were not hashed"
        elif hashed[host.name].state != "same":
            yield f"the files of {host.name} differ from those of the others"
        elif served_path and hashed[host.name].path != served_path:
            at = hashed[host.name].path
            yield f"the hashed files of {host.name} are in {at}, but {served_path} is served"


def lock_finding(server: Provenance, lock: LockedModel | None) -> Finding:
    if lock is None:
        hint = f"orchestrate models lock {server.recipe}" if server.recipe else "none is needed"
        return Finding("lock", LOCK, "warning", "no entry for the commit that is served", hint)
    wrong = [
        f"{what} {locked or 'unknown'} is locked, but {serves or 'unknown'} is served"
        for what, locked, serves in (
            ("model", lock.model, server.model),
            ("commit", lock.commit, server.commit),
        )
        if server.recipe and locked != serves
    ]
    if wrong:
        return Finding("lock", LOCK, "failure", "; ".join(wrong), WRONG)
    commit = f"commit {lock.commit}" if lock.commit else "a folder that is on no hub"
    return Finding("lock", LOCK, "pass", f"{len(lock.files)} files, {commit}, is what is served")


def hashes_finding(lock: LockedModel, manifest: Manifest) -> Finding:
    """Checks that every file has the size and the hash of the lock."""
    locked = {file.path: (file.size, file.hash) for file in lock.files}
    hashed = {file.path: (file.size, file.locked) for file in manifest.files}
    wrong = {path for path in locked.keys() | hashed if locked.get(path) != hashed.get(path)}
    wrong |= {
        file.path
        for file in manifest.files
        if file.locked.startswith("sha256:") and file.locked != f"sha256:{file.sha256}"
    }
    if wrong:
        what = f"not as locked: {some_names(wrong)}"
        return Finding("hashes", f"{LOCK}, {MANIFEST}", "failure", what, WRONG)
    what = "every file has the size and the hash of the lock"
    return Finding("hashes", f"{LOCK}, {MANIFEST}", "pass", what)


def samples_findings(contents: BundleContents, server: Provenance) -> Iterator[Finding]:
    for name, session in contents.samples.items():
        sampled = session.header["server"]
        wrong = [
            f"{what} {sampled[what]} was sampled, but {serves} is served"
            for what, serves in (("commit", server.commit), ("served_name", server.served_name))
            if what in sampled and sampled[what] != serves
        ]
        if wrong:
            yield Finding("samples", name, "failure", "; ".join(wrong), WRONG)
        elif not is_reference(session):
            hint = "for an audit, sample one request at a time, alone on the server"
            yield Finding(
                "samples", name, "warning", f"{session.size}; not a reference session", hint
            )
        else:
            yield Finding("samples", name, "pass", session.size)
    for name, why in contents.opaque.items():
        hint = "it is kept as it is and not compared"
        yield Finding("samples", name, "warning", f"not samples: {why}", hint)


def some_names(names: set[str]) -> str:
    first = ", ".join(sorted(names)[:NAMES_SHOWN])
    return f"{first} and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else first
