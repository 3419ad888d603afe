"""`lab.workflows.map_runs`: the runs of distributed Map states, described, listed, changed while they run."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Literal

from faaslab.errors import InvalidValue, NotFound
from faaslab.lab.workflow_names import coded
from faaslab.model.workflow import MapRun
from faaslab.store.questions import workflow_lists
from faaslab.workflow.effects import MapRunChanged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from faaslab.lab import Lab
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.workflow.effects import MapRunState

    _Status = Literal["SUCCEEDED", "FAILED", "ABORTED"]

_ENDS: dict[str, _Status] = {
    "MapRunSucceeded": "SUCCEEDED", "MapRunFailed": "FAILED", "MapRunAborted": "ABORTED",
}  # fmt: skip
_NAMES = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timedOut", "ABORTED": "aborted"}
KEEP_S = 0.5
"""How it stands is written down so often at most, but for its beginning and its end."""


class MapRuns:
    """Map runs, by their ARN."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept = lab.store.map_runs
        self._guard = threading.Lock()
        self._standing: dict[str, tuple[MapRun, float]] = {}

    def get(self, arn: str) -> MapRun:
        """How a map run stands (DescribeMapRun)."""
        here = self._standing.get(arn)
        if here is not None and self._lab.workflows.runs.is_here(here[0].execution_id):
            return here[0]
        found = self._kept.get(arn)
        if found is None:
            raise coded(NotFound("map run", arn), "ResourceNotFound")
        return self._by_children(found) if found.ended_at is not None else self._ended(found)

    def _by_children(self, run: MapRun) -> MapRun:
        """A run that was given up, with what became of its children.

        Those that had not ended were taken for aborted then; some end by themselves before they hear of it.
        """
        if run.status == "SUCCEEDED" or not run.execution_counts.get("aborted"):
            return run
        several = run.item_counts.get("total") != run.execution_counts.get("total")
        with self._lab.store.connect() as connection:
            children = workflow_lists.statuses(connection, run.id)
            items = workflow_lists.items(connection, self._lab.store.blobs, run.id) if several else children
        counted = _recounted(run.execution_counts, children)
        if counted is run.execution_counts:
            return run
        return dataclasses.replace(
            run,
            execution_counts=counted,
            item_counts=_recounted(run.item_counts, items) if several else counted,
        )

    def _ended(self, run: MapRun) -> MapRun:
        """A run that is taken for one that runs: at its end, where its process died before it noted that."""
        end = self._end(run)
        if end is None:
            return run
        with self._lab.store.connect() as connection:
            counted = workflow_lists.statuses(connection, run.id)
        status, at = end
        closed = _closed(run, status, at, counted)
        with self._guard:
            self._standing.pop(run.id, None)
        self._kept.put(closed)
        return closed

    def _end(self, run: MapRun) -> tuple[_Status, datetime] | None:
        """(status, instant) of its end by the history of its execution; None while it runs."""
        begun: int | None = None
        for event in self._lab.store.workflows.history(run.execution_id):
            if event.details.get("mapRunArn") == run.id:
                begun = event.id
            elif begun is not None and event.previous_id == begun and event.type in _ENDS:
                return _ENDS[event.type], event.at
        above = self._lab.workflows.runs.standing(run.execution_id)
        if above is None or above.ended_at is None:
            return None
        return ("ABORTED" if above.status == "ABORTED" else "FAILED"), above.ended_at

    def list(self, execution: str) -> tuple[MapRun, ...]:
        """The map runs of an execution, in the order in which they began (ListMapRuns)."""
        present = self._lab.workflows.execution(execution)
        return tuple(self.get(run.id) for run in self._kept.of(present.id))

    def update(
        self,
        arn: str,
        *,
        max_concurrency: int | None = None,
        tolerated_failure_count: int | None = None,
        tolerated_failure_percentage: float | None = None,
    ) -> MapRun:
        """Hold a map run that runs to other limits from now on; what is not given stays (UpdateMapRun)."""
        for name, value, most in (
            ("max_concurrency", max_concurrency, None),
            ("tolerated_failure_count", tolerated_failure_count, None),
            ("tolerated_failure_percentage", tolerated_failure_percentage, 100),
        ):
            if value is not None and (value < 0 or (most is not None and value > most)):
                raise coded(InvalidValue(f"{value!r} is out of range", place=name), "ValidationException")
        run = self.get(arn)
        if run.status != "RUNNING":
            raise coded(InvalidValue("Map Run is not running", place="map_run"), "ValidationException")
        change = MapRunChanged(arn, max_concurrency, tolerated_failure_count, tolerated_failure_percentage)
        self._lab.workflows.runs.engine.signal(run.execution_id, change)
        return run

    def note(self, state: MapRunState, execution: WorkflowExecution) -> None:
        """How a run of an execution of this process stands."""
        now = self._lab.clock.now()
        with self._guard:
            before = self._standing.get(state.map_run_arn)
            known = before[0] if before is not None else self._kept.get(state.map_run_arn)
            run = _standing(state, execution, known, now)
            kept_at = before[1] if before is not None else float("-inf")
            moment = self._lab.clock.monotonic()
            written = known is None or known.status != run.status or moment - kept_at >= KEEP_S
            if run.status == "RUNNING":
                self._standing[run.id] = (run, moment if written else kept_at)
            else:
                self._standing.pop(run.id, None)
        if written:
            self._kept.put(run)


