"""What the tests of the engine run: machines, and one who carries tasks out in this process."""

import threading

from faaslab.clock import SYSTEM
from faaslab.model.workflow import WorkflowExecution, WorkflowExecutionStatus
from faaslab.workflow.effects import ReadItems, Submitted, Succeeded

ARN = "arn:aws:states:us-east-1:000000000000:execution:m:"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"


def execution(name="x", text="{}", clock=SYSTEM, **fields):
    return WorkflowExecution(
        id=ARN + name, workflow="m", name=name, status=WorkflowExecutionStatus.RUNNING,
        started_at=clock.now(), input=text, **fields,
    )  # fmt: skip


def machine(*states):
    """States one after the other: (name, {…}) each; the last one ends."""
    named = {name: dict(state) for name, state in states}
    for (name, state), following in zip(named.items(), [*list(named)[1:], None], strict=True):
        if state["Type"] not in ("Succeed", "Fail", "Choice"):
            state.update({"Next": following} if following else {"End": True})
        named[name] = state
    return {"StartAt": next(iter(named)), "States": named}


def task(**fields):
    return {"Type": "Task", "Resource": FUNCTION, **fields}


def wait(seconds):
    return {"Type": "Wait", "Seconds": seconds}


PASS = {"Type": "Pass"}
TOKEN = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters": {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}},
}


class Carry:
    """Notes what is wanted, and answers calls as `answers` says: by resource, or never."""

    def __init__(self, answer=None):
        self.engine = None
        self.answer = answer
        self.wanted = []
        self.told = []
        self.forgotten = []
        self.noted = []
        self.over = []
        self.asked = threading.Event()

    def __call__(self, wanted, execution, told):
        self.wanted.append(wanted)
        self.told.append(tuple(told))
        self.asked.set()
        if isinstance(wanted, ReadItems):
            self.engine.signal(execution.id, Succeeded(wanted.key, wanted.reader["Parameters"]["Items"]))
        elif self.answer is not None:
            answer = self.answer(wanted)
            if answer is not None:
                self.engine.signal(execution.id, answer)
        elif getattr(wanted, "pattern", "") == "token" and not told:
            self.engine.signal(execution.id, Submitted(wanted.key, {}))

    def forget(self, key, execution):
        self.forgotten.append((execution.id, key))

    def note(self, state, execution):
        self.noted.append(state)

    def ended(self, execution):
        self.over.append(execution)


def echo(wanted):
    return Succeeded(wanted.key, wanted.parameters)
