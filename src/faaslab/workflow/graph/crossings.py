"""In which order the nodes of each row stand, so that few edges cross. Pure and without chance."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SWEEPS = 24
_PAIRS = 10_000
_PATIENCE = 5
_EFFORT = 60_000  # cells gone through in all
_FEW, _MANY = 800, 8_000  # cells: up to so many, neighbours are tried in either order, always or once


def ordered(
    rows: list[list[int]], up: Sequence[Sequence[int]], down: Sequence[Sequence[int]]
) -> list[list[int]]:
    """The rows with their nodes ordered by the middle of their neighbours, again and again; the best one.

    `up` and `down` are the neighbours of each node in the row above and below.
    """
    place = [0] * len(up)

    def note(row: list[int]) -> None:
        for index, node in enumerate(row):
            place[node] = index

    for row in rows:
        note(row)
    best = [list(row) for row in rows]
    fewest = crossings(rows, down, place)
    rows = [list(row) for row in rows]
    patience = _PATIENCE
    for sweep in range(min(_SWEEPS, 2 + _EFFORT // (len(up) + 1))):
        if not fewest or not patience:
            break
        downwards = sweep % 2 == 0
        near = up if downwards else down
        for index in range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1):
            rows[index] = _by_middle(rows[index], near, place, late=sweep % 4 > 1)
            note(rows[index])
        if len(up) <= _FEW:
            _exchanged(rows, up, down, place)
        now = crossings(rows, down, place)
        patience -= 1
        if now < fewest:
            fewest, patience = now, _PATIENCE
            best = [list(row) for row in rows]
    if _FEW < len(up) <= _MANY and fewest:
        for row in best:
            note(row)
        _exchanged(best, up, down, place)
    return best


def _by_middle(
    row: list[int], near: Sequence[Sequence[int]], place: Sequence[int], *, late: bool
) -> list[int]:
    """The row by the mean place of each node's neighbours; a node that has none keeps its place."""
    held = [(index, node) for index, node in enumerate(row) if not near[node]]
    free = [
        (sum(place[each] for each in near[node]) / len(near[node]), -index if late else index, node)
        for index, node in enumerate(row)
        if near[node]
    ]
    found = [node for _, _, node in sorted(free)]
    for index, node in held:
        found.insert(index, node)
    return found


def _exchanged(
    rows: list[list[int]], up: Sequence[Sequence[int]], down: Sequence[Sequence[int]], place: list[int]
) -> None:
    """Neighbours in a row change places as long as that saves crossings."""
    for _ in range(4):
        better = False
        for row in rows:
            for index in range(len(row) - 1):
                left, right = row[index], row[index + 1]
                saved = 0
                for near in (up, down):
                    one, other = near[left], near[right]
                    if one and other and len(one) * len(other) < _PAIRS:
                        saved += _saved(one, other, place)
                if saved > 0:
                    row[index], row[index + 1] = right, left
                    place[left], place[right] = index + 1, index
                    better = True
        if not better:
            return


def _saved(left: Sequence[int], right: Sequence[int], place: Sequence[int]) -> int:
    """How many crossings fewer there are when the one that ends at `left` stands behind the other."""
    if len(left) == 1 and len(right) == 1:
        one, other = place[left[0]], place[right[0]]
        return (one > other) - (one < other)
    ends = [place[each] for each in right]
    return sum((place[one] > other) - (place[one] < other) for one in left for other in ends)


def crossings(rows: Sequence[Sequence[int]], down: Sequence[Sequence[int]], place: Sequence[int]) -> int:
    """How many pairs of edges between neighbouring rows cross."""
    total = 0
    for row, below in itertools.pairwise(rows):
        size = 1
        while size < len(below):
            size *= 2
        tree = [0] * (2 * size)
        for node in row:
            ends = sorted(place[each] for each in down[node])
            for end in ends:  # edges seen before that end further right
                at = end + size
                while at > 1:
                    if not at % 2:
                        total += tree[at + 1]
                    at //= 2
            for end in ends:
                at = end + size
                while at:
                    tree[at] += 1
                    at //= 2
    return total
