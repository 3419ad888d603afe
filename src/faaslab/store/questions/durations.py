"""How long executions run: percentiles, curves, what the slowest have in common, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.store.questions.window import GB_SECONDS, LATENCY_MS, ask, grouped

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from faaslab.store.questions.window import Run, Window


def percentiles(run: Run, window: Window, by: tuple[str, ...] = ("function",)) -> pd.DataFrame:
    """A row a group: the keys, invocations, mean_ms, p50_ms, p90_ms, p95_ms, p99_ms, max_ms, hours (all that
    was run), timeout_s (the latest), errors; most time spent first. Inits are not in it.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions()},
        q AS (SELECT {grouped(by)} count(*) AS invocations, avg(duration_ms) AS mean_ms,
                     quantile_cont(duration_ms, [0.5, 0.9, 0.95, 0.99, 1.0]) AS q,
                     sum(duration_ms) / 3.6e6 AS hours, arg_max(timeout_s, started_at) AS timeout_s,
                     count(*) FILTER (status IN ('failed', 'timeout')) AS errors
              FROM x WHERE duration_ms IS NOT NULL GROUP BY ALL)
        SELECT * EXCLUDE (q, hours, timeout_s, errors), q[1] AS p50_ms, q[2] AS p90_ms, q[3] AS p95_ms,
               q[4] AS p99_ms, q[5] AS max_ms, hours, timeout_s, errors FROM q ORDER BY hours DESC""",
    )


def curve(run: Run, window: Window, points: tuple[float, ...]) -> pd.DataFrame:
    """The duration at each of `points` (0 to 1): function, invocations, quantile, duration_ms."""
    return ask(
        run,
        window,
        f"""WITH {window.executions()},
        q AS (SELECT function, count(*) AS invocations, sum(duration_ms) AS spent,
                     quantile_cont(duration_ms, {list(points)}) AS taken
              FROM x WHERE duration_ms IS NOT NULL GROUP BY function)
        SELECT function, invocations, unnest({list(points)}) AS quantile, unnest(taken) AS duration_ms
        FROM q ORDER BY spent DESC, function, quantile""",
    )


def over_time(run: Run, window: Window, bucket: str) -> pd.DataFrame:
    """A row a bucket of time that has any: bucket, invocations, p50_ms, p90_ms, p95_ms, p99_ms, errors."""
    return _over_time(run, window, bucket, "", "")


def over_time_by_function(run: Run, window: Window, bucket: str, functions: Sequence[str]) -> pd.DataFrame:
    """As `over_time`, a row a function (one of `functions`) and bucket."""
    return _over_time(
        run, window, bucket, "function, ", "AND list_contains($drawn, function)", drawn=list(functions)
    )


def _over_time(
    run: Run, window: Window, bucket: str, by: str, only: str, **parameters: list[str]
) -> pd.DataFrame:
    return ask(
        run,
        window,
        f"""WITH {window.executions()},
        q AS (SELECT {by}time_bucket(CAST($bucket AS INTERVAL), started_at) AS bucket,
                     count(*) AS invocations,
                     quantile_cont(duration_ms, [0.5, 0.9, 0.95, 0.99]) AS q,
                     count(*) FILTER (status IN ('failed', 'timeout')) AS errors
              FROM x WHERE duration_ms IS NOT NULL {only} GROUP BY ALL)
        SELECT {by}bucket, invocations, q[1] AS p50_ms, q[2] AS p90_ms, q[3] AS p95_ms, q[4] AS p99_ms, errors
        FROM q ORDER BY {by}bucket""",
        bucket=bucket,
        **parameters,
    )


TAIL_CAUSES = {
    "cold": ("started cold", "coalesce(cold_start, false)"),
    "timeout": ("ran into the timeout", "status = 'timeout'"),
    "error": ("failed", "status = 'failed'"),
    "memory": ("used 90 % of the memory or more", "coalesce(max_memory_mb >= 0.9 * memory_mb, false)"),
    "payload": (
        "payload among the function's largest tenth",
        "coalesce(payload_bytes > large_payload, false)",
    ),
    "retry": ("was a retry", "coalesce(attempt > 1, false)"),
}
"""What a slow execution may have about it: name -> words, condition."""


def tail_causes(run: Run, window: Window, *, beyond: float = 0.99) -> pd.DataFrame:
    """What the slowest executions of each function have about them that the others have not.

    Slow is: a caller's wait (duration and init) above the function's own `beyond` quantile. A row a cause of
    `TAIL_CAUSES` that any slow execution shows, and `none` for the slow ones that show none: cause, slow (how
    many show it), slow_share, rest_share, likelier (how many times as frequent among the slow),
    median_wait_ms (of the slow with it), slow_all. The most frequent first; causes overlap.
    """
    names = list(TAIL_CAUSES)
    flags = ", ".join(f"{condition} AS {name}" for name, (_, condition) in TAIL_CAUSES.items())
    none = " AND ".join(f"NOT {name}" for name in names)
    columns = ", ".join([*names, f"{none} AS none"])
    return ask(
        run,
        window,
        f"""WITH {window.executions()},
        w AS (SELECT *, {LATENCY_MS} AS wait_ms FROM x WHERE duration_ms IS NOT NULL),
        t AS (SELECT function, quantile_cont(wait_ms, CAST($beyond AS DOUBLE)) AS slow_from,
                     quantile_cont(payload_bytes, 0.9) AS large_payload FROM w GROUP BY function),
        f AS (SELECT wait_ms, wait_ms > slow_from AS slow, {flags} FROM w JOIN t USING (function)),
        l AS (UNPIVOT (SELECT wait_ms, slow, {columns} FROM f)
              ON {", ".join([*names, "none"])} INTO NAME cause VALUE shown)
        SELECT cause, count(*) FILTER (slow AND shown) AS slow,
               count(*) FILTER (slow AND shown) / nullif(count(*) FILTER (slow), 0) AS slow_share,
               count(*) FILTER (shown AND NOT slow) / nullif(count(*) FILTER (NOT slow), 0) AS rest_share,
               slow_share / nullif(rest_share, 0) AS likelier,
               median(wait_ms) FILTER (slow AND shown) AS median_wait_ms,
               count(*) FILTER (slow) AS slow_all
        FROM l GROUP BY cause HAVING slow > 0 ORDER BY slow DESC, cause""",
        beyond=beyond,
    )


def memory(run: Run, window: Window) -> pd.DataFrame:
    """Memory against what was used, a row a function and size: function, memory_mb, architecture, region,
    invocations, used_p50_mb, used_p99_mb, used_max_mb, head_room (0 to 1, of the maximum), mean_ms,
    gb_seconds (billed), last (start), out_of_memory (how many died of it).
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions()}
        SELECT function, memory_mb, architecture, region, count(*) AS invocations,
               quantile_cont(max_memory_mb, 0.5) AS used_p50_mb,
               quantile_cont(max_memory_mb, 0.99) AS used_p99_mb,
               max(max_memory_mb) AS used_max_mb, 1 - max(max_memory_mb) / memory_mb AS head_room,
               avg(duration_ms) AS mean_ms, coalesce(sum({GB_SECONDS}), 0) AS gb_seconds,
               max(started_at) AS last,
               count(*) FILTER (error_type = 'Runtime.OutOfMemory'
                   OR (max_memory_mb >= memory_mb AND status = 'failed')) AS out_of_memory
        FROM x WHERE max_memory_mb IS NOT NULL AND memory_mb > 0
        GROUP BY function, memory_mb, architecture, region ORDER BY gb_seconds DESC""",
    )
