"""Log groups that were deleted: from when on their events are shown. What happened before stays as it is.

Rule: a mark a group, and no row of the history is touched by it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faaslab.store.state import State

_MARK = "log group deleted:"


class LogGroups:
    """`store.log_groups`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def delete(self, group: str, at: datetime) -> None:
        """Show no events of before `at` (naive UTC) any more."""
        with self._state.write(durable=True) as connection:
            connection.execute(
                "INSERT INTO marks VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (_MARK + group, at.isoformat()),
            )

    def deleted(self) -> dict[str, datetime]:
        """Group -> when it was deleted last."""
        with self._state.read() as connection:
            rows = connection.execute(
                "SELECT name, value FROM marks WHERE name >= ? AND name < ?", (_MARK, _MARK[:-1] + ";")
            ).fetchall()
        return {name.removeprefix(_MARK): datetime.fromisoformat(value) for name, value in rows}
