"""Small definitions that the tests of workflows share."""


def machine(**states):
    """States by name, the first one being where it starts."""
    return {"StartAt": next(iter(states)), "States": states}


def task(resource, **fields):
    return machine(T={"Type": "Task", "Resource": resource, "End": True, **fields})


PASS = machine(A={"Type": "Pass", "End": True})
WAIT = machine(W={"Type": "Wait", "Seconds": 3600, "End": True})
FAIL = machine(F={"Type": "Fail", "Error": "Broken", "Cause": "on purpose"})


def types(run):
    """The types of its events, without those that every execution has."""
    told = list(run.history["type"])
    assert told[0] == "ExecutionStarted"
    return [kind for kind in told[1:] if not kind.endswith(("StateEntered", "StateExited"))]
