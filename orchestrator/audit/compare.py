"""The verb `audit verify A B`: what differs, the most important first, and why it matters; pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestrator.audit.consistency import some
from orchestrator.audit.contents import Contents
from orchestrator.audit.facts import stated, weights
from orchestrator.audit.samples import agreement, session_key
from orchestrator.audit.severity import Rank, place, why
from orchestrator.audit.verify import BundleCheck
from orchestrator.sampling.file_format import Samples

UNKNOWN = "not known"
NOT_SET = "not there"
FIRST = 12  # digits of a hash in a message


@dataclass(frozen=True)
class Difference:
    """One fact that is not the same in both; `matters` unless it changes no answer."""

    rank: Rank
    name: str
    first: str
    second: str
    why: str = field(init=False)
    matters: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "why", why(self.rank, self.name))
        object.__setattr__(self, "matters", self.rank != "names")


@dataclass(frozen=True)
class Comparison:
    """`equal`: in all that matters. `agreements` by session: what the samples of both say."""

    first: BundleCheck
    second: BundleCheck
    differences: tuple[Difference, ...] = ()
    agreements: tuple[str, ...] = ()
    equal: bool = field(init=False)

    def __post_init__(self) -> None:
        whole = self.first.passed and self.second.passed
        same = not any(each.matters for each in self.differences)
        object.__setattr__(self, "equal", whole and same)


def compared(
    first: tuple[BundleCheck, Contents | None], second: tuple[BundleCheck, Contents | None]
) -> Comparison:
    """Nothing is compared with a bundle that did not pass: it says nothing."""
    (one, a), (other, b) = first, second
    if not (one.passed and other.passed and a and b):
        return Comparison(one, other)
    found = [*of_facts(a, b), *of_weights(a, b), *of_samples(a, b)]
    ordered = sorted(found, key=lambda each: place(each.rank, each.name))
    return Comparison(one, other, tuple(ordered), tuple(agreements(a, b)))


def of_facts(a: Contents, b: Contents) -> Iterator[Difference]:
    ours, theirs = ({(f.rank, f.name): f.value for f in stated(each)} for each in (a, b))
    lacks = {  # what is not in a list that is known was not given; else nobody knows
        "arguments": bool(a.server and a.server.arguments and b.server and b.server.arguments),
        "environment": bool(a.server and a.server.hosts and b.server and b.server.hosts),
    }
    for rank, name in ours.keys() | theirs.keys():
        empty = NOT_SET if lacks.get(rank) else UNKNOWN
        one, other = (table.get((rank, name), "") for table in (ours, theirs))
        if one != other:
            yield Difference(rank, name, one or empty, other or empty)


def of_weights(a: Contents, b: Contents) -> Iterator[Difference]:
    """Where both have no manifest that is a difference too: nothing says that they are equal."""
    one, other = weights(a), weights(b)
    name = "files of the model"
    if not one or not other:
        yield Difference("model", name, *(known(each) for each in (one, other)))
        return
    differ = {path for path in one.keys() | other if one.get(path) != other.get(path)}
    if len(differ) == 1:
        [path] = differ
        shown = (f"{path} {table.get(path, NOT_SET)[:FIRST]}" for table in (one, other))
        yield Difference("model", name, *shown)
    elif differ:
        yield Difference(
            "model", name, f"{len(one)} files", f"{len(differ)} of them differ: {some(differ)}"
        )


def known(files: object) -> str:
    return "hashed" if files else f"{UNKNOWN}: no manifest"


def sessions(contents: Contents) -> dict[str, Samples]:
    """By their requests; of two with the same requests the longer one."""
    ordered = sorted(contents.samples.values(), key=lambda session: session.tokens)
    return {session_key(session): session for session in ordered}


def of_samples(a: Contents, b: Contents) -> Iterator[Difference]:
    ours, theirs = sessions(a), sessions(b)
    for number, key in enumerate(sorted(ours.keys() & theirs), 1):
        one, other = ours[key], theirs[key]
        if not agreement(one, other).whole:
            yield Difference("samples", f"session {number}", size_of(one), size_of(other))
    for key in ours.keys() ^ theirs.keys():
        has = [size_of(each[key]) if key in each else "none" for each in (ours, theirs)]
        yield Difference("names", "samples that only one has", *has)


def agreements(a: Contents, b: Contents) -> Iterator[str]:
    ours, theirs = sessions(a), sessions(b)
    for key in sorted(ours.keys() & theirs):
        yield str(agreement(ours[key], theirs[key]))


def size_of(session: Samples) -> str:
    return f"{session.tokens:,} tokens in {len(session.chunks):,} chunks"
