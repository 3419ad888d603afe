"""What the store knows of how functions fare: figures per function, per group, and over all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue
from faaslab.lab import dashboard, timelines
from faaslab.model.function import FunctionStatistics
from faaslab.model.moment import moment
from faaslab.store.questions import workflows
from faaslab.store.questions.window import MEASURED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    import pandas as pd

    from faaslab.lab import Lab
    from faaslab.lab.dashboard import Dashboard
    from faaslab.model.function import Function
    from faaslab.model.workflow import WorkflowStatistics

BY = {
    "function": "e.function",
    "version": "e.version",
    "definition": "e.definition",
    "qualifier": "e.qualifier",
    "memory": "e.memory_mb",
    "runtime": "e.runtime",
    "source": "e.source",
    "status": "e.status",
    "architecture": "e.architecture",
    "backend": "e.backend",
    "day": "CAST(e.started_at AS DATE)",
    "hour": "date_trunc('hour', e.started_at)",
}
"""What figures can be grouped by, and the expression of each."""

_FIGURES = """
    count(*) FILTER (e.status <> 'throttled') AS invocations,
    count(*) FILTER (e.status IN ('failed', 'timeout')) AS errors,
    count(*) FILTER (e.status = 'throttled') AS throttles,
    round(errors / nullif(invocations, 0), 4) AS error_rate,
    count(*) FILTER (e.cold_start) AS cold_starts,
    round(cold_starts / nullif(count(e.cold_start), 0), 4) AS cold_rate,
    round(quantile_cont(e.duration_ms, 0.50), 3) AS p50_ms,
    round(quantile_cont(e.duration_ms, 0.95), 3) AS p95_ms,
    round(quantile_cont(e.duration_ms, 0.99), 3) AS p99_ms,
    round(avg(e.init_ms), 3) AS mean_init_ms,
    max(e.max_memory_mb) AS max_memory_mb,
    coalesce(sum(e.billed_ms), 0)::BIGINT AS billed_ms,
    coalesce(round(sum(c.gb_seconds)::DOUBLE, 6), 0) AS gb_seconds,
    coalesce(sum(c.usd)::DOUBLE, 0) AS cost_usd
