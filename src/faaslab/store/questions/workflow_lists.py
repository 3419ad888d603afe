"""Lists of executions of workflows, those that run and those that have ended."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.store.workflow_record import execution_of

if TYPE_CHECKING:
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.store.blobs import Blobs
    from faaslab.store.reading import Connection


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which executions; None leaves a thing open.

    `after` is the place (start, id) of the last one of the page before: lists go from the latest to the
    earliest. `children` are of a distributed Map; without `map_run` they are left out.
    """

    workflow: str | None = None
    since: datetime | None = None
    statuses: tuple[str, ...] = ()
    qualifier: str | None = None
    alias: str | None = None
    map_run: str | None = None
    parent: str | None = None
    redriven: bool | None = None
    after: tuple[datetime, str] | None = None
    limit: int | None = None

    @property
    def condition(self) -> tuple[str, dict[str, Any]]:
        """SQL and its named parameters."""
        parts = ["map_run IS NULL" if self.map_run is None else "map_run = $map_run"]
        given: dict[str, Any] = {}
        for name in ("workflow", "qualifier", "alias", "map_run", "parent"):
            value = getattr(self, name)
            if value is not None:
                given[name] = value
                if name != "map_run":
                    parts.append(f"{name} = ${name}")
        if self.since is not None:
            parts.append("started_at >= $since")
            given["since"] = self.since
        if self.statuses:
            parts.append("list_contains($statuses, status)")
            given["statuses"] = list(self.statuses)
        if self.redriven is not None:
            parts.append(f"coalesce(redrive_count, 0) {'>' if self.redriven else '='} 0")
        if self.after is not None:
            parts.append("(started_at < $after_at OR started_at = $after_at AND id < $after_id)")
            given["after_at"], given["after_id"] = self.after
        return " AND ".join(parts), given


def executions(connection: Connection, blobs: Blobs, wanted: Wanted) -> list[WorkflowExecution]:
    """The executions, the latest first; of one that was redriven as it stands now."""
    condition, given = wanted.condition
    limit = "" if wanted.limit is None else f" LIMIT {int(wanted.limit)}"
    answer = connection.execute(
        f"SELECT * FROM workflow_executions WHERE {condition} ORDER BY started_at DESC, id DESC{limit}",
        given,
    )
    rows = answer.fetchall()
    return [execution_of(dict(zip(answer.columns, row, strict=True)), blobs) for row in rows]


def statuses(connection: Connection, map_run: str) -> dict[str, int]:
    """Status -> how many children of a map run have it."""
    rows = connection.execute(
        "SELECT status, count(*) FROM workflow_executions WHERE map_run = $map_run GROUP BY status",
        {"map_run": map_run},
    ).fetchall()
    return {str(status): int(count) for status, count in rows}


def items(connection: Connection, blobs: Blobs, map_run: str) -> dict[str, int]:
    """Status -> how many items are in the batches of those children of a map run that have it."""
    found: Counter[str] = Counter()
    for child in executions(connection, blobs, Wanted(map_run=map_run)):
        try:
            found[child.status.value] += len(json.loads(child.input)["Items"])
        except (ValueError, LookupError, TypeError, RecursionError):
            found[child.status.value] += 1  # its input is not kept whole
    return dict(found)


def of_name(connection: Connection, name: str) -> list[str]:
    """The ARNs of the executions with that name, the latest first."""
    rows = connection.execute(
        "SELECT id FROM workflow_executions WHERE name = $name GROUP BY id ORDER BY max(started_at) DESC",
        {"name": name},
    ).fetchall()
    return [row[0] for row in rows]
