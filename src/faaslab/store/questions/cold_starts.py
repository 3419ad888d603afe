"""How often executions start cold, when, what that costs, and what came before a cold start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.store.questions.window import (
    CANCELLED,
    GB_SECONDS,
    INIT_GB_SECONDS,
    LATENCY_MS,
    ask,
    grouped,
    keys,
)

if TYPE_CHECKING:
    import pandas as pd

    from faaslab.store.questions.window import Run, Window

# An environment that ended so was thrown away with its process: no keep-alive would have kept it.
_BROKEN = (
    "(status = 'timeout' OR error_type IN ('Runtime.ExitError', 'Runtime.OutOfMemory', 'Sandbox.Timedout'))"
)


def rates(run: Run, window: Window, by: tuple[str, ...] = ("function",)) -> pd.DataFrame:
    """A row a group: the keys, invocations (of which it is known), cold_starts, rate (0 to 1), init_p50_ms,
    init_p95_ms; most cold starts first, or in the order of the clock.
    """  # noqa: D205
    clock = bool(by) and by[0] in {"hour_of_day", "weekday", "day"}
    order = ", ".join(filter(None, [None if clock else "cold_starts DESC", keys(by)]))
    return ask(
        run,
        window,
        f"""WITH {window.executions()}
        SELECT {grouped(by)} count(cold_start) AS invocations, count(*) FILTER (cold_start) AS cold_starts,
               cold_starts / nullif(invocations, 0) AS rate,
               quantile_cont(init_ms, 0.5) FILTER (cold_start) AS init_p50_ms,
               quantile_cont(init_ms, 0.95) FILTER (cold_start) AS init_p95_ms
        FROM x GROUP BY ALL HAVING count(cold_start) > 0 ORDER BY {order}""",
    )


def rate_over_time(run: Run, window: Window, bucket: str) -> pd.DataFrame:
    """A row a bucket of time that has any (`bucket` is an interval such as `1 hour`): bucket (its start),
    invocations, cold_starts, rate.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions()}
        SELECT time_bucket(CAST($bucket AS INTERVAL), started_at) AS bucket, count(cold_start) AS invocations,
               count(*) FILTER (cold_start) AS cold_starts, cold_starts / nullif(invocations, 0) AS rate
        FROM x GROUP BY 1 HAVING count(cold_start) > 0 ORDER BY 1""",
        bucket=bucket,
    )


def by_weekday_and_hour(run: Run, window: Window, tz: str) -> pd.DataFrame:
    """A row an hour of the week that has any, in the time zone `tz` (a name such as `Europe/Madrid`):
    weekday (1 is Monday), hour (0 to 23), invocations, cold_starts, rate.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions()},
        h AS (SELECT time_bucket(INTERVAL '15 minutes', started_at) AS quarter,
                     count(cold_start) AS invocations, count(*) FILTER (cold_start) AS cold_starts
              FROM x GROUP BY 1),
        l AS (SELECT (quarter AT TIME ZONE 'UTC') AT TIME ZONE $tz AS local, invocations, cold_starts FROM h)
        SELECT isodow(local) AS weekday, hour(local) AS hour, sum(invocations)::BIGINT AS invocations,
               sum(cold_starts)::BIGINT AS cold_starts, sum(cold_starts) / sum(invocations) AS rate
        FROM l GROUP BY 1, 2 HAVING sum(invocations) > 0 ORDER BY 1, 2""",
        tz=tz,
    )


def init_split(run: Run, window: Window) -> pd.DataFrame:
    """What inits take and what they are billed, a row per function, region and architecture:
    cold_starts, with_init, init_p50_ms, init_p95_ms, init_share_of_latency (of a cold start's wait, at the
    median), gb_seconds, init_gb_seconds (the billed ones), init_hours (all time spent in inits).
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions()}
        SELECT function, region, architecture, count(*) FILTER (cold_start) AS cold_starts,
               count(coalesce(init_ms, restore_ms)) FILTER (cold_start) AS with_init,
               quantile_cont(coalesce(init_ms, restore_ms), 0.5) FILTER (cold_start) AS init_p50_ms,
               quantile_cont(coalesce(init_ms, restore_ms), 0.95) FILTER (cold_start) AS init_p95_ms,
               median(coalesce(init_ms, restore_ms) / nullif({LATENCY_MS}, 0))
                   FILTER (cold_start) AS init_share_of_latency,
               coalesce(sum({GB_SECONDS}), 0) AS gb_seconds,
               coalesce(sum({INIT_GB_SECONDS}), 0) AS init_gb_seconds,
               coalesce(sum(coalesce(init_ms, restore_ms)) FILTER (cold_start), 0) / 3.6e6 AS init_hours
        FROM x GROUP BY ALL HAVING cold_starts > 0 ORDER BY init_gb_seconds DESC, cold_starts DESC""",
    )


def init_curve(run: Run, window: Window, points: tuple[float, ...]) -> pd.DataFrame:
    """The init's duration at each of `points` (0 to 1): function, cold_starts, quantile, init_ms."""
    return ask(
        run,
        window,
        f"""WITH {window.executions()},
        q AS (SELECT function, count(*) AS cold_starts,
                     quantile_cont(coalesce(init_ms, restore_ms), {list(points)}) AS taken
              FROM x WHERE cold_start AND coalesce(init_ms, restore_ms) IS NOT NULL GROUP BY function)
        SELECT function, cold_starts, unnest({list(points)}) AS quantile, unnest(taken) AS init_ms
        FROM q ORDER BY cold_starts DESC, function, quantile""",
    )


