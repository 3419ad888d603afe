"""Runs of reports that go on: each is a lease of its process, and becomes a row of the history with its end.

So a run whose process was killed is known, by whoever looks; the row of one is written once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from faaslab.errors import FaaslabError
from faaslab.model.json import from_json, to_json
from faaslab.model.report import ReportRun
from faaslab.store.leases import instant, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faaslab.clock import Clock
    from faaslab.store.record import Row
    from faaslab.store.state import State

_PREFIX = "report-run:"


@dataclass(frozen=True, kw_only=True)
class Going:
    """A run that has begun, the process that said so, and whether that has not been heard of for too long.

    `until` is how long it is taken to go unless it is heard of again (naive UTC).
    """

    run: ReportRun
    owner: str
    until: datetime
    lapsed: bool


class ReportRuns:
    """The runs of one store that go on."""

    def __init__(self, state: State, clock: Clock, rows: Callable[[Sequence[object]], list[Row]]) -> None:
        self._state = state
        self._clock = clock
        self._rows = rows

    def begin(self, run: ReportRun, owner: str, *, ttl_s: float) -> None:
        """Say that `owner` runs it, for `ttl_s` from now."""
        body = json.dumps(to_json(run), ensure_ascii=False)
        with self._state.write(durable=False) as connection:
            connection.execute(
                "INSERT INTO leases (name, owner, epoch, until, address, notes) VALUES (?, ?, 1, ?, NULL, ?)",
                (_PREFIX + run.id, owner, seconds(self._clock.now()) + ttl_s, body),
            )

    def keep(self, run_id: str, *, ttl_s: float) -> bool:
        """It still goes, for `ttl_s` from now; False when it was taken for dead."""
        with self._state.write(durable=False) as connection:
            changed = connection.execute(
                "UPDATE leases SET until = ? WHERE name = ?",
                (seconds(self._clock.now()) + ttl_s, _PREFIX + run_id),
            ).rowcount
        return changed == 1

    def end(self, run: ReportRun) -> bool:
        """Keep how it ended, and that it goes no more, in one transaction; False when that is kept."""
        rows = self._rows([run])
        with self._state.write(durable=True) as connection:
            gone = connection.execute("DELETE FROM leases WHERE name = ?", (_PREFIX + run.id,)).rowcount
            if gone:
                self._state.append_within(connection, rows)
        return bool(gone)

    def going(self) -> tuple[Going, ...]:
        """All that have begun and not ended, the oldest first."""
        if not self._state.path.exists():
            return ()
        now = seconds(self._clock.now())
        with self._state.read() as connection:
            found = connection.execute(
                "SELECT owner, CAST(until AS REAL), notes FROM leases "
                "WHERE name LIKE ? AND owner IS NOT NULL",
                (_PREFIX + "%",),
            ).fetchall()
        runs = []
        for owner, until, notes in found:
            try:
                run = from_json(ReportRun, json.loads(notes))
            except (FaaslabError, ValueError, RecursionError):
                continue  # nobody of ours wrote it
            runs.append(Going(run=run, owner=owner, until=instant(until), lapsed=until <= now))
        return tuple(sorted(runs, key=lambda each: each.run.started_at))