"""


@dataclass(frozen=True, kw_only=True)
class SystemMetrics:
    """A whole store at a glance; a rate or a mean of nothing is None. Throttled calls are no invocations."""

    functions: int
    active: int
    """Functions that were invoked in that time."""
    invocations: int
    errors: int
    throttles: int
    mean_duration_ms: float | None
    cold_start_rate: float | None


class Monitoring:
    """`lab.monitoring`. Instants are naive UTC, or spans back from now such as `7d`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._store = lab.store

    def system_metrics(
        self,
        *,
        since: str | datetime | timedelta | None = None,
        until: str | datetime | timedelta | None = None,
    ) -> SystemMetrics:
        """Functions, invocations, errors, mean duration and cold-start rate over all."""
        where, values = self._window(since, until)
        row = self._one(
            f"""SELECT count(DISTINCT function), count(*) FILTER (status <> 'throttled'),
                    count(*) FILTER (status IN ('failed', 'timeout')), count(*) FILTER (status = 'throttled'),
                    avg(duration_ms), count(*) FILTER (cold_start) / nullif(count(cold_start), 0)
                    FROM executions e{where}""",
            values,
        )
        return SystemMetrics(
            functions=len(self._lab.functions.names()),
            active=row[0],
            invocations=row[1],
            errors=row[2],
            throttles=row[3],
            mean_duration_ms=row[4],
            cold_start_rate=row[5],
        )

    @property
    def keep_alive_s(self) -> float:
        """For how many seconds this Lab keeps idle environments: the setting `keep_alive`."""
        return self._lab.keep_alive_s

    def function_metrics(
        self,
        name: str,
        *,
        since: str | datetime | timedelta | None = None,
        until: str | datetime | timedelta | None = None,
    ) -> FunctionStatistics:
        """What the store has seen of one function."""
        where, values = self._window(since, until, "e.function = ?", name)
        row = self._one(
            f"""SELECT count(*) FILTER (status <> 'throttled'),
                    count(*) FILTER (status IN ('failed', 'timeout')), count(*) FILTER (status = 'timeout'),
                    count(*) FILTER (status = 'throttled'), count(*) FILTER (cold_start), avg(duration_ms),
                    quantile_cont(duration_ms, 0.95), max(max_memory_mb), max(started_at)
                    FROM executions e{where}""",
            values,
        )
        return FunctionStatistics(
            invocations=row[0],
            errors=row[1],
            timeouts=row[2],
            throttles=row[3],
            cold_starts=row[4],
            mean_duration_ms=row[5],
            p95_duration_ms=row[6],
            max_memory_mb=row[7],
            last_invoked_at=row[8],
        )

    def workflow_metrics(
        self,
        name: str,
        *,
        since: str | datetime | timedelta | None = None,
        until: str | datetime | timedelta | None = None,
    ) -> WorkflowStatistics:
        """What the store has seen of one workflow; children of distributed Maps are not counted."""
        now = self._lab.clock.now()
        return workflows.statistics(
            self._store.sql,
            self._lab.workflows.kept(name).name,
            since=None if since is None else moment(since, now=now, place="since"),
            until=None if until is None else moment(until, now=now, place="until"),
        )

    def stats(
        self,
        function: str | None = None,
        *,
        since: str | datetime | timedelta | None = None,
        until: str | datetime | timedelta | None = None,
        by: Sequence[str] = ("function",),
    ) -> pd.DataFrame:
        """Figures per group: invocations, errors, error_rate (0 to 1), throttles, cold_starts, cold_rate,
        p50_ms, p95_ms, p99_ms, mean_init_ms, max_memory_mb, billed_ms, gb_seconds, cost_usd.

        `by` are names of `BY`. Prices are list prices of us-east-1 without the free tier.
        """  # noqa: D205
        unknown = [each for each in by if each not in BY]
        if unknown:
            raise InvalidValue(f"{unknown[0]!r} is none of {', '.join(BY)}", place="by")
        if function is not None:
            self._lab.executions.known(function)
        where, values = self._window(since, until, *(("e.function = ?", function) if function else ()))
        groups = "".join(f"{BY[each]} AS {each}, " for each in by)
        order = " ORDER BY " + ", ".join(str(index + 1) for index in range(len(by))) if by else ""
        group = f" GROUP BY {', '.join(str(index + 1) for index in range(len(by)))}" if by else ""
        having = "" if by else " HAVING count(*) > 0"
        return self._store.sql(
            f"SELECT {groups}{_FIGURES} FROM executions e LEFT JOIN costs c USING (id)"
            f"{where}{group}{having}{order}",
            values,
        )

    def timeline(
        self,
        function: str,
        *,
        since: str | datetime | timedelta | None = None,
        until: str | datetime | timedelta | None = None,
        last: int | None = None,
    ) -> pd.DataFrame:
        """A row an invocation of a function, by its beginning; the last `last` of them, 100,000 at most.

        id, request_id, environment, status, started_at, init_at, handler_at, ended_at, duration_ms, init_ms,
        billed_ms, cold_start, memory_mb, max_memory_mb, error_type, definition, version, source,
        invocation_type, attempt, trigger. `started_at` to `init_at` (or `handler_at`) is what the platform
        took before; what was not recorded is missing.
        """
        return timelines.invocations(self._lab, function, since=since, until=until, last=last)

    def concurrency(
        self,
        function: str,
        *,
        since: str | datetime | timedelta | None = None,
        until: str | datetime | timedelta | None = None,
        last: int | None = None,
    ) -> pd.DataFrame:
        """For how long so many invocations of a function ran at once: concurrency, ms, share (0 to 1).

        From the beginning of the first to the end of the last; the sum of concurrency times ms is that of
        all invocations, inits included. Its last row is the peak.
        """
        df = timelines.invocations(self._lab, function, since=since, until=until, last=last)
        return timelines.levels_table(timelines.levels_of(df))

    def dashboard(
        self, functions: Sequence[str] = (), *, since: str | datetime | timedelta = "1h"
    ) -> Dashboard:
        """How those functions (all of them without a name) fare from `since` to now; `all`: since ever.

        Its figures are those of `stats`. Raises `NotFound` for a name that nothing knows.
        """
        for name in functions:
            self._lab.executions.known(name)
        return dashboard.look(self._lab, functions, since)

    def in_flight(self) -> dict[str, int]:
        """Function -> how many of its invocations run at this moment.

        All of this process, and those of others that have lasted about a second.
        """
        here = Counter(each.function for each in self._lab.environments() if each.state == "busy")
        return dict(here + self._lab.running.elsewhere())

    def functions_table(self, functions: Sequence[Function]) -> pd.DataFrame:
        """A row a function: name, definition, status, runtime, memory_mb, timeout_s, invocations, errors,
        cold_starts, mean_ms, last_invoked_at, updated_at.
        """  # noqa: D205
        import pandas as pd

        with self._store.connect() as connection:
            rows = connection.execute(
                f"""SELECT function, count(*) FILTER (status <> 'throttled'),
                   count(*) FILTER (status IN ('failed', 'timeout')), count(*) FILTER (cold_start),
                   avg(duration_ms), max(started_at) FROM executions WHERE {MEASURED} GROUP BY function"""
            ).fetchall()
        seen = {row[0]: row[1:] for row in rows}
        return pd.DataFrame(
            [
                (
                    each.name,
                    each.definition,
                    str(each.status),
                    each.runtime,
                    each.configuration.memory_mb,
                    each.configuration.timeout_s,
                    *seen.get(each.name, (0, 0, 0, None, None)),
                    each.updated_at,
                )
                for each in functions
            ],
            columns=[
                "name", "definition", "status", "runtime", "memory_mb", "timeout_s", "invocations", "errors",
                "cold_starts", "mean_ms", "last_invoked_at", "updated_at",
            ],
        )  # fmt: skip

    def _one(self, text: str, values: list[Any]) -> tuple[Any, ...]:
        """The only row of an aggregate over everything."""
        with self._store.connect() as connection:
            row = connection.execute(text, values).fetchone()
        assert row is not None
        return row

    def _window(self, since: Any, until: Any, *more: Any) -> tuple[str, list[Any]]:
        now = self._lab.clock.now()
        where, values = [MEASURED, *more[:1]], [*more[1:]]
        if since is not None:
            where.append("e.started_at >= ?")
            values.append(moment(since, now=now, place="since"))
        if until is not None:
            where.append("e.started_at < ?")
            values.append(moment(until, now=now, place="until"))
        return f" WHERE {' AND '.join(where)}", values
