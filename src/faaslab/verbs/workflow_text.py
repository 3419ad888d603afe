"""Workflows and their executions as plain text for a terminal, and as JSON documents for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from faaslab.model.cause import cause_text
from faaslab.model.json import to_json
from faaslab.workflow.graph.spans import length

if TYPE_CHECKING:
    from faaslab.model.workflow import Workflow, WorkflowExecution
    from faaslab.verbs.answers import DiagnosticsAnswer, RunAnswer, WorkflowCard

_OUTPUT = 2_000


def card_text(card: WorkflowCard) -> str:
    """What a terminal shows of a workflow."""
    workflow = card.workflow
    head = f"{workflow.name}  definition {workflow.version}"
    if card.change:
        head += {"updated": ", changed"}.get(card.change, f", {card.change}")
    return "\n".join([head, *(f"  {name:<10} {told}" for name, told in about(card)), "", card.drawn])


def about(card: WorkflowCard) -> list[tuple[str, str]]:
    """What there is to say of a workflow, in pairs of a word and a text."""
    workflow = card.workflow
    configuration, seen = workflow.configuration, workflow.statistics
    told: list[tuple[str, str]] = [("type", workflow.type)]
    if workflow.status != "active":
        why = f": {workflow.status_reason}" if workflow.status_reason else ""
        told.append(("status", f"{workflow.status}{why}"))
    if card.aliases:
        told.append(("aliases", "; ".join(card.aliases)))
    if configuration.role:
        told.append(("role", configuration.role))
    if configuration.logging.level != "OFF":
        where = (
            f" to {', '.join(configuration.logging.destinations)}"
            if configuration.logging.destinations
            else ""
        )
        told.append(("logs", f"{configuration.logging.level}{where}"))
    if configuration.tracing:
        told.append(("tracing", "on"))
    if configuration.tags:
        told.append(("tags", ", ".join(f"{key}={value}" for key, value in configuration.tags.items())))
    if seen is not None and seen.executions:
        parts = [f"{seen.executions:,} so far", f"{seen.succeeded:,} succeeded"]
        parts += [f"{seen.failed:,} failed"] if seen.failed else []
        parts += [f"{seen.running:,} running"] if seen.running else []
        mean = seen.mean_duration_ms
        parts += [] if mean is None else [f"{length(mean / 1_000)} on average"]
        told.append(("runs", ", ".join(parts)))
    return told


def run_text(answer: RunAnswer) -> str:
    """What a terminal shows of an execution."""
    execution = answer.execution
    lines = [f"{execution.workflow}  {execution.name}  {headline(execution)}", "", answer.drawn]
    error = execution.error
    if error is not None and error.error:
        lines += ["", f"error   {error.error}"]
    if error is not None and error.cause:
        lines.append(f"cause   {_short(cause_text(error.cause))}")
    if execution.output is not None:
        lines += ["", f"output  {_short(execution.output)}"]
    return "\n".join(lines)


def diagnostic_lines(answer: DiagnosticsAnswer) -> list[str]:
    """`flow.yaml:7: error: …`, as compilers tell it, so that editors find the place."""
    lines = []
    for severity, line, _, message, place in answer.df.itertuples(index=False, name=None):
        where = answer.source if line is None else f"{answer.source}:{line}"
        field = f" ({place})" if isinstance(place, str) and place != "/" else ""
        lines.append(f"{where}: {severity}: {message}{field}")
    return lines


def headline(execution: WorkflowExecution) -> str:
    """How an execution stands, in a line."""
    statistics = execution.statistics
    parts = [str(execution.status)]
    if execution.ended_at is not None:
        parts[0] += f" in {length(execution.ended_at - execution.started_at)}"
    elif execution.current_state:
        parts[0] += f" in {execution.current_state}"
    if statistics.total_states:
        parts.append(f"{statistics.total_states:,} state{'' if statistics.total_states == 1 else 's'}")
    if statistics.retried_states:
        one = statistics.retried_states == 1
        parts.append(f"{statistics.retried_states:,} state{'' if one else 's'} retried")
    if execution.redrive_count:
        times = "once" if execution.redrive_count == 1 else f"{execution.redrive_count} times"
        parts.append(f"redriven {times}")
    return ", ".join(parts)


def _short(text: str) -> str:
    left = len(text) - _OUTPUT
    return text if left <= 0 else f"{text[:_OUTPUT]}… ({left:,} more characters)"


def workflow_document(workflow: Workflow) -> dict[str, Any]:
    """A workflow as JSON, its definition as a value where it is JSON."""
    document: dict[str, Any] = to_json(workflow)
    document["definition"] = value_of(workflow.definition)
    return document


def execution_document(execution: WorkflowExecution) -> dict[str, Any]:
    """An execution as JSON: input and output as values, without its history."""
    document: dict[str, Any] = to_json(execution)
    del document["history"]
    for name in ("input", "output"):
        document[name] = None if document[name] is None else value_of(document[name])
    return document


def value_of(text: str) -> Any:
    """JSON text as a value; any other as it is."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
