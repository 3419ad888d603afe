"""The state graph as SVG: the definition, and how an execution of it stands. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faaslab.workflow.graph import sheet, words
from faaslab.workflow.graph.glyphs import RETRY, TYPES
from faaslab.workflow.graph.outline import Edge, Graph, Node, model
from faaslab.workflow.graph.palette import SAID, SAID_FIRST, SIGNS, STANDINGS
from faaslab.workflow.graph.placing import LEFT, LINE, SMALL, Box, Line, Plan, placed, plain_catches, times
from faaslab.workflow.graph.progress import Items, Status
from faaslab.workflow.graph.sheet import number
from faaslab.workflow.graph.spans import length

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from faaslab.workflow.graph.arrange import Way

_MARGIN = 16.0
_TIP = 7.0
_NARROWEST = 300.0
_UNKNOWN = Status()


def graph_svg(
    definition: Any,
    status: Mapping[str, Status] | None = None,
    *,
    title: str = "State machine",
    now: datetime | None = None,
    transitions: Mapping[tuple[str, str], int] | None = None,
) -> str:
    """The picture of a definition (parsed JSON, a wrong draft as well) as an `<svg>` element.

    With `status` (`status_of`) the states have the colours of how they stand, and figures under their names;
    `now` (naive UTC) says how long those in progress have been so. `transitions` (of a `Progress`) makes the
    ways that were taken stronger. At most 400 states are drawn; a note says how many are not.
    """
    return Drawing(definition).svg(status, title=title, now=now, transitions=transitions)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a state is drawn: its box, in the picture's own units, from the upper left corner.

    `key` is unique in the picture; `path` are the names of the states around it, the outermost first.
    """

    key: str
    name: str
    kind: str
    path: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Geometry:
    """How large a picture is, how narrow a page may make it, and its states, those around others first."""

    width: float
    height: float
    narrowest: float
    spots: tuple[Spot, ...]


class Drawing:
    """A definition laid out once, for a view that draws it again and again as an execution goes on."""

    def __init__(self, definition: Any) -> None:
        self._graph = model(definition)
        self._plans: dict[bool, Plan] = {}

    def svg(
        self,
        status: Mapping[str, Status] | None = None,
        *,
        title: str = "State machine",
        now: datetime | None = None,
        transitions: Mapping[tuple[str, str], int] | None = None,
    ) -> str:
        """The picture as `graph_svg` gives it."""
        graph = self._graph
        plan, wide, left = self._laid_out(status_line=status is not None)
        parts = [f'<g transform="translate({number(left)} {number(_MARGIN)})">']
        parts += [_container(box, status, now) for box in plan.boxes if box.node.graphs]
        names = {node.key: node.name if _stands(node) else "" for node in graph.every()}
        parts += [_line(line, names, transitions or {}) for line in plan.lines]
        parts += [_card(box, status, now) for box in plan.boxes if not box.node.graphs]
        parts.append("</g>")
        below, high = self._below(status, plan.height + 2 * _MARGIN, wide)
        return sheet.framed([*parts, *below], (wide, high), title, _about(graph, status))

    def geometry(self, status: Mapping[str, Status] | None = None) -> Geometry:
        """Where the states are in the picture that `svg` draws of the same status."""
        plan, wide, left = self._laid_out(status_line=status is not None)
        _, high = self._below(status, plan.height + 2 * _MARGIN, wide)
        paths = _paths(self._graph)
        spots = (
            Spot(
                box.node.key,
                box.node.name,
                box.node.kind,
                paths[box.node.key],
                round(box.x + left, 1),
                round(box.y + _MARGIN, 1),
                box.width,
                box.height,
            )
            for box in plan.boxes
            if _stands(box.node)
        )
        return Geometry(wide, high, sheet.narrowest(wide), tuple(spots))

    def _laid_out(self, *, status_line: bool) -> tuple[Plan, float, float]:
        """(the plan, how wide the picture is, from its side to the plan)."""
        if status_line not in self._plans:
            self._plans[status_line] = placed(self._graph, status_line=status_line)
        plan = self._plans[status_line]
        wide = max(plan.width + 2 * _MARGIN, _NARROWEST)
        return plan, wide, (wide - plan.width) / 2

    def _below(
        self, status: Mapping[str, Status] | None, high: float, wide: float
    ) -> tuple[list[str], float]:
        """What the colours mean and what else is to be said, from `high` on; and how high that makes it."""
        parts: list[str] = []
        if status is not None:
            stood = {_status(node, status).standing for node in self._graph.every() if _stands(node)}
            shown = [standing for standing in STANDINGS if standing in stood]
            parts, tall = sheet.legend(shown, _MARGIN, high + 8, wide - _MARGIN)
            high += tall + 8
        notes = _notes(self._graph)
        if notes:
            parts.append(sheet.text(_MARGIN, high + 6, " · ".join(notes), "small"))
            high += 20
        return parts, high


