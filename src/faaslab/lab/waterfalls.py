"""The phases of one execution, out of its row, its log, and the history of the workflow that called it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faaslab.errors import FaaslabError
from faaslab.lab.workflow_pictures import Picture
from faaslab.model.workflow import task_request_id
from faaslab.monitoring.timeline.phases import Caller, Phases, phases_of
from faaslab.monitoring.timeline.waterfall import waterfall_svg, waterfall_text

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from faaslab.lab import Lab
    from faaslab.model.execution import Execution
    from faaslab.model.workflow import HistoryEvent

_SCHEDULED = ("TaskScheduled", "LambdaFunctionScheduled")
_ENDS = ("Succeeded", "Failed", "TimedOut", "Submitted", "SubmitFailed", "StartFailed")


@dataclass(frozen=True)
class Waterfall:
    """An execution's phases, and their picture."""

    phases: Phases
    picture: Picture

    def table(self) -> pd.DataFrame:
        """A row a phase: phase, kind, started_at, ended_at (naive UTC), ms, note."""
        import pandas as pd

        return pd.DataFrame(
            [(each.name, each.kind, each.begin, each.end, each.ms, each.note) for each in self.phases.phases],
            columns=["phase", "kind", "started_at", "ended_at", "ms", "note"],
        )


def waterfall(lab: Lab, execution: Execution) -> Waterfall:
    """The waterfall of an execution with its logs."""
    found = phases_of(execution, caller(lab, execution))
    svg = waterfall_svg(found, title=f"{execution.function}: {execution.id}", failed=not execution.ok)
    return Waterfall(found, Picture(svg=svg, text=waterfall_text(found)))


def caller(lab: Lab, execution: Execution) -> Caller | None:
    """The task of a workflow that called it, found by the request id; None where there is none recorded."""
    arn = execution.trigger
    if arn is None or not arn.startswith("arn:") or ":states:" not in arn:
        return None
    with suppress(FaaslabError):
        run = lab.workflows.execution(arn)
        events = lab.store.workflows.history(run.id)
        for place, event in enumerate(events):
            if event.type in _SCHEDULED:
                called = task_request_id(run.id, run.started_at, event.id)
                if called == execution.request_id:
                    return Caller(
                        workflow=run.workflow,
                        run=run.name,
                        state=event.state or "?",
                        scheduled=event.at,
                        entered=next((each.at for each in events if each.id == event.entered_id), None),
                        ended=_ended(events[place + 1 :], event),
                    )
    return None


def _ended(events: list[HistoryEvent], scheduled: HistoryEvent) -> datetime | None:
    """When the task ended: an event that follows the one that scheduled it, by one or two steps."""
    chain = {scheduled.id}
    for event in events:
        if event.previous_id not in chain:
            continue
        if event.type.endswith(_ENDS):
            return event.at
        if event.type.endswith("Started"):
            chain.add(event.id)
    return None
