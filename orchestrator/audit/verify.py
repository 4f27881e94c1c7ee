"""The verb `audit verify BUNDLE`: is it complete, unchanged, and about one model."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster.errors import Problem, UsageError
from cluster.finding import Finding
from orchestrator.audit.archive import DamagedArchive, unpack
from orchestrator.audit.consistency import consistency_findings
from orchestrator.audit.contents import BundleContents, parse_contents
from orchestrator.audit.schema import MissingFact
from orchestrator.audit.sha256sums import SUMS_FILE, sha256, sums_problems

TAKE_ANOTHER = "get another copy from where it was made"


@dataclass(frozen=True)
class BundleCheck:
    """What was found. `file_sha256` is that of the archive, `list_sha256` that of SHA256SUMS,
    which covers all its files however they are packed.
    """

    file: str
    file_sha256: str
    list_sha256: str = ""
    recipe: str = ""
    model: str = ""
    commit: str = ""
    created: str = ""
    by: str = ""
    files: int = 0
    bytes: int = 0
    findings: tuple[Finding, ...] = ()
    missing: tuple[MissingFact, ...] = ()
    passed: bool = field(init=False)

    def __post_init__(self) -> None:
        failed = any(each.state == "failure" for each in self.findings)
        object.__setattr__(self, "passed", not failed)


def verify_bundle(path: Path) -> tuple[BundleCheck, BundleContents | None]:
    """The content of a bundle, and whether to rely on it. Raises UsageError for a missing file."""
    digest = file_sha256(path)
    try:
        _, files = unpack(path)
    except DamagedArchive as error:
        found = Finding("archive", path.name, "failure", error.what, TAKE_ANOTHER)
        return BundleCheck(str(path), digest, findings=(found,)), None
    return check_bundle(str(path), digest, files)


def file_sha256(path: Path) -> str:
    """Raises UsageError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", str(path))) from None


def check_bundle(
    file: str, digest: str, files: Mapping[str, bytes]
) -> tuple[BundleCheck, BundleContents]:
    """Pure: checks the list, the parts, and whether they agree."""
    contents = parse_contents(files)
    server, audit = contents.server, contents.audit
    check = BundleCheck(
        file=file,
        file_sha256=digest,
        list_sha256=sha256(files[SUMS_FILE]) if SUMS_FILE in files else "",
        recipe=server.recipe if server else "",
        model=server.model or server.served_name if server else "",
        commit=server.commit if server else "",
        created=audit.created if audit else "",
        by=audit.by if audit else "",
        files=len(files),
        bytes=sum(map(len, files.values())),
        findings=tuple(bundle_findings(files, contents)),
        missing=audit.missing if audit else (),
    )
    return check, contents


def bundle_findings(files: Mapping[str, bytes], contents: BundleContents) -> Iterator[Finding]:
    wrong = list(sums_problems(files))
    yield from (Finding("list", name, "failure", what, TAKE_ANOTHER) for name, what in wrong)
    if not wrong:
        what = f"all {len(files) - 1} files are as listed, and there are no others"
        yield Finding("list", SUMS_FILE, "pass", what)
    for name, what in contents.problems:
        yield Finding("content", name, "failure", what, TAKE_ANOTHER)
    yield from consistency_findings(contents)
