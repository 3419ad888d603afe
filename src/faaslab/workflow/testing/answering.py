"""A state is tried, and what came of it is told as TestState tells it.

Rule: what the state would call is called by who is handed in; a Wait is not waited for, it is over at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.workflow.effects import Call, Failed, Fired, Started, Timer
from faaslab.workflow.interpret import StateTrial, Tried
from faaslab.workflow.interpret.payload import moment, text_of
from faaslab.workflow.scope import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from faaslab.workflow.effects import Effect, Signal
    from faaslab.workflow.scope import Chance
    from faaslab.workflow.testing.asking import Question

    Carry = Callable[[Call, float], Signal | None]
    """Has a call done: what came of it, None when that took longer than so many seconds."""

LIMIT_S = 300.0
"""A state that takes longer fails (TestState)."""
TIMEOUT = "States.Timeout"
_TEXTS = (
    "input", "afterInputPath", "afterParameters", "afterArguments", "result", "afterResultSelector",
    "afterResultPath", "variables", "afterItemsPath", "afterItemSelector", "afterItemBatcher",
    "afterItemsPointer",
)  # fmt: skip
_PLAIN = ("errorDetails", "toleratedFailureCount", "toleratedFailurePercentage", "maxConcurrency")


def tried(
    question: Question,
    *,
    execution: Mapping[str, Any],
    machine: str,
    carry: Carry,
    chance: Chance,
    now: datetime,
) -> Tried:
    """What comes of the state. `execution` is that part of its context object, `machine` the ARN of none."""
    context = {
        "Execution": {
            **execution,
            "Input": question.input,
            "RoleArn": question.role,
            "StartTime": moment(now),
        },
        "StateMachine": {"Id": machine, "Name": machine.rpartition(":")[2]},
    }
    trial = StateTrial(
        question.definition,
        input=question.input,
        context=_laid_over(context, question.context),
        chance=chance,
        arn=execution["Id"],
        state_name=question.state_name,
        variables=question.variables,
        role=question.role,
        mock=question.mock,
        retries=question.retries,
    )
    step = trial.step(Started(), now)
    while (found := trial.tried) is None:
        signal, now = _happened(step.effects, carry, now)
        step = trial.step(signal, now)
    return found


def _laid_over(context: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: {**context.get(name, {}), **given.get(name, {})} for name in dict.fromkeys((*context, *given))
    }


def _happened(effects: tuple[Effect, ...], carry: Carry, now: datetime) -> tuple[Signal, datetime]:
    """What happens next: the call is answered, or its time is over; without a call time passes at once."""
    timers = [effect for effect in effects if isinstance(effect, Timer)]
    first = min(timers, key=lambda timer: timer.due, default=None)
    for effect in effects:
        if isinstance(effect, Call):
            left = LIMIT_S if first is None else min(LIMIT_S, (first.due - now).total_seconds())
            signal = carry(effect, left)
            if signal is not None:
                return signal, now
            if first is None or left == LIMIT_S:
                return Failed(effect.key, TIMEOUT), now
    assert first is not None, effects
    return Fired(first.key), first.due


def answer(
    found: Tried, level: str, *, exchange: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """What TestState answers with. `exchange` is the request and the response of an HTTP Task."""
    told: dict[str, Any] = {
        "status": found.status,
        "nextState": found.next_state,
        "error": found.error,
        "cause": found.cause,
    }
    if found.output is not ABSENT:
        told["output"] = text_of(found.output)
    if level in ("DEBUG", "TRACE"):
        seen = found.inspection
        inspected: dict[str, Any] = {name: text_of(seen[name]) for name in _TEXTS if name in seen}
        inspected |= {name: seen[name] for name in _PLAIN if name in seen}
        if level == "TRACE" and exchange is not None:
            inspected |= exchange
        told["inspectionData"] = inspected
    return told
