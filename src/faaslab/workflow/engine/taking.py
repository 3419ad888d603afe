"""An execution that was kept, gone through again, and what it goes on with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.model.workflow import altered, hiding, owed
from faaslab.workflow.effects import Redrive, Started
from faaslab.workflow.engine.live import RUNNING, Live
from faaslab.workflow.engine.timers import set_back

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from faaslab.model.workflow_steps import Taken
    from faaslab.workflow.effects import Effect
    from faaslab.workflow.engine.protocol import Interpreter


_ONCE = "The process that ran it has ended, and a synchronous execution is run once at most"


def gone_through(
    taken: Taken, make: Callable[[Live], Interpreter], now: datetime
) -> tuple[Live, tuple[Effect, ...]]:
    """The execution, busy; nothing is carried out yet.

    Where it cannot go on, or goes on after it had ended, a step comes with that: its effects.
    """
    live = Live(taken.execution, taken.beginning, make, epoch=taken.epoch, new=False)
    live.busy = True
    live.whole = altered(taken.execution, status=RUNNING, ended_at=None)
    live.standing = owed(live.whole)
    try:
        cause = live.replay(taken) or (_ONCE if taken.beginning.once else None)
    except Exception as error:  # noqa: BLE001 - the others that were claimed with it go on
        cause = f"what was kept of it cannot be gone through: {type(error).__name__}: {error}"
    if taken.steps:
        live.lag = set_back(taken.steps[-1].at, now)
    effects: tuple[Effect, ...] = ()
    if cause is not None:
        last = max((step.last_event_id for step in taken.steps), default=0)
        live.execution = hiding(live.standing, live.execution.hidden)
        effects = live.give_up(cause, now, last)
    elif live.ended:
        effects = live.tell(Redrive(), now)
    elif not taken.steps:
        live.signals.append((Started(), None))
    return live, effects
