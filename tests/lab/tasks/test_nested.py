"""Workflows that start workflows: the child is linked, waited for, and stopped with its parent."""

import json
import queue
import time
from dataclasses import replace

import pytest

from faaslab import app
from faaslab.lab.tasks import resources
from faaslab.model.workflow import WorkflowExecutionStatus as Status
from faaslab.workflow.effects import Call, Succeeded
from tests.lab.workflow_cases import FAIL, PASS, WAIT, task, types

START = "arn:aws:states:::states:startExecution"


@pytest.fixture(scope="module")
def lab(cloud_lab):
    cloud_lab.workflows.create("child", PASS)
    cloud_lab.workflows.create("slow", WAIT)
    cloud_lab.workflows.create("broken", FAIL)
    return cloud_lab


def nesting(lab, child, pattern="", **parameters):
    arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:{child}"
    name = f"parent-of-{child}{pattern.replace(':', '-')}-{len(lab.workflows.names())}"
    flow = task(START + pattern, Parameters={"StateMachineArn": arn, "Input.$": "$", **parameters})
    lab.workflows.create(name, flow)
    return lab.workflows.start(name, {"a": 1})


def test_a_child_is_started_and_left_to_itself(lab):
    run = nesting(lab, "slow")
    output = run.result(30)
    assert {"ExecutionArn", "StartDate", "SdkHttpMetadata", "SdkResponseMetadata"} == set(output)
    child = lab.workflows.run(output["ExecutionArn"])
    assert child.status is Status.RUNNING
    assert child.execution.parent == run.arn
    assert [each.id for each in lab.workflows.executions(parent=run.arn)] == [child.arn]
    child.stop()


def test_a_child_that_is_waited_for_runs_on_when_its_lab_is_closed(tmp_path):
    def opened():
        return app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache", run_queue=False)

    with opened() as one:
        one.workflows.create("slow", WAIT)
        run = nesting(one, "slow", ".sync")
        while "TaskSubmitted" not in types(run):
            time.sleep(0.01)
        (child,) = one.workflows.executions(parent=run.arn)
    with opened() as another:
        assert another.workflows.resume() == 2
        assert another.workflows.run(child.id).status is Status.RUNNING
        assert another.store.workflows._state.one("SELECT count(*) FROM workflow_letters") == (0,)


@pytest.mark.parametrize("pattern", ["sync", "request"])
def test_a_call_that_is_made_again_finds_the_child_that_has_ended(lab, pattern):
    parent = lab.workflows.start("child").execution  # whoever it is
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:child"
    resource = resources.service(START + (".sync:2" if pattern == "sync" else ""))
    call = Call(f"again {pattern}", "S", "task", START, pattern, {"StateMachineArn": arn, "Input": {"n": 1}})

    def asked(call, parent):
        answers = queue.SimpleQueue()
        lab.workflows.runs._carrier.nested.start(call, resource, parent, (), answers.put)
        return answers

    first = asked(call, parent)
    child = lab.workflows.run(first.get(timeout=30).output["ExecutionArn"])
    child.wait(30)
    second = asked(call, parent)
    again = second.get(timeout=30)
    assert again.output["ExecutionArn"] == child.arn
    assert isinstance(again if pattern == "request" else second.get(timeout=30), Succeeded)
    another = lab.workflows.start("child").execution
    taken = replace(call, parameters={**call.parameters, "Name": child.execution.name})
    assert asked(taken, another).get(timeout=30).error == "StepFunctions.ExecutionAlreadyExistsException"


@pytest.mark.parametrize(("pattern", "output"), [(".sync", '{"a":1}'), (".sync:2", {"a": 1})])
def test_a_child_that_is_waited_for_is_described(lab, pattern, output):
    run = nesting(lab, "child", pattern, Name=f"named{pattern[-1]}")
    told = run.result(30)
    assert told["Output"] == output
    assert told["Input"] == output
    assert (told["Status"], told["Name"]) == ("SUCCEEDED", f"named{pattern[-1]}")
    assert types(run) == [
        "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "ExecutionSucceeded",
    ]  # fmt: skip


def test_a_child_that_fails_fails_the_task_with_its_description(lab):
    ended = nesting(lab, "broken", ".sync:2").wait(30)
    assert ended.error.error == "States.TaskFailed"
    cause = json.loads(ended.error.cause)
    assert (cause["Status"], cause["Error"], cause["Cause"]) == ("FAILED", "Broken", "on purpose")


def test_a_child_is_stopped_with_the_parent_that_waits_for_it(lab):
    run = nesting(lab, "slow", ".sync")
    deadline = time.monotonic() + 30
    while not (children := lab.workflows.executions(parent=run.arn)) and time.monotonic() < deadline:
        time.sleep(0.01)
    run.stop()
    child = lab.workflows.run(children[0].id)
    assert child.wait(30).status is Status.ABORTED


def test_a_child_that_cannot_be_started_fails_the_task(lab):
    gone = nesting(lab, "nobody").wait(30).error
    assert gone.error == "StepFunctions.StateMachineDoesNotExistException"
    assert "(Service: Sfn, Status Code: 400, Request ID: " in gone.cause
    nesting(lab, "child", ".sync", Name="taken").wait(30)
    taken = nesting(lab, "child", ".sync", Name="taken").wait(30).error
    assert taken.error == "StepFunctions.ExecutionAlreadyExistsException"
    name = nesting(lab, "child", Name="not a name").wait(30).error
    assert name.error == "StepFunctions.InvalidNameException"


def test_a_child_may_answer_by_the_token_that_it_got(lab):
    flow = task(
        f"{START}.waitForTaskToken",
        Parameters={
            "StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:child",
            "Input": {"token.$": "$$.Task.Token"},
        },
    )
    lab.workflows.create("asking", flow)
    run = lab.workflows.start("asking")
    deadline = time.monotonic() + 30
    while not (children := lab.workflows.executions(parent=run.arn)) and time.monotonic() < deadline:
        time.sleep(0.01)
    token = json.loads(lab.workflows.run(children[0].id).wait(30).input)["token"]
    lab.workflows.send_task_failure(token, "No", "not today")
    assert (run.wait(30).error.error, run.error.cause) == ("No", "not today")
