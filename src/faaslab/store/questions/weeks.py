"""Two windows side by side: functions before an instant and from it on, what is new, what was defined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.store.questions.overview import ERROR_TYPE
from faaslab.store.questions.window import Window, ask

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from faaslab.store.questions.window import Run

POINTS = (*(step / 100 for step in range(100)), 0.995, 0.999, 1.0)
"""The quantiles that `curve` has, in their order."""

_FIGURES = f"""
    count(*) FILTER (status <> 'throttled') AS invocations,
    count(*) FILTER (status = 'throttled') AS throttled,
    count(*) FILTER (status IN ('failed', 'timeout')) AS failed,
    count(cold_start) FILTER (status <> 'throttled') AS cold_known,
    count(*) FILTER (cold_start AND status <> 'throttled') AS cold_starts,
    count(duration_ms) FILTER (status <> 'throttled') AS timed,
    quantile_cont(duration_ms, {list(POINTS)}) FILTER (status <> 'throttled') AS curve,
    min(started_at) AS first"""


def by_function(run: Run, window: Window, *, part: str) -> pd.DataFrame:
    """A row a function, and one over all of them (function null): function, part (as given), invocations,
    throttled, failed, cold_known, cold_starts, timed (those whose duration is known), curve (the duration at
    each of `POINTS`), first.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions(throttled=True)}
        SELECT function, $part AS part, {_FIGURES}
        FROM x GROUP BY GROUPING SETS ((function), ()) ORDER BY function NULLS FIRST""",
        part=part,
    )


def by_definition(run: Run, window: Window) -> pd.DataFrame:
    """As `by_function`, a row a function and definition, where that is known: definition, first (start)."""
    return ask(
        run,
        window,
        f"""WITH {window.executions(throttled=True)}
        SELECT function, definition, {_FIGURES}
        FROM x WHERE definition IS NOT NULL GROUP BY ALL ORDER BY function, definition""",
    )


def by_day(run: Run, window: Window, tz: str) -> pd.DataFrame:
    """A row a day of the time zone `tz` that has any: day (its date), invocations, failed."""
    return ask(
        run,
        window,
        f"""WITH {window.executions()},
        q AS (SELECT time_bucket(INTERVAL '15 minutes', started_at) AS quarter, count(*) AS invocations,
                     count(*) FILTER (status IN ('failed', 'timeout')) AS failed FROM x GROUP BY 1)
        SELECT CAST((quarter AT TIME ZONE 'UTC') AT TIME ZONE $tz AS DATE) AS day,
               sum(invocations)::BIGINT AS invocations, sum(failed)::BIGINT AS failed
        FROM q GROUP BY 1 ORDER BY 1""",
        tz=tz,
    )


def first_seen(run: Run, window: Window) -> pd.DataFrame:
    """When each function was first called, in all of the store that the window's names leave:
    function, first.
    """  # noqa: D205
    whole = Window(functions=window.functions, regions=window.regions, sources=window.sources)
    return ask(
        run,
        whole,
        f"""WITH {whole.executions(throttled=True)}
        SELECT function, min(started_at) AS first FROM x GROUP BY function ORDER BY first, function""",
    )


def new_errors(run: Run, window: Window) -> pd.DataFrame:
    """The kinds of error that a function had in the window and never before: function, error_type, count,
    invocations (of the function in the window), first, message (of the latest); most frequent first.
    """  # noqa: D205
    earlier = Window(
        until=window.since, functions=window.functions, regions=window.regions, sources=window.sources
    )
    # The parameters of both windows stand side by side: what ended the earlier one began the later.
    before = earlier.executions("before", throttled=True).replace("$until", "$since")
    return ask(
        run,
        window,
        f"""WITH {window.executions(throttled=True)}, {before},
        n AS (SELECT function, count(*) AS invocations FROM x GROUP BY function)
        SELECT function, {ERROR_TYPE} AS error_type, count(*) AS count, any_value(invocations) AS invocations,
               min(started_at) AS first, arg_max(left(error_message, 200), started_at) AS message
        FROM x JOIN n USING (function)
        WHERE status IN ('failed', 'timeout', 'throttled')
          AND (function, {ERROR_TYPE}) NOT IN (SELECT (function, {ERROR_TYPE}) FROM before
              WHERE status IN ('failed', 'timeout', 'throttled'))
        GROUP BY ALL ORDER BY count DESC, function, error_type""",
    )


def defined(run: Run, since: datetime, until: datetime) -> pd.DataFrame:
    """What was defined, changed or deployed in a span: timestamp, kind, name, version, action; the earliest
    first. What a definition brings with it (revisions of its own) is not told apart.
    """  # noqa: D205
    return run(
        """SELECT "timestamp", kind, name, version, action FROM definitions
           WHERE "timestamp" >= $since AND "timestamp" < $until
             AND kind IN ('function', 'alias', 'workflow', 'workflow_alias', 'trigger',
                          'provisioned_concurrency')
           UNION ALL
           SELECT started_at, 'deployment', target, version, status FROM deployments
           WHERE started_at >= $since AND started_at < $until
           ORDER BY 1, 2, 3""",
        {"since": since, "until": until},
    )
