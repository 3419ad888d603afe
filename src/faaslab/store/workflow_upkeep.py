"""What is forgotten of the executions of workflows, and what `prune` has to leave."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from faaslab.store.leases import seconds
from faaslab.store.workflow_listing import raise_mark

if TYPE_CHECKING:
    from datetime import datetime

    from faaslab.store.state import State

REDRIVABLE_FOR = timedelta(days=14)
NAMES_KEPT_FOR = timedelta(days=90)


class Unended(NamedTuple):
    """Executions that run or may be redriven, and the blobs that are named for them."""

    ids: list[str]
    blobs: set[str]


def prune(state: State, now: datetime, keep: timedelta) -> None:
    """Forget what nothing needs any more: the steps of what cannot be redriven, names of long ago."""
    if not state.path.exists():
        return
    steps, names = _freed(now, keep), seconds(now - NAMES_KEPT_FOR)
    state.overwrite()
    with state.write(durable=True) as connection:
        raise_mark(connection, seconds(now - keep))
        connection.execute(
            "DELETE FROM workflow_steps WHERE execution_id IN "
            "(SELECT id FROM workflow_executions WHERE ended < ? AND status <> 'RUNNING')",
            (steps,),
        )
        connection.execute(
            "UPDATE workflow_executions SET input_blob = NULL, output_blob = NULL, context = '', "
            "body = json_set(body, '$.input', '', '$.output', NULL) "
            "WHERE ended < ? AND status <> 'RUNNING' AND context <> ''",
            (steps,),
        )
        connection.execute(
            "UPDATE workflow_executions SET body = json_remove(json_set(body, '$.input', '', "
            "'$.output', NULL, '$.error', NULL), '$.hidden') "
            "WHERE ended < ? AND status <> 'RUNNING' AND body LIKE '%\"hidden\":%'",
            (steps,),
        )
        gone = (
            "FROM workflow_executions WHERE status <> 'RUNNING' AND (ended < ? OR "
            "(ended < ? AND (key IS NOT NULL OR json_extract(body, '$.type') = 'EXPRESS')))"
        )
        # The history may keep them for longer than their names are kept.
        (latest,) = connection.execute(
            f"SELECT max(started) {gone} AND listed IS NOT NULL", (names, steps)
        ).fetchone()
        if latest is not None:
            raise_mark(connection, latest)
        connection.execute(f"DELETE {gone}", (names, steps))
        for table in ("workflow_steps", "workflow_letters", "workflow_tokens"):
            connection.execute(
                f"DELETE FROM {table} WHERE execution_id NOT IN (SELECT id FROM workflow_executions)"
            )
        connection.execute(
            "DELETE FROM workflow_owners WHERE until < ? AND owner NOT IN "
            "(SELECT owner FROM workflow_executions WHERE status = 'RUNNING' AND owner IS NOT NULL)",
            (steps,),
        )
        connection.execute(
            "DELETE FROM workflow_map_runs WHERE execution_id NOT IN (SELECT id FROM workflow_executions)"
        )
        connection.execute(
            "DELETE FROM workflow_machines WHERE digest NOT IN (SELECT machine FROM workflow_executions "
            "WHERE EXISTS (SELECT 1 FROM workflow_steps WHERE execution_id = id))"
        )


def importing(state: State, now: datetime) -> None:
    """The history will have executions that the state has no names of."""
    with state.write(durable=True) as connection:
        raise_mark(connection, seconds(now))


def _freed(now: datetime, keep: timedelta) -> float:
    """What ended before this (seconds since 1970) a prune lets go: it cannot be redriven after."""
    return seconds(now - min(REDRIVABLE_FOR, keep))


def unended(state: State, now: datetime, keep: timedelta) -> Unended:
    """What a prune leaves, whether it has freed the rest already or is only to tell what it would."""
    if not state.path.exists():
        return Unended([], set())
    with state.read() as connection:
        ids = [
            row[0]
            for row in connection.execute(
                "SELECT id FROM workflow_executions WHERE status = 'RUNNING' "
                "OR (ended >= ? AND EXISTS (SELECT 1 FROM workflow_steps WHERE execution_id = id))",
                (_freed(now, keep),),
            )
        ]
        blobs = {
            row[0]
            for text in (
                "SELECT input_blob FROM workflow_executions",
                "SELECT output_blob FROM workflow_executions",
                "SELECT signal_blob FROM workflow_steps",
            )
            for row in connection.execute(text)
        }
    return Unended(ids, blobs - {None})
