"""The rooms' arrows as one SVG: floors from top to bottom, long arrows bent around the rooms."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from scripts.arrows import FLOOR_OF, FLOORS, Arrows, reduced, running_down

MARGIN = 20
ROOM_WIDTH, ROOM_HEIGHT, LANE_WIDTH, FLOOR_HEIGHT, GAP = 140, 32, 12, 68, 14
SWEEPS, NUDGES = 24, 60
COLOURS = {"orchestrator": ("#e8f0fe", "#1a56b0"), "cluster": ("#e9f6ec", "#1d6b34")}

Spot = str  # a room, or the place where a long arrow passes a floor
Edge = tuple[Spot, Spot]


@dataclass(frozen=True)
class Layout:
    """`x` and `floor` of the middle of every spot, in pixels and from the roof."""

    x: Mapping[Spot, float]
    floor: Mapping[Spot, int]
    paths: Sequence[Sequence[Spot]]


def picture(arrows: Arrows) -> str:
    """Without the arrows that a longer way down says too; none that runs up is drawn."""
    layout = laid_out(reduced(running_down(arrows)))
    width = round(max(at + width_of(spot) / 2 for spot, at in layout.x.items())) + MARGIN
    height = len(FLOORS) * FLOOR_HEIGHT + 2 * MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="sans-serif" font-size="13">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#777"/>'
            "</marker></defs>",
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            *(drawn_path(layout, path) for path in layout.paths),
            *(drawn_room(layout, room) for room in FLOOR_OF),
            "</svg>\n",
        ]
    )


def laid_out(arrows: Arrows) -> Layout:
    """Order by the mean of the neighbours, floor by floor; then the same for the positions."""
    rows: list[list[Spot]] = [list(rooms) for rooms in FLOORS]
    paths = []
    for room, targets in sorted(arrows.items()):
        for target in sorted(targets):
            between = range(FLOOR_OF[room] + 1, FLOOR_OF[target])
            lanes = [f"{room}>{target}@{floor}" for floor in between]
            for floor, lane in zip(between, lanes, strict=True):
                rows[floor].append(lane)
            paths.append([room, *lanes, target])
    edges = [pair for path in paths for pair in itertools.pairwise(path)]
    above, below = neighbours(edges, 1), neighbours(edges, 0)
    for sweep in range(SWEEPS):
        near = above if sweep % 2 == 0 else below
        for row in rows if sweep % 2 == 0 else reversed(rows):
            index = {spot: place for each in rows for place, spot in enumerate(each)}
            row.sort(key=lambda spot: mean([index[o] for o in near.get(spot, [])], index[spot]))
    x = positions(rows, {spot: above.get(spot, []) + below.get(spot, []) for spot in all_of(rows)})
    floor_of = {spot: number for number, row in enumerate(rows) for spot in row}
    return Layout(x, floor_of, paths)


def neighbours(edges: Sequence[Edge], end: int) -> dict[Spot, list[Spot]]:
    """By the spot at `end` of an edge, the spots at its other end."""
    found: dict[Spot, list[Spot]] = {}
    for edge in edges:
        found.setdefault(edge[end], []).append(edge[1 - end])
    return found


def positions(
    rows: Sequence[Sequence[Spot]], near: Mapping[Spot, Sequence[Spot]]
) -> dict[Spot, float]:
    """Each spot as near to the mean of its neighbours as the order and the widths allow."""
    x = {spot: at for row in rows for spot, at in zip(row, packed(row, {}), strict=True)}
    for _ in range(NUDGES):
        for row in rows:
            wished = {spot: mean([x[other] for other in near[spot]], x[spot]) for spot in row}
            x.update(zip(row, packed(row, wished), strict=True))
    left = min(at - width_of(spot) / 2 for spot, at in x.items())
    return {spot: at - left + MARGIN for spot, at in x.items()}


def packed(row: Sequence[Spot], wished: Mapping[Spot, float]) -> list[float]:
    """Wishes without an overlap: the mean of what comes from the left and from the right."""
    from_left, from_right = [], []
    edge = -math.inf
    for spot in row:
        from_left.append(max(wished.get(spot, 0.0), edge + width_of(spot) / 2))
        edge = from_left[-1] + width_of(spot) / 2 + GAP
    edge = math.inf
    for spot in reversed(row):
        from_right.append(min(wished.get(spot, 0.0), edge - width_of(spot) / 2))
        edge = from_right[-1] - width_of(spot) / 2 - GAP
    return [sum(pair) / 2 for pair in zip(from_left, reversed(from_right), strict=True)]


def mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def all_of(rows: Sequence[Sequence[Spot]]) -> list[Spot]:
    return [spot for row in rows for spot in row]


def width_of(spot: Spot) -> int:
    return ROOM_WIDTH if spot in FLOOR_OF else LANE_WIDTH


def middle_of(floor: int) -> float:
    return MARGIN + floor * FLOOR_HEIGHT + FLOOR_HEIGHT / 2


def drawn_path(layout: Layout, path: Sequence[Spot]) -> str:
    """A smooth line: straight down past a floor, bent between two."""
    half = ROOM_HEIGHT / 2
    y = middle_of(layout.floor[path[0]]) + half
    words = [f"M{layout.x[path[0]]:.0f},{y:.0f}"]
    for before, after in itertools.pairwise(path):
        top, end = y, middle_of(layout.floor[after]) - half
        bend = (top + end) / 2
        words.append(
            f"C{layout.x[before]:.0f},{bend:.0f} {layout.x[after]:.0f},{bend:.0f} "
            f"{layout.x[after]:.0f},{end:.0f}"
        )
        y = end
        if after != path[-1]:
            y = end + ROOM_HEIGHT
            words.append(f"L{layout.x[after]:.0f},{y:.0f}")
    shape = " ".join(words)
    return f'<path d="{shape}" fill="none" stroke="#777" marker-end="url(#tip)"/>'


def drawn_room(layout: Layout, room: str) -> str:
    package, _, name = room.partition("/")
    fill, stroke = COLOURS[package]
    x, y = layout.x[room], middle_of(layout.floor[room])
    label = escape(name or "start, stop, check")
    return (
        f'<rect x="{x - ROOM_WIDTH / 2:.0f}" y="{y - ROOM_HEIGHT / 2:.0f}" width="{ROOM_WIDTH}" '
        f'height="{ROOM_HEIGHT}" rx="5" fill="{fill}" stroke="{stroke}"/>'
        f'<text x="{x:.0f}" y="{y + 5:.0f}" text-anchor="middle">{label}</text>'
    )
