"""Layers -> groups that share a block table: vLLM's get_kv_cache_groups; pure.

After v1/core/kv_cache_utils.py of vLLM 0.32. Every group takes blocks from one pool, so that a
block is as large as the largest group's pages together.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import ceil

from orchestrator.capacity.page import Page

CLOSE = 1.5  # kinds whose counts differ by less are padded, not split


@dataclass(frozen=True)
class Group:
    """Pages that share one block table; tokens of a block and the window of one that slides."""

    kind: str
    block: int
    window: int
    pages: tuple[Page, ...]


def layer_groups(pages: Sequence[Page]) -> tuple[Group, ...]:
    """The order of vLLM's own attempts: one group, pages packed side by side, pages made equal."""
    if not pages:
        return ()
    if len({table_of(page) for page in pages}) == 1:
        return (cache_group(pages),)
    if is_packed(pages):
        return packed_groups(pages)
    return equal_groups(equal_pages(pages))


def table_of(page: Page) -> tuple[str, int, int]:
    """Pages of one kind need the same blocks, whatever their size."""
    return page.kind, page.block, page.window


def by_table(pages: Sequence[Page]) -> dict[tuple[str, int, int], list[Page]]:
    kinds: dict[tuple[str, int, int], list[Page]] = {}
    for page in pages:
        kinds.setdefault(table_of(page), []).append(page)
    return kinds


def cache_group(pages: Sequence[Page]) -> Group:
    return Group(pages[0].kind, pages[0].block, pages[0].window, tuple(pages))


def equal_pages(pages: Sequence[Page]) -> list[Page]:
    """A smaller page gets a larger block where that is whole, else it is padded."""
    largest = max(page.bytes for page in pages)
    return [enlarged(page, largest) for page in pages]


def enlarged(page: Page, size: int) -> Page:
    if page.kind != "state" and page.bytes and size % page.bytes == 0:
        return replace(page, block=page.block * (size // page.bytes), bytes=size)
    return replace(page, bytes=size)


def equal_groups(pages: Sequence[Page]) -> tuple[Group, ...]:
    """Groups of as many layers as the rarest kind has, or as the most frequent where that has
    hardly more."""
    kinds = by_table(pages)
    fewest, most = min(map(len, kinds.values())), max(map(len, kinds.values()))
    size = most if most < CLOSE * fewest else fewest
    return tuple(
        cache_group(mine[n :: ceil(len(mine) / size)])
        for mine in kinds.values()
        for n in range(ceil(len(mine) / size))
    )


def is_packed(pages: Sequence[Page]) -> bool:
    """DeepSeek V4's indexer asks for blocks that hold pages of several sizes side by side."""
    return all(page.latent for page in pages) and len({page.bytes for page in pages}) > 1


def packed_groups(pages: Sequence[Page]) -> tuple[Group, ...]:
    """Kinds whose sizes come equally often repeat a pattern and are split into equal groups of
    repeats; others stay whole."""
    kinds = by_table(pages)
    sizes = {kind: Counter(page.bytes for page in mine) for kind, mine in kinds.items()}
    balanced = {kind: len(set(found.values())) == 1 for kind, found in sizes.items()}
    repeats = [max(sizes[kind].values()) for kind in kinds if balanced[kind]]
    mixed = [max(sizes[kind].values()) for kind in kinds if balanced[kind] and len(sizes[kind]) > 1]
    size = least_padding(repeats, max(mixed)) if mixed else 0
    groups: list[Group] = []
    for kind, mine in kinds.items():
        most = max(sizes[kind].values())
        count = ceil(most / size) if size and balanced[kind] else 1
        groups += [cache_group(part) for part in split_pattern(mine, count)]
    return tuple(groups)


def split_pattern(pages: Sequence[Page], count: int) -> Iterable[Sequence[Page]]:
    if count == 1:
        return [pages]
    by_size: dict[int, list[Page]] = {}
    for page in pages:
        by_size.setdefault(page.bytes, []).append(page)
    repeats = list(zip(*by_size.values(), strict=True))
    return [[page for repeat in repeats[n::count] for page in repeat] for n in range(count)]


def least_padding(counts: Sequence[int], least: int) -> int:
    """vLLM's _approximate_gcd: the size of a group that wastes least, of equals the largest."""
    sizes = range(max(1, least), max(counts) + 1)
    return min(sizes, key=lambda size: (sum(-count % size for count in counts), -size))
