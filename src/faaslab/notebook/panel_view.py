"""The parts of a workflow's panel that are only looked at. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.model.cause import cause_text
from faaslab.notebook import units
from faaslab.notebook.markup import Html, box, facts, fold, joined, json_block, pill, tag
from faaslab.notebook.run_view import HUES, execution_block, picture
from faaslab.notebook.state_view import events_block
from faaslab.verbs.workflow_text import value_of
from faaslab.workflow.graph.palette import SAID, SIGNS
from faaslab.workflow.graph.spans import length

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from faaslab.errors import FaaslabError
    from faaslab.model.workflow import HistoryEvent, Workflow, WorkflowExecution
    from faaslab.workflow.graph.stays import Inside, Stay

_SHORT = 60
_SIGNS = {"RUNNING": "…", "SUCCEEDED": "✓", "FAILED": "✗", "TIMED_OUT": "✗", "ABORTED": "■"}


def head(workflow: Workflow, notes: Sequence[str] = ()) -> Html:
    """What the workflow is, in a line, and what is to be noted."""
    return joined(
        tag(
            "div",
            tag("span", workflow.name, class_="name"),
            tag("span", f"workflow · {workflow.type.lower()}", class_="soft"),
            pill(workflow.status, "warn") if workflow.status != "active" else None,
            tag("span", workflow.status_reason, class_="soft") if workflow.status_reason else None,
            tag("span", f"definition {workflow.version}", class_="soft push"),
            class_="top",
        ),
        *(tag("div", note, class_="note") for note in notes),
    )


def standing(execution: WorkflowExecution | None, now: datetime, *, retries: int = 0) -> Html:
    """How the execution stands that is shown; `retries` of all its states, as the graph has them."""
    if execution is None:
        said = tag("span", "not run yet: give it an input and start it", class_="soft")
        return box(tag("div", said, class_="top"))
    hue = HUES.get(str(execution.status), "mute")
    top = tag(
        "div",
        tag("span", execution.name, class_="name", title=execution.id),
        pill(str(execution.status).lower().replace("_", " "), hue),
        class_="top",
    )
    return box(top, _figures(execution, now, retries), hue=hue)


def _figures(execution: WorkflowExecution, now: datetime, retries: int) -> Html:
    statistics, ended = execution.statistics, execution.ended_at
    spent = length((ended or max(now, execution.started_at)) - execution.started_at)
    return facts(
        [
            (("start to end" if execution.redrive_count else "took") if ended else "for", spent),
            ("is in", execution.current_state if ended is None else None),
            ("started", f"{units.moment(execution.started_at)} UTC"),
            ("states", f"{statistics.total_states:,}" if statistics.total_states else None),
            ("failed", f"{statistics.failed_states:,}" if statistics.failed_states else None),
            ("retries", f"{retries:,}" if retries else None),
            ("redriven", units.amount(execution.redrive_count, "time") if execution.redrive_count else None),
            ("alias", execution.alias),
        ]
    )


def whole_block(execution: WorkflowExecution, *, most: int) -> Html:
    """What went into the execution as a whole, and what came out."""
    error = execution.error
    problem = None
    if error is not None:
        told = cause_text(error.cause or "")
        value = value_of(told)
        cause = json_block(value, most=most) if isinstance(value, (dict, list)) else tag("pre", told[:most])
        problem = tag("div", tag("div", error.error or "failed", class_="said"), cause, class_="part")
    hint = "click a state in the graph, or choose one above, for its data, attempts and logs"
    return box(
        tag(
            "div", tag("span", "the execution", class_="name"), tag("span", hint, class_="soft"), class_="top"
        ),
        problem,
        fold("output", json_block(value_of(execution.output), most=most), unfolded=True)
        if execution.output is not None
        else None,
        fold("input", json_block(value_of(execution.input), most=most), unfolded=True),
        hue=HUES.get(str(execution.status), "mute"),
    )


def waiting_block() -> Html:
    """What stands beside the graph before anything ran."""
    said = "what a state was given, tried, gave and logged is shown here once it has run"
    return box(tag("div", tag("span", said, class_="soft"), class_="top"))


def trouble_block(error: FaaslabError) -> Html:
    """What did not work, and what would help."""
    hint = getattr(error, "hint", None)
    message = getattr(error, "message", None) or str(error)
    return tag(
        "div",
        tag("span", message, class_="said"),
        tag("span", f" ({hint})", class_="soft") if hint else None,
        role="alert",
    )


def run_label(execution: WorkflowExecution) -> str:
    """An execution in a list: `✗ first · 11-27 08:00:00 · 1.25 s · States.Timeout`."""
    status = str(execution.status)
    parts = [
        f"{_SIGNS.get(status, '·')} {_clip(execution.name, 40)}",
        f"{execution.started_at:%m-%d %H:%M:%S}",
    ]
    if execution.ended_at is not None:
        parts.append(length(execution.ended_at - execution.started_at))
    else:
        parts.append("running")
    if execution.error is not None and execution.error.error:
        parts.append(execution.error.error)
    return " · ".join(_clip(part, _SHORT) for part in parts)


def input_label(execution: WorkflowExecution) -> str:
    """A recorded input in a list: its beginning, how its run stands and when it began."""
    told = str(execution.status).lower().replace("_", " ")
    return f"{_clip(execution.input, _SHORT)}  ({told}, {execution.started_at:%d %b %H:%M})"


def run_line(execution: WorkflowExecution) -> str:
    """A run in a line for a button, in columns of characters."""
    ended = execution.ended_at
    spent = "" if ended is None else length(ended - execution.started_at)
    told = str(execution.status).lower().replace("_", " ")
    why = execution.error.error if execution.error is not None and execution.error.error else ""
    line = f"{execution.started_at:%H:%M:%S} {spent:>9}  {told:<9}  {_clip(execution.name, 24)}"
    return "  ".join(part for part in (line, _clip(why, 30), _clip(execution.input, _SHORT)) if part)


def runs_head(count: int, most: int) -> Html:
    """Above the last runs."""
    more = f"the last {min(count, most)}, UTC: click one to look at it" if count else "none yet"
    return tag(
        "div", tag("span", "executions ", class_="what"), tag("span", more, class_="soft"), class_="heading"
    )


def stay_label(stay: Stay, place: int, child: str | None = None) -> str:
    """A visit of a state in a list: `✗ Score all [2] · 312 ms`."""
    where = child or stay.path or f"visit {place}"
    parts = [f"{SIGNS[stay.standing]} {_clip(where, _SHORT)}"]
    if stay.entered is not None and stay.left is not None:
        parts.append(length(stay.left - stay.entered))
    elif stay.left is None:
        parts.append("goes on")
    if stay.retries:
        parts.append(f"↻ {stay.retries}")
    if stay.error:
        parts.append(_clip(stay.error, _SHORT))
    return " · ".join(parts)


def inside_label(inside: Inside) -> str:
    """An iteration in a list: `✗ iteration 2 · ValueError`."""
    parts = [f"{SIGNS[inside.standing]} iteration {inside.index}"]
    parts += [_clip(inside.error, _SHORT)] if inside.error else [SAID[inside.standing].lower()]
    return " · ".join(parts)


def kept_block(
    execution: WorkflowExecution,
    svg: str,
    timeline: str,
    events: Sequence[HistoryEvent],
    detail: Html | None,
    *,
    retries: int = 0,
) -> Html:
    """All that is worth keeping of a panel that shows an execution; `retries` as in `standing`."""
    return joined(
        execution_block(execution, svg, retries=retries),
        detail,
        box(
            fold("timeline", picture(timeline)),
            fold(f"event history: {units.amount(len(events), 'event')}", events_block(events)),
        ),
    )


def _clip(text: str, most: int) -> str:
    """A line of a list: no breaks, and an end."""
    flat = " ".join("".join(c if c.isprintable() else "\ufffd" for c in text).split())
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"