def _closed(run: MapRun, status: _Status, at: datetime, counted: Mapping[str, int]) -> MapRun:
    """The run at its end, by how many of its children ended how; those that did not are aborted."""
    children = {name: counted.get(of, 0) for of, name in _NAMES.items()}
    total = run.execution_counts.get("total", 0)
    children["aborted"] += max(total - sum(children.values()), 0)
    written = {"resultsWritten": children["succeeded"] if status == "SUCCEEDED" else 0}
    executions = {"pending": 0, "running": 0, **children, **written, "total": sum(children.values())}
    items = executions
    if run.item_counts.get("total") != total:  # several to a child
        items = dict(run.item_counts)
        left = items.get("pending", 0) + items.get("running", 0)
        items |= {"pending": 0, "running": 0, _NAMES[status]: items.get(_NAMES[status], 0) + left}
        items["resultsWritten"] = items.get("succeeded", 0) if status == "SUCCEEDED" else 0
    return dataclasses.replace(
        run, status=status, ended_at=at, execution_counts=executions, item_counts=items
    )


def _recounted(told: Mapping[str, int], counted: Mapping[str, int]) -> Mapping[str, int]:
    """Counts of a run that was given up, by how many ended how; as they are where not all are known."""
    ended = {name: counted.get(status, 0) for status, name in _NAMES.items() if name != "aborted"}
    total = told.get("total", 0)
    known = all(count >= told.get(name, 0) for name, count in ended.items())
    if not known or sum(counted.values()) > total:  # some are forgotten; some ran more than once
        return told
    return {**told, **ended, "aborted": total - sum(ended.values())}


def _standing(
    state: MapRunState, execution: WorkflowExecution, known: MapRun | None, now: datetime
) -> MapRun:
    ended = None if state.status == "RUNNING" else now
    made = MapRun(
        id=state.map_run_arn,
        execution_id=execution.id,
        workflow=execution.workflow,
        state=state.state,
        status=state.status,
        max_concurrency=state.max_concurrency,
        tolerated_failure_count=state.tolerated_count,
        tolerated_failure_percentage=state.tolerated_percentage,
        item_counts=dict(state.item_counts),
        execution_counts=dict(state.execution_counts),
        started_at=now,
        ended_at=ended,
    )
    if known is None:
        return made
    again = known.status != "RUNNING" and state.status == "RUNNING"
    return dataclasses.replace(
        made,
        started_at=known.started_at,
        redrive_count=known.redrive_count + again,
        redriven_at=now if again else known.redriven_at,
    )
