"""What a bundle states, as facts by subject: what two bundles are compared by; pure."""

from collections.abc import Iterator, Mapping

from orchestrator.audit.contents import Contents
from orchestrator.records.compare import Fact, facts_of


def bundle_facts(contents: Contents) -> Iterator[Fact]:
    """All but the hashes of the weights and the samples, which are compared in parts."""
    assert contents.server is not None
    yield from facts_of(contents.server)
    if audit := contents.audit:
        yield Fact("names", "created", audit.created)
        yield Fact("names", "created by", audit.by)
        yield Fact("names", "serving since", audit.serving_since)
    if contents.manifest:
        yield Fact("names", "files hashed", contents.manifest.verified)
    if contents.lock:
        yield Fact("names", "locked", contents.lock.locked)


def weight_hashes(contents: Contents) -> Mapping[str, str]:
    """SHA-256 by file as it was hashed; empty without a manifest."""
    files = contents.manifest.files if contents.manifest else ()
    return {file.path: file.sha256 for file in files}
