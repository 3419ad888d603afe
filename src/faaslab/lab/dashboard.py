"""How functions fare at this moment: the figures of a window, of the equal one before it, and by bucket.

`Dashboard` is what a look gives: everything was summed up in DuckDB, so it is small whatever the store holds.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from faaslab.model.alarm import Alarm, AlarmState
from faaslab.model.moment import moment
from faaslab.store.questions import dashboard as questions
from faaslab.store.questions.window import Window
from faaslab.store.questions.workflows import WorkflowWindow

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from faaslab.lab import Lab
    from faaslab.store.questions.window import Run

ALL = "all"
"""The window that has everything."""

BUCKETS = 72
"""At most so many buckets in a window."""

_FEWEST = 12
"""So many buckets are shown of all there is, though it be a moment only: a picture of one tells nothing."""

_WIDTHS_S = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_MONDAY = datetime(2000, 1, 3)  # so that a bucket of a week is a calendar week


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What ran: throttled calls are no invocations, and an error is what failed or ran into its timeout.

    Percentiles are of the time that handlers took, inits left out; None where none is known. `cost_usd` is at
    list prices of us-east-1 without the free tier, of the `billed` ones, whose billed time is known.
    """

    invocations: int = 0
    errors: int = 0
    throttles: int = 0
    cold_starts: int = 0
    cold_known: int = 0
    """Of how many it is known whether they started cold."""
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    billed: int = 0
    cost_usd: float = 0.0

    @property
    def error_rate(self) -> float | None:
        """0 to 1, of the invocations."""
        return self.errors / self.invocations if self.invocations else None

    @property
    def cold_rate(self) -> float | None:
        """0 to 1, of those of which it is known."""
        return self.cold_starts / self.cold_known if self.cold_known else None


_FIGURES = frozenset(each.name for each in fields(Figures))


@dataclass(frozen=True, kw_only=True)
class Bucket(Figures):
    """A piece of the window. `peak` is how many executions ran at once at most."""

    begin: datetime
    peak: int = 0


@dataclass(frozen=True, kw_only=True)
class FunctionFigures(Figures):
    """Those of one function."""

    function: str


