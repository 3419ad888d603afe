"""The engine: what may be asked of the executions of this process, and of others through who keeps them.

The first step of an execution goes in the thread of who starts it, every later one in the engine's.
"""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING, Any, Self

from faaslab.clock import SYSTEM
from faaslab.errors import AlreadyExists, Closed, Conflict, InvalidValue, NotFound
from faaslab.model.workflow import shown
from faaslab.model.workflow_steps import Beginning
from faaslab.workflow.effects import Failed, Succeeded
from faaslab.workflow.engine.handle import Handle
from faaslab.workflow.engine.interpreting import interpreted
from faaslab.workflow.engine.live import RUNNING, Live, as_json
from faaslab.workflow.engine.signals import packed
from faaslab.workflow.engine.turns import Turns

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from faaslab.clock import Clock
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.workflow.effects import Signal
    from faaslab.workflow.engine.protocol import Carry, Interpret, Keeper

LOOK_S = 0.05
"""How often the end of an execution of another process is looked for."""


class Engine:
    """The executions of this process. For any number of threads; a context manager."""

    def __init__(
        self,
        keeper: Keeper,
        carry: Carry,
        interpret: Interpret = interpreted,
        *,
        clock: Clock = SYSTEM,
        owner: str,
        is_gone: Callable[[str], bool] = lambda owner: False,  # noqa: ARG005
        heard: Callable[[Signal], Signal] = lambda signal: signal,
    ) -> None:
        """`owner` names this engine over all processes; `is_gone` tells whether another has ended.

        What other processes say goes through `heard` first, as they do not know all that this one does.
        """
        self._keeper = keeper
        self._clock = clock
        self._is_gone = is_gone
        self._turns = Turns(keeper, carry, interpret, clock, owner)
        self._turns.heard = heard
        self._pid = os.getpid()

    def _here(self) -> None:
        """A child of a fork begins with nothing: what runs is its parent's."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._turns.owner += f"+{secrets.token_hex(4)}"
            self._turns.begin_here()
        if self._turns.closed:
            raise Closed("the engine of workflows is closed", hint="open the lab again")

    @property
    def owner(self) -> str:
        """Its name over all processes."""
        return self._turns.owner

    @property
    def trouble(self) -> Exception | None:
        """Why what happened cannot be kept at the moment (a full disk, a broken one); it is tried again."""
        return self._turns.trouble

    @property
    def last_error(self) -> Exception | None:
        """What went wrong last with one execution alone: it could not be kept, or who was told raised."""
        return self._turns.last_error

    # -- doing

    def start(
        self,
        execution: WorkflowExecution,
        machine: Mapping[str, Any],
        *,
        context: Mapping[str, Any] | None = None,
        once: bool = False,
    ) -> Handle:
        """Start an execution (`RUNNING`, with id, name, `input` as JSON text); it has gone its first step.

        `context` is JSON that the interpreter is told. Of an execution that runs with the same id and input
        the handle is given; raises `AlreadyExists` for any other of that id, and what the keeper raises:
        then nothing was begun. The definition must not be changed after. One that runs `once` is ended, and
        not gone on with, by who takes it up.
        """
        self._here()
        digest, text = self._turns.machines.text_of(machine)
        value = as_json(execution.input)
        try:
            told = json.dumps(context, separators=(",", ":")) if context else "{}"
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidValue(f"the context is not JSON: {error}", place="context") from None
        beginning = Beginning(digest, text, secrets.randbits(62), told, once=once)
        live = Live(execution, beginning, self._turns.make)
        live.given = value, context or {}
        known = self._turns.first(live)
        if known is None:
            return Handle(self, live.standing, live)
        if known.status is RUNNING and known.input == execution.input:
            return Handle(self, shown(known), self._turns.find(known.id))
        raise AlreadyExists(f"Execution Already Exists: '{execution.id}'", place="name")

    def signal(self, execution_id: str, signal: Signal) -> bool:
        """Tell an execution something, in whatever process it runs; False when none of that id does.

        Returns before it was told. Raises what the keeper raises for one that runs elsewhere. After `close`
        it is left for whoever takes the execution up.
        """
        return self._turns.signal(execution_id, signal)

    def answer(self, token: str, make: Callable[[str], Signal]) -> bool:
        """Tell what awaits an answer under a task token what `make` gives for its key; False for none.

        What ends the task is kept before this returns, and of several answers, in whatever processes, the
        first one alone is accepted.
        """
        self._here()
        found = self._keeper.of_token(token)
        if found is None:
            return False
        said = make(found[1])
        if isinstance(said, (Succeeded, Failed)):
            return self._turns.left(self._keeper.spend(token, packed(said)))
        return self.signal(found[0], said)

    def redrive(self, execution_id: str) -> Handle:
        """Have an execution go on at the state that it failed in. Raises `Conflict` where that cannot be."""
        self._here()
        live = self._turns.redrive(execution_id)
        if live is None:
            raise Conflict(f"Execution is not redrivable: '{execution_id}'", place="executionArn")
        return Handle(self, live.standing, live)

    def resume(self) -> int:
        """Take up all running executions that nobody has any more; how many."""
        self._here()
        return self._turns.resume(self._is_gone)

    # -- looking

    def handle(self, execution_id: str) -> Handle:
        """A handle for an execution, in whatever process it runs. Raises `NotFound`."""
        self._here()
        live = self._turns.find(execution_id)
        execution = self.standing(execution_id)
        if execution is None:
            raise NotFound("execution", execution_id)
        return Handle(self, execution, live)

    def wait(self, execution_id: str, timeout_s: float | None = None) -> WorkflowExecution | None:
        """The execution once it has ended; None when the time ran out before. Raises `NotFound`."""
        return self.handle(execution_id).wait(timeout_s)

    def await_end(self, handle: Handle, timeout_s: float | None) -> WorkflowExecution | None:
        """What `Handle.wait` gives."""
        until = None if timeout_s is None else self._clock.monotonic() + timeout_s
        while True:
            here = self._turns.end_of(handle.id)
            if here is not None:
                handle.follow(here[0])
            elif handle.look():
                return handle.execution
            elif self._turns.closed:
                raise Closed(
                    "the engine of workflows was closed", hint="the execution goes on in another lab"
                )
            left = LOOK_S if until is None else until - self._clock.monotonic()
            if left <= 0:
                return None
            self._await(here[1] if here else None, None if until is None else left)

    def _await(self, over: threading.Event | None, left_s: float | None) -> None:
        if over is None:
            self._clock.wait(self._turns.closing, LOOK_S if left_s is None else min(left_s, LOOK_S))
        elif left_s is None:
            over.wait()
        else:
            self._clock.wait(over, left_s)

    def running(self) -> list[str]:
        """The ids of what runs in this process."""
        return [live.id for live in self._turns.lives()]

    def is_here(self, execution_id: str) -> bool:
        """Whether an execution runs in this process."""
        return self._turns.find(execution_id) is not None

    def standing(self, execution_id: str) -> WorkflowExecution | None:
        """How an execution stands, in whatever process; None when it is not known."""
        live = self._turns.find(execution_id)
        return shown(live.whole) if live is not None else self._keeper.find(execution_id)

    def live(self, execution_id: str) -> Live | None:
        """What runs of that id in this process."""
        return self._turns.find(execution_id)

    def whole(self, execution_id: str) -> WorkflowExecution | None:
        """The same with its true output and cause, for another that waits for it; no face shows that."""
        live = self._turns.find(execution_id)
        return live.whole if live is not None else self._keeper.whole(execution_id)

    def pending(self, execution_id: str) -> Mapping[str, Any]:
        """What an execution of this process awaits, by key: the effects."""
        live = self._turns.find(execution_id)
        return {} if live is None else dict(live.awaited)

    # -- the end

    def close(self) -> None:
        """Keep what was answered already, give up the rest for others, end the thread.

        May be called twice.
        """
        if self._pid == os.getpid():
            self._turns.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
