"""The workflows of a lab: defined, run, watched, stopped, redriven, and taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.lab.activities import Activities
from faaslab.lab.map_runs import MapRuns
from faaslab.lab.tasks import tokens
from faaslab.lab.workflow_catalogue import Catalogue, Defined
from faaslab.lab.workflow_runs import Runs
from faaslab.lab.workflow_told import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import pandas as pd

    from faaslab.lab import Lab
    from faaslab.lab.workflow_run import WorkflowRun
    from faaslab.model.workflow import Activity, HistoryEvent, WorkflowExecution
    from faaslab.workflow.interpret import Tried

__all__ = ["Defined", "Workflows"]

_HISTORY = ("id", "previous_id", "type", "timestamp", "state", "duration_ms", "details")


class Workflows(Catalogue):
    """`lab.workflows`: workflows and their executions, and answers to the tasks that wait for one.

    Whoever asks for a workflow may give its name, `NAME:ALIAS`, `NAME:VERSION`, or the ARN of any of these;
    for an execution its ARN, or its name where only one has it. What there is not is `NotFound`, with the
    nearest. Beside what is here there are `versions`, `activities` and `map_runs`.
    """

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.activities = Activities(lab)
        self.map_runs = MapRuns(lab)
        self.told = Told(lab)
        self.runs = Runs(lab)

    def start(
        self,
        workflow: str,
        input: Any = None,  # noqa: A002
        *,
        name: str | None = None,
        **about: Any,
    ) -> WorkflowRun:
        """Start an execution of a workflow, or of what a version or an alias of it leads to (StartExecution).

        `input` is any JSON-able value, or bytes of JSON; None is `{}`. `name` is the execution's name: of a
        standard workflow the same name with the same input is the execution that runs already, and a name
        that was used otherwise is `AlreadyExists`. `about`: trace_header, and for the record parent and
        trigger. Raises InvalidValue for an input that is no JSON or above 262,144 bytes, `NotFound`.
        """
        return self.runs.start(workflow, input, name=name, **about)

    def start_sync(self, workflow: str, input: Any = None, **about: Any) -> WorkflowExecution:  # noqa: A002
        """Run an express workflow and give what came of it, within five minutes (StartSyncExecution).

        `about`: name, trace_header.
        """
        return self.runs.start_sync(workflow, input, **about)

    def execution(self, reference: str) -> WorkflowExecution:
        """An execution as it stands now."""
        return self.runs.get(reference)

    def run(self, reference: str) -> WorkflowRun:
        """A handle for an execution that was started before, here or elsewhere."""
        return self.runs.run(reference)

    def executions(
        self,
        workflow: str | None = None,
        *,
        status: str | Sequence[str] | None = None,
        map_run: str | None = None,
        parent: str | None = None,
        redriven: bool | None = None,
        limit: int | None = None,
        after: tuple[datetime, str] | None = None,
    ) -> tuple[WorkflowExecution, ...]:
        """Executions, the latest first: of a workflow, a version, an alias, or of a map run (ListExecutions).

        `after` is (started_at, id) of the last one of the page before, `limit` how many there may be.
        """
        return self.runs.list(
            workflow,
            status=status,
            map_run=map_run,
            parent=parent,
            redriven=redriven,
            limit=limit,
            after=after,
        )

    def history(self, reference: str) -> pd.DataFrame:
        """The events of an execution: id, previous_id, type, timestamp, state, duration_ms, details."""
        import pandas as pd

        events = self.events(reference)
        rows = [
            (each.id, each.previous_id, each.type, each.at, each.state, each.duration_ms, dict(each.details))
            for each in events
        ]
        return pd.DataFrame(rows, columns=[*_HISTORY])

    def events(
        self, reference: str, *, after: int = 0, limit: int | None = None, reverse: bool = False
    ) -> tuple[HistoryEvent, ...]:
        """The events of an execution in order, those above the id `after`; with `reverse` the last first."""
        found = self._lab.store.workflows.history(
            self.execution(reference).id, after=after, limit=limit, reverse=reverse
        )
        return tuple(found)

    def stop(
        self, reference: str, *, error: str | None = None, cause: str | None = None
    ) -> WorkflowExecution:
        """Stop an execution, which ends as ABORTED; one that has ended stays as it is."""
        return self.runs.stop(reference, error=error, cause=cause)

    def redrive(self, reference: str) -> WorkflowRun:
        """Have an execution that failed, timed out or was stopped go on at the state it failed in.

        Raises `Conflict` for one that succeeded, runs, ended more than 14 days ago, or is express.
        """
        return self.runs.redrive(reference)

    def resume(self) -> int:
        """Take up every execution whose process is gone, and say how many. A home does so by itself."""
        return self.runs.resume()

    # -- tasks that others do -------------------------------------------------------------------------

    def activity(self, name: str, worker: Callable[[Any], Any], *, at_once: int = 8) -> Activity:
        """Have a Python callable of this process do the tasks of an activity; see `Activities.work`."""
        return self.activities.work(name, worker, at_once=at_once)

    def send_task_success(self, token: str, output: Any) -> None:
        """Tell what came of a task to the execution that waits under that token (SendTaskSuccess).

        `output` is any JSON-able value, or bytes of JSON. Raises `NotFound` for a token that nothing waits
        for any more, InvalidValue for what is no token, or no JSON.
        """
        tokens.success(self.runs.answer, token, output)

    def send_task_failure(self, token: str, error: str | None = None, cause: str | None = None) -> None:
        """Tell the execution that waits under that token that the task failed (SendTaskFailure)."""
        tokens.failure(self.runs.answer, token, error, cause)

    def send_task_heartbeat(self, token: str) -> None:
        """Tell the execution that waits under that token that its task is worked on (SendTaskHeartbeat)."""
        tokens.heartbeat(self.runs.answer, token)

    # -- one state by itself

    def test_state(
        self,
        definition: Mapping[str, Any] | str,
        input: Any = None,  # noqa: A002 -- Step Functions' word
        **about: Any,
    ) -> Tried:
        """Try one state by itself: its status, output, error, next state, and its data after each phase.

        `definition` is the state, or a whole workflow of which `state` names one. With `result`, or `error`
        and `cause`, that stands for what it would call: a result has to be what the API answers with, unless
        `validation` is PRESENT or NONE. Without them it is really called; a Wait is not waited for. Further
        `variables`, `context` and `role` it has, `retries` that were made, `failed_iterations` of a Map and
        the `reader_data` of its ItemReader (TestState). Raises InvalidValue in Step Functions' words.
        """
        from faaslab.lab.trials import trial

        return trial(self._lab, definition, input, **about)

    # -- the end

    def close(self) -> None:
        """Stop working for workflows in this process; executions that run go on in the next lab."""
        self.activities.close()
        self.runs.close()
        self.told.close()
