"""The verb `audit verify A B`: what differs, the most important first, and why it matters; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.audit.consistency import some_names
from orchestrator.audit.contents import BundleContents
from orchestrator.audit.facts import bundle_facts, weight_hashes
from orchestrator.audit.samples import Agreement, agreement, session_key
from orchestrator.audit.severity import Severity, reason_for, sort_key
from orchestrator.audit.verify import BundleCheck
from orchestrator.records.compare import compare_facts
from orchestrator.sampling.file_format import Samples

UNKNOWN = "not known"
NOT_SET = "not set"
HASH_DIGITS = 12  # digits of a hash in a message


@dataclass(frozen=True)
class BundleDifference:
    """A fact that differs; `matters` unless it changes no answer."""

    rank: Severity
    name: str
    first: str
    second: str
    why: str = field(init=False)
    matters: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", reason_for(self.rank, self.name))
        object.__setattr__(self, "matters", self.rank != "names")


@dataclass(frozen=True)
class BundleComparison:
    """`equal`: in all that matters. `agreements`: for each session that both sampled."""

    first: BundleCheck
    second: BundleCheck
    differences: tuple[BundleDifference, ...] = ()
    agreements: tuple[str, ...] = ()
    equal: bool = field(init=False)

    def __post_init__(self) -> None:
        whole = self.first.passed and self.second.passed
        same = not any(each.matters for each in self.differences)
        object.__setattr__(self, "equal", whole and same)


def compare_bundles(
    first: tuple[BundleCheck, BundleContents | None],
    second: tuple[BundleCheck, BundleContents | None],
) -> BundleComparison:
    """Compares nothing where a bundle failed its check: it cannot be relied on."""
    (one, a), (other, b) = first, second
    if not (one.passed and other.passed and a and b):
        return BundleComparison(one, other)
    ours, theirs = sessions(a), sessions(b)
    agreed = {key: agreement(ours[key], theirs[key]) for key in sorted(ours.keys() & theirs)}
    found = [
        *fact_differences(a, b),
        *weight_differences(a, b),
        *sample_differences(ours, theirs, agreed),
    ]
    ordered = sorted(found, key=lambda each: sort_key(each.rank, each.name))
    return BundleComparison(one, other, tuple(ordered), tuple(map(str, agreed.values())))


def fact_differences(a: BundleContents, b: BundleContents) -> Iterator[BundleDifference]:
    lacks = {  # where both lists are known, what is missing was not set; else it is unknown
        "arguments": bool(a.server and a.server.arguments and b.server and b.server.arguments),
        "environment": bool(a.server and a.server.hosts and b.server and b.server.hosts),
    }
    for each in compare_facts(bundle_facts(a), bundle_facts(b)):
        empty = NOT_SET if lacks.get(each.subject) else UNKNOWN
        yield BundleDifference(each.subject, each.name, each.first or empty, each.second or empty)


def weight_differences(a: BundleContents, b: BundleContents) -> Iterator[BundleDifference]:
    """Two bundles without a manifest differ too: nothing says that the weights are equal."""
    one, other = weight_hashes(a), weight_hashes(b)
    name = "files of the model"
    if not one or not other:
        yield BundleDifference("model", name, *(hashed_text(each) for each in (one, other)))
        return
    differ = {path for path in one.keys() | other if one.get(path) != other.get(path)}
    if len(differ) == 1:
        [path] = differ
        texts = (f"{path} {table.get(path, 'missing')[:HASH_DIGITS]}" for table in (one, other))
        yield BundleDifference("model", name, *texts)
    elif differ:
        yield BundleDifference(
            "model",
            name,
            f"{len(one)} files",
            f"{len(differ)} of them differ: {some_names(differ)}",
        )


def hashed_text(files: object) -> str:
    return "hashed" if files else f"{UNKNOWN}: no manifest"


def sessions(contents: BundleContents) -> dict[str, Samples]:
    """By their requests; of two with the same requests the longer one."""
    ordered = sorted(contents.samples.values(), key=lambda session: session.tokens)
    return {session_key(session): session for session in ordered}


Sessions = Mapping[str, Samples]


def sample_differences(
    ours: Sessions, theirs: Sessions, agreed: Mapping[str, Agreement]
) -> Iterator[BundleDifference]:
    for number, (key, each) in enumerate(agreed.items(), 1):
        if not each.whole:
            yield BundleDifference("samples", f"session {number}", ours[key].size, theirs[key].size)
    for key in ours.keys() ^ theirs.keys():
        has = [each[key].size if key in each else "none" for each in (ours, theirs)]
        yield BundleDifference("names", "samples that only one has", *has)
