"""The log of a function as it grows: asked as often as one likes, it tells each line once, and asks the store
only when something was recorded.

An invocation that lasts tells its lines while it runs, in whatever process; the rest follows when it ends.
"""  # noqa: D205

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.model.moment import moment
from faaslab.store.questions import log_tail
from faaslab.store.questions.log_tail import TailLine, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.lab import Lab

__all__ = ["LogTail", "News", "TailLine"]

_OVERLAP = timedelta(seconds=60)
"""An execution is recorded this long after its end at most; a clock may be set back by as much."""


class News(NamedTuple):
    """What a look found: lines in order, and how many were left out before them."""

    lines: list[TailLine]
    left_out: int


class LogTail:
    """Lines of a function, of an execution (its id), or of all, from a moment on.

    Of what is there already the last `first` lines are given, those since `since` if that is set (with 0
    those of what runs); of what comes between two looks the last `most`, and how many more there were. `grep`
    is a regular expression of `logs --grep`.
    """

    def __init__(
        self,
        lab: Lab,
        what: str | None = None,
        *,
        grep: str | None = None,
        since: str | datetime | timedelta | None = None,
        first: int = 200,
        most: int = 5_000,
    ) -> None:
        """Raise `NotFound` for what has no log, `InvalidValue` for what is no pattern or no moment."""
        self._lab = lab
        now = lab.clock.now()
        function, execution = lab.executions.whose(what)
        pattern = None if grep is None else lab.executions.pattern(grep)
        self._wanted = Wanted(function=function, execution=execution, grep=pattern)
        self._since = None if since is None else moment(since, now=now, place="since")
        self._first, self._most = first, most
        self._known: dict[str, datetime] = {}
        self._told: dict[str, int] = {}
        """Of executions whose lines were told while they ran: how many rows of each."""
        self._edge: datetime | None = None
        self._position: Any = None

    def look(self) -> News:
        """What came since the last look; costs microseconds where nothing was recorded."""
        # Before what has ended: what ends in between is told as far as it was read here, and then the rest.
        reached, meanwhile = self._meanwhile()
        told = self._told | reached
        position = self._lab.store.position()
        if self._edge is not None and position == self._position:
            self._told = told
            return self._in_all(meanwhile, [], left_out=0, most=self._most)
        now = self._lab.clock.now()
        begins = self._edge is None
        with self._lab.store.connect() as connection:
            if self._edge is None:
                lines, ended = log_tail.newest(
                    connection,
                    self._wanted,
                    rows=self._first,
                    since=self._since,
                    ended_since=now - _OVERLAP,
                )
                lines = [line for line in lines if line.seq >= told.get(line.execution_id or "", 0)]
                many = len(lines)
            else:
                lines, many, ended = log_tail.coming(
                    connection,
                    self._wanted,
                    rows=self._most,
                    ended_since=self._edge,
                    known=self._known,
                    told=told,
                )
        self._position = position
        self._edge = max(self._edge or now - _OVERLAP, now - _OVERLAP)
        self._known |= dict.fromkeys(ended, now)
        # What was seen twice as long ago ended before the edge.
        self._known = {name: at for name, at in self._known.items() if at >= now - 2 * _OVERLAP}
        # No line of what has ended comes again. (What is gone may come again: its process was asleep.)
        self._told = {name: count for name, count in told.items() if name not in ended}
        if begins:
            lines = sorted([*meanwhile, *lines], key=lambda line: (line.timestamp, line.execution_id or ""))
            return News(lines[-(self._first or self._most) :], 0)
        return self._in_all(meanwhile, lines, left_out=many - len(lines), most=self._most)

    def _meanwhile(self) -> tuple[dict[str, int], list[TailLine]]:
        """(what runs: how many rows of it are told with these; its lines that were not told yet)."""
        wanted = self._wanted
        marks = self._lab.running.marks(function=wanted.function, execution=wanted.execution)
        reached, found = {}, []
        for row in marks.values():
            # Of what was really read: one that has been recorded since the marks has no lines here any more.
            first = reached[row.id] = self._told.get(row.id, 0)
            if row.lines > first:
                lines = self._lab.running.lines(row.id, first)[: row.lines - first]
                reached[row.id] = lines[-1].seq + 1 if lines else first
                if self._edge is None and self._since is not None:
                    lines = [each for each in lines if each.line.at >= self._since]
                found += [
                    TailLine(
                        timestamp=line.at,
                        function=row.function,
                        execution_id=row.id,
                        request_id=row.request_id,
                        seq=seq,
                        stream=str(line.stream),
                        level=line.level,
                        message=line.message,
                    )
                    for seq, line in lines
                ]
        if wanted.grep is not None and found:
            with self._lab.store.connect() as connection:
                kept = log_tail.matching(connection, [line.message for line in found], wanted.grep)
            found = [line for line, keep in zip(found, kept, strict=True) if keep]
        return reached, found

    @staticmethod
    def _in_all(meanwhile: list[TailLine], ended: list[TailLine], *, left_out: int, most: int) -> News:
        lines = meanwhile + ended
        return News(lines[-most:], left_out + max(len(lines) - most, 0))

    def matching(self, lines: Sequence[TailLine], pattern: str) -> list[bool]:
        """Which of the lines a regular expression finds something in; `InvalidValue` for what is none."""
        checked = self._lab.executions.pattern(pattern)
        if not lines:
            return []
        with self._lab.store.connect() as connection:
            return log_tail.matching(connection, [line.message for line in lines], checked)
