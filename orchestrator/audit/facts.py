"""The facts of a bundle by subject, by which two bundles are compared; pure."""

from collections.abc import Iterator, Mapping

from orchestrator.audit.contents import BundleContents
from orchestrator.records.compare import ServerFact, provenance_facts


def bundle_facts(contents: BundleContents) -> Iterator[ServerFact]:
    """All facts except weights and samples, which are compared file by file."""
    assert contents.server is not None
    yield from provenance_facts(contents.server)
    if audit := contents.audit:
        yield ServerFact("names", "created", audit.created)
        yield ServerFact("names", "created by", audit.by)
        yield ServerFact("names", "serving since", audit.serving_since)
    if contents.manifest:
        yield ServerFact("names", "files hashed", contents.manifest.verified)
    if contents.lock:
        yield ServerFact("names", "locked", contents.lock.locked)


def weight_hashes(contents: BundleContents) -> Mapping[str, str]:
    """SHA-256 by file as it was hashed; empty without a manifest."""
    files = contents.manifest.files if contents.manifest else ()
    return {file.path: file.sha256 for file in files}
