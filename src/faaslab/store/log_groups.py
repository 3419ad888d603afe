"""What is noted of log groups: when one was deleted, how far one was sent on, and what is counted in one.

Rule: marks in the state, one a group; no row of the history is touched by them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faaslab.store.state import State

_DELETED = "log group deleted:"
_SENT = "log group sent:"
_COUNTED = "log group counted:"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What ended before `at` (naive UTC) was sent on, and so were the executions of the ids `beyond`."""

    at: datetime
    beyond: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MetricFilter:
    """What is counted in a log group: `value` (a number, or where it stands) of each event of the pattern.

    `default` is the value of a minute that has events and none of the pattern; None where it has none.
    """

    group: str
    name: str
    pattern: str
    namespace: str
    metric: str
    value: str
    default: float | None = None
    unit: str = "None"


class LogGroups:
    """`store.log_groups`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def delete(self, group: str, at: datetime) -> None:
        """Show no events of before `at` (naive UTC) any more; its filters go."""
        for each in self.metric_filters():
            if each.group == group:
                self.delete_metric_filter(group, each.name)
        self.forget_sent(group)
        self._put(_DELETED + group, at.isoformat())

    def deleted(self) -> dict[str, datetime]:
        """Group -> when it was deleted last."""
        return {group: datetime.fromisoformat(value) for group, value in self._all(_DELETED).items()}

    def put_sent(self, group: str, sent: Sent) -> None:
        """How far a group was sent on; from now on it is."""
        self._put(_SENT + group, json.dumps([sent.at.isoformat(), *sent.beyond]))

    def forget_sent(self, group: str) -> None:
        """It is sent on no longer."""
        self._delete(_SENT + group)

    def sent(self) -> dict[str, Sent]:
        """The groups that are sent on, and how far they were."""
        found = {}
        for group, value in self._all(_SENT).items():
            at, *beyond = json.loads(value)
            found[group] = Sent(at=datetime.fromisoformat(at), beyond=tuple(beyond))
        return found

    def put_metric_filter(self, each: MetricFilter) -> None:
        """Count that; one of the same name in the same group is replaced."""
        self._put(f"{_COUNTED}{each.group}:{each.name}", json.dumps(asdict(each)))

    def delete_metric_filter(self, group: str, name: str) -> None:
        """Count that no longer."""
        self._delete(f"{_COUNTED}{group}:{name}")

    def metric_filters(self) -> list[MetricFilter]:
        """All that is counted."""
        return [MetricFilter(**json.loads(value)) for value in self._all(_COUNTED).values()]

    def _delete(self, name: str) -> None:
        with self._state.write(durable=True) as connection:
            connection.execute("DELETE FROM marks WHERE name = ?", (name,))

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
