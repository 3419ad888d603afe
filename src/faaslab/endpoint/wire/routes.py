"""Which operation a path is: the request URIs of a service's model as a tree of their segments.

A literal segment goes before a label. A label takes one segment with its percent signs, so that an encoded
slash in an ARN stays inside of it; a greedy label takes as many as it has to. A slash too many at either end
is overlooked; in the middle it is an empty name, which no operation takes: to join the neighbours there would
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
    """A way to an operation: `labels` are (name, first segment, the one behind); `query` must be there.

    The places of a greedy label and of those behind it are counted from the end of the path where need be.
    """

    operation: str
    labels: tuple[tuple[str, int | None, int | None], ...]
    query: tuple[tuple[str, str], ...]

    def values(self, path: str) -> dict[str, str]:
        """The labels' values in a path that this route matched, decoded."""
        segments = segments_of(path)
        return {
            name: unquote("/".join(segments[begin:end]), errors="strict") for name, begin, end in self.labels
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
        node = self._root
        labels: list[tuple[str, int | None, int | None]] = []
        segments = segments_of(path)
        behind = False  # a greedy label
        for place, segment in enumerate(segments):
            found = LABEL.fullmatch(segment)
            if found is None:
                node = node.literals.setdefault(segment, Node())
                continue
            rest = place - len(segments) + 1 or None
            if found[2]:
                behind = True
                labels.append((found[1], place, rest))
                node.greedy = node.greedy or Node()
                node = node.greedy
            else:
                labels.append(
                    (found[1], place - len(segments), rest) if behind else (found[1], place, place + 1)
                )
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
        for end in range(place + 1, len(segments) + 1):
            if found := _search(node.greedy, segments, end, method, query):
                return found
    return None


def _asked(wanted: tuple[str, str], query: tuple[tuple[str, str], ...]) -> bool:
    name, value = wanted
    return any(key == name and (not value or given == value) for key, given in query)