def _paths(graph: Graph, around: tuple[str, ...] = ()) -> dict[str, tuple[str, ...]]:
    """The names of the states that each is in, by key."""
    found = {node.key: around for node in graph.nodes}
    for node in graph.nodes:
        for inner in node.graphs:
            found |= _paths(inner, (*around, node.name))
    return found


def _notes(graph: Graph) -> list[str]:
    """What has to be said of the picture as a whole."""
    found = ["dashed: any error"] if any(plain_catches(each) for each in _graphs(graph)) else []
    hidden = sum(node.hidden for node in graph.every())
    return [*found, f"{hidden:,} of {graph.states:,} states are not drawn"] if hidden else found


def _graphs(graph: Graph) -> list[Graph]:
    return [graph, *(inner for node in graph.every() for inner in node.graphs)]


def _stands(node: Node) -> bool:
    return node.kind not in ("Start", "End", "Missing", "More")


def _status(node: Node, status: Mapping[str, Status]) -> Status:
    return status.get(node.name, _UNKNOWN)


def _about(graph: Graph, status: Mapping[str, Status] | None) -> str:
    """The picture in words."""
    said = [f"{graph.states:,} state{'' if graph.states == 1 else 's'}"]
    if graph.comment:
        said.append(words.shortened(graph.comment, 200))
    if status is not None:
        for standing in STANDINGS:
            names = [
                words.shortened(node.name, 40)
                for node in graph.every()
                if _stands(node) and _status(node, status).standing == standing
            ]
            if names:
                more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
                said.append(f"{SAID[standing]}: {', '.join(names[:5])}{more}")
    return ". ".join(said) + "."


def _classes(box: Box, status: Mapping[str, Status] | None) -> str:
    node = box.node
    found = ["node"]
    if status is not None and _stands(node):
        standing = _status(node, status).standing
        found += [standing] if standing == "waiting" else ["hued", standing]
    elif node.kind in ("Missing", "Unknown"):
        found += ["missing", "failed"]
    elif node.kind in TYPES:
        found.append(f"kind {node.kind}")
    if node.graphs:
        found.append("box")
    if not node.reached:
        found.append("lost")
    return " ".join(found)


def _frame(box: Box, radius: float) -> str:
    return (
        f'<rect class="card" x="{number(box.x)}" y="{number(box.y)}" width="{number(box.width)}" '
        f'height="{number(box.height)}" rx="{number(radius)}"/>'
    )


def _card(box: Box, status: Mapping[str, Status] | None, now: datetime | None) -> str:
    node = box.node
    middle = box.x + box.width / 2
    if node.kind in ("Start", "End", "More"):
        said = sheet.text(middle, box.y + box.height / 2 + 4, box.lines[0], "small mid")
        inside = _frame(box, box.height / 2) + said
        return f'<g class="node">{inside}</g>'
    inside = _hover(node, status) + _frame(box, 8) + _head(box, status, now)
    return f'<g class="{_classes(box, status)}">{inside}</g>'


def _container(box: Box, status: Mapping[str, Status] | None, now: datetime | None) -> str:
    inside = _hover(box.node, status) + _frame(box, 10) + _head(box, status, now)
    for_empty = [graph for graph in box.node.graphs if not graph.nodes]
    if for_empty and len(for_empty) == len(box.node.graphs):
        inside += sheet.text(box.x + box.width / 2, box.y + box.height - 20, "empty", "small mid")
    return f'<g class="{_classes(box, status)}">{inside}</g>'


def _head(box: Box, status: Mapping[str, Status] | None, now: datetime | None) -> str:
    """The icon, what the state does, its name, and its figures."""
    node = box.node
    known = _status(node, status) if status is not None and _stands(node) else None
    room = box.width - LEFT - 8
    said = _fitting(known, now, room) if known is not None else ""
    top = box.y + 14 + (8 if known is not None and not said else 0)
    lines = [(box.detail, "small", 9.0)]
    lines += [(line, "name", 26 + LINE * index) for index, line in enumerate(box.lines)]
    lines.append((said, "small", 25 + LINE * len(box.lines)))
    parts = [
        (
            f'<rect class="chip" x="{number(box.x + 10)}" y="{number(box.y + box.head / 2 - 13)}" width="26" '
            'height="26" rx="7"/>'
        ),
        sheet.glyph(TYPES.get(node.kind, TYPES["Missing"]), box.x + 15, box.y + box.head / 2 - 8),
    ]
    parts += [sheet.text(box.x + 46, top + y, line, kind) for line, kind, y in lines if line]
    right = box.x + box.width
    if known is not None and known.items is not None:
        counts = counted(known.items)
        parts.append(sheet.text(right - 24, box.y + 24, counts, "small ending"))
    if node.retries:
        said = times(node.retries)
        y = box.y + box.head - 10 if node.graphs else top + 9
        x = right - 14 - words.width(said, SMALL)
        mark = sheet.glyph(RETRY, x - 15, y - 10, 12, "") + sheet.text(x, y, said, "small")
        parts.append(f'<g class="retry">{sheet.hover(node.retrying)}{mark}</g>')
    if known is not None:
        parts.append(sheet.seal(known.standing, right - 3, box.y + 3))
    if node.hidden:
        said = f"{node.hidden:,} state{'' if node.hidden == 1 else 's'} inside"
        parts.append(sheet.text(box.x + 46, box.y + box.height - 10, said, "small"))
    return "".join(parts)


