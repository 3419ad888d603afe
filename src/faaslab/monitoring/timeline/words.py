"""What is said of runs, bars and lanes, in words: hovers, figures and the line above a picture. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.monitoring import shares
from faaslab.workflow.graph.spans import length

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from faaslab.monitoring.timeline.lanes import Bar, Lane
    from faaslab.monitoring.timeline.levels import Levels
    from faaslab.monitoring.timeline.runs import Look, Run
    from faaslab.monitoring.timeline.scale import Scale

SAID: dict[Look, str] = {
    "completed": "completed",
    "failed": "failed",
    "timeout": "timed out",
    "throttled": "throttled",
    "running": "not ended",
}
_LOOK_ORDER: tuple[Look, ...] = ("completed", "failed", "timeout", "throttled", "running")


def counted(count: int, noun: str) -> str:
    """`1 lane`, `2,000 lanes`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def brief(seconds: float) -> str:
    """A length in six characters or so: `292ms`, `1.58s`, `12min`, `3.4h`, `17d`."""
    for size, unit in ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s")):
        if seconds >= size:
            return f"{seconds / size:.3g}{unit}" if seconds < 1_000 * size else f"{seconds / size:.0f}{unit}"
    return f"{seconds * 1_000:.3g}ms"


def share(part: float, whole: float) -> str:
    """`12 %`, as on every page; a little is never shown as nothing."""
    return shares.share(part / whole)


def clock(at: datetime) -> str:
    """The time of day, to the millisecond."""
    return f"{at:%H:%M:%S}.{at.microsecond // 1_000:03d}"


def of_run(run: Run) -> str:
    """All that a picture knows of one invocation."""
    parts = [f"{run.id} {SAID[run.look]}" + (f": {run.error}" if run.error else "")]
    if run.look == "throttled":
        return f"{parts[0]} — at {clock(run.began)} UTC, nothing ran"
    if run.duration_ms is not None:
        parts.append(f"{length(run.duration_ms / 1_000)} handler")
    if run.init_at is not None and run.init_ms is not None:
        parts.append(f"cold start, init {length(run.init_ms / 1_000)}")
    elif run.cold:
        parts.append("cold start, init not told")
    before = ((run.init_at or run.handler_at) - run.began).total_seconds()
    if before >= 0.001:
        parts.append(f"{length(before)} before that, not billed")
    if run.billed_ms is not None:
        parts.append(f"billed {run.billed_ms:,.0f} ms")
    if run.max_memory_mb is not None and run.memory_mb is not None:
        parts.append(f"{run.max_memory_mb:,.0f} of {run.memory_mb:,.0f} MB")
    elif run.memory_mb is not None:
        parts.append(f"{run.memory_mb:,.0f} MB")
    parts.append(f"began {clock(run.began)} UTC")
    return " — ".join(parts)


def of_bar(bar: Bar) -> str:
    """What a bar stands for."""
    if len(bar.runs) == 1:
        return of_run(bar.runs[0])
    counts = bar.counts
    how = ", ".join(f"{counts[look]:,} {SAID[look]}" for look in _LOOK_ORDER if counts[look])
    begin, end = bar.runs[0].began, max(run.ended for run in bar.runs)
    busy = sum((run.ended - run.began).total_seconds() for run in bar.runs)
    cold = sum(run.cold for run in bar.runs)
    said = [f"{len(bar.runs):,} invocations: {how}", f"{length(busy)} at work in {length(end - begin)}"]
    said += [counted(cold, "cold start")] if cold else []
    said.append(f"began {clock(begin)} UTC")
    return " — ".join(said)


def of_lane(lane: Lane, scale: Scale) -> str:
    """The figure beside a lane: how many invocations, and how much of the time."""
    if lane.label == "throttled":
        return f"{len(lane.runs):,} turned away"
    worked = scale.worked.total_seconds() * 1_000
    if not worked or len(lane.environments) > 1:
        return f"{len(lane.runs):,}"
    return f"{len(lane.runs):,} · {100 * min(lane.busy_ms / worked, 1.0):.0f} % busy"


def summary(runs: Sequence[Run], environments: int) -> str:
    """What was drawn, in a sentence."""
    if not runs:
        return "no invocation in that time"
    ran = [run for run in runs if run.look != "throttled"]
    begin, end = min(run.began for run in runs), max(run.ended for run in runs)
    said = [f"{counted(len(ran), 'invocation')} in {counted(environments, 'environment')}"]
    for count, noun in (
        (sum(run.cold for run in ran), "cold start"),
        (sum(run.look == "failed" for run in ran), "failure"),
        (sum(run.look == "timeout" for run in ran), "timeout"),
    ):
        said += [counted(count, noun)] if count else []
    refused = len(runs) - len(ran)
    said += [f"{refused:,} throttled"] if refused else []
    return f"{', '.join(said)}; {length(end - begin)} from {begin:%Y-%m-%d %H:%M:%S} UTC"


def of_peak(found: Levels, limit: int | None, reserved: bool) -> str:  # noqa: FBT001
    """The most that ran at once, against what may."""
    said = f"at most {found.peak:,} at once"
    if limit is None:
        return said
    what = "reserved concurrency" if reserved else "account's concurrency"
    return f"{said}; the {what} is {limit:,}" + (", reached" if found.peak >= limit else "")
