"""Who has something to be told, in lines that are served in turn.

Rule: an execution has a line of its own, but the children of one parent share theirs, so that ten thousand
of them hold up nobody else by more than a few places. Those that are still to begin have another line than
those that have begun. Not locked: the engine's lock is held around it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faaslab.workflow.engine.live import Live

AT_ONCE = 500
"""How many executions go a step in one transaction."""
OF_A_LINE = 250
"""How many of them may be of one line."""


class Lines:
    """Of one engine."""

    def __init__(self) -> None:
        self._lines: OrderedDict[tuple[str, bool], deque[Live]] = OrderedDict()

    def add(self, live: Live) -> None:
        """At the end of its line."""
        parent = live.execution.parent if live.beginning.key is not None else None
        of = (live.id, True) if parent is None else (parent, live.new)
        line = self._lines.get(of)
        if line is None:
            self._lines[of] = line = deque()
        line.append(live)

    def taken(self) -> list[Live]:
        """Take out those that go a step now, of every line as many; a line that has more stands last then."""
        lines = self._lines
        each = min(OF_A_LINE, max(AT_ONCE // (len(lines) or 1), 1))
        found: list[Live] = []
        more: list[tuple[tuple[str, bool], deque[Live]]] = []
        while lines and len(found) + each <= AT_ONCE:
            of, line = lines.popitem(last=False)
            found += [line.popleft() for _ in range(min(each, len(line)))]
            if line:
                more.append((of, line))
        lines.update(more)
        return found
