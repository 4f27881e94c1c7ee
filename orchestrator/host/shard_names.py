"""Names of weight files that say how many there are: model-00001-of-00002.safetensors.

Standard library only, Python 3.9 or newer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})(\.safetensors|\.bin)")
MOST = 10_000  # shards of one model
MISTRAL = "consolidated"  # Mistral's own format, which may lie beside the hub's


def missing_shards(names: Iterable[str]) -> list[str]:
    """What the names of those that are there say of others."""
    present = set(names)
    found = [match for match in map(SHARD.fullmatch, present) if match]
    kinds = {(match[1], match[3], match[4]) for match in found if int(match[3]) <= MOST}
    wanted = {
        f"{stem}-{number:05}-of-{count}{ending}"
        for stem, count, ending in kinds
        for number in range(1, int(count) + 1)
    }
    return sorted(wanted - present)


def loaded_shards(names: Iterable[str]) -> list[str]:
    """Without Mistral's copy where the hub's format is there, too."""
    every = sorted(names)
    return [name for name in every if not name.startswith(MISTRAL)] or every
