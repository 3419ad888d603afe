"""Every node, edge and label of a graph with its place on the sheet, containers from the inside out. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from faaslab.workflow.graph import words
from faaslab.workflow.graph.arrange import Arrangement, Link, Way, arranged
from faaslab.workflow.graph.cells import Point, Size
from faaslab.workflow.graph.details import ANY_ERROR
from faaslab.workflow.graph.outline import Edge, Graph, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME, SMALL = 13.0, 11.0
"""Sizes of letters: names, and all else."""
_BOLD = NAME * 1.14
_NAME_WIDTH, _DETAIL_WIDTH, _LABEL_WIDTH = 210.0, 210.0, 190.0
LEFT = 46.0
"""From the side of a box to its name: the icon."""
_RIGHT = 14.0  # the mark
_TRIED = "99.9 s · 99× · ↻ 9"
LINE = 17.0
"""From one line of a name to the next."""
_LABEL_LINE = 14.0
_LABELS = 3
_FEW = 5
_LONG_PATH = re.compile(r"\$[\w$.\[\]]{30,}")
_PAD, _BESIDE = 18.0, 30.0


@dataclass(frozen=True, slots=True)
class Box:
    """A node with its place; `lines` are those of its name."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    detail: str
    depth: int = 0
    head: float = 0.0
    """How high the part with the name is."""


@dataclass(frozen=True, slots=True)
class Line:
    """An edge with its way; `label` are the lines of its label."""

    edge: Edge
    way: Way
    label: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it; a container comes before what is in it."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: float
    height: float

    def moved(self, x: float, y: float) -> tuple[Iterator[Box], Iterator[Line]]:
        """The same at another place."""
        return (
            (replace(box, x=box.x + x, y=box.y + y, depth=box.depth + 1) for box in self.boxes),
            (replace(line, way=_moved(line.way, x, y)) for line in self.lines),
        )


def _moved(way: Way, x: float, y: float) -> Way:
    points: tuple[Point, ...] = tuple((a + x, b + y) for a, b in way.points)
    return replace(way, points=points, label=(way.label[0] + x, way.label[1] + y) if way.label else None)


def placed(graph: Graph, *, status_line: bool = False) -> Plan:
    """The plan of a graph; with `status_line` there is room for a line of figures under each name."""
    inner = [[placed(each, status_line=status_line) for each in node.graphs] for node in graph.nodes]
    cards = [
        _card(node, plans, status_line=status_line) for node, plans in zip(graph.nodes, inner, strict=True)
    ]
    number = {node.key: index for index, node in enumerate(graph.nodes)}
    plain = plain_catches(graph)
    labels = [_label(edge, plain=plain) for edge in graph.edges]
    found = arranged(
        [Size(card.width, card.height) for card in cards],
        [
            Link(
                number[edge.source],
                number[edge.target],
                _label_size(label),
                "catch" if edge.kind == "catch" else "",
            )
            for edge, label in zip(graph.edges, labels, strict=True)
        ],
        _first(graph),
    )
    return _assembled(graph, cards, inner, labels, found)


def _first(graph: Graph) -> int | None:
    for index, node in enumerate(graph.nodes):
        if node.kind == "Start":
            return index
    return next((index for index, node in enumerate(graph.nodes) if node.reached), None)


def _card(node: Node, plans: list[Plan], *, status_line: bool) -> Box:
    """A node with its size, at no place yet."""
    if node.kind in ("Start", "End"):
        return Box(node, 0, 0, 62.0, 28.0, (node.name or node.kind,), "", head=28.0)
    if node.kind == "More":
        said = f"{node.hidden:,} more state{'' if node.hidden == 1 else 's'}"
        return Box(node, 0, 0, _even(words.width(said, NAME) + 40), 34.0, (said,), "", head=34.0)
    name = words.seen(node.name) or "(no name)"
    lines = words.wrapped(name, _BOLD, _NAME_WIDTH)
    detail = words.cut(node.detail, SMALL, _DETAIL_WIDTH)
    beside = words.width(times(node.retries), SMALL) + 28 if node.retries else 0.0
    wide = max(words.width(detail, SMALL) + beside, *(words.width(line, _BOLD) for line in lines))
    if status_line and node.retries:
        wide = max(wide, words.width(_TRIED, SMALL))
    wide = max(132.0, LEFT + wide + _RIGHT)
    head = 14 + 15 + LINE * len(lines) + (16 if status_line and node.kind != "Missing" else 0) + 6
    folded = 20.0 if node.hidden else 0.0
    if not plans:
        return Box(node, 0, 0, _even(wide), head + folded, lines, detail, head=head)
    if node.kind == "Map":
        wide += 90.0 if status_line else 0.0
    inside = sum(max(plan.width, 60) for plan in plans) + _BESIDE * (len(plans) - 1) + 2 * _PAD
    high = max(24, *(plan.height for plan in plans)) + 2 * _PAD
    return Box(node, 0, 0, _even(max(wide, inside)), head + high + folded, lines, detail, head=head)


def times(count: int) -> str:
    """How often a state is tried again, at most."""
    return f"up to {count}×" if count < 1_000 else "∞"


def _even(width: float) -> float:
    """So that the middle is a whole number as well."""
    return 2.0 * math.ceil(width / 2)


def _label(edge: Edge, *, plain: bool) -> tuple[str, ...]:
    if plain and edge.kind == "catch" and edge.labels == (ANY_ERROR,):
        return ()
    kept = edge.labels if len(edge.labels) <= _LABELS else edge.labels[: _LABELS - 1]
    wide = 1 if len(kept) > 1 else 2
    lines = [
        line
        for text in map(_brief, kept)
        for line in words.wrapped(text, SMALL, _LABEL_WIDTH, lines=wide, at="spaces")
    ]
    if len(kept) < len(edge.labels):
        lines.append(f"or {len(edge.labels) - len(kept)} more")
    return tuple(lines)


def _brief(text: str) -> str:
    """A condition of whose long paths only the ends are left."""
    return _LONG_PATH.sub(lambda found: "…" + found[0][-26:], text)


def plain_catches(graph: Graph) -> bool:
    """Whether so many states catch any error that the edges do not say it, each for itself."""
    return sum(edge.labels == (ANY_ERROR,) for edge in graph.edges) > _FEW


def _label_size(label: tuple[str, ...]) -> Size | None:
    if not label:
        return None
    return Size(float(round(max(words.width(line, SMALL) for line in label))), _LABEL_LINE * len(label))


def _assembled(
    graph: Graph, cards: list[Box], inner: list[list[Plan]], labels: list[tuple[str, ...]], found: Arrangement
) -> Plan:
    boxes: list[Box] = []
    lines = [Line(edge, way, label) for edge, way, label in zip(graph.edges, found.ways, labels, strict=True)]
    for card, corner, plans in zip(cards, found.corners, inner, strict=True):
        box = replace(card, x=corner[0], y=corner[1])
        boxes.append(box)
        whole = sum(max(plan.width, 60) for plan in plans) + _BESIDE * (len(plans) - 1)
        x = box.x + (box.width - whole) / 2
        for plan in plans:
            wide = max(plan.width, 60)
            more, ways = plan.moved(x + (wide - plan.width) / 2, box.y + box.head + _PAD - 6)
            boxes += more
            lines += ways
            x += wide + _BESIDE
    return Plan(tuple(boxes), tuple(lines), found.width, found.height)
