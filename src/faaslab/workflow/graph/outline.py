"""A definition as nodes and edges, whatever state the definition is in. Pure.

Nothing raises: a draft that is wrong is drawn as far as it goes, with a node for each target that is not
there. Of a very large machine so many states are taken, in the order in which they are reached, and the rest
is counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from faaslab.workflow.graph.conditions import condition
from faaslab.workflow.graph.details import detail, errors, retrying
from faaslab.workflow.graph.words import seen

MOST = 400
"""So many states are drawn; more can be neither read nor shown."""
_WAYS = 1_500  # and so many edges
_DEEP = 8

TYPES = ("Task", "Choice", "Wait", "Pass", "Succeed", "Fail", "Parallel", "Map")
"""The types of states; what has another one is drawn as `Unknown`."""

EdgeKind = Literal["next", "choice", "default", "catch"]


@dataclass(frozen=True, slots=True)
class Node:
    """A state, or what stands for something else.

    That is `Start`, `End`, `Missing` (a target that is not there) and `More` (states that are not drawn); a
    state whose type there is not is `Unknown`. `key` is unique in the drawing; `name` is the state's as it is
    in the definition.
    """

    key: str
    name: str
    kind: str
    detail: str = ""
    comment: str = ""
    retries: int = 0
    retrying: str = ""
    graphs: tuple[Graph, ...] = ()
    hidden: int = 0
    """States inside (or, for `More`, beside) that are not drawn."""
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to another of the same graph; `labels` are the conditions or the error names."""

    source: str
    target: str
    kind: EdgeKind
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """The states of one machine, branch or item processor."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    states: int = 0
    """How many states the definition has here, those inside others included."""
    comment: str = ""
    first: str | None = None
    """The node in which it begins."""

    def every(self) -> Iterator[Node]:
        """All nodes, those inside others after the one they are in."""
        for node in self.nodes:
            yield node
            for inner in node.graphs:
                yield from inner.every()


@dataclass(slots=True)
class _Room:
    """How many states may still be drawn."""

    left: int
    ways: int = _WAYS
    keys: set[str] = field(default_factory=set)

    def key(self, wanted: str) -> str:
        found, number = wanted, 1
        while found in self.keys:
            number += 1
            found = f"{wanted}#{number}"
        self.keys.add(found)
        return found


def model(definition: Any, *, most: int = MOST) -> Graph:
    """The graph of a definition (parsed JSON of any shape), at most `most` states of it."""
    return _graph(definition, _Room(max(1, most)), "", 0)


def state_count(definition: Any) -> int:
    """How many states there are, those inside others included."""
    count = 0
    waiting = [definition]
    while waiting:
        for state in _states(waiting.pop()).values():
            count += 1
            if isinstance(state, Mapping):
                waiting += _machines(state)
    return count


def state_of(definition: Any, name: str) -> Any:
    """The definition of the first state of that name, those inside others included; None for none."""
    waiting = [definition]
    while waiting:
        states = _states(waiting.pop(0))
        if name in states:
            return states[name]
        waiting += [
            each for state in states.values() if isinstance(state, Mapping) for each in _machines(state)
        ]
    return None


def _states(machine: Any) -> Mapping[str, Any]:
    states = machine.get("States") if isinstance(machine, Mapping) else None
    return states if isinstance(states, Mapping) else {}


def _machines(state: Mapping[str, Any]) -> list[Any]:
    """The branches of a Parallel, the processor of a Map."""
    if state.get("Type") == "Parallel":
        branches = state.get("Branches")
        return list(branches) if isinstance(branches, (list, tuple)) else []
    processor = state.get("ItemProcessor", state.get("Iterator")) if state.get("Type") == "Map" else None
    return [processor] if isinstance(processor, Mapping) else []


def _ways(state: Any) -> Iterator[tuple[str, EdgeKind, str]]:
    """Where a state may lead: target, kind, label."""
    if not isinstance(state, Mapping):
        return
    if state.get("Type") == "Choice":
        rules = state.get("Choices")
        for rule in rules if isinstance(rules, (list, tuple)) else ():
            if isinstance(rule, Mapping) and isinstance(rule.get("Next"), str):
                yield rule["Next"], "choice", condition(rule)
        if isinstance(state.get("Default"), str):
            yield state["Default"], "default", "otherwise"
    elif isinstance(state.get("Next"), str) and state.get("Type") not in ("Succeed", "Fail"):
        yield state["Next"], "next", ""
    catchers = state.get("Catch")
    for catcher in catchers if isinstance(catchers, (list, tuple)) else ():
        if isinstance(catcher, Mapping) and isinstance(catcher.get("Next"), str):
            yield catcher["Next"], "catch", errors(catcher)


def _ends(state: Any) -> bool:
    return isinstance(state, Mapping) and (
        state.get("Type") == "Succeed" or (state.get("End") is True and state.get("Type") != "Fail")
    )


def _order(states: Mapping[str, Any], start: Any) -> tuple[list[str], set[str]]:
    """The states as they are reached, after errors last, then the others; and which are reached."""
    reached = {start: None} if isinstance(start, str) and start in states else {}
    waiting = deque(reached)
    after_errors: deque[str] = deque()
    while waiting or after_errors:
        name = (waiting or after_errors).popleft()
        reached.setdefault(name)
        for target, kind, _ in _ways(states[name]):
            if target not in states or target in reached:
                continue
            if kind == "catch":
                after_errors.append(target)
            else:
                reached[target] = None
                waiting.append(target)
    return [*reached, *(name for name in states if name not in reached)], set(reached)


def _fitting(order: list[str], states: Mapping[str, Any], room: _Room) -> int:
    """How many of the states may be drawn, the first one at least; their edges are taken from the room."""
    for count, name in enumerate(order):
        room.ways -= len({(target, kind == "catch") for target, kind, _ in _ways(states[name])})
        if count and (room.ways < 0 or count >= room.left):
            return count
    return len(order)


def _graph(machine: Any, room: _Room, place: str, depth: int) -> Graph:
    states = _states(machine)
    start = machine.get("StartAt") if isinstance(machine, Mapping) else None
    order, reached = _order(states, start)
    shown = order[: _fitting(order, states, room)]
    room.left -= len(shown)
    keys = {name: room.key(place + name) for name in shown}
    nodes: dict[str, Node] = {}
    others: dict[tuple[str, str], str] = {}
    count = state_count(machine)

    def other(kind: str, name: str) -> str:
        """The key of the node that stands for something that is no drawn state."""
        if (kind, name) not in others:
            others[kind, name] = key = room.key(f"{place}{kind}:{name}")
            nodes[key] = Node(key, name, kind, detail="no such state" if kind == "Missing" else "")
        return others[kind, name]

    def at(name: str) -> str:
        return keys[name] if name in keys else other(*(("More", "") if name in states else ("Missing", name)))

    edges: dict[tuple[str, str, bool], tuple[EdgeKind, dict[str, None]]] = {}

    def join(source: str, target: str, kind: EdgeKind, label: str = "") -> None:
        known, labels = edges.get((source, target, kind == "catch"), (kind, {}))
        if label:
            labels[label] = None
        edges[source, target, kind == "catch"] = (known if known != "default" else kind, labels)

    if depth == 0 and (isinstance(start, str) or states):
        other("Start", "Start")
    begin = at(start) if isinstance(start, str) else None
    if depth == 0 and begin is not None:
        join(other("Start", "Start"), begin, "next")
    for name in shown:
        nodes[keys[name]] = _node(states[name], name, keys[name], room, depth, reached=name in reached)
    for name in shown:
        if depth == 0 and _ends(states[name]):
            join(keys[name], other("End", "End"), "next")
        for target, kind, label in _ways(states[name]):
            join(keys[name], at(target), kind, label)
    left_out = order[len(shown) :]
    if left_out:
        more = other("More", "")
        inner = (
            each for name in left_out if isinstance(states[name], Mapping) for each in _machines(states[name])
        )
        nodes[more] = Node(more, "", "More", hidden=len(left_out) + sum(map(state_count, inner)))
    comment = machine.get("Comment") if isinstance(machine, Mapping) else None
    return Graph(
        tuple(nodes.values()),
        tuple(
            Edge(source, target, kind, tuple(labels)) for (source, target, _), (kind, labels) in edges.items()
        ),
        count,
        seen(comment) if comment else "",
        begin,
    )


def _node(state: Any, name: str, key: str, room: _Room, depth: int, *, reached: bool) -> Node:
    if not isinstance(state, Mapping):
        return Node(key, name, "Unknown", detail="no object", reached=reached)
    kind = state.get("Type")
    machines = _machines(state)
    graphs: list[Graph] = []
    hidden = 0
    for index, machine in enumerate(machines):
        if depth + 1 >= _DEEP or room.left <= 0:
            hidden += state_count(machine)
        else:
            graphs.append(_graph(machine, room, f"{key}/{index}/", depth + 1))
    retries, words = retrying(state)
    return Node(
        key,
        name,
        kind if kind in TYPES else "Unknown",
        detail=detail(state),
        comment=seen(state["Comment"]) if isinstance(state.get("Comment"), str) else "",
        retries=retries,
        retrying=words,
        graphs=tuple(graphs),
        hidden=hidden,
        reached=reached,
    )
