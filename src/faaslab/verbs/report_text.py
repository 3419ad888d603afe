"""Reports and their runs as plain text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from faaslab.model.delivered import Delivered
    from faaslab.model.report import ReportRun
    from faaslab.verbs.answers import ReportAnswer, ReportsAnswer

_IN_A_TABLE = (
    "name", "status", "schedule", "started_at", "duration_s", "failed_cell", "scheduled_for",
    "error_message", "id",
)  # fmt: skip
_LONGEST = 200


def report_text(answer: ReportAnswer) -> str:
    """The paths of what a run left, below what went wrong; of one that is looked at, all that is known."""
    run = answer.run
    if answer.looked_at:
        return _whole(run)
    lines = list(run.outputs)
    if run.error_type is not None:
        lines.insert(0, failure(run))
        lines += [f"log {run.log}"] if run.log else []
    lines += delivery_lines(answer.delivered)
    return "\n".join(lines)


def failure(run: ReportRun) -> str:
    """What failed, where and with what, in a sentence."""
    where = "" if run.failed_cell is None else f" in cell {run.failed_cell}"
    return f"{run.name} failed{where}: {run.error_type}: {run.error_message}"


def delivery_lines(delivered: Iterable[Delivered]) -> list[str]:
    """A line for each target."""
    return [
        f"{'delivered to' if each.ok else 'NOT delivered to'} {each.target}: {each.detail}"
        for each in delivered
    ]


def took_s(run: ReportRun) -> float | None:
    """How long it ran, in seconds; None while it runs."""
    return None if run.ended_at is None else (run.ended_at - run.started_at).total_seconds()


def _whole(run: ReportRun) -> str:
    took = took_s(run)
    facts = [
        ("started", f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("took", None if took is None else f"{took:.1f} s"),
        ("due", None if run.scheduled_for is None else f"{run.scheduled_for:%Y-%m-%d %H:%M:%S} UTC"),
        ("schedule", run.schedule),
        ("attempt", str(run.attempt) if run.attempt > 1 else None),
        ("failed", None if run.error_type is None else failure(run)),
        ("notebook", run.notebook),
        *(("", f"{name} = {_value(value)}") for name, value in run.parameters.items()),
        *(("page" if not place else "", path) for place, path in enumerate(run.outputs)),
        ("log", run.log),
        ("id", run.id),
    ]
    lines = [f"  {name:<9} {value}" for name, value in facts if value]
    return "\n".join([f"{run.name}  {run.status}", *lines])


def _value(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def reports_text(answer: ReportsAnswer, table: Callable[..., str], width: int | None) -> str:
    """The reports there are, and below them the runs."""
    shown = [name for name in _IN_A_TABLE if not answer.df[name].isna().all()] if len(answer.df) else []
    runs = table(answer.df[shown], width=width) if shown else answer.empty
    if not len(answer.reports):
        return runs
    return f"{table(answer.reports, width=width)}\n\n{runs}"
