"""Where the nodes of ordered rows stand from left to right (Brandes and Köpf, 2001). Pure.

Nodes are put in straight columns four times, leaning up or down, left or right, and the middle of the four
is taken; the inner parts of a long edge are always one straight line.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faaslab.workflow.graph.cells import Cells

Neighbours = Sequence[Sequence[int]]


def abreast(rows: Sequence[Sequence[int]], cells: Cells, gap: float) -> list[float]:
    """An x for each cell of the ordered rows; between two there is `gap`, or half of it beside an edge."""
    up, left, right = cells.up, cells.left, cells.right
    if not up:
        return []
    conflicts = _conflicts(rows, up, cells.bend)
    found: list[list[float]] = []
    for upwards in (True, False):
        for mirrored in (False, True):
            turned = [list(reversed(row)) if mirrored else list(row) for row in rows]
            near = up if upwards else cells.down
            root = _columns(turned if upwards else turned[::-1], near, conflicts, cells.aside)
            xs = _compact(turned, root, cells, gap, mirrored=mirrored)
            found.append([-x for x in xs] if mirrored else xs)
    ends = [_ends(xs, left, right) for xs in found]
    low, high = min(ends, key=lambda each: each[1] - each[0])
    for index, xs in enumerate(found):
        shift = high - ends[index][1] if index % 2 else low - ends[index][0]
        found[index] = [x + shift for x in xs]
    middle = [sum(sorted(four)[1:3]) / 2 for four in zip(*found, strict=True)]
    start = _ends(middle, left, right)[0]
    return [float(round(x - start)) for x in middle]


def _ends(xs: Sequence[float], left: Sequence[float], right: Sequence[float]) -> tuple[float, float]:
    return (
        min(x - each for x, each in zip(xs, left, strict=True)),
        max(x + each for x, each in zip(xs, right, strict=True)),
    )


def _conflicts(rows: Sequence[Sequence[int]], up: Neighbours, bend: Sequence[bool]) -> set[tuple[int, int]]:
    """Edges (lower node, upper node) that cross the inner part of a long edge: these do not line up."""
    place = {node: index for row in rows for index, node in enumerate(row)}
    found: set[tuple[int, int]] = set()
    for above, row in itertools.pairwise(rows):
        low, scanned = 0, 0
        for index, node in enumerate(row):
            inner = next((each for each in up[node] if bend[each]), None) if bend[node] else None
            if inner is None and index < len(row) - 1:
                continue
            high = place[inner] if inner is not None else len(above)
            for each in row[scanned : index + 1]:
                for upper in up[each]:
                    crosses = place[upper] < low or place[upper] > high
                    if crosses and not (bend[each] and bend[upper]):
                        found.add((each, upper))
            low, scanned = high, index + 1
    return found


def _columns(
    rows: Sequence[Sequence[int]],
    near: Neighbours,
    conflicts: set[tuple[int, int]],
    aside: set[tuple[int, int]],
) -> list[int]:
    """The column of each node, named by its first one: each lines up with the middle of its neighbours."""
    root = list(range(len(near)))
    taken = [False] * len(near)  # by a node of the next row
    place = {node: index for row in rows for index, node in enumerate(row)}
    for row in rows:
        last = -1
        wanted = {each for node in row for each in near[node] if (node, each) not in aside}
        for node in row:
            main = [each for each in near[node] if (node, each) not in aside]
            rest = main or [each for each in near[node] if each not in wanted]
            beside = sorted(rest, key=place.__getitem__)
            if not beside:
                continue
            for index in range((len(beside) - 1) // 2, len(beside) // 2 + 1):
                other = beside[index]
                free = not taken[other] and last < place[other]
                if free and (node, other) not in conflicts and (other, node) not in conflicts:
                    taken[other] = True
                    root[node] = root[other]
                    last = place[other]
                    break
    return root


def _compact(
    rows: Sequence[Sequence[int]], root: Sequence[int], cells: Cells, gap: float, *, mirrored: bool
) -> list[float]:
    """The columns as far left as they go, then each as far right as that costs nothing."""
    left, right = (cells.right, cells.left) if mirrored else (cells.left, cells.right)
    after: list[dict[int, float]] = [{} for _ in root]
    before: list[dict[int, float]] = [{} for _ in root]
    for row in rows:
        for one, other in itertools.pairwise(row):
            a, b = root[one], root[other]
            apart = right[one] + left[other] + gap / (2 if cells.bend[one] or cells.bend[other] else 1)
            after[a][b] = before[b][a] = max(after[a].get(b, 0.0), apart)
    missing = [len(each) for each in before]
    ready = deque(node for node, own in enumerate(root) if own == node and not missing[node])
    order: list[int] = []
    xs = [0.0] * len(root)
    while ready:
        column = ready.popleft()
        order.append(column)
        for other, apart in after[column].items():
            xs[other] = max(xs[other], xs[column] + apart)
            missing[other] -= 1
            if not missing[other]:
                ready.append(other)
    for column in reversed(order):
        if after[column]:
            xs[column] = max(xs[column], min(xs[other] - apart for other, apart in after[column].items()))
    return [xs[own] for own in root]
