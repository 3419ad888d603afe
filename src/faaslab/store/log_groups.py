"""What is noted of log groups: when one was deleted, and how far one was sent on to whom its filters name.

Rule: marks in the state, one a group; no row of the history is touched by them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faaslab.store.state import State

_DELETED = "log group deleted:"
_SENT = "log group sent:"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What ended before `at` (naive UTC) was sent on, and so were the executions of the ids `beyond`."""

    at: datetime
    beyond: tuple[str, ...] = ()


class LogGroups:
    """`store.log_groups`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def delete(self, group: str, at: datetime) -> None:
        """Show no events of before `at` (naive UTC) any more."""
        self._put(_DELETED + group, at.isoformat())

    def deleted(self) -> dict[str, datetime]:
        """Group -> when it was deleted last."""
        return {group: datetime.fromisoformat(value) for group, value in self._all(_DELETED).items()}

    def put_sent(self, group: str, sent: Sent) -> None:
        """How far a group was sent on; from now on it is."""
        self._put(_SENT + group, json.dumps([sent.at.isoformat(), *sent.beyond]))

    def forget_sent(self, group: str) -> None:
        """It is sent on no longer."""
        with self._state.write(durable=True) as connection:
            connection.execute("DELETE FROM marks WHERE name = ?", (_SENT + group,))

    def sent(self) -> dict[str, Sent]:
        """The groups that are sent on, and how far they were."""
        found = {}
        for group, value in self._all(_SENT).items():
            at, *beyond = json.loads(value)
            found[group] = Sent(at=datetime.fromisoformat(at), beyond=tuple(beyond))
        return found

    def _put(self, name: str, value: str) -> None:
        with self._state.write(durable=True) as connection:
            connection.execute(
                "INSERT INTO marks VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )

    def _all(self, mark: str) -> dict[str, str]:
        with self._state.read() as connection:
            rows = connection.execute(
                "SELECT name, value FROM marks WHERE name >= ? AND name < ?", (mark, mark[:-1] + ";")
            ).fetchall()
        return {name.removeprefix(mark): value for name, value in rows}
