"""The verb `audit verify BUNDLE`: is it whole, unchanged, and about one model."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cluster.checks.finding import Finding
from cluster.errors import Problem, UsageError
from orchestrator.audit.archive import Damaged, unpack
from orchestrator.audit.consistency import consistency
from orchestrator.audit.contents import Contents, contents_of
from orchestrator.audit.schema import Missing
from orchestrator.audit.sha256sums import LIST, list_problems, sha256

COPY = "take another copy, from where it was made"


@dataclass(frozen=True)
class BundleCheck:
    """What was found. `file_sha256` is that of the archive, `list_sha256` that of SHA256SUMS,
    which stands for all its files however they are packed.
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
    missing: tuple[Missing, ...] = ()
    passed: bool = field(init=False)

    def __post_init__(self) -> None:
        failed = any(each.state == "failure" for each in self.findings)
        object.__setattr__(self, "passed", not failed)


def verify_bundle(path: Path) -> tuple[BundleCheck, Contents | None]:
    """What the bundle says, and whether to believe it. Raises UsageError for no file."""
    digest = file_sha256(path)
    try:
        _, files = unpack(path)
    except Damaged as error:
        found = Finding("archive", path.name, "failure", error.what, COPY)
        return BundleCheck(str(path), digest, findings=(found,)), None
    return checked(str(path), digest, files)


def file_sha256(path: Path) -> str:
    """Raises UsageError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", str(path))) from None


def checked(file: str, digest: str, files: Mapping[str, bytes]) -> tuple[BundleCheck, Contents]:
    """Pure: the list, the parts, and whether they agree."""
    contents = contents_of(files)
    server, audit = contents.server, contents.audit
    check = BundleCheck(
        file=file,
        file_sha256=digest,
        list_sha256=sha256(files[LIST]) if LIST in files else "",
        recipe=server.recipe if server else "",
        model=server.model or server.served_name if server else "",
        commit=server.commit if server else "",
        created=audit.created if audit else "",
        by=audit.by if audit else "",
        files=len(files),
        bytes=sum(map(len, files.values())),
        findings=tuple(findings_of(files, contents)),
        missing=audit.missing if audit else (),
    )
    return check, contents


def findings_of(files: Mapping[str, bytes], contents: Contents) -> Iterator[Finding]:
    wrong = list(list_problems(files))
    yield from (Finding("list", name, "failure", what, COPY) for name, what in wrong)
    if not wrong:
        what = f"all {len(files) - 1} files are as listed, and no other is there"
        yield Finding("list", LIST, "pass", what)
    for name, what in contents.problems:
        yield Finding("content", name, "failure", what, COPY)
    yield from consistency(contents)
