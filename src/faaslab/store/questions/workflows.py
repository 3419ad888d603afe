"""What the store has seen of workflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.model.workflow import WorkflowStatistics

if TYPE_CHECKING:
    from datetime import datetime

    from faaslab.store.questions.window import Run


def statistics(run: Run, workflow: str, *, since: datetime) -> WorkflowStatistics:
    """Counts over the executions of a workflow that began at `since` or later."""
    row = run(
        """SELECT count(*) AS executions, count(*) FILTER (status = 'SUCCEEDED') AS succeeded,
                  count(*) FILTER (status IN ('FAILED', 'TIMED_OUT', 'ABORTED')) AS failed,
                  count(*) FILTER (status = 'RUNNING') AS running,
                  avg(date_diff('microsecond', started_at, ended_at)) / 1000 AS mean,
                  max(started_at) AS last
           FROM workflow_executions WHERE workflow = $workflow AND started_at >= $since""",
        {"workflow": workflow, "since": since},
    ).iloc[0]
    counted = int(row["executions"])
    return WorkflowStatistics(
        executions=counted,
        succeeded=int(row["succeeded"]),
        failed=int(row["failed"]),
        running=int(row["running"]),
        mean_duration_ms=None if row["mean"] != row["mean"] else float(row["mean"]),
        last_started_at=row["last"].to_pydatetime() if counted else None,
    )
