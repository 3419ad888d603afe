"""What is billed: GB-seconds, requests and inits by whatever they are grouped, for a price list to price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.store.questions.window import (
    FAILED_BY_ITSELF,
    GB_SECONDS,
    INIT_GB_SECONDS,
    ask,
    grouped,
    keys,
)
from faaslab.store.views import BILLED_INIT_MS

if TYPE_CHECKING:
    import pandas as pd

    from faaslab.store.questions.window import Run, Window

# The size of /tmp is no figure of an execution: it is in the definition that ran.
_STORAGE = """d AS (SELECT name, TRY_CAST(version AS INTEGER) AS definition,
        max(CAST(body->>'$.configuration.ephemeral_storage_mb' AS INTEGER)) AS tmp_mb
    FROM definitions WHERE kind = 'function' GROUP BY 1, 2 HAVING tmp_mb > 512)"""
_WITH_STORAGE = (
    "(SELECT x.*, tmp_mb FROM x LEFT JOIN d ON d.name = x.function AND d.definition = x.definition)"
)
_STORAGE_GB_SECONDS = "(tmp_mb - 512) / 1024.0 * billed_ms / 1000.0"


def usage(run: Run, window: Window, by: tuple[str, ...] = ("function",)) -> pd.DataFrame:
    """What is billed, a row per group, region and architecture (prices differ by those): the keys, region,
    architecture, requests (executions that were not throttled), billed (those whose billed time and memory
    are known), gb_seconds (inits included), init_gb_seconds, ephemeral_gb_seconds (/tmp above 512 MB),
    failed_gb_seconds and failed (of errors and timeouts, without what somebody cancelled).
    """  # noqa: D205
    every = tuple(dict.fromkeys((*by, "region", "architecture")))
    return ask(
        run,
        window,
        f"""WITH {window.executions()}, {_STORAGE}
        SELECT {grouped(every)} count(*) AS requests, count({GB_SECONDS}) AS billed,
               coalesce(sum({GB_SECONDS}), 0) AS gb_seconds,
               coalesce(sum({INIT_GB_SECONDS}), 0) AS init_gb_seconds,
               coalesce(sum({_STORAGE_GB_SECONDS}), 0) AS ephemeral_gb_seconds,
               coalesce(sum({GB_SECONDS}) FILTER ({FAILED_BY_ITSELF}), 0) AS failed_gb_seconds,
               count(*) FILTER ({FAILED_BY_ITSELF}) AS failed
        FROM {_WITH_STORAGE}
        GROUP BY {keys(every)} ORDER BY gb_seconds DESC""",
    )


def usage_over_time(run: Run, window: Window, bucket: str) -> pd.DataFrame:
    """As `usage`, a row per bucket of time (`1 day`), function, region and architecture."""
    return ask(
        run,
        window,
        f"""WITH {window.executions()}, {_STORAGE}
        SELECT time_bucket(CAST($bucket AS INTERVAL), started_at) AS bucket, function, region, architecture,
               count(*) AS requests, coalesce(sum({GB_SECONDS}), 0) AS gb_seconds,
               coalesce(sum({INIT_GB_SECONDS}), 0) AS init_gb_seconds,
               coalesce(sum({_STORAGE_GB_SECONDS}), 0) AS ephemeral_gb_seconds
        FROM {_WITH_STORAGE} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2""",
        bucket=bucket,
    )


def memory_sizes(run: Run, window: Window) -> pd.DataFrame:
    """How each function was run at each memory size (successes only, at least 20 of them): function,
    region, architecture, memory_mb, invocations, mean_ms, p95_ms, gb_seconds_each
    (without the init), used_max_mb, last (start).
    """  # noqa: D205
    return ask(
        run,
        window,
        f"""WITH {window.executions()}
        SELECT function, region, architecture, memory_mb, count(*) AS invocations,
               avg(duration_ms) AS mean_ms,
               quantile_cont(duration_ms, 0.95) AS p95_ms,
               avg(memory_mb / 1024.0 * (billed_ms - {BILLED_INIT_MS}) / 1000.0) AS gb_seconds_each,
               max(max_memory_mb) AS used_max_mb, max(started_at) AS last
        FROM x WHERE status = 'completed' AND billed_ms IS NOT NULL AND memory_mb IS NOT NULL
        GROUP BY 1, 2, 3, 4 HAVING invocations >= 20 ORDER BY function, memory_mb""",
    )
