"""Histories for tests, told step by step in Step Functions' events."""

from datetime import datetime, timedelta

BEGIN = datetime(2026, 11, 27, 8, 0, 0)


class Story:
    """Each call adds an event and gives its id; `after` is the event it follows."""

    def __init__(self):
        self.events = []
        self.at = BEGIN

    def wait(self, seconds):
        self.at += timedelta(seconds=seconds)
        return self

    def add(self, kind, after=0, state=None, **details):
        self.events.append(
            {
                "id": len(self.events) + 1,
                "previous_id": after,
                "type": kind,
                "at": self.at,
                "state": state,
                "details": details,
            }
        )
        return len(self.events)

    def enter(self, kind, name, after=0):
        return self.add(f"{kind}StateEntered", after, name=name)

    def leave(self, kind, name, after):
        return self.add(f"{kind}StateExited", after, name=name)

    def schedule(self, after, seconds=0.0, queued=0.0):
        last = self.add("LambdaFunctionScheduled", after)
        self.wait(queued)
        last = self.add("LambdaFunctionStarted", last)
        self.wait(seconds)
        return last

    def work(self, name, after=0, seconds=0.1, failures=(), backoff=1.0, queued=0.0):
        """A Task that fails with `failures` and then succeeds; with None last it stays failed."""
        last = self.enter("Task", name, after)
        for error in failures:
            if error is None:
                return last
            last = self.schedule(last, seconds, queued)
            last = self.add("LambdaFunctionFailed", last, error=error, cause="{}")
            if failures[-1] is not None or error is not failures[-2]:
                self.wait(backoff)
        last = self.schedule(last, seconds, queued)
        last = self.add("LambdaFunctionSucceeded", last)
        return self.leave("Task", name, last)


def order(items=10, lost=1):
    """The order of `cases/workflows/order.json` whose payment is declined while items are packed."""
    told = Story()
    told.add("ExecutionStarted")
    last = told.work("Validate order", 0, 0.42, ("Lambda.TooManyRequestsException",), 2.0)
    last = told.enter("Choice", "In stock?", last)
    last = told.leave("Choice", "In stock?", last)
    parallel = told.enter("Parallel", "Fulfil", last)
    begun = told.add("ParallelStateStarted", parallel)
    card = told.enter("Task", "Charge card", begun)
    card = told.schedule(card, 0.0, 0.05)
    packing = told.enter("Map", "Pack items", begun)
    packing = told.add("MapStateStarted", packing, length=items)
    last = packing
    for index in range(items - 2):
        iteration = told.add("MapIterationStarted", packing, name="Pack items", index=index)
        if index < lost:
            last = told.work("Reserve item", iteration, 0.3, ("States.Timeout", None))
            last = told.add("MapIterationFailed", last, name="Pack items", index=index)
            continue
        last = told.work("Reserve item", iteration, 0.21)
        last = told.work("Label item", last, 0.08)
        told.add("MapIterationSucceeded", last, name="Pack items", index=index)
    iteration = told.add("MapIterationStarted", packing, name="Pack items", index=items - 2)
    held = told.enter("Task", "Reserve item", iteration)
    told.schedule(held, 0.4)
    card = told.add("LambdaFunctionFailed", card, error="CardExpired", cause='{"errorType": "CardExpired"}')
    failed = told.add("ParallelStateFailed", card, error="CardExpired", cause="{}")
    last = told.leave("Parallel", "Fulfil", failed)
    last = told.work("Refund", last, 1.3, ("Exception", "Exception"), 2.0)
    last = told.enter("Fail", "Reject order", last)
    told.add("ExecutionFailed", last, error="OrderRejected", cause="See $.error")
    return told
