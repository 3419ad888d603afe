"""Which row each node of a graph stands in: loops are opened, then every edge leads down. Pure.

Nodes and edges are numbers: an edge is (source, target, rows it spans at least).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Link = tuple[int, int, int]


def turned(count: int, links: Sequence[Link], first: int | None) -> list[bool]:
    """Which edges lead back in a loop; without them there is none. A depth-first walk from `first` says."""
    ways: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    entered = [0] * count
    for number, (source, target, _) in enumerate(links):
        ways[source].append((number, target))
        entered[target] += source != target
    back = [False] * len(links)
    state = [0] * count  # 1 while the walk is below it, 2 after
    roots = [] if first is None else [first]
    roots += [each for each in range(count) if not entered[each]]
    roots += range(count)
    for root in roots:
        if state[root]:
            continue
        state[root] = 1
        stack = [(root, iter(ways[root]))]
        while stack:
            node, left = stack[-1]
            for number, target in left:
                if state[target] == 1:
                    back[number] = True
                elif not state[target]:
                    state[target] = 1
                    stack.append((target, iter(ways[target])))
                    break
            else:
                state[node] = 2
                stack.pop()
    return back


def ranked(count: int, links: Sequence[Link]) -> list[int]:
    """A row for each node, from 0, so that edges are short; there is no loop in `links`."""
    into: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    out: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for source, target, rows in links:
        out[source].append((target, rows))
        into[target].append((source, rows))
    missing = [len(each) for each in into]
    ready = deque(node for node in range(count) if not missing[node])
    order: list[int] = []
    row = [0] * count
    while ready:
        node = ready.popleft()
        order.append(node)
        for target, rows in out[node]:
            row[target] = max(row[target], row[node] + rows)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    # The longest way from above says the earliest row. A node that more edges leave than enter goes down as
    # far as it can, so that these become short.
    for _ in range(8):
        moved = False
        for node in reversed(order):
            if len(out[node]) > len(into[node]) and into[node] != []:
                lowest = min(row[target] - rows for target, rows in out[node])
                moved |= lowest != row[node]
                row[node] = lowest
        for node in order:
            if not into[node] and out[node]:
                row[node] = max(0, min(row[target] - rows for target, rows in out[node]))
            elif into[node] and len(into[node]) >= len(out[node]):
                highest = max(row[source] + rows for source, rows in into[node])
                moved |= highest != row[node]
                row[node] = highest
        if not moved:
            break
    lowest = min(row, default=0)
    return [each - lowest for each in row]
