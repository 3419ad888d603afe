"""Which executions a question is about, and the SQL that picks them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from faaslab.model.execution import CANCELLED as CANCELLED_TYPE
from faaslab.store.views import BILLED_INIT_MS

if TYPE_CHECKING:
    import pandas as pd

Run = Callable[[str, Mapping[str, Any] | None], "pd.DataFrame"]
"""What runs SQL with named parameters: `store.sql`."""

COLUMNS = (
    "id, function, version, definition, source, region, runtime, architecture, memory_mb, timeout_s, status, "
    "started_at, ended_at, duration_ms, billed_ms, init_ms, restore_ms, billed_restore_ms, cold_start, "
    "start_method, max_memory_mb, payload_bytes, result_bytes, attempt, error_type, error_message, "
    "coalesce(environment_id, log_stream) AS environment"
)

MEASURED = "coalesce(start_method, '') NOT IN ('in-process', 'attached')"
"""Not run under a debugger: that has no figures, and its failures were looked for."""
CANCELLED = f"coalesce(error_type = '{CANCELLED_TYPE}', false)"
"""Somebody ended it: it is recorded as failed, and there is nothing to repair."""
FAILED_BY_ITSELF = f"status IN ('failed', 'timeout') AND NOT {CANCELLED}"
GB_SECONDS = "memory_mb / 1024.0 * billed_ms / 1000.0"
INIT_GB_SECONDS = f"memory_mb / 1024.0 * {BILLED_INIT_MS} / 1000.0"
LATENCY_MS = "duration_ms + coalesce(init_ms, restore_ms, 0)"
"""What a caller waited for, the network left out."""

GROUPS = {
    "function": "function",
    "version": "version",
    "definition": "definition",
    "memory_mb": "memory_mb",
    "runtime": "runtime",
    "architecture": "architecture",
    "region": "region",
    "source": "source",
    "hour_of_day": "hour(started_at)",
    "weekday": "isodow(started_at)",
    "day": "CAST(started_at AS DATE)",
}
"""What an answer can be grouped by, and the expression of each. Days and hours are UTC."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """From `since` on, before `until` (naive UTC); empty tuples mean all."""

    since: datetime | None = None
    until: datetime | None = None
    functions: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def parameters(self) -> dict[str, Any]:
        """The named parameters of `condition`: those that are used and no others."""
        return given(
            since=self.since,
            until=self.until,
            functions=self.functions,
            regions=self.regions,
            sources=self.sources,
        )

    @property
    def condition(self) -> str:
        """What a row of `executions` must fulfil; a running or debugged one has no figures."""
        return " AND ".join(
            [
                "status <> 'running'",
                MEASURED,
                *within(self.parameters),
            ]
        )

    def executions(self, name: str = "x", *, throttled: bool = False) -> str:
        """The CTE `name`: the executions of the window. A throttled call never ran, so it is not among them
        unless asked for.
        """  # noqa: D205
        only = "" if throttled else " AND status <> 'throttled'"
        return f"{name} AS NOT MATERIALIZED (SELECT {COLUMNS} FROM executions WHERE {self.condition}{only})"


def given(**values: datetime | tuple[str, ...] | None) -> dict[str, Any]:
    """Those that are not empty, as named parameters."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value
    }


_WITHIN = {"since": "started_at >= $since", "until": "started_at < $until"}


def within(parameters: Iterable[str]) -> list[str]:
    """What each parameter of a window asks of a row: `functions` names those that `function` may be."""
    return [_WITHIN.get(name) or f"list_contains(${name}, {name.removesuffix('s')})" for name in parameters]


class Narrowing(Protocol):
    """A window: what a question is narrowed to."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The named parameters of its conditions."""


def ask(run: Run, window: Narrowing, text: str, **parameters: Any) -> pd.DataFrame:
    """Run `text` with the window's parameters and its own."""
    return run(text, {**window.parameters, **parameters} or None)


def grouped(by: tuple[str, ...]) -> str:
    """The select list of `by` (names of `GROUPS`), with a comma at its end where it is not empty."""
    return "".join(f"{GROUPS[each]} AS {each}, " for each in by)


def keys(by: tuple[str, ...]) -> str:
    """`1, 2, …`: the columns of `grouped` for GROUP BY."""
    return ", ".join(str(index + 1) for index in range(len(by)))
