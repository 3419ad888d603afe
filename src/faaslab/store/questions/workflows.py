"""How workflows fare: how many executions end well, where the time goes by state, what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.model.workflow import WorkflowStatistics
from faaslab.store.questions.window import ask, given, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from faaslab.store.questions.window import Run

_FAILED = (
    "'LambdaFunctionFailed', 'LambdaFunctionScheduleFailed', 'LambdaFunctionStartFailed', "
    "'LambdaFunctionTimedOut', 'TaskFailed', 'TaskStartFailed', 'TaskSubmitFailed', 'TaskTimedOut', "
    "'ActivityFailed', 'ActivityScheduleFailed', 'ActivityTimedOut', 'MapStateFailed', "
    "'ParallelStateFailed', 'EvaluationFailed'"
)
_STARTED = (
    "'LambdaFunctionScheduled', 'TaskScheduled', 'ActivityScheduled', "
    "'MapStateStarted', 'ParallelStateStarted'"
)
_TRIES = f"""tries AS (
    SELECT a.execution_id, a.entered_id, count(*) - 1 AS again,
           count(*) - count(DISTINCT coalesce(r.id, 0)) AS retries
    FROM (SELECT h.execution_id, h.id, h.entered_id FROM x JOIN workflow_history h ON h.execution_id = x.id
          WHERE h.type IN ({_STARTED}) AND h.entered_id IS NOT NULL) a
    ASOF LEFT JOIN (SELECT execution_id, id FROM workflow_history WHERE type = 'ExecutionRedriven') r
        ON r.execution_id = a.execution_id AND r.id <= a.id
    GROUP BY a.execution_id, a.entered_id)"""
"""The CTE `tries`, a row a visit of a state that was tried: how often `again`, and how many of those were
`retries`. The first attempt after a redrive of the execution is none, as in `WorkflowExecution.statistics`.
"""
_LAY = """lay AS (
    SELECT r.execution_id AS lay_of, sum(date_diff('microsecond', e.timestamp, r.timestamp)) / 1000 AS lay_ms
    FROM workflow_history r JOIN workflow_history e ON e.execution_id = r.execution_id AND e.id = r.id - 1
    WHERE r.type = 'ExecutionRedriven'
      AND e.type IN ('ExecutionFailed', 'ExecutionTimedOut', 'ExecutionAborted')
    GROUP BY r.execution_id)"""
"""The CTE `lay`: how long an execution lay ended until somebody redrove it, which no state took."""
_REDRIVES = """redrives AS (
    SELECT execution_id, list(timestamp) AS instants FROM workflow_history WHERE type = 'ExecutionRedriven'
    GROUP BY execution_id)"""


def _went_on(entered: str, ended: str) -> str:
    """Since when a state was in what it did last: since it was entered, or redriven."""
    return f"greatest({entered}, list_max([each FOR each IN redrives.instants IF each <= {ended}]))"


_ENTERED = "ends_with(h.type, 'StateEntered')"


@dataclass(frozen=True, kw_only=True)
class WorkflowWindow:
    """Executions that began from `since` on, before `until` (naive UTC); empty tuples mean all."""

    since: datetime | None = None
    until: datetime | None = None
    workflows: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """The named parameters of `condition`: those that are used and no others."""
        return given(since=self.since, until=self.until, workflows=self.workflows, sources=self.sources)

    @property
    def executions(self) -> str:
        """The CTE `x`: the executions of the window, without the children of distributed Maps.

        Those belong to the execution that started them, and are told by `children`. In `duration_ms` there
        is not how long one lay failed until it was redriven: that is `lay_ms`.
        """
        return self._picked(f"{self._condition} AND map_run IS NULL")

    @property
    def billed(self) -> str:
        """The CTE `x`: all executions of the window, as each is on the bill."""
        return self._picked(self._condition)

    @staticmethod
    def _picked(condition: str) -> str:
        return (
            f"{_LAY}, x AS (SELECT * EXCLUDE (lay_of) REPLACE ("
            "greatest(duration_ms - coalesce(lay_ms, 0), 0) AS duration_ms, coalesce(lay_ms, 0) AS lay_ms) "
            f"FROM workflow_executions LEFT JOIN lay ON lay_of = workflow_executions.id WHERE {condition})"
        )

    @property
    def _condition(self) -> str:
        return " AND ".join(["started_at IS NOT NULL", *within(self.parameters)])


_COUNTS = """
    count(*) AS executions,
    count(*) FILTER (status = 'SUCCEEDED') AS succeeded,
    count(*) FILTER (status = 'FAILED') AS failed,
    count(*) FILTER (status = 'TIMED_OUT') AS timed_out,
    count(*) FILTER (status = 'ABORTED') AS aborted,
    count(*) FILTER (ended_at IS NULL) AS running,
    succeeded / nullif(executions - running - aborted, 0) AS success_rate"""
"""Who aborts an execution says nothing of the workflow, so those are not in the rate."""


def overview(run: Run, window: WorkflowWindow) -> pd.DataFrame:
    """One row: executions, succeeded, failed, timed_out, aborted, running, success_rate (0 to 1, of those
    that ended and were not aborted), workflows, children (of distributed Maps), first, last, sources.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH all_of AS (WITH {window.billed} SELECT * FROM x),
        s AS (SELECT source, count(*) AS n FROM all_of WHERE map_run IS NULL GROUP BY source),
        x AS (SELECT * FROM all_of WHERE map_run IS NULL)
        SELECT {_COUNTS}, count(DISTINCT workflow) AS workflows,
               (SELECT count(*) FROM all_of WHERE map_run IS NOT NULL) AS children,
               min(started_at) AS first, max(coalesce(ended_at, started_at)) AS last,
               (SELECT string_agg(format('{{}} {{:,}}', source, n), '; ' ORDER BY n DESC) FROM s) AS sources
        FROM x""",
    )


def by_workflow(run: Run, window: WorkflowWindow) -> pd.DataFrame:
    """A row a workflow: workflow, type, the counts of `overview`, p50_ms, p95_ms, max_ms (of what ended),
    states (entered), retries, last (start); most executions first.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions},
        c AS (SELECT workflow, any_value(type) AS type, {_COUNTS},
                     quantile_cont(duration_ms, [0.5, 0.95, 1.0]) AS q, max(started_at) AS last
              FROM x GROUP BY workflow),
        h AS (SELECT x.workflow, count(*) FILTER ({_ENTERED}) AS states
              FROM x JOIN workflow_history h ON h.execution_id = x.id GROUP BY x.workflow),
        {_TRIES},
        t AS (SELECT x.workflow, sum(tries.retries)::BIGINT AS retries
              FROM x JOIN tries ON tries.execution_id = x.id GROUP BY x.workflow)
        SELECT c.* EXCLUDE (q, last), q[1] AS p50_ms, q[2] AS p95_ms, q[3] AS max_ms,
               coalesce(h.states, 0) AS states, coalesce(t.retries, 0) AS retries, c.last
        FROM c LEFT JOIN h USING (workflow) LEFT JOIN t USING (workflow)
        ORDER BY executions DESC, workflow""",
    )


def states(run: Run, window: WorkflowWindow) -> pd.DataFrame:
    """A row a state that was entered: workflow, state, type, visits, left (of those), p50_ms, p95_ms, max_ms,
    total_ms, failures, retries; most time first. What stands in a Map or Parallel counts in that as well.

    A state that failed, or was given up with what it stands in, took the time until then. One
    that was redriven took the time since.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.billed},
        h AS (SELECT x.workflow, h.* FROM x JOIN workflow_history h ON h.execution_id = x.id),
        n AS (SELECT workflow, execution_id, id, outer_id, timestamp, state FROM h
              WHERE ends_with(type, 'StateEntered')),
        l AS (SELECT execution_id, entered_id, count(duration_ms) AS left,
                     max(timestamp) FILTER (type IN ({_FAILED})) AS failed,
                     max(timestamp) FILTER (ends_with(type, 'StateExited')) AS exited
              FROM h WHERE entered_id IS NOT NULL GROUP BY ALL),
        {_TRIES}, {_REDRIVES},
        ends AS (SELECT n.execution_id, n.id, n.timestamp AS began,
                        coalesce(l.failed, o.failed, o.exited, x.ended_at) AS ended
                FROM n JOIN x ON x.id = n.execution_id
                LEFT JOIN l ON l.execution_id = n.execution_id AND l.entered_id = n.id
                LEFT JOIN l o ON o.execution_id = n.execution_id AND o.entered_id = n.outer_id
                WHERE x.ended_at IS NOT NULL AND coalesce(l.left, 0) = 0),
        cut AS (SELECT execution_id, id,
                       date_diff('microsecond', {_went_on("began", "ended")}, ended) / 1000 AS ms
                FROM ends LEFT JOIN redrives USING (execution_id)),
        t AS (SELECT n.workflow, n.state, sum(tries.retries)::BIGINT AS retries
              FROM n JOIN tries ON tries.execution_id = n.execution_id AND tries.entered_id = n.id
              GROUP BY ALL),
        f AS (SELECT h.* EXCLUDE (duration_ms), coalesce(h.duration_ms, cut.ms) AS duration_ms,
                     coalesce(n.state, h.state) AS name FROM h
              LEFT JOIN n ON n.execution_id = h.execution_id AND n.id = h.entered_id
              LEFT JOIN cut ON cut.execution_id = h.execution_id AND cut.id = h.id)
        SELECT f.workflow, f.name AS state,
               any_value(replace(type, 'StateEntered', '')) FILTER (ends_with(type, 'StateEntered')) AS type,
               count(*) FILTER (ends_with(type, 'StateEntered')) AS visits,
               count(duration_ms) AS left,
               quantile_cont(duration_ms, 0.5) AS p50_ms, quantile_cont(duration_ms, 0.95) AS p95_ms,
               max(duration_ms) AS max_ms, coalesce(sum(duration_ms), 0) AS total_ms,
               count(*) FILTER (type IN ({_FAILED})) AS failures,
               coalesce(any_value(t.retries), 0) AS retries
        FROM f LEFT JOIN t ON t.workflow = f.workflow AND t.state = f.name
        WHERE f.name IS NOT NULL GROUP BY f.workflow, f.name HAVING visits > 0
        ORDER BY total_ms DESC, f.workflow, f.name""",
    )


def over_time(run: Run, window: WorkflowWindow, bucket: str) -> pd.DataFrame:
    """A row a bucket of time that has any: bucket, succeeded, failed (timed out as well), other, p50_ms,
    p95_ms.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions},
        q AS (SELECT time_bucket(CAST($bucket AS INTERVAL), started_at) AS bucket,
                     count(*) FILTER (status = 'SUCCEEDED') AS succeeded,
                     count(*) FILTER (status IN ('FAILED', 'TIMED_OUT')) AS failed,
                     count(*) FILTER (status NOT IN ('SUCCEEDED', 'FAILED', 'TIMED_OUT')) AS other,
                     quantile_cont(duration_ms, [0.5, 0.95]) AS q
              FROM x GROUP BY 1)
        SELECT bucket, succeeded, failed, other, q[1] AS p50_ms, q[2] AS p95_ms FROM q ORDER BY bucket""",
        bucket=bucket,
    )


def errors(run: Run, window: WorkflowWindow) -> pd.DataFrame:
    """A row a workflow and error: workflow, error, count, share (0 to 1, of the workflow's executions), last,
    cause (of the latest), state (that the latest failed in); most frequent first.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions},
        n AS (SELECT workflow, count(*) AS n FROM x GROUP BY workflow)
        SELECT x.workflow, coalesce(x.error, CASE x.status WHEN 'TIMED_OUT' THEN 'States.Timeout' ELSE '' END)
                   AS error,
               count(*) AS count, count(*) / any_value(n.n) AS share, max(x.started_at) AS last,
               arg_max(x.cause, x.started_at) AS cause, arg_max(x.current_state, x.started_at) AS state
        FROM x JOIN n USING (workflow) WHERE x.status IN ('FAILED', 'TIMED_OUT')
        GROUP BY 1, 2 ORDER BY count DESC, workflow, error""",
    )


def slowest(run: Run, window: WorkflowWindow, limit: int = 10) -> pd.DataFrame:
    """The longest executions that ended: id, name, workflow, status, started_at, duration_ms, lay_ms,
    retries.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions}, {_TRIES}
        SELECT x.id, x.name, x.workflow, x.status, x.started_at, x.duration_ms, x.lay_ms,
               coalesce(sum(tries.retries), 0)::BIGINT AS retries
        FROM x LEFT JOIN tries ON tries.execution_id = x.id
        WHERE x.duration_ms IS NOT NULL GROUP BY ALL ORDER BY x.duration_ms DESC, x.id
        LIMIT CAST($most AS INTEGER)""",
        most=limit,
    )


def slowest_of_each(run: Run, window: WorkflowWindow, limit: int) -> pd.DataFrame:
    """The longest execution of each workflow, the longest of them first, up to `limit`: id, name, workflow,
    status, started_at, duration_ms, lay_ms.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions}
        SELECT id, name, workflow, status, started_at, duration_ms, lay_ms FROM x
        WHERE duration_ms IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY workflow ORDER BY duration_ms DESC, id) = 1
        ORDER BY duration_ms DESC, id LIMIT CAST($most AS INTEGER)""",
        most=limit,
    )


def ended(run: Run, window: WorkflowWindow, limit: int) -> pd.DataFrame:
    """The latest executions that succeeded, up to `limit` a workflow: id, workflow, duration_ms."""
    return ask(
        run,
        window,
        f"""WITH {window.executions}
        SELECT id, workflow, duration_ms FROM x WHERE status = 'SUCCEEDED'
        QUALIFY row_number() OVER (PARTITION BY workflow ORDER BY started_at DESC, id) <= $most""",
        most=limit,
    )


def visits(run: Run, executions: Sequence[str]) -> pd.DataFrame:
    """Each time that a state of these executions was entered and left: execution_id, state, entered, left
    (ids of the events), after (the event that it had to wait for), outer, began (anew, where it was
    redriven), ended.
    """  # noqa: D205
    return run(
        f"""WITH h AS (SELECT * FROM workflow_history WHERE list_contains($ids, execution_id)), {_REDRIVES}
        SELECT e.execution_id, e.state, e.id AS entered, l.id AS left,
               CASE WHEN b.type = 'MapIterationStarted' THEN b.previous_id ELSE e.previous_id END AS after,
               e.outer_id AS outer, {_went_on("e.timestamp", "l.timestamp")} AS began, l.timestamp AS ended
        FROM h e JOIN h l ON l.execution_id = e.execution_id AND l.entered_id = e.id
                         AND (ends_with(l.type, 'StateExited') OR l.type = 'ExecutionSucceeded')
        LEFT JOIN h b ON b.execution_id = e.execution_id AND b.id = e.previous_id
        LEFT JOIN redrives ON redrives.execution_id = e.execution_id
        WHERE ends_with(e.type, 'StateEntered') ORDER BY e.execution_id, e.id""",
        {"ids": list(executions)},
    )


def course(run: Run, execution: str) -> pd.DataFrame:
    """Each time that a state of one execution was entered, in that order: state, type (`Task`), entered and
    outer (ids of events), began, went_on (the same, or when it was redriven last), ended (of what was
    never left: when the execution ended, null while it runs), left (whether it was).
    """  # noqa: D205
    return run(
        f"""WITH h AS (SELECT * FROM workflow_history WHERE execution_id = $id), {_REDRIVES},
        l AS (SELECT entered_id, max(timestamp) AS ended FROM h
              WHERE ends_with(type, 'StateExited') GROUP BY entered_id)
        SELECT h.state, replace(h.type, 'StateEntered', '') AS type, h.id AS entered, h.outer_id AS outer,
               h.timestamp AS began,
               coalesce(l.ended, (SELECT max(ended_at) FROM workflow_executions WHERE id = $id)) AS ended,
               {_went_on("began", "ended")} AS went_on,
               l.ended IS NOT NULL OR h.type IN ('SucceedStateEntered', 'FailStateEntered') AS left
        FROM h LEFT JOIN l ON l.entered_id = h.id LEFT JOIN redrives ON redrives.execution_id = h.execution_id
        WHERE ends_with(h.type, 'StateEntered') ORDER BY h.timestamp, h.id""",
        {"id": execution},
    )


def statistics(
    run: Run, workflow: str, *, since: datetime | None = None, until: datetime | None = None
) -> WorkflowStatistics:
    """Counts over the executions of a workflow that began at `since` or later, and before `until`."""
    window = WorkflowWindow(since=since, until=until, workflows=(workflow,))
    row = ask(
        run,
        window,
        f"""WITH {window.executions}
           SELECT count(*) AS executions, count(*) FILTER (status = 'SUCCEEDED') AS succeeded,
                  count(*) FILTER (status IN ('FAILED', 'TIMED_OUT', 'ABORTED')) AS failed,
                  count(*) FILTER (status = 'RUNNING') AS running,
                  avg(date_diff('microsecond', started_at, ended_at) / 1000 - lay_ms) AS mean,
                  max(started_at) AS last
           FROM x""",
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


def usage(run: Run, window: WorkflowWindow) -> pd.DataFrame:
    """What goes on the bill, a row a workflow and region: workflow, region, executions, transitions (of
    Standard ones: states entered, retried and redriven), express_requests, express_gb_seconds (at 64 MB,
    in steps of 100 ms). The children of distributed Maps are on the bill, and are no executions of their own.
    """  # noqa: D205
    return _usage(run, window, "", "executions DESC, workflow")


def usage_over_time(run: Run, window: WorkflowWindow, bucket: str) -> pd.DataFrame:
    """As `usage`, a row a bucket of time (`1 day`), workflow and region."""
    by = "time_bucket(CAST($bucket AS INTERVAL), x.started_at) AS bucket, "
    return _usage(run, window, by, "bucket, workflow", bucket=bucket)


def _usage(run: Run, window: WorkflowWindow, by: str, order: str, **parameters: str) -> pd.DataFrame:
    return ask(
        run,
        window,
        f"""WITH {window.billed}, {_TRIES},
        e AS (SELECT x.id, count(*) AS entered
              FROM x JOIN workflow_history h ON h.execution_id = x.id
              WHERE {_ENTERED} AND coalesce(x.type, 'STANDARD') = 'STANDARD' GROUP BY x.id),
        a AS (SELECT execution_id AS id, sum(again) AS again FROM tries GROUP BY execution_id),
        t AS (SELECT id, entered + coalesce(again, 0) AS transitions FROM e LEFT JOIN a USING (id))
        SELECT {by}x.workflow, nullif(split_part(x.id, ':', 4), '') AS region,
               count(*) FILTER (x.map_run IS NULL) AS executions,
               coalesce(sum(t.transitions), 0)::BIGINT AS transitions,
               count(*) FILTER (x.type = 'EXPRESS') AS express_requests,
               coalesce(sum(ceil(x.duration_ms / 100) * 0.1 * 64 / 1024) FILTER (x.type = 'EXPRESS'), 0)
                   AS express_gb_seconds
        FROM x LEFT JOIN t USING (id) GROUP BY ALL ORDER BY {order}""",
        **parameters,
    )
