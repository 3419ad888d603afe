"""When the invocations of a function began, got to their handler, and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.store.questions.window import ask

if TYPE_CHECKING:
    import pandas as pd

    from faaslab.store.questions.window import Run, Window

_MICROSECONDS = "to_microseconds(CAST(round(coalesce({}, 0) * 1000) AS BIGINT))"
# Here `started_at` is when it was asked for, and the init lies within. What AWS's logs tell as the start is
# that of the handler, which an init came before.
_HANDLER_AT = (
    "CASE WHEN source <> 'local' THEN started_at "
    f"WHEN ended_at IS NOT NULL AND duration_ms IS NOT NULL "
    f"THEN greatest(started_at, ended_at - {_MICROSECONDS.format('duration_ms')}) END"
)


def invocations(run: Run, window: Window, *, last: int) -> pd.DataFrame:
    """A row an invocation, the last `last` of the window, by their beginning; throttled ones included.

    id, request_id, environment, status, started_at, init_at, handler_at, ended_at (naive UTC), duration_ms,
    init_ms (or that of a restore), billed_ms, cold_start, memory_mb, max_memory_mb, error_type, definition,
    version, source, invocation_type, attempt, trigger.
    """
    return ask(
        run,
        window,
        f"""WITH x AS (
            SELECT *, coalesce(init_ms, restore_ms) AS init, {_HANDLER_AT} AS handler FROM executions
            WHERE {window.condition}
            ORDER BY started_at DESC, id DESC LIMIT $last)
        SELECT id, request_id, coalesce(environment_id, log_stream) AS environment, status, started_at,
               CASE WHEN init IS NOT NULL THEN CASE WHEN source = 'local'
                    THEN greatest(started_at, handler - {_MICROSECONDS.format("init")})
                    ELSE handler - {_MICROSECONDS.format("init")} END END AS init_at,
               handler AS handler_at,
               coalesce(ended_at, handler + {_MICROSECONDS.format("duration_ms")}) AS ended_at,
               duration_ms, init AS init_ms, billed_ms, cold_start, memory_mb, max_memory_mb, error_type,
               definition, version, source, invocation_type, attempt, "trigger"
        FROM x ORDER BY started_at, id""",
        last=last,
    )
