"""What the engine does itself of the effects, and what it hands to who carries them out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol, cast

from faaslab.errors import FaaslabError, InvalidValue
from faaslab.model.masking import mask_of
from faaslab.model.workflow import WorkflowExecution, WorkflowExecutionStatus, altered, hiding
from faaslab.workflow.effects import (
    Call,
    ChildEnded,
    Forget,
    MapRunState,
    ReadItems,
    StartChild,
    Stop,
    Timer,
    WriteResults,
)
from faaslab.workflow.engine.children import child_arn
from faaslab.workflow.engine.live import RUNNING, as_json
from faaslab.workflow.failure import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from faaslab.workflow.effects import Effect, Signal
    from faaslab.workflow.engine.live import Live
    from faaslab.workflow.engine.protocol import Carry


class Work(Protocol):
    """What is asked of the engine's turns."""

    def now(self) -> datetime:
        """The instant."""

    def add_timer(self, live: Live, key: str, due: datetime) -> None:
        """Tell it `Fired` then."""

    def failed(self, live: Live, key: str, cause: str) -> None:
        """What was to be done could not even be begun."""

    def tell(self, live: Live, signal: Signal) -> None:
        """Tell an execution of this engine something."""

    def signal(self, execution_id: str, signal: Signal) -> bool:
        """Tell any execution something."""

    def child(self, execution: WorkflowExecution, machine: Mapping[str, Any], context: str, key: str) -> Live:
        """An execution that another one starts."""

    def begin(self, live: Live) -> bool:
        """Have a new execution begin."""

    def find(self, execution_id: str) -> Live | None:
        """The execution, if it is here."""

    def redrive_of(self, execution_id: str, key: str) -> bool:
        """Have a child go on that had ended, awaited under `key`."""


class Hands:
    """Of one engine."""

    def __init__(self, turns: Work, carry: Carry) -> None:
        self._turns = turns
        self._carry = carry

    def do(self, live: Live, effect: Effect, told: Sequence[Signal] = ()) -> None:
        """Begin what came of a step that is kept."""
        if isinstance(effect, (Call, ReadItems, WriteResults)):
            if live.awaited.get(effect.key) is effect:
                self._begin(live, effect, told)
        elif isinstance(effect, Timer):
            if live.timers.get(effect.key) == effect.due:
                self._turns.add_timer(live, effect.key, effect.due)
        elif isinstance(effect, StartChild):
            if live.awaited.get(effect.key) is effect:
                self._start_safely(live, effect)
        elif isinstance(effect, Forget):
            gone = live.gone.pop(effect.key, None)
            if gone is not None:
                self._end(live, gone)
        elif isinstance(effect, MapRunState):
            self._carry.note(effect, live.execution)

    def _begin(self, live: Live, effect: Call | ReadItems | WriteResults, told: Sequence[Signal]) -> None:
        try:
            self._carry(effect, live.execution, told)
        except Exception as error:  # noqa: BLE001 - the state fails, the engine goes on
            self._turns.failed(live, effect.key, f"{type(error).__name__}: {error}")

    def _end(self, live: Live, gone: Call | ReadItems | WriteResults | StartChild) -> None:
        if isinstance(gone, StartChild):
            self._turns.signal(child_arn(gone), Stop())
        else:
            self._carry.forget(gone.key, live.execution)

    def ended(self, live: Live) -> None:
        """An execution has ended, and that is kept: nothing is wanted for it, and its parent is told."""
        for gone in list(live.awaited.values()):
            self._end(live, gone)
        live.awaited.clear()
        self._tell_parent(live.execution, live.beginning.key)
        self._carry.ended(live.execution)

    # -- children of a distributed Map

    def _start_safely(self, parent: Live, effect: StartChild) -> None:
        try:
            self._start(parent, effect)
        except (TypeError, ValueError, RecursionError, FaaslabError) as error:
            cause = f"the child could not be started: {error}"
            self._turns.tell(parent, ChildEnded(effect.key, "FAILED", error=RUNTIME, cause=cause))

    def _start(self, parent: Live, effect: StartChild) -> None:
        above = parent.execution
        text = _text(effect.input)
        child = WorkflowExecution(
            id=child_arn(effect),
            workflow=above.workflow,
            workflow_version=above.workflow_version,
            qualifier=above.qualifier,
            alias=above.alias,
            name=effect.name,
            type=effect.type,
            parent=above.id,
            map_run=effect.map_run_arn,
            status=RUNNING,
            source=above.source,
            input=text,
            started_at=self._turns.now(),
        )
        context = _text({**as_json(parent.beginning.context), **effect.item_context})
        if above.hidden:
            child = hiding(child, mask_of(above.hidden).found_in(text + context))
        live = self._turns.child(child, effect.processor, context, effect.key)
        self._turns.begin(live)

    def known(self, live: Live, known: WorkflowExecution) -> None:
        """A child that was to be started had begun before: its end is told again, or it is redriven."""
        key = live.beginning.key
        if known.status is RUNNING or key is None:
            return
        parent = self._turns.find(live.execution.parent or "")
        wanted = parent.awaited.get(key) if parent is not None else None
        failed = known.status is not WorkflowExecutionStatus.SUCCEEDED
        again = failed and isinstance(wanted, StartChild) and known.redrive_count < wanted.redrive
        if again and self._turns.redrive_of(known.id, key):
            return
        self._tell_parent(altered(known, parent=live.execution.parent), key)

    def _tell_parent(self, child: WorkflowExecution, key: str | None) -> None:
        if key is None or child.parent is None:
            return
        error = child.error
        try:
            output = None if child.output is None else as_json(child.output)
        except InvalidValue as deep:
            said = ChildEnded(
                key, "FAILED", error=RUNTIME, cause=f"its output cannot be read: {deep.message}"
            )
        else:
            said = ChildEnded(
                key,
                cast("Any", child.status.value),
                output,
                None if error is None else error.error,
                None if error is None else error.cause,
                _instant(child.started_at),
                None if child.ended_at is None else _instant(child.ended_at),
                _hidden_in(child),
            )
        self._turns.signal(child.parent, said)


def _hidden_in(child: WorkflowExecution) -> tuple[str, ...]:
    """The values of secrets that stand in what came of a child."""
    if not child.hidden:
        return ()
    cause = "" if child.error is None else f"{child.error.error} {child.error.cause}"
    return mask_of(child.hidden).found_in(f"{child.output} {cause}")


def _instant(at: datetime) -> str:
    return f"{at.isoformat(timespec='milliseconds')}Z"


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
