"""Which operation a path is: the request URIs of a service's model as a tree of their segments.

A literal segment goes before a label. A label takes one segment with its percent signs, so that an encoded
slash in an ARN stays inside of it, and a greedy label takes all the rest. A slash too many at either end is
overlooked; in the middle it is an empty name, which no operation takes: to join the neighbours there would
make a request for one thing into a request for another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

LABEL = re.compile(r"\{([^}+]+)(\+?)\}")
MOST_SEGMENTS = 64


@dataclass(slots=True)
class Route:
    """A way to an operation: `labels` are their places in the path; `query` must be in the query."""

    operation: str
    labels: tuple[tuple[str, int, bool], ...]
    query: tuple[tuple[str, str], ...]

    def values(self, path: str) -> dict[str, str]:
        """The labels' values in a path that this route matched, decoded."""
        segments = segments_of(path)
        return {
            name: unquote("/".join(segments[place:]) if greedy else segments[place], errors="strict")
            for name, place, greedy in self.labels
        }


@dataclass(slots=True)
class Node:
    """What can follow in a path, and the operations that end here by their method."""

    literals: dict[str, Node] = field(default_factory=dict)
    label: Node | None = None
    greedy: Node | None = None
    ends: dict[str, list[Route]] = field(default_factory=dict)


class Routes:
    """The routes of a service: operations as (name, method, request URI)."""

    def __init__(self, operations: list[tuple[str, str, str]]) -> None:
        self._root = Node()
        self.by_operation: dict[str, Route] = {}
        for name, method, uri in operations:
            self._add(name, method, uri)

    def find(self, method: str, path: str, query: tuple[tuple[str, str], ...]) -> str | None:
        """The operation's name."""
        segments = segments_of(path)
        if len(segments) > MOST_SEGMENTS:
            return None
        return _search(self._root, segments, 0, method, query)

    def _add(self, name: str, method: str, uri: str) -> None:
        path, _, query = uri.partition("?")
        node, labels = self._root, []
        for place, segment in enumerate(segments_of(path)):
            found = LABEL.fullmatch(segment)
            if found is None:
                node = node.literals.setdefault(segment, Node())
                continue
            greedy = bool(found[2])
            labels.append((found[1], place, greedy))
            if greedy:
                node.greedy = node.greedy or Node()
                node = node.greedy
            else:
                node.label = node.label or Node()
                node = node.label
        pairs = [pair.partition("=") for pair in query.split("&") if pair]
        route = Route(name, tuple(labels), tuple((key, value) for key, _, value in pairs))
        self.by_operation[name] = route
        ends = node.ends.setdefault(method, [])
        ends.append(route)
        ends.sort(key=lambda one: -len(one.query))


def segments_of(path: str) -> list[str]:
    """The segments of a path as it came, without the slashes at its ends."""
    return path.strip("/").split("/")


def _search(
    node: Node, segments: list[str], place: int, method: str, query: tuple[tuple[str, str], ...]
) -> str | None:
    if place == len(segments):
        for route in node.ends.get(method, ()):
            if all(_asked(wanted, query) for wanted in route.query):
                return route.operation
        return None
    segment = segments[place]
    following = node.literals.get(segment)
    if following is not None and (found := _search(following, segments, place + 1, method, query)):
        return found
    if not segment:
        return None
    if node.label is not None and (found := _search(node.label, segments, place + 1, method, query)):
        return found
    if node.greedy is not None:
        return _search(node.greedy, segments, len(segments), method, query)
    return None


def _asked(wanted: tuple[str, str], query: tuple[tuple[str, str], ...]) -> bool:
    name, value = wanted
    return any(key == name and (not value or given == value) for key, given in query)
