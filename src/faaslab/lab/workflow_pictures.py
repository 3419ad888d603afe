"""Workflows and their executions as pictures, in a notebook and out of one.

Rule: a picture shows how an execution stood when it was asked for. `Watched` is kept up with the events as
they come, and reads those only that it has not seen.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from faaslab.model.workflow import Workflow, WorkflowExecution, WorkflowExecutionStatus
from faaslab.store.questions import workflow_definitions
from faaslab.workflow.graph.drawing import Drawing, Geometry, graph_svg
from faaslab.workflow.graph.mermaid import mermaid
from faaslab.workflow.graph.outline import state_of
from faaslab.workflow.graph.plain import text as drawn
from faaslab.workflow.graph.plain_timeline import timeline_text
from faaslab.workflow.graph.progress import Items, Progress, Status, status_of, together
from faaslab.workflow.graph.timeline import timeline

if TYPE_CHECKING:
    from datetime import datetime

    from faaslab.lab import Lab
    from faaslab.model.workflow import HistoryEvent, MapRun
    from faaslab.workflow.graph.visits import Visits

_CHILDREN = 40
"""So many children of distributed Maps are looked into, the latest ones."""


@dataclass(frozen=True)
class Picture:
    """SVG, and the same told as text; `mermaid` where it is a graph, for pages that draw it themselves."""

    svg: str
    text: str
    mermaid: str = ""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        around = '<div style="overflow-x:auto;container-type:inline-size">'
        return {"text/html": f"{around}{self.svg}</div>", "text/plain": self.text}

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


class Watched:
    """An execution and the states of its graph, as far as its events are known."""

    def __init__(self, lab: Lab, execution: WorkflowExecution) -> None:
        self._lab = lab
        self._definition = definition_of(lab, execution)
        self._drawing = Drawing(self._definition)
        self._progress = Progress()
        self._events: list[HistoryEvent] = []
        self.execution = execution
        self.retries = 0
        """How often states were tried again, as the last drawing has it."""

    def look(self) -> bool:
        """Read what has happened since; whether anything has."""
        was = (len(self._events), self.execution.status)
        found = self._lab.workflows.execution(self.execution.id)
        last = self._events[-1].id if self._events else 0
        new = self._lab.store.workflows.history(self.execution.id, after=last)
        self._progress.feed(new)
        self._events += new
        # How it stood before its events were read: what has ended has told all of them.
        self.execution = found
        return (len(self._events), self.execution.status) != was

    @property
    def visits(self) -> Visits:
        """Who was in which state when."""
        return self._progress.visits

    @property
    def ended(self) -> bool:
        """Whether the execution has ended, so that nothing changes any more."""
        return self.execution.status is not WorkflowExecutionStatus.RUNNING

    @property
    def now(self) -> datetime | None:
        """The instant up to which it is told; None for one that has ended."""
        return None if self.ended else self._lab.clock.now()

    def defined(self, state: str) -> Any:
        """The definition of a state, as JSON value; None for none."""
        return state_of(self._definition, state)

    @property
    def events(self) -> tuple[HistoryEvent, ...]:
        """What has happened in it, as far as that is known."""
        return tuple(self._events)

    def graph(self) -> Picture:
        """The graph with its states as they stand."""
        statuses = self._statuses()
        return Picture(
            svg=self._svg(statuses, self.now),
            text=drawn(self._definition, statuses),
            mermaid=mermaid(self._definition, statuses),
        )

    def drawn(self) -> tuple[str, Geometry]:
        """The graph as SVG, and where its states are in it.

        It says not how long what runs has run, so that it is another one only when something has happened.
        """
        statuses = self._statuses()
        return self._svg(statuses, None), self._drawing.geometry(statuses)

    def _svg(self, statuses: dict[str, Status], now: datetime | None) -> str:
        title = f"{self.execution.workflow}: {self.execution.status}"
        return self._drawing.svg(statuses, title=title, now=now, transitions=self._progress.transitions)

    def _statuses(self) -> dict[str, Status]:
        """How the states stand: of a distributed Map by its run's counts, and by the latest children."""
        statuses = self._progress.statuses()
        runs = [event.details["mapRunArn"] for event in self._events if event.type == "MapRunStarted"]
        left, insides = _CHILDREN, []
        for arn in runs:
            run = self._lab.workflows.map_runs.get(arn)
            if run.state in statuses:
                items = Items.of(run.item_counts)
                statuses[run.state] = replace(statuses[run.state], items=items)
            children = self._lab.workflows.executions(map_run=arn, limit=left) if left else ()
            left -= len(children)
            inside = together(status_of(self._lab.store.workflows.history(each.id)) for each in children)
            insides.append({name: _tolerated(each, run) for name, each in inside.items()})
        found = together(insides) | statuses
        self.retries = sum(each.retries for each in found.values())
        return found

    def timeline(self) -> Picture:
        """When which state was entered and left, as a Gantt chart."""
        svg = timeline(self._events, self.now, title=f"{self.execution.name}: timeline")
        return Picture(svg=svg, text=timeline_text(self._events, self.now))


def _tolerated(status: Status, run: MapRun) -> Status:
    """A state of the children of a map run: what failed in one that succeeded was tolerated."""
    if run.status == "SUCCEEDED" and status.standing == "failed":
        return replace(status, standing="caught")
    return status


def of_workflow(workflow: Workflow) -> Picture:
    """The graph of a workflow, a draft as well."""
    definition = parsed(workflow.definition)
    return Picture(
        svg=graph_svg(definition, title=workflow.name),
        text=drawn(definition),
        mermaid=mermaid(definition),
    )


def drawn_workflow(workflow: Workflow) -> tuple[str, Geometry]:
    """The graph of a workflow as SVG, and where its states are in it."""
    drawing = Drawing(parsed(workflow.definition))
    return drawing.svg(title=workflow.name), drawing.geometry()


def of_execution(lab: Lab, execution: WorkflowExecution) -> Watched:
    """An execution with all that has happened in it so far."""
    watched = Watched(lab, execution)
    watched.look()
    return watched


def definition_of(lab: Lab, execution: WorkflowExecution) -> Any:
    """The definition that an execution runs or ran, of a deleted workflow as well; an empty one for none."""
    number = execution.workflow_version
    kept = lab.store.definitions
    workflow = kept.get(Workflow, execution.workflow, int(number)) if number.isdecimal() else None
    if workflow is not None and workflow.created_at <= execution.started_at:
        return parsed(workflow.definition)
    # It was deleted, and what has its name and number now, if anything, was made later.
    with lab.store.connect() as connection:
        found = workflow_definitions.defined_at(connection, execution.workflow, number, execution.started_at)
    return parsed("{}" if found is None else found.definition)


def parsed(definition: str) -> Any:
    """A definition as far as it is JSON; a draft may be anything."""
    try:
        return json.loads(definition)
    except (ValueError, RecursionError):
        return {"Comment": definition[:200]}
