"""What the engine needs of others: who keeps executions, who interprets, who carries out. Seams only.

How the parts are used (`lab.workflows` builds on this):

    engine = Engine(store.workflows, carry, clock=clock, owner=owners.this_process(), is_gone=owners.is_gone)
    handle = engine.start(execution, machine, context={...})   # WorkflowExecution with id, name, input
    handle.wait(timeout_s)                      # the WorkflowExecution as it ended, None when time ran out
    engine.signal(execution_id, signal)         # from any thread, for an execution of whatever process
    engine.answer(token, lambda key: Succeeded(key, output))   # by task token
    engine.redrive(execution_id)                # takes it up here
    engine.resume()                             # take up what has no owner any more
    engine.close()                              # what runs is given up for others; threads are joined
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from faaslab.workflow.effects import Call, ReadItems, WriteResults

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from faaslab.model.workflow import WorkflowExecution
    from faaslab.model.workflow_steps import Change, Letter, Outcome, Taken
    from faaslab.workflow.effects import MapRunState, Signal, Step
    from faaslab.workflow.scope import Chance


class Keeper(Protocol):
    """Keeps executions so that they survive the process, fenced by owner and epoch: `store.workflows`."""

    def keep(self, changes: Sequence[Change], owner: str) -> Outcome:
        """Keep all of it in one transaction that survives power loss, where anything follows from it.

        An execution that begins is known when its id was used before. One that goes on is lost when another
        owns it, or owns it under another epoch. What is lost or known is left out, the rest is kept. Raises
        `StoreFull`, `StoreBusy`, …: then nothing was kept.
        """

    def claim(
        self,
        owner: str,
        gone: Callable[[str], bool],
        *,
        limit: int,
        held: Callable[[], Collection[str]] | None = None,
    ) -> Sequence[Taken]:
        """Take up to `limit` running executions over that nobody owns, or whose owner is `gone`.

        With `held` those as well that are the owner's own, and not among what it says that it has.
        """

    def claim_ended(self, execution_id: str, owner: str, *, key: str | None = None) -> Taken | None:
        """Take over one that failed, timed out or was aborted, as RUNNING; None when that cannot be.

        With `key` its parent awaits it under that from now on.
        """

    def release(self, owner: str) -> None:
        """Let others take what `owner` holds."""

    def alive(self, owner: str, until: datetime) -> None:
        """Note that `owner` is at work, at least until then."""

    def find(self, execution_id: str) -> WorkflowExecution | None:
        """How an execution stands, running or ended; None when it is not known (any more)."""

    def whole(self, execution_id: str) -> WorkflowExecution | None:
        """The same with the values of secrets, as far as they are kept for another that waits for it."""

    def post(self, execution_id: str, signal: str) -> bool:
        """Leave a signal for the owner of a running execution; False when none of that id runs."""

    def spend(self, token: str, signal: str) -> bool:
        """Leave the answer under a task token for whoever has the execution, and end the token, at once.

        False for a token that awaits no answer (any more): of several answers the first one counts.
        """

    def letters(self, owner: str) -> Sequence[Letter]:
        """What was left for the executions of `owner`, in order. They stay until a Change takes them."""

    def of_token(self, token: str) -> tuple[str, str] | None:
        """(execution, key) of what awaits an answer under a task token."""

    def changes(self) -> int:
        """A number that differs when another process has written; costs microseconds."""


class Interpreter(Protocol):
    """One execution as the interpreter has it."""

    def step(self, signal: Signal, now: datetime) -> Step:
        """Tell it what happened; the events and effects that come of it."""


class Interpret(Protocol):
    """Makes the interpreter of an execution at its first step, or when it is gone through again."""

    def __call__(
        self,
        execution: WorkflowExecution,
        machine: Mapping[str, Any],
        input: Any,  # noqa: A002
        context: Mapping[str, Any],
        chance: Chance,
    ) -> Interpreter:
        """`context` is what `Engine.start` was given: JSON."""


Wanted = Call | ReadItems | WriteResults
"""What an engine has others do."""


class Carry(Protocol):
    """Does what executions want done. Must return at once and answer by `engine.signal` from any thread."""

    def __call__(self, wanted: Wanted, execution: WorkflowExecution, told: Sequence[Signal]) -> None:
        """Begin it. `told` is empty, but when an execution is taken up again: then what had been signalled

        of this key before (`Submitted`, `Begun`): who was told so looks after the work that goes on, and
        does not begin it once more. What is raised is signalled as a failure.
        """

    def forget(self, key: str, execution: WorkflowExecution) -> None:
        """It is of no use any more: end it if that can be."""

    def note(self, state: MapRunState, execution: WorkflowExecution) -> None:
        """How a map run stands."""

    def ended(self, execution: WorkflowExecution) -> None:
        """An execution of this engine has ended, and that is kept."""
