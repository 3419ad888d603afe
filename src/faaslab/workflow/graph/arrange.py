"""A layered drawing of one graph (Sugiyama): rows, order, places, and the way of each edge. Pure.

Nodes are boxes of a given size, and what is given back touches: no two boxes or labels overlap, and edges run
between the rows or through room that is kept for them. Edges of one style to one target share their way.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faaslab.workflow.graph.abreast import abreast
from faaslab.workflow.graph.cells import BESIDE_LINE, Cells, Point, Size
from faaslab.workflow.graph.crossings import ordered
from faaslab.workflow.graph.ranks import ranked, turned

if TYPE_CHECKING:
    from collections.abc import Sequence

APART = 30.0
"""Between two boxes beside each other."""
_PORT = 16.0
_LOOP = 26.0
_GAP, _WIDEST_GAP = 30.0, 66.0


@dataclass(frozen=True, slots=True)
class Link:
    """An edge between boxes, which are numbers; `label` is what its label takes.

    Edges of one `style` to one target share their way.
    """

    source: int
    target: int
    label: Size | None = None
    style: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """Where an edge runs, from its source's border to its target's.

    It is upright at every point, so that what is between two that are not one above the other is a curve.
    `label` is the upper left corner of the label.
    """

    points: tuple[Point, ...]
    label: Point | None = None
    fresh: frozenset[int] = frozenset()
    """The pieces (by the index of their first point) that no edge before this one has drawn."""
    loop: int = 0
    """1 for an edge from a box to itself at its right side, -1 at its left side."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The upper left corner of each box, and the way of each link."""

    corners: tuple[Point, ...]
    ways: tuple[Way, ...]
    width: float
    height: float


def arranged(boxes: Sequence[Size], links: Sequence[Link], first: int | None = None) -> Arrangement:
    """The boxes in rows, `first` on top, and the links between them."""
    if not boxes:
        return Arrangement((), (), 0.0, 0.0)
    plain = [
        (link.source, link.target, 2 if link.label else 1) for link in links if link.source != link.target
    ]
    back = iter(turned(len(boxes), plain, first))
    turns = [link.source != link.target and next(back) for link in links]
    rows = ranked(
        len(boxes),
        [
            (link.target, link.source, 2 if link.label else 1)
            if turn
            else (link.source, link.target, 2 if link.label else 1)
            for link, turn in zip(links, turns, strict=True)
            if link.source != link.target
        ],
    )
    cells = Cells(
        [box.width / 2 for box in boxes],
        [box.width / 2 for box in boxes],
        [box.height for box in boxes],
        list(rows),
        [False] * len(boxes),
        [[] for _ in boxes],
        [[] for _ in boxes],
    )
    _room_for_loops(boxes, links, cells)
    shared: dict[tuple[int, str, bool, int], int] = {}
    paths = [
        _path(link, cells, shared, turn=turn) if link.source != link.target else []
        for link, turn in zip(links, turns, strict=True)
    ]
    order = ordered(_first_rows(cells, first), cells.up, cells.down)
    xs = abreast(order, cells, APART)
    return _drawn(boxes, list(zip(links, paths, strict=True)), cells, xs, _bands(order, cells, xs))


def _path(
    link: Link, cells: Cells, shared: dict[tuple[int, str, bool, int], int], *, turn: bool
) -> list[int]:
    """The cells of an edge from its source to its target, one a row."""
    step = -1 if turn else 1
    path = [link.source]
    row = cells.row[link.source] + step
    if link.label:
        path.append(cells.add(row, link.label))
        row += step
    while row != cells.row[link.target]:
        key = (link.target, link.style, turn, row)
        if key not in shared:
            shared[key] = cells.add(row)
        path.append(shared[key])
        row += step
    path.append(link.target)
    for one, other in itertools.pairwise(path):
        cells.join(*((other, one) if turn else (one, other)), aside=turn or bool(link.style))
    return path


def _first_rows(cells: Cells, first: int | None) -> list[list[int]]:
    """The rows in the order in which a depth-first walk comes to the cells."""
    rows: list[list[int]] = [[] for _ in range(max(cells.row) + 1)]
    seen = [False] * len(cells.row)
    starts = [] if first is None else [first]
    starts += sorted(range(len(cells.row)), key=lambda cell: cells.row[cell])
    for start in starts:
        stack = [start]
        while stack:
            cell = stack.pop()
            if not seen[cell]:
                seen[cell] = True
                rows[cells.row[cell]].append(cell)
                stack += reversed(cells.down[cell])
    return rows