@dataclass(frozen=True, kw_only=True)
class WorkflowFigures:
    """Executions of a workflow that began in the window; `running` are all that run, whenever they began."""

    workflow: str
    executions: int
    running: int
    succeeded: int
    failed: int
    timed_out: int
    aborted: int
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """How the chosen functions (all of them where none is) fare from `since` to `until`, naive UTC."""

    functions: tuple[str, ...]
    since: datetime
    until: datetime
    width: timedelta
    """How long a bucket is."""
    total: Figures
    peak: int
    """The most executions at one moment."""
    before: Figures | None
    """The same of the time before that is as long; None where the window has all."""
    peak_before: int | None
    buckets: tuple[Bucket, ...]
    """Without a gap from the one with `since` on; one in which nothing ran has zeros."""
    by_function: tuple[FunctionFigures, ...]
    """The busiest first."""
    workflows: tuple[WorkflowFigures, ...] = ()
    """None where functions were chosen."""
    alarms: tuple[Alarm, ...] = ()
    running: Mapping[str, int] = field(default_factory=dict)
    """Function -> how many of its executions run at this moment, where there are any.

    All of this process, and those of others that have lasted about a second.
    """
    last: datetime | None = None
    """When the last one of all began, where the window has none."""
    position: tuple[int, int] | None = None
    """The store's when it was asked: while it stands there, the same window has the same figures."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.by_function or self.workflows)

    @property
    def df(self) -> pd.DataFrame:
        """A row a function: its figures, and how many of it run now."""
        import pandas as pd

        return pd.DataFrame(
            [
                (
                    *(each.function, each.invocations, each.errors, _rounded(each.error_rate)),
                    *(each.throttles, each.cold_starts, _rounded(each.cold_rate)),
                    *(each.p50_ms, each.p95_ms, each.p99_ms, each.cost_usd),
                    self.running.get(each.function, 0),
                )
                for each in self.by_function
            ],
            columns=[
                "function", "invocations", "errors", "error_rate", "throttles", "cold_starts", "cold_rate",
                "p50_ms", "p95_ms", "p99_ms", "cost_usd", "running",
            ],
        )  # fmt: skip

    @property
    def workflows_df(self) -> pd.DataFrame:
        """A row a workflow: its executions by how they stand, and how long those that ended took."""
        import pandas as pd

        names = [each.name for each in fields(WorkflowFigures)]
        rows = [tuple(getattr(each, name) for name in names) for each in self.workflows]
        return pd.DataFrame(rows, columns=names)


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """What is asked, and the buckets that it is shown in."""

    window: Window
    before: datetime | None
    """Since when it is compared with what was before; as long as the window itself."""
    since: datetime
    until: datetime
    begin: datetime
    """Of the first bucket."""
    width: timedelta

    @property
    def count(self) -> int:
        """How many buckets; the last has `until`."""
        return (self.until - self.begin) // self.width + 1


def look(lab: Lab, functions: Sequence[str] = (), since: str | datetime | timedelta = "1h") -> Dashboard:
    """How things stand. `since` is a span back from now, an instant, or `all`.

    The figures are of just that time, as those of `stats` are: the first bucket is cut where it begins.
    """
    run, now, chosen = lab.store.sql, lab.clock.now(), tuple(functions)
    position = lab.store.position()  # before the questions: what is recorded meanwhile is asked for again
    frame = _frame(lab, chosen, since, now)
    shown = (frame.window, frame.begin, frame.width)
    rows = questions.figures(run, *shown, before=frame.before).to_dict("records")
    peaks = _peaks(questions.concurrency(run, *shown, frame.count, before=frame.before))
    by_bucket = {int(row["bucket"]): row for row in rows if row["kind"] == "bucket"}
    by_function = [
        FunctionFigures(function=row["function"], **_figures(row))
        for row in rows
        if row["kind"] == "function"
    ]
    of = {row["kind"]: Figures(**_figures(row)) for row in rows if row["kind"] in {"total", "before"}}
    return Dashboard(
        functions=chosen,
        since=frame.since,
        until=frame.until,
        width=frame.width,
        total=of["total"],
        peak=max(peaks[place] for place in range(frame.count)),
        before=of.get("before"),
        peak_before=peaks.get(-1),
        buckets=tuple(
            Bucket(
                begin=frame.begin + place * frame.width,
                peak=peaks[place],
                **(_figures(by_bucket[place]) if place in by_bucket else {}),
            )
            for place in range(frame.count)
        ),
        by_function=tuple(sorted(by_function, key=lambda each: (-each.invocations, each.function))),
        workflows=() if chosen else _workflows(run, frame.window),
        alarms=alarms(lab),
        running=lab.monitoring.in_flight(),
        last=None if by_function else _extent(run, chosen)[1],
        position=position,
    )


def alarms(lab: Lab) -> tuple[Alarm, ...]:
    """The alarms of the store; those that alarm first."""
    found = lab.store.definitions.list(Alarm)
    return tuple(sorted(found, key=lambda each: (each.state is not AlarmState.ALARM, each.name)))


def width_of(length: timedelta) -> timedelta:
    """How long a bucket is in a window of that length: at most `BUCKETS` of them, each a round time."""
    for width_s in _WIDTHS_S:
        if length <= BUCKETS * timedelta(seconds=width_s):
            return timedelta(seconds=width_s)
    return timedelta(days=math.ceil(length / timedelta(days=BUCKETS)))


def floor(at: datetime, width: timedelta) -> datetime:
    """The begin of the bucket that has the instant."""
    return at - (at - _MONDAY) % width


def edge(since: str | datetime | timedelta, now: datetime) -> datetime | None:
    """What differs once a window has moved on by a bucket, though nothing ran; None where it never does."""
    if since == ALL:
        return None
    return floor(now, width_of(now - moment(since, now=now, place="--since")))


def _frame(lab: Lab, chosen: tuple[str, ...], since: str | datetime | timedelta, now: datetime) -> _Frame:
    if since == ALL:
        first, last = _extent(lab.store.sql, chosen)
        first, last = first or now, last or now
        width = width_of(last - first)
        begin = min(floor(first, width), floor(last, width) - (_FEWEST - 1) * width)
        window = Window(functions=chosen)
        return _Frame(window=window, before=None, since=first, until=last, begin=begin, width=width)
    from_then = moment(since, now=now, place="--since")
    until = max(now, from_then)
    width = width_of(until - from_then)
    begin = floor(from_then, width)
    return _Frame(
        window=Window(since=from_then, functions=chosen),
        before=None if until == from_then else from_then - (until - from_then),
        since=from_then,
        until=until,
        begin=begin,
        width=width,
    )


def _extent(run: Run, chosen: tuple[str, ...]) -> tuple[datetime | None, datetime | None]:
    row = _known(questions.extent(run, Window(functions=chosen)).to_dict("records")[0])
    first, last = row["first"], row["last"]
    return (None, None) if first is None else (first.to_pydatetime(), last.to_pydatetime())


def _peaks(df: pd.DataFrame) -> dict[int, int]:
    return dict(zip(df["bucket"].tolist(), df["peak"].tolist(), strict=True))


def _workflows(run: Run, window: Window) -> tuple[WorkflowFigures, ...]:
    df = questions.workflows(run, WorkflowWindow(since=window.since, until=window.until))
    return tuple(WorkflowFigures(**_known(row)) for row in df.to_dict("records"))


def _figures(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    return {name: value for name, value in _known(row).items() if name in _FIGURES}


def _known(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    """With None for what is not known."""
    import pandas as pd

    return {str(name): None if pd.isna(value) else value for name, value in row.items()}


def _rounded(rate: float | None) -> float | None:
    """As `stats` has it."""
    return None if rate is None else round(rate, 4)
