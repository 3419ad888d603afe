"""What could be saved, a month say, each with what it rests on and what it leaves out. Pure.

The savings overlap: they are not to be added up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from faaslab.monitoring.cost import exact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from faaslab.monitoring.cost import PriceTable

Row = Mapping[str, Any]

HEAD_ROOM = 1.25
"""A memory size is proposed with this much above the most that was ever used."""
ENOUGH = 20
"""Executions of a function below which nothing is proposed from its memory."""
_FULL = 0.9
"""A size that was measured is proposed only if the most that was used anywhere stays below this share."""
STEP_MB = 64
LEAST_MB = 128


@dataclass(frozen=True, kw_only=True)
class Saving:
    """One change. `usd` is what it saves for what `find` was asked, at list price."""

    kind: str
    function: str | None
    change: str
    usd: Decimal
    rests_on: Literal["a bound", "prices", "measured"]
    """A bound is the most that it can be; prices: the same use at another price."""
    caveat: str

    @property
    def at_most(self) -> bool:
        """Whether it may well be less."""
        return self.rests_on == "a bound"


def proposed_memory(used_max_mb: float) -> int:
    """The size for a function that used so much at most: a quarter above it, in steps of 64 MB."""
    return max(LEAST_MB, math.ceil(used_max_mb * HEAD_ROOM / STEP_MB) * STEP_MB)


def find(
    *,
    usage: Iterable[Row],
    memory: Iterable[Row],
    sizes: Iterable[Row],
    factor: Decimal,
    prices: PriceTable,
) -> list[Saving]:
    """All savings, largest first, from rows of `costs.usage`, `durations.memory` and `costs.memory_sizes`.

    `factor` is what the window is multiplied by: 730 hours over its own for a month, say.
    """
    used = list(usage)
    measured = list(_measured_sizes(list(sizes), factor, prices))
    known = {saving.function for saving in measured}
    found = [
        *measured,
        *(saving for saving in _head_room(list(memory), factor, prices) if saving.function not in known),
        *_arm(used, factor, prices),
        *_inits(used, factor, prices),
        *_failures(used, factor, prices),
    ]
    return sorted((saving for saving in found if saving.usd > 0), key=lambda saving: -saving.usd)


def _rate(row: Row, prices: PriceTable) -> Decimal:
    return prices.of(row["region"]).gb_second(row["architecture"] or "x86_64")


def _head_room(memory: list[Row], factor: Decimal, prices: PriceTable) -> Iterable[Saving]:
    latest: dict[str, Row] = {}
    for row in memory:
        if row["function"] not in latest or row["last"] > latest[row["function"]]["last"]:
            latest[row["function"]] = row
    for row in latest.values():
        size = proposed_memory(row["used_max_mb"])
        if row["invocations"] < ENOUGH or row["out_of_memory"] or size > 0.9 * row["memory_mb"]:
            continue
        spent = exact(row["gb_seconds"]) * _rate(row, prices) * factor
        yield Saving(
            kind="memory",
            function=row["function"],
            change=f"{row['memory_mb']:,} → {size:,} MB (used at most {row['used_max_mb']:,} MB)",
            usd=spent * (1 - Decimal(size) / Decimal(int(row["memory_mb"]))),
            rests_on="a bound",
            caveat="if it takes no longer: Lambda gives CPU in proportion to memory, so measure it first",
        )


def _measured_sizes(sizes: list[Row], factor: Decimal, prices: PriceTable) -> Iterable[Saving]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in sizes:
        groups.setdefault((row["function"], row["region"], row["architecture"]), []).append(row)
    for group in groups.values():
        now = max(group, key=lambda row: row["last"])
        used = max((row["used_max_mb"] or 0 for row in group), default=0)
        holds = [row for row in group if row is now or used <= _FULL * row["memory_mb"]]
        best = min(holds, key=lambda row: float(row["gb_seconds_each"]))
        if best is now:
            continue
        calls = exact(sum(row["invocations"] for row in group)) * factor
        each = exact(now["gb_seconds_each"]) - exact(best["gb_seconds_each"])
        yield Saving(
            kind="memory",
            function=now["function"],
            change=f"{now['memory_mb']:,} → {best['memory_mb']:,} MB",
            usd=calls * each * _rate(now, prices),
            rests_on="measured",
            caveat=(
                f"measured: {best['mean_ms']:,.0f} ms on average there, {now['mean_ms']:,.0f} ms now "
                "(the mix of calls may have differed)"
            ),
        )


def _arm(usage: list[Row], factor: Decimal, prices: PriceTable) -> Iterable[Saving]:
    saved, functions = Decimal(0), set()
    for row in usage:
        if row["architecture"] == "arm64":
            continue
        region = prices.of(row["region"])
        less = region.gb_second("x86_64") - region.gb_second("arm64")
        saved += exact(row["gb_seconds"]) * less * factor
        functions.add(row["function"])
    if saved:
        yield Saving(
            kind="arm64",
            function=next(iter(functions)) if len(functions) == 1 else None,
            change=f"x86_64 → arm64 ({len(functions)} function{'s' * (len(functions) > 1)})",
            usd=saved,
            rests_on="prices",
            caveat="if they run as fast there; packages with compiled parts need arm64 builds",
        )


def _inits(usage: list[Row], factor: Decimal, prices: PriceTable) -> Iterable[Saving]:
    for name, rows in _by_function(usage).items():
        spent = sum((exact(row["init_gb_seconds"]) * _rate(row, prices) for row in rows), Decimal(0))
        yield Saving(
            kind="cold starts",
            function=name,
            change="without cold starts",
            usd=spent * factor,
            rests_on="a bound",
            caveat="the bound of what warmer environments or a shorter init can save; warming costs too",
        )


def _failures(usage: list[Row], factor: Decimal, prices: PriceTable) -> Iterable[Saving]:
    for name, rows in _by_function(usage).items():
        spent = sum(
            (
                exact(row["failed_gb_seconds"]) * _rate(row, prices)
                + Decimal(int(row["failed"])) * prices.of(row["region"]).request
                for row in rows
            ),
            Decimal(0),
        )
        failed = sum(int(row["failed"]) for row in rows)
        kinds = "failure or timeout" if failed == 1 else "failures and timeouts"
        yield Saving(
            kind="failures",
            function=name,
            change=f"without its {failed:,} {kinds}",
            usd=spent * factor,
            rests_on="a bound",
            caveat="what failed executions are billed; repaired they would cost something too",
        )


def _by_function(usage: list[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in usage:
        groups.setdefault(row["function"], []).append(row)
    return groups
