"""A workflow and an execution of one as blocks: how it stands, its graph, what went in and came out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.model.cause import cause_text
from faaslab.notebook import units
from faaslab.notebook.markup import Html, box, facts, fold, joined, json_block, pill, tag
from faaslab.notebook.tables import table_parts
from faaslab.verbs.workflow_text import about, value_of

if TYPE_CHECKING:
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.verbs import PictureAnswer, RunAnswer, TimelineAnswer, WorkflowCard

HUES = {"RUNNING": "info", "SUCCEEDED": "ok", "FAILED": "bad", "TIMED_OUT": "warn", "ABORTED": "mute"}
_CAUSE = 2_000


def workflow_block(card: WorkflowCard) -> Html:
    """The card of a workflow."""
    workflow = card.workflow
    draft = workflow.status != "active"
    top = tag(
        "div",
        tag("span", workflow.name, class_="name"),
        pill(
            card.change, "info" if card.change == "updated" else "ok" if card.change == "created" else "mute"
        )
        if card.change
        else None,
        pill(workflow.status, "warn") if draft else None,
        tag("span", f"definition {workflow.version}", class_="soft"),
        tag("code", workflow.id, class_="soft push"),
        class_="top",
    )
    return box(
        top,
        facts([(name, told) for name, told in about(card) if name != "status"]),
        tag("p", workflow.status_reason, class_="part said") if workflow.status_reason else None,
        picture(card.svg),
        hue="warn" if draft else "ok",
    )


def picture(svg: str) -> Html:
    """A drawing of ours, with room to scroll where it is wide."""
    return tag("div", Html(svg), class_="part picture")


def picture_block(answer: PictureAnswer) -> Html:
    """A picture under what it shows."""
    return box(_head(answer) if answer.name else None, picture(answer.svg))


def _head(answer: PictureAnswer | TimelineAnswer) -> Html:
    return tag(
        "div",
        tag("span", answer.name, class_="name"),
        tag("span", answer.about, class_="soft"),
        class_="top",
    )


def timeline_block(answer: TimelineAnswer, *, rows: int) -> Html:
    """A timeline, and the rows behind it for those who read."""
    table = fold("as a table", table_parts(answer.df, rows=rows)) if len(answer.df) else None
    return box(_head(answer), picture(answer.svg), table)


def run_block(answer: RunAnswer) -> Html:
    """An execution as it stood."""
    return execution_block(answer.execution, answer.svg)


def execution_block(execution: WorkflowExecution, svg: str, *, retries: int | None = None) -> Html:
    """An execution with the picture of how its states stood; `retries` of them all, where known."""
    hue = HUES.get(str(execution.status), "mute")
    top = tag(
        "div",
        tag("span", execution.workflow, class_="name"),
        pill(str(execution.status).lower().replace("_", " "), hue),
        tag("span", execution.name, class_="soft"),
        tag(
            "code",
            execution.id,
            class_="soft push",
            title="%faas show, timeline and stop take the name as well",
        ),
        class_="top",
    )
    return box(
        top,
        _figures(execution, retries),
        _failure(execution),
        picture(svg),
        _data("output", execution.output, unfolded=True),
        _data("input", execution.input),
        hue=hue,
    )


def _figures(execution: WorkflowExecution, retries: int | None) -> Html:
    statistics, ended = execution.statistics, execution.ended_at
    took = None if ended is None else (ended - execution.started_at).total_seconds() * 1_000
    return facts(
        [
            # Of what was redriven the time is in it that it lay failed.
            ("start to end" if execution.redrive_count else "took", units.duration(took)),
            ("is in", execution.current_state if ended is None else None),
            ("started", f"{units.moment(execution.started_at)} UTC"),
            ("states", f"{statistics.total_states:,}" if statistics.total_states else None),
            ("failed", f"{statistics.failed_states:,}" if statistics.failed_states else None),
            ("retries", f"{retries:,}" if retries else None),
            (
                # Without its events it is known of how many states only.
                "states retried",
                f"{statistics.retried_states:,}" if statistics.retried_states and retries is None else None,
            ),
            (
                "mean of a state",
                units.duration(statistics.mean_state_duration_ms)
                if statistics.mean_state_duration_ms is not None
                else None,
            ),
            ("redriven", units.amount(execution.redrive_count, "time") if execution.redrive_count else None),
            ("type", execution.type if execution.type != "STANDARD" else None),
            ("alias", execution.alias),
            ("version", execution.qualifier),
        ]
    )


def _failure(execution: WorkflowExecution) -> Html | None:
    error = execution.error
    if error is None:
        return None
    cause = cause_text(error.cause or "")
    told = cause if len(cause) <= _CAUSE else f"{cause[:_CAUSE]}…"
    value = value_of(told)
    return tag(
        "div",
        tag("div", error.error or "failed", class_="said"),
        json_block(value) if isinstance(value, (dict, list)) else tag("pre", told),
        class_="part",
    )


def _data(name: str, text: str | None, *, unfolded: bool = False) -> Html | None:
    if text is None:
        return None
    return fold(name, joined(json_block(value_of(text))), unfolded=unfolded and len(text) < _CAUSE)
