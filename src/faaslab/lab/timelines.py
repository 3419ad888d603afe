"""A function's invocations over time, and how many ran at once: as rows, and as a picture."""

# ruff: noqa: TC004 -- nothing reads these annotations, and pandas may not be loaded for them

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from faaslab.errors import InvalidValue
from faaslab.lab.workflow_pictures import Picture
from faaslab.model.moment import moment
from faaslab.monitoring.timeline import words
from faaslab.monitoring.timeline.levels import Levels, levels
from faaslab.monitoring.timeline.picture import timeline_svg
from faaslab.monitoring.timeline.plain import timeline_text
from faaslab.monitoring.timeline.runs import Run, runs_of
from faaslab.store.questions import timeline
from faaslab.store.questions.window import Window

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    import pandas as pd

    from faaslab.lab import Lab

    When = str | datetime | timedelta | None

LAST = 1_000
"""So many invocations, the last ones, are drawn where nobody asks for more."""
DRAWN = 20_000
"""So many are drawn at most."""
MOST = 100_000


@dataclass(frozen=True)
class FunctionTimeline:
    """What is drawn, and the rows behind it."""

    df: pd.DataFrame
    picture: Picture
    about: str
    """What it shows, in a sentence."""


def invocations(
    lab: Lab, function: str, *, since: When = None, until: When = None, last: int | None = None
) -> pd.DataFrame:
    """The rows of `lab.monitoring.timeline`."""
    lab.executions.known(function)
    if last is not None and last < 1:
        raise InvalidValue(f"{last} is not 1 or more", place="last")
    now = lab.clock.now()
    window = Window(
        functions=(function,),
        since=None if since is None else moment(since, now=now, place="since"),
        until=None if until is None else moment(until, now=now, place="until"),
    )
    return timeline.invocations(lab.store.sql, window, last=min(last or MOST, MOST))


def levels_of(df: pd.DataFrame) -> Levels:
    """How many of these ran at once."""
    return levels((run.began, run.ended) for run in _runs(df) if run.look != "throttled")


def levels_table(found: Levels) -> pd.DataFrame:
    """A row for each number that ran at once: concurrency, ms, share."""
    import pandas as pd

    total = found.total_us
    return pd.DataFrame(
        [(level, us / 1_000, us / total if total else 0.0) for level, us in found.us.items() if us],
        columns=["concurrency", "ms", "share"],
    )


def drawn(
    lab: Lab, function: str, *, since: When = None, until: When = None, last: int | None = None
) -> FunctionTimeline:
    """The picture; without `last` of the newest 1,000 invocations of that time, 20,000 at most."""
    most = LAST if last is None else min(last, DRAWN)
    # One more than are drawn tells whether there are any.
    df = invocations(lab, function, since=since, until=until, last=most + 1)
    notes = []
    if len(df) > most:
        df = df.iloc[len(df) - most :].reset_index(drop=True)
        more = "--limit N draws more" if last is None else "no more are drawn"
        notes = [] if last == most else [f"the newest {most:,} invocations: {more}"]
    runs = _runs(df)
    limit, reserved = _limit(lab, function)
    given: dict[str, Any] = {"limit": limit, "reserved": reserved, "notes": notes}
    svg = timeline_svg(runs, title=f"{function}: timeline", **given)
    environments = len({run.environment for run in runs if run.environment is not None})
    about = words.summary(runs, environments)
    return FunctionTimeline(df, Picture(svg=svg, text=timeline_text(runs, **given)), about)


def _runs(df: pd.DataFrame) -> list[Run]:
    return runs_of(cast("list[dict[str, Any]]", df.to_dict("records")))


def _limit(lab: Lab, function: str) -> tuple[int | None, bool]:
    """How many may run at once, and whether that is this function's own; None for one that is not here."""
    if function not in lab.functions.names():
        return None, False
    account = lab.account()
    reserved = account.reserved.get(function)
    return (account.limit, False) if reserved is None else (reserved, True)
