"""Executions told step by step: what a test says happened, and when."""

import random
from datetime import datetime, timedelta

from faaslab.workflow.effects import Call, Ended, StartChild, Started, Timer
from faaslab.workflow.interpret import Run

BEGIN = datetime(2026, 1, 1)
ARN = "arn:aws:states:us-east-1:000000000000:execution:machine:one"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
QUEUE = "arn:aws:states:::sqs:sendMessage"
ACTIVITY = "arn:aws:states:us-east-1:000000000000:activity:work"
PASS = {"Type": "Pass", "End": True}


class Told:
    """A run and all that came of it. `at` is the seconds since it began."""

    def __init__(self, machine, given=None, **made):
        self.run = Run(
            machine,
            input={} if given is None else given,
            context={},
            chance=random.Random(1),
            arn=ARN,
            **made,
        )
        self.events = []
        self.effects = []
        self.fresh = []

    def tell(self, signal, at=0.0):
        step = self.run.step(signal, BEGIN + timedelta(seconds=at))
        self.events += step.events
        self.effects += step.effects
        self.fresh = list(step.effects)
        return self

    def begun(self):
        return self.tell(Started())

    @property
    def types(self):
        return [event.type for event in self.events]

    def asked(self, kind):
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def calls(self):
        return self.asked(Call)

    @property
    def children(self):
        return self.asked(StartChild)

    def timers(self):
        """The timers that are wanted now: seconds since the beginning, by key."""
        return {
            effect.key: (effect.due - BEGIN).total_seconds()
            for effect in self.run.pending()
            if isinstance(effect, Timer)
        }

    @property
    def ended(self):
        found = self.asked(Ended)
        return found[-1] if found else None

    def details(self, kind):
        return [dict(event.details) for event in self.events if event.type == kind]


def machine(*states, **more):
    """A machine of states in a row; each is a dict, named A, B, C, …"""
    names = [chr(65 + index) for index in range(len(states))]
    made = {}
    for name, following, state in zip(names, [*names[1:], None], states):
        ending = {"End": True} if following is None else {"Next": following}
        if state["Type"] in {"Succeed", "Fail", "Choice"} or "Next" in state:
            ending = {}
        made[name] = {**{key: value for key, value in state.items() if key != "End"}, **ending}
    return {"StartAt": "A", "States": made, **more}


def task(resource=FUNCTION, **more):
    return {"Type": "Task", "Resource": resource, **more}
