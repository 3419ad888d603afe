"""What this process wrote lately of executions, so that whoever asks at once need not ask the history.

Rule: it is the text that went to the outbox, word for word, and stands for it only while the state still says
what it said then: an execution that another process took over is not told of from here.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.store import forks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.clock import Clock
    from faaslab.model.workflow_steps import Change

MOST = 4_000
"""Executions."""
MOST_CHARACTERS = 16_000_000
FOR_S = 600.0
"""After that the history is asked: somebody may have pruned it."""


class Standing(NamedTuple):
    """How the state has an execution."""

    ended: bool
    epoch: int


class _Written:
    """All of one execution."""

    __slots__ = ("at", "bodies", "epoch", "express", "firsts", "last", "line", "size")

    def __init__(self, *, epoch: int, express: bool) -> None:
        self.epoch = epoch
        self.express = express
        self.bodies: list[str] = []
        self.firsts: list[int] = []
        """The id of the first event of each body."""
        self.last = 0
        self.line: str | None = None
        self.at = 0.0
        self.size = 0

    def add(self, change: Change, bodies: Sequence[str], line: str | None, at: float) -> bool:
        """Note what was kept of it; False where it does not follow what is here."""
        events = change.events
        if change.epoch != self.epoch or self.line is not None:
            return False
        if events:
            first, last = events[0].id, events[-1].id
            if first != self.last + 1 or last - first + 1 != len(events):
                return False
            for body in bodies:
                self.firsts.append(first)
                if len(bodies) > 1:
                    first += body.count("\t") - 1
            self.bodies += bodies
            self.last = last
        self.line, self.at = line, at
        self.size += sum(map(len, bodies)) + len(line or "")
        return True


class Lately:
    """Of one store. For any number of threads."""

    fork_order = 45

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._written: OrderedDict[str, _Written] = OrderedDict()
        self._size = 0
        forks.register(self)

    def before_fork(self) -> None:
        """Nothing is to be put down."""

    def after_fork(self, *, child: bool) -> None:
        """The child begins with nothing: another thread may have been in the middle of it."""
        if child:
            self._lock, self._written, self._size = threading.Lock(), OrderedDict(), 0

    # -- noting

    def note(self, change: Change, bodies: Sequence[str], line: str | None) -> None:
        """What was just kept: the bodies with the events of the change, and the line of its end."""
        identity = change.execution.id
        at = self._clock.monotonic()
        with self._lock:
            written = self._written.pop(identity, None)
            if written is not None:
                self._size -= written.size
            elif change.beginning is not None:
                written = _Written(epoch=change.epoch, express=change.execution.type == "EXPRESS")
            if written is None or not written.add(change, bodies, line, at):
                return
            self._written[identity] = written
            self._size += written.size
            while self._size > MOST_CHARACTERS or len(self._written) > MOST:
                _, oldest = self._written.popitem(last=False)
                self._size -= oldest.size

    def forget(self) -> None:
        """Something of the history was deleted."""
        with self._lock:
            self._written.clear()
            self._size = 0

    # -- asking

    def has(self, identity: str) -> bool:
        """Whether anything of an execution is here; then its `Standing` decides."""
        return identity in self._written

    def row(self, identity: str, standing: Standing | None) -> dict[str, Any] | None:
        """The row of an execution that has ended: what is absent has no value."""
        with self._lock:
            written = self._found(identity, standing)
            line = None if written is None else written.line
        if line is None:
            return None
        row: dict[str, Any] = json.loads(line.partition("\t")[2])
        return row

    def events(
        self, identity: str, standing: Standing | None, first: int, count: int, *, reverse: bool
    ) -> list[dict[str, Any]] | None:
        """The rows of `count` events from `first` on, or down; None where they are not all here.

        Backwards `first` 0 is the last one.
        """
        with self._lock:
            written = self._found(identity, standing)
            if written is None:
                return None
            last, bodies, firsts = written.last, list(written.bodies), list(written.firsts)
        if reverse:
            high = last if first == 0 else min(first, last)
            low = max(high - count + 1, 1)
        else:
            low, high = max(first, 1), min(first + count - 1, last)
        rows: list[dict[str, Any]] = []
        for begin, body, end in zip(firsts, bodies, [*firsts[1:], last + 1], strict=True):
            if begin <= high and end > low:
                parts = body.split("\t")[2:]
                wanted = parts[max(low - begin, 0) : high - begin + 1]
                if wanted:
                    rows += json.loads(f"[{{{',{'.join(wanted)}]")
        return rows[::-1] if reverse else rows

    def _found(self, identity: str, standing: Standing | None) -> _Written | None:
        written = self._written.get(identity)
        if written is None or self._clock.monotonic() - written.at > FOR_S:
            return None
        ended = written.line is not None
        if standing is None:
            # No row is kept of an express execution that has ended, and nobody takes that over.
            return written if written.express and ended else None
        return written if (ended, written.epoch) == standing else None
