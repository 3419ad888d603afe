"""What a dashboard shows of a window: figures in all, by bucket of time and by function; overlap; workflows.

The definitions are those of `stats` and of the reports: throttled calls are no invocations, errors are what
failed or ran into its timeout, the cold-start rate is of the executions that tell it, cost is that of the
view `costs` (list prices of us-east-1, without the free tier). All is summed up in DuckDB.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from faaslab.store.questions.window import Window, ask, within
from faaslab.store.views import GB_SECOND_ARM, GB_SECOND_X86, REQUEST

if TYPE_CHECKING:
    import pandas as pd

    from faaslab.store.questions.window import Run
    from faaslab.store.questions.workflows import WorkflowWindow

LONGEST = timedelta(minutes=30)
"""Nothing runs longer: Lambda ends an invocation after 15 minutes, and an init before it sooner."""

_COST_USD = (
    "memory_mb / 1024 * billed_ms / 1000"
    f" * CASE WHEN architecture = 'arm64' THEN {GB_SECOND_ARM} ELSE {GB_SECOND_X86} END + {REQUEST}"
)
_FIGURES = f"""
    count(*) FILTER (status <> 'throttled') AS invocations,
    count(*) FILTER (status IN ('failed', 'timeout')) AS errors,
    count(*) FILTER (status = 'throttled') AS throttles,
    count(*) FILTER (cold_start) AS cold_starts,
    count(cold_start) AS cold_known,
    quantile_cont(duration_ms, [0.5, 0.95, 0.99]) AS q,
    count({_COST_USD}) AS billed,
    coalesce(sum(CAST({_COST_USD} AS DOUBLE)), 0) AS cost_usd"""
_SHOWN = (
    "invocations, errors, throttles, cold_starts, cold_known, round(q[1], 3) AS p50_ms, "
    "round(q[2], 3) AS p95_ms, round(q[3], 3) AS p99_ms, billed, cost_usd"
)


def figures(
    run: Run, window: Window, begin: datetime, width: timedelta, *, before: datetime | None = None
) -> pd.DataFrame:
    """A row for all (`kind` total), for each function and for each bucket that has anything: kind, function,
    bucket (0 begins at `begin`, each is `width` long), invocations, errors, throttles, cold_starts,
    cold_known, p50_ms, p95_ms, p99_ms, billed (how many tell what they cost), cost_usd. With `before` one
    more, of the kind before: what began from then on, before the window.
    """  # noqa: D205
    earlier = (
        "" if before is None else f"UNION ALL SELECT 'before', NULL, NULL, {_FIGURES} FROM b WHERE NOT inside"
    )
    since = begin if window.since is None else window.since
    wider = window if before is None else replace(window, since=before)
    return ask(
        run,
        wider,
        f"""WITH {wider.executions(throttled=True)},
        b AS (SELECT *, (epoch_us(started_at) - CAST($begin_us AS BIGINT)) // CAST($width_us AS BIGINT)
              AS bucket, epoch_us(started_at) >= CAST($since_us AS BIGINT) AS inside FROM x),
        g AS (SELECT CASE WHEN grouping(function) = 0 THEN 'function' WHEN grouping(bucket) = 0 THEN 'bucket'
                     ELSE 'total' END AS kind, function, bucket, {_FIGURES}
              FROM b WHERE inside GROUP BY GROUPING SETS ((), (function), (bucket)) {earlier})
        SELECT kind, function, bucket, {_SHOWN} FROM g ORDER BY kind, bucket, function""",
        begin_us=_microseconds(begin),
        since_us=_microseconds(since),
        width_us=width // timedelta(microseconds=1),
    )


def concurrency(
    run: Run, window: Window, begin: datetime, width: timedelta, count: int, *, before: datetime | None = None
) -> pd.DataFrame:
    """A row a bucket: bucket, peak: the most executions that ran at one moment of it. With `before` one more,
    the bucket -1: of the time from then on, before the window.

    One runs from its start to its end, init included; where the end is not told, for as long as its duration
    and init say. Those that began up to `LONGEST` before the window are in it while they last. What ends in
    the moment in which another begins does not overlap it.
    """  # noqa: D205
    since = begin if window.since is None else window.since
    first = since if before is None else before
    wider = window if window.since is None else replace(window, since=first - LONGEST)
    return ask(
        run,
        wider,
        f"""WITH {wider.executions()},
        s AS (SELECT epoch_us(started_at) - CAST($begin_us AS BIGINT) AS begins,
                     coalesce(epoch_us(ended_at) - CAST($begin_us AS BIGINT), begins + CAST(1000 *
                         (coalesce(duration_ms, 0) + coalesce(init_ms, restore_ms, 0)) AS BIGINT)) AS ends
              FROM x),
        r AS (SELECT greatest(begins, $first_us) AS begins, ends FROM s
              WHERE ends > begins AND ends > $first_us),
        e AS (SELECT begins AS "at", 1 AS change FROM r
              UNION ALL SELECT ends, -1 FROM r
              UNION ALL SELECT greatest(i * CAST($width_us AS BIGINT), $since_us), 0
                        FROM range(CAST($count AS BIGINT)) b(i)
              UNION ALL SELECT $first_us, 0),
        l AS (SELECT "at", sum(change) OVER (ORDER BY "at", change ROWS UNBOUNDED PRECEDING) AS running
              FROM e)
        SELECT CASE WHEN "at" < $since_us THEN -1 ELSE "at" // CAST($width_us AS BIGINT) END AS bucket,
               CAST(max(running) AS BIGINT) AS peak
        FROM l WHERE "at" < $count * CAST($width_us AS BIGINT) GROUP BY 1 ORDER BY 1""",
        begin_us=_microseconds(begin),
        since_us=(since - begin) // timedelta(microseconds=1),
        first_us=(first - begin) // timedelta(microseconds=1),
        width_us=width // timedelta(microseconds=1),
        count=count,
    )


def extent(run: Run, window: Window) -> pd.DataFrame:
    """One row: first and last (start), of all that the window has; throttled calls are in it."""
    return ask(
        run,
        window,
        f"WITH {window.executions(throttled=True)} SELECT min(started_at) AS first, max(started_at) AS last "
        "FROM x",
    )


def names(run: Run) -> pd.DataFrame:
    """A row a function that ever ran: function, invocations; the busiest first."""
    window = Window()
    return ask(
        run,
        window,
        f"WITH {window.executions()} SELECT function, count(*) AS invocations FROM x GROUP BY function "
        "ORDER BY invocations DESC, function",
    )


def workflows(run: Run, window: WorkflowWindow) -> pd.DataFrame:
    """A row a workflow with an execution in the window or one that runs: workflow, executions (that began in
    the window), running (now, whenever they began), succeeded, failed, timed_out, aborted, p50_ms, p95_ms (of
    those that ended); children of distributed Maps are not counted.
    """  # noqa: D205
    inside = " AND ".join(["started_at IS NOT NULL", *within(window.parameters)])
    return ask(
        run,
        window,
        f"""WITH x AS (SELECT *, {inside} AS inside FROM workflow_executions WHERE map_run IS NULL),
        g AS (SELECT workflow, count(*) FILTER (inside) AS executions,
                     count(*) FILTER (ended_at IS NULL) AS running,
                     count(*) FILTER (inside AND status = 'SUCCEEDED') AS succeeded,
                     count(*) FILTER (inside AND status = 'FAILED') AS failed,
                     count(*) FILTER (inside AND status = 'TIMED_OUT') AS timed_out,
                     count(*) FILTER (inside AND status = 'ABORTED') AS aborted,
                     quantile_cont(duration_ms, [0.5, 0.95]) FILTER (inside) AS q
              FROM x WHERE inside OR ended_at IS NULL GROUP BY workflow)
        SELECT * EXCLUDE (q), q[1] AS p50_ms, q[2] AS p95_ms FROM g
        ORDER BY running DESC, executions DESC, workflow""",
    )


def _microseconds(at: datetime) -> int:
    return (at - datetime(1970, 1, 1)) // timedelta(microseconds=1)
