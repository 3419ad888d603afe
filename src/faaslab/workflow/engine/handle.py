"""A handle for an execution that was started, here or elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from faaslab.errors import NotFound

if TYPE_CHECKING:
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.workflow.engine.live import Live


class Awaits(Protocol):
    """The engine, as a handle needs it."""

    def await_end(self, handle: Handle, timeout_s: float | None) -> WorkflowExecution | None:
        """Wait for the end."""

    def standing(self, execution_id: str) -> WorkflowExecution | None:
        """How an execution stands."""

    def live(self, execution_id: str) -> Live | None:
        """What runs of that id in this process."""


class Handle:
    """Of one execution."""

    def __init__(self, engine: Awaits, execution: WorkflowExecution, live: Live | None) -> None:
        self._engine = engine
        self._execution = execution
        self._live = live

    @property
    def id(self) -> str:
        """The ARN of the execution."""
        return self._execution.id

    @property
    def execution(self) -> WorkflowExecution:
        """How it stands: of one in this process now, of another when it was looked at last."""
        return self._execution if self._live is None else self._live.standing

    @property
    def here(self) -> bool:
        """Whether it runs in this process, as far as is known."""
        return self._live is not None

    @property
    def done(self) -> bool:
        """Whether it is known to have ended."""
        return self.execution.ended_at is not None

    def wait(self, timeout_s: float | None = None) -> WorkflowExecution | None:
        """The execution once it has ended, None when the time ran out. Raises `Closed` with its engine."""
        if self.done:
            return self.execution
        return self._engine.await_end(self, timeout_s)

    def look(self) -> bool:
        """Look how it stands by now; whether it has ended."""
        here = None if self.done else self._engine.live(self.id)
        if here is not None:
            self._live = here
        if here is not None or self.done:  # what ends is kept before it leaves the engine
            return self.done
        found = self._engine.standing(self.id)
        if found is None:
            raise NotFound("execution", self.id)
        self._live, self._execution = None, found
        return found.ended_at is not None

    def follow(self, live: Live) -> None:
        """It is in this process."""
        self._live = live