def counted(items: Items) -> str:
    """`7/10 ✓ 1 ✗`: how many of the iterations have succeeded, and how many have not."""
    parts = [f"{items.succeeded:,}/{items.total:,} ✓"]
    parts += [f"{items.failed:,} ✗"] if items.failed else []
    parts += [f"{items.aborted:,} ■"] if items.aborted else []
    return " ".join(parts)


def figures(status: Status, now: datetime | None = None) -> str:
    """The line under a name: how long, how often, how many retries."""
    parts: list[str] = []
    if status.since is not None and now is not None and status.standing == "running":
        parts.append(length(max(0.0, (now - status.since).total_seconds())))
    elif status.duration:
        parts.append(length(status.duration / status.ended) + (" each" if status.ended > 1 else ""))
    if len(status.stood) > 1:
        stood = status.stood
        parts.append(" ".join(f"{stood[each]:,} {SIGNS[each]}" for each in SAID_FIRST if each in stood))
    elif status.entered > 1:
        parts.append(f"{status.entered:,} times")
    if status.retries:
        parts.append(f"↻ {status.retries:,}")
    return " · ".join(parts)


def _fitting(status: Status, now: datetime | None, room: float) -> str:
    """The figures in full where there is room for them, else briefly."""
    said = figures(status, now)
    return said if words.width(said, SMALL) <= room else words.cut(_brief(said), SMALL, room)


def _brief(said: str) -> str:
    """`642 ms · 4× · ↻ 1` for `642 ms each · 4 times · ↻ 1`."""
    return said.replace(" each", "").replace(" times", "×")


def _hover(node: Node, status: Mapping[str, Status] | None) -> str:
    parts = [node.name, node.detail, words.shortened(node.comment, 300), node.retrying]
    if not node.reached:
        parts.append("no state leads here")
    if status is not None and _stands(node):
        known = _status(node, status)
        parts += [SAID[known.standing], figures(known)]
        parts += [f"{known.error}: {words.shortened(known.cause or '', 300)}"] if known.error else []
    return sheet.hover(" — ".join(part for part in parts if part))


def _line(line: Line, names: Mapping[str, str], transitions: Mapping[tuple[str, str], int]) -> str:
    edge, way = line.edge, line.way
    taken = transitions.get((names[edge.source], names[edge.target]))
    kinds = ["edge", edge.kind, *(["taken"] if taken else [])]
    parts = [sheet.hover(_told(edge, names))]
    d = _curve(way)
    if d:
        parts.append(f'<path class="way" d="{d}"/>')
    if way.loop or len(way.points) - 2 in way.fresh:
        parts.append(_arrow(way))
    if way.label is not None:
        x, y = way.label
        parts += [sheet.text(x, y + 11 + 14 * index, said, "small") for index, said in enumerate(line.label)]
    return f'<g class="{" ".join(kinds)}">{"".join(parts)}</g>'


def _told(edge: Edge, names: Mapping[str, str]) -> str:
    way = f"{names[edge.source] or 'Start'} → {names[edge.target] or 'End'}"
    return f"{way}: {' or '.join(edge.labels)}" if edge.labels else way


def _curve(way: Way) -> str:
    if way.loop:
        (x, top), (_, bottom) = way.points
        return (
            f"M{number(x)} {number(top)}C{number(x + 26 * way.loop)} {number(top - 8)} "
            f"{number(x + 26 * way.loop)} {number(bottom + 8)} {number(x + _TIP * way.loop)} {number(bottom)}"
        )
    points = list(way.points)
    last = len(points) - 2
    parts: list[str] = []
    pen = None
    for index in range(len(points) - 1):
        if index not in way.fresh:
            continue
        (x, y), (to_x, to_y) = points[index], points[index + 1]
        if (x, y) == (to_x, to_y):
            continue
        if index == last:
            to_y -= _TIP - 1 if to_y > y else 1 - _TIP
        if pen != (x, y):
            parts.append(f"M{number(x)} {number(y)}")
        pen = points[index + 1]
        if abs(to_x - x) < 0.05:
            parts.append(f"V{number(to_y)}")
        else:
            middle = number((y + to_y) / 2)
            parts.append(f"C{number(x)} {middle} {number(to_x)} {middle} {number(to_x)} {number(to_y)}")
    return "".join(parts)


def _arrow(way: Way) -> str:
    (x, y) = way.points[-1]
    if way.loop:
        return f'<path class="tip" d="M{number(x)} {number(y)}l{_TIP * way.loop:g} -4v8z"/>'
    up = way.points[0][1] > y
    return f'<path class="tip" d="M{number(x)} {number(y)}l-4 {"" if up else "-"}{_TIP:g}h8z"/>'