def environments(run: Run, window: Window) -> pd.DataFrame:
    """Every environment that was seen, in the order of their starts: function, version, definition, started,
    ended (its last answer), born_cold (whether its first execution in the window started cold), broken
    (whether it ended with a timeout or a dead process), cancelled (whether somebody ended it with what it
    ran), local (whether it ran on this machine), executions.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions()}
        SELECT function, version, definition, min(started_at) AS started,
               max(coalesce(ended_at, started_at)) AS ended,
               coalesce(min(started_at) FILTER (cold_start) = min(started_at), false) AS born_cold,
               coalesce(arg_max({_BROKEN}, started_at), false) AS broken,
               coalesce(arg_max({CANCELLED}, started_at), false) AS cancelled,
               bool_and(coalesce(source = 'local', false)) AS local, count(*) AS executions
        FROM x WHERE environment IS NOT NULL GROUP BY function, version, definition, environment
        ORDER BY function, version, definition, started""",
    )


def gaps_without_environments(run: Run, window: Window) -> pd.DataFrame:
    """Of the cold starts whose environment is not told: function, version, definition, gap_s: the seconds
    since every earlier execution of those had ended; null for its first, negative where one still ran.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions()},
        p AS (SELECT function, version, definition, cold_start, started_at, environment,
                     max(coalesce(ended_at, started_at)) OVER (PARTITION BY function, version, definition
                         ORDER BY started_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS busy_until
              FROM x WHERE function IN (SELECT function FROM x WHERE cold_start AND environment IS NULL))
        SELECT function, version, definition, epoch(started_at) - epoch(busy_until) AS gap_s
        FROM p WHERE cold_start AND environment IS NULL""",
    )


def reinits(run: Run, window: Window) -> pd.DataFrame:
    """Cold starts inside a living environment, which a crash or a timeout before them brought about:
    function, cold_starts.
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions()},
        n AS (SELECT function, cold_start, row_number() OVER (PARTITION BY function, environment
                  ORDER BY started_at, cold_start DESC NULLS LAST) AS nth
              FROM x WHERE environment IS NOT NULL AND environment IN
                  (SELECT environment FROM x WHERE cold_start GROUP BY 1 HAVING count(*) > 1))
        SELECT function, count(*) AS cold_starts FROM n WHERE cold_start AND nth > 1 GROUP BY function""",
    )
