"""Executions of workflows with a history, made by the interpreter itself in stepped time."""

import heapq
import itertools
import json
import random
from datetime import timedelta

from faaslab.model.workflow import (
    HistoryEvent,
    WorkflowError,
    WorkflowExecution,
    WorkflowExecutionStatus,
)
from faaslab.workflow.effects import Call, Ended, Failed, Fired, Started, Succeeded, Timer
from faaslab.workflow.engine.counting import Counted
from faaslab.workflow.interpret import Run

NUMBERS = itertools.count(1)


def arn(workflow, name):
    return f"arn:aws:states:us-east-1:000000000000:execution:{workflow}:{name}"


def played(workflow, machine, value, at, answers, *, name=None, **fields):
    """An execution that began at `at`. `answers` has {state: [(seconds, output or Failed's error), …]};
    the last one answers for all that follow; an Exception is an error by that name."""
    name = name or f"run-{next(NUMBERS)}"
    run = Run(machine, input=value, context={}, chance=random.Random(name), arn=arn(workflow, name))
    left = {state: list(each) for state, each in answers.items()}
    waiting, order = [], itertools.count()
    heapq.heappush(waiting, (at, next(order), Started()))
    counted, events, ended = Counted(), [], None
    while waiting and ended is None:
        now, _, signal = heapq.heappop(waiting)
        step = run.step(signal, now)
        events += counted.placed(step.events)
        for effect in step.effects:
            match effect:
                case Timer():
                    heapq.heappush(waiting, (max(effect.due, now), next(order), Fired(effect.key)))
                case Call():
                    queue = left[effect.state]
                    seconds, answer = queue.pop(0) if len(queue) > 1 else queue[0]
                    told = (
                        Failed(effect.key, type(answer).__name__, str(answer))
                        if isinstance(answer, Exception)
                        else Succeeded(effect.key, answer)
                    )
                    heapq.heappush(waiting, (now + timedelta(seconds=seconds), next(order), told))
                case Ended():
                    ended = effect
    status = WorkflowExecutionStatus.RUNNING if ended is None else WorkflowExecutionStatus(ended.status)
    return WorkflowExecution(
        id=arn(workflow, name),
        workflow=workflow,
        name=name,
        status=status,
        input=json.dumps(value),
        started_at=at,
        ended_at=None if ended is None else now,
        current_state=counted.current_state,
        error=None
        if ended is None or ended.error is None
        else WorkflowError(error=ended.error, cause=ended.cause),
        statistics=counted.statistics(),
        history=tuple(
            HistoryEvent(
                execution_id=arn(workflow, name),
                id=row.id,
                previous_id=row.previous_id,
                type=row.type,
                at=row.at,
                state=row.state,
                details=row.details,
                entered_id=row.entered_id,
                outer_id=row.outer_id,
                duration_ms=row.duration_ms,
            )
            for row in events
        ),
        **fields,
    )
