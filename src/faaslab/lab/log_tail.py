"""The log of a function as it grows: asked as often as one likes, it tells each line once, and asks the store
only when something was recorded.
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

    Of what is there already the last `first` lines are given, those since `since` if that is set; of what
    comes between two looks the last `most`, and how many more there were. `grep` is a regular expression of
    `logs --grep`.
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
        self._edge: datetime | None = None
        self._position: Any = None

    @property
    def of_an_execution(self) -> bool:
        """Whether it is the log of one execution, that is of one that has ended."""
        return self._wanted.execution is not None

    def look(self) -> News:
        """What came since the last look; costs microseconds where nothing was recorded."""
        position = self._lab.store.position()
        if self._edge is not None and position == self._position:
            return News([], 0)
        now = self._lab.clock.now()
        with self._lab.store.connect() as connection:
            if self._edge is None:
                lines, ended = log_tail.newest(
                    connection,
                    self._wanted,
                    rows=self._first,
                    since=self._since,
                    ended_since=now - _OVERLAP,
                )
                many = len(lines)
            else:
                lines, many, ended = log_tail.coming(
                    connection,
                    self._wanted,
                    rows=self._most,
                    ended_since=self._edge,
                    known=self._known,
                )
        self._position = position
        self._edge = max(self._edge or now - _OVERLAP, now - _OVERLAP)
        self._known |= dict.fromkeys(ended, now)
        # What was seen twice as long ago ended before the edge.
        self._known = {name: at for name, at in self._known.items() if at >= now - 2 * _OVERLAP}
        return News(lines, many - len(lines))

    def matching(self, lines: Sequence[TailLine], pattern: str) -> list[bool]:
        """Which of the lines a regular expression finds something in; `InvalidValue` for what is none."""
        checked = self._lab.executions.pattern(pattern)
        if not lines:
            return []
        with self._lab.store.connect() as connection:
            return log_tail.matching(connection, [line.message for line in lines], checked)
