"""What is in a window at all: how much, from where, and what is not known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.store.questions.window import CANCELLED, ask

if TYPE_CHECKING:
    import pandas as pd

    from faaslab.store.questions.window import Run, Window


def overview(run: Run, window: Window) -> pd.DataFrame:
    """One row: invocations, throttled, functions, cold_starts, cold_known, failed, cancelled (of the
    failed), timeouts, with_duration, with_bill, with_memory, with_init, forked (cold starts
    from a local template), first and last (start, end), and sources (`local 3,120; aws 4`).

    A figure is known of an execution only when its source told it: `cold_known` counts those.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions(throttled=True)},
        s AS (SELECT source, count(*) AS n FROM x GROUP BY source)
        SELECT count(*) FILTER (status <> 'throttled') AS invocations,
               count(*) FILTER (status = 'throttled') AS throttled,
               count(DISTINCT function) AS functions,
               count(*) FILTER (cold_start AND status <> 'throttled') AS cold_starts,
               count(cold_start) FILTER (status <> 'throttled') AS cold_known,
               count(*) FILTER (status = 'failed') AS failed,
               count(*) FILTER (status = 'failed' AND {CANCELLED}) AS cancelled,
               count(*) FILTER (status = 'timeout') AS timeouts,
               count(duration_ms) FILTER (status <> 'throttled') AS with_duration,
               count(billed_ms * memory_mb) FILTER (status <> 'throttled') AS with_bill,
               count(max_memory_mb * memory_mb) FILTER (status <> 'throttled') AS with_memory,
               count(init_ms) FILTER (cold_start AND status <> 'throttled') AS with_init,
               count(*) FILTER (cold_start AND starts_with(start_method, 'fork')) AS forked,
               min(started_at) AS first, max(coalesce(ended_at, started_at)) AS last,
               (SELECT string_agg(format('{{}} {{:,}}', source, n), '; ' ORDER BY n DESC) FROM s)
                   AS sources
        FROM x""",
    )


def sources(run: Run, window: Window) -> pd.DataFrame:
    """A row a source: source, executions, functions, first, last."""
    return ask(
        run,
        window,
        f"""WITH {window.executions(throttled=True)}
        SELECT source, count(*) AS executions, count(DISTINCT function) AS functions,
               min(started_at) AS first, max(started_at) AS last
        FROM x GROUP BY source ORDER BY executions DESC""",
    )


def functions_in_order(run: Run) -> pd.DataFrame:
    """Every function of the store, the one that came first before the others: function, first.

    By its first definition, else its first execution: an order that new ones are added to at its end.
    """
    return run(
        """WITH e AS (SELECT function, min(started_at) AS begun FROM executions GROUP BY function),
        d AS (SELECT name AS function, min("timestamp") AS begun FROM definitions
              WHERE kind = 'function' GROUP BY name)
        SELECT function, coalesce(min(d.begun), min(e.begun)) AS first FROM e LEFT JOIN d USING (function)
        GROUP BY function ORDER BY first, function""",
        None,
    )


ERROR_TYPE = (
    "coalesce(error_type, CASE status WHEN 'timeout' THEN 'Timeout' WHEN 'throttled' THEN 'Throttled' "
    "ELSE 'not told' END)"
)


def error_types(run: Run, window: Window) -> pd.DataFrame:
    """A row an error type, over all functions: error_type, count, functions; most frequent first."""
    return ask(
        run,
        window,
        f"""WITH {window.executions(throttled=True)}
        SELECT {ERROR_TYPE} AS error_type, count(*) AS count, count(DISTINCT function) AS functions
        FROM x WHERE status IN ('failed', 'timeout', 'throttled') GROUP BY 1 ORDER BY count DESC, 1""",
    )


def errors(run: Run, window: Window, *, limit: int = 200) -> pd.DataFrame:
    """A row a function and error type: function, error_type, status, count, share (of the function's calls,
    throttled ones included), first, last, message (of the latest), most frequent first.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions(throttled=True)},
        n AS (SELECT function, count(*) AS calls FROM x GROUP BY function)
        SELECT function,
               {ERROR_TYPE} AS error_type,
               status, count(*) AS count, count(*) / any_value(calls) AS share,
               min(started_at) AS first, max(started_at) AS last,
               arg_max(left(error_message, 200), started_at) AS message
        FROM x JOIN n USING (function) WHERE status IN ('failed', 'timeout', 'throttled')
        GROUP BY ALL ORDER BY count DESC, function LIMIT {int(limit)}""",
    )