def _bands(
    order: Sequence[Sequence[int]], cells: Cells, xs: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Where each row begins and ends; the more an edge has to go aside, the further the rows are apart."""
    tops, bottoms = [], []
    y = 0.0
    for row in order:
        tops.append(y)
        bottoms.append(y + max((cells.height[cell] for cell in row), default=0.0))
        aside = max((abs(xs[cell] - xs[below]) for cell in row for below in cells.down[cell]), default=0.0)
        y = bottoms[-1] + min(_WIDEST_GAP, _GAP + aside * 0.07)
    return tops, bottoms


def _ports(
    boxes: Sequence[Size], paths: Sequence[Sequence[int]], xs: Sequence[float], cells: Cells
) -> dict[tuple[int, int], float]:
    """Where an edge to or from a neighbouring cell touches a box: (box, cell) -> x."""
    sides: dict[tuple[int, bool], set[int]] = {}
    for path in paths:
        for box, cell in ((path[0], path[1]), (path[-1], path[-2])) if path else ():
            sides.setdefault((box, cells.row[cell] > cells.row[box]), set()).add(cell)
    found: dict[tuple[int, int], float] = {}
    for (box, _), near in sides.items():
        order = sorted(near, key=lambda cell: (xs[cell], cell))
        most = boxes[box].width / 2 - 12
        for cell, aside in zip(
            order, _asides([(xs[c] - xs[box], cells.bend[c]) for c in order], most), strict=True
        ):
            found[box, cell] = xs[box] + aside
    return found


def _asides(ends: Sequence[tuple[float, bool]], most: float) -> list[float]:
    """How far from the middle of a box its edges leave, for ends (distance, bend?) from left to right.

    An edge whose next bend is above or below the box goes straight; the others leave about the middle.
    """
    straight = [index for index, (aside, bend) in enumerate(ends) if abs(aside) < (most if bend else 1)]
    count = len(ends)
    if not straight:
        step = min(_PORT, 2 * most / max(count - 1, 1))
        return [(index - (count - 1) / 2) * step for index in range(count)]
    found = [ends[index][0] for index in range(count)]
    first, last = straight[0], straight[-1]
    for index in range(first - 1, -1, -1):
        found[index] = min(found[index + 1] - _PORT, -_PORT * (first - index) / 2)
    for index in range(last + 1, count):
        found[index] = max(found[index - 1] + _PORT, _PORT * (index - last) / 2)
    for index in range(first + 1, last):
        if index not in straight:
            found[index] = (found[index - 1] + min(found[each] for each in straight if each > index)) / 2
    if found[0] < -most or found[-1] > most or any(b - a < 4 for a, b in itertools.pairwise(found)):
        step = min(_PORT, 2 * most / max(count - 1, 1))
        return [(index - (count - 1) / 2) * step for index in range(count)]
    return found


def _drawn(
    boxes: Sequence[Size],
    edges: Sequence[tuple[Link, list[int]]],
    cells: Cells,
    xs: Sequence[float],
    bands: tuple[list[float], list[float]],
) -> Arrangement:
    tops, bottoms = bands
    ports = _ports(boxes, [path for _, path in edges], xs, cells)
    corners = tuple((xs[box] - size.width / 2, tops[cells.row[box]]) for box, size in enumerate(boxes))
    done: set[tuple[int, float]] = set()
    ways: list[Way] = []
    loops = _loops([link for link, _ in edges])
    for link, path in edges:
        if not path:
            ways.append(_loop(link, boxes[link.source], corners[link.source], loops[link]))
            continue
        downwards = cells.row[path[-1]] > cells.row[path[0]]
        points: list[Point] = []
        fresh: set[int] = set()
        for index, cell in enumerate(path):
            row = cells.row[cell]
            if index == 0:
                x = ports[cell, path[1]]
                ends = [corners[cell][1] + boxes[cell].height, bottoms[row]] if downwards else [tops[row]]
            elif index == len(path) - 1:
                x = ports[cell, path[-2]]
                ends = [tops[row]] if downwards else [bottoms[row], corners[cell][1] + boxes[cell].height]
            else:
                x = xs[cell]
                ends = [tops[row], bottoms[row]] if downwards else [bottoms[row], tops[row]]
            ends = list(dict.fromkeys(ends))
            start = len(points) - 1
            if index and (path[index - 1], cell) not in done:
                done.add((path[index - 1], cell))
                fresh.add(start)
            if len(ends) > 1 and ((index == 0 and (cell, path[1]) not in done) or (cell, x) not in done):
                done.add((cell, x))
                fresh.add(start + 1)
            points += [(x, y) for y in ends]
        label = (xs[path[1]] + BESIDE_LINE + 1, tops[cells.row[path[1]]]) if link.label else None
        ways.append(Way(tuple(points), label, frozenset(fresh)))
    width = max(x + right for x, right in zip(xs, cells.right, strict=True))
    return Arrangement(corners, tuple(ways), width, bottoms[-1])


def _loops(links: Sequence[Link]) -> dict[Link, int]:
    """The side of each edge from a box to itself: the first one right, another one left."""
    found: dict[Link, int] = {}
    taken: set[int] = set()
    for link in links:
        if link.source == link.target:
            found[link] = -1 if link.source in taken else 1
            taken.add(link.source)
    return found


def _room_for_loops(boxes: Sequence[Size], links: Sequence[Link], cells: Cells) -> None:
    for link, side in _loops(links).items():
        box = link.source
        wide = boxes[box].width / 2 + _LOOP + (link.label.width + 6 if link.label else 0)
        sides = cells.right if side > 0 else cells.left
        sides[box] = max(sides[box], wide)


def _loop(link: Link, box: Size, corner: Point, side: int) -> Way:
    """An edge from a box to itself."""
    x, y = corner[0] + (box.width if side > 0 else 0.0), corner[1] + min(box.height, 56) / 2
    label = None
    if link.label:
        label = (x + (_LOOP if side > 0 else -_LOOP - link.label.width), y - link.label.height / 2)
    return Way(((x, y - 9), (x, y + 9)), label, frozenset((0,)), loop=side)
