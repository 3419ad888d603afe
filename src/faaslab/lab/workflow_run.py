"""A handle for one execution of a workflow, wherever it runs."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from faaslab.errors import Closed, NotFound, WorkflowFailed
from faaslab.lab.workflow_pictures import of_execution
from faaslab.model.workflow import WorkflowExecutionStatus

if TYPE_CHECKING:
    from collections.abc import Generator

    import pandas as pd

    from faaslab.lab import Lab
    from faaslab.lab.workflow_pictures import Picture, Watched
    from faaslab.model.workflow import WorkflowError, WorkflowExecution
    from faaslab.workflow.engine import Handle


_LOOK_S = 0.05


class WorkflowRun:
    """An execution that was started, here or elsewhere: wait for it, look at it, stop it, redrive it."""

    def __init__(self, lab: Lab, handle: Handle) -> None:
        self._lab = lab
        self._handle = handle

    @property
    def id(self) -> str:
        """The ARN of the execution."""
        return self._handle.id

    @property
    def arn(self) -> str:
        """The ARN of the execution."""
        return self._handle.id

    @property
    def execution(self) -> WorkflowExecution:
        """How it stands now, redriven or not."""
        handle = self._present()
        if not handle.done:
            handle.look()
        return handle.execution

    def _present(self) -> Handle:
        """Its handle; one that did not end well may have been redriven since, here or elsewhere."""
        if self._handle.done and self._handle.execution.status is not WorkflowExecutionStatus.SUCCEEDED:
            with suppress(Closed, NotFound):  # as it was seen last: the lab is closed, or it is forgotten
                self._handle = self._lab.workflows.runs.engine.handle(self.id)
        return self._handle

    @property
    def status(self) -> WorkflowExecutionStatus:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
        return self.execution.status

    @property
    def output(self) -> Any:
        """What it gave, as a Python value; None while it runs and when it did not succeed."""
        text = self.execution.output
        return None if text is None else json.loads(text)

    @property
    def error(self) -> WorkflowError | None:
        """What it failed with (`error`, `cause`); None where it did not."""
        return self.execution.error

    @property
    def history(self) -> pd.DataFrame:
        """Its events so far; the columns are those of `lab.workflows.history`."""
        return self._lab.workflows.history(self.id)

    def watched(self) -> Watched:
        """What is known of it by now; `look` reads what happened since, `graph` and `timeline` draw it."""
        return of_execution(self._lab, self.execution)

    def graph(self) -> Picture:
        """Its states as they stand, as a picture."""
        return self.watched().graph()

    def timeline(self) -> Picture:
        """When it was in which state, as a Gantt chart."""
        return self.watched().timeline()

    def wait(self, timeout: float | None = None) -> WorkflowExecution:
        """The execution once it has ended, however that was.

        Raises TimeoutError when it still runs after `timeout` seconds.
        """
        self._is_awaited()
        ended = self._handle.wait(timeout)
        if ended is None:
            raise TimeoutError(f"{self.id} still runs after {timeout} s")
        return ended

    def result(self, timeout: float | None = None) -> Any:
        """Its output once it has succeeded. Raises `WorkflowFailed` when it did not, and as `wait` does."""
        ended = self.wait(timeout)
        if ended.status is not WorkflowExecutionStatus.SUCCEEDED:
            raise failed(ended)
        return None if ended.output is None else json.loads(ended.output)

    def __await__(self) -> Generator[Any, None, WorkflowExecution]:
        """The execution once it has succeeded. Raises `WorkflowFailed` when it did not."""
        import asyncio

        self._is_awaited()
        # No thread waits for it: one would outlive the interrupt of a cell, and hold up the kernel's end.
        while not self._handle.done and not self._handle.look():
            yield from asyncio.sleep(_LOOK_S).__await__()
        ended = self._handle.execution
        if ended.status is not WorkflowExecutionStatus.SUCCEEDED:
            raise failed(ended)
        return ended

    def _is_awaited(self) -> None:
        """Nobody may run it: then it would be waited for in vain."""
        handle = self._present()
        if not handle.done and not handle.here:
            self._lab.orphans.resume()

    def stop(self, error: str | None = None, cause: str | None = None) -> None:
        """Stop it; it ends as ABORTED."""
        self._lab.workflows.stop(self.id, error=error, cause=cause)

    def redrive(self) -> WorkflowRun:
        """Have it go on at the state that it failed in; this handle follows it too."""
        return self._lab.workflows.redrive(self.id)

    def __repr__(self) -> str:
        handle = self._present()
        execution = handle.execution
        where = f" in {execution.current_state}" if execution.current_state and not handle.done else ""
        why = f": {execution.error.error}" if execution.error is not None else ""
        return f"<run {execution.name} of {execution.workflow}: {execution.status}{where}{why}>"


def failed(execution: WorkflowExecution) -> WorkflowFailed:
    """What is raised for an execution that did not succeed."""
    error = execution.error
    told = [each for each in (error.error, _message(error.cause)) if each] if error is not None else []
    said = ": ".join(told) if len(": ".join(told)) <= 500 else ": ".join(told)[:499] + "…"
    message = f"{execution.name} of {execution.workflow} {_ENDED[execution.status]}"
    return WorkflowFailed(f"{message}: {said}" if said else message, execution=execution)


def _message(cause: str | None) -> str | None:
    """A cause; of a function that raised, its message alone."""
    try:
        value = json.loads(cause or "")
    except (ValueError, RecursionError):
        return cause
    said = value.get("errorMessage") if isinstance(value, dict) else None
    return said if isinstance(said, str) else cause


_ENDED = {
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.TIMED_OUT: "timed out",
    WorkflowExecutionStatus.ABORTED: "was stopped",
    WorkflowExecutionStatus.PENDING_REDRIVE: "waits for its redrive",
    WorkflowExecutionStatus.RUNNING: "still runs",
    WorkflowExecutionStatus.SUCCEEDED: "succeeded",
}
