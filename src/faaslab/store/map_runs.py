"""Runs of distributed Map states as they stand, so that any process can tell of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from faaslab.model.json import from_json, to_json
from faaslab.model.workflow import MapRun

if TYPE_CHECKING:
    from faaslab.store.state import State


class MapRuns:
    """The map runs of one store."""

    def __init__(self, state: State) -> None:
        self._state = state

    def put(self, run: MapRun) -> None:
        """Keep how it stands now. Going through its execution again says the same again."""
        body = json.dumps(to_json(run), separators=(",", ":"))
        with self._state.write(durable=False) as connection:
            connection.execute(
                "INSERT INTO workflow_map_runs VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                (run.id, run.execution_id, body),
            )

    def get(self, identity: str) -> MapRun | None:
        """A run by its ARN; None for one that is not known."""
        if not self._state.path.exists():
            return None
        row = self._state.one("SELECT body FROM workflow_map_runs WHERE id = ?", (identity,))
        return None if row is None else from_json(MapRun, json.loads(row[0]))

    def of(self, execution_id: str) -> tuple[MapRun, ...]:
        """The runs of an execution, in the order in which they began."""
        if not self._state.path.exists():
            return ()
        with self._state.read() as connection:
            rows = connection.execute(
                "SELECT body FROM workflow_map_runs WHERE execution_id = ?", (execution_id,)
            ).fetchall()
        runs = [from_json(MapRun, json.loads(body)) for (body,) in rows]
        return tuple(sorted(runs, key=lambda run: (run.started_at, run.id)))
