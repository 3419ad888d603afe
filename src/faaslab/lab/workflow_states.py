"""A state of an execution looked at closely: its visits with their data, and the functions that it ran.

Rule: what was read of something that has ended is not read again. Of a distributed Map the iterations are
executions of their own; the latest of them are looked into.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faaslab.model.workflow import HistoryEvent, WorkflowExecution, task_request_id
from faaslab.workflow.graph import stays as told
from faaslab.workflow.graph.visits import Visit, Visits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.lab import Lab
    from faaslab.lab.workflow_pictures import Watched
    from faaslab.model.execution import Execution
    from faaslab.workflow.graph.stays import Attempt, Stay

CHILDREN = 100
"""So many iterations of a distributed Map can be chosen, those that did not succeed first."""
_ATTEMPTS = 50
"""Of so many attempts of a visit, the last ones, the function's executions are looked for."""


@dataclass(frozen=True)
class History:
    """The history of one execution: the one that is watched, or a child of a distributed Map in it."""

    execution: WorkflowExecution
    visits: Visits
    events: Sequence[HistoryEvent]

    def stays(self, visits: Sequence[Visit]) -> list[Stay]:
        """Those visits with their data."""
        return told.stays(self.visits, self.events, visits)


class States:
    """What can be asked of the states of one execution."""

    def __init__(self, lab: Lab, watched: Watched) -> None:
        self._lab = lab
        self._watched = watched
        self._children: dict[str, History] = {}
        self._ran: dict[str, tuple[Execution, ...]] = {}

    def own(self) -> History:
        """The history of the execution itself."""
        watched = self._watched
        return History(watched.execution, watched.visits, watched.events)

    def defined(self, state: str) -> Any:
        """The definition of a state that it runs."""
        return self._watched.defined(state)

    def children(self) -> list[WorkflowExecution]:
        """The executions that distributed Maps in it started, what did not succeed first, then the latest."""
        runs = [event.details["mapRunArn"] for event in self._watched.events if event.type == "MapRunStarted"]
        found: list[WorkflowExecution] = []
        for arn in runs:
            for status in (("FAILED", "TIMED_OUT", "ABORTED"), ("RUNNING",), ("SUCCEEDED",)):
                left = CHILDREN - len(found)
                if left > 0:
                    found += self._lab.workflows.executions(map_run=arn, status=status, limit=left)
        return found

    def child(self, execution: WorkflowExecution) -> History:
        """The history of a child."""
        kept = self._children.get(execution.id)
        if kept is not None:
            return kept
        events = self._lab.store.workflows.history(execution.id)
        visits = Visits()
        for event in events:
            visits.take(event)
        history = History(execution, visits, events)
        if execution.ended_at is not None:
            self._children[execution.id] = history
        return history

    def ran(self, stay: Stay, execution: WorkflowExecution) -> Mapping[int, tuple[Execution, ...]]:
        """The executions of functions that each attempt of a visit was, by the attempt's event.

        Several, where the process died and it was called again. `execution` is the one that it is a visit of.
        """
        tried = [each for each in stay.attempts if each.function][-_ATTEMPTS:]
        asked = {each.event_id: self._requests(each, execution) for each in tried}
        missing = {identity for wanted in asked.values() for identity in wanted if identity not in self._ran}
        if missing and (began := min((each.began for each in tried if each.began), default=None)) is not None:
            found = self._lab.executions.of_requests(missing, began)
            going = {each for tries in tried if tries.ended is None for each in asked[tries.event_id]}
            for identity in missing:
                those = tuple(each for each in found if each.request_id == identity)
                if those or identity not in going:
                    self._ran[identity] = those
        return {
            event_id: tuple(each for identity in wanted for each in self._ran.get(identity, ()))
            for event_id, wanted in asked.items()
        }

    @staticmethod
    def _requests(attempt: Attempt, execution: WorkflowExecution) -> tuple[str, ...]:
        """What its request may be called: the id that it was given, or the one that it told (as in AWS)."""
        given = task_request_id(execution.id, execution.started_at, attempt.event_id)
        told_by_itself = attempt.request_id
        return (given,) if told_by_itself in (None, given) else (given, told_by_itself)
