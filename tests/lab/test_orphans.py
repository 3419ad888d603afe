"""Executions whose process is killed are taken up by the home of the store, wherever that is."""

import subprocess
import sys
import threading
import time

import pytest

from faaslab import app
from tests.lab.workflow_cases import machine, task, types

START = """
import sys, time
from faaslab import app
lab = app.open(store=sys.argv[1], cache=sys.argv[2], run_queue=False)
print(lab.workflows.start(sys.argv[3], {"n": 1}).arn, flush=True)
time.sleep(600)
"""
FLOW = machine(
    W={"Type": "Wait", "Seconds": 1, "Next": "T"},
    T={"Type": "Task", "Resource": "activity:count", "End": True},
)


@pytest.fixture
def started(tmp_path):
    """Starts a workflow in another process; its ARN, and the process."""
    processes = []

    def start(workflow):
        given = [str(tmp_path / "s.duckdb"), str(tmp_path / "cache"), workflow]
        process = subprocess.Popen([sys.executable, "-c", START, *given], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process.stdout.readline().strip(), process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def lab(tmp_path):
    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache") as lab:
        lab.workflows.create("flow", FLOW)
        lab.workflows.activity("count", lambda value: value["n"] + 1)
        yield lab


def test_the_home_takes_up_what_a_killed_process_left(lab, started):
    lab.home.ensure()
    arn, process = started("flow")
    run = lab.workflows.run(arn)
    process.kill()
    process.wait()
    assert run.result(60) == 2
    assert types(run) == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded", "ExecutionSucceeded"]


SERVE = """
import sys, time
from faaslab import app
lab = app.open(store=sys.argv[1], cache=sys.argv[2])
with lab.serve():
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize(
    "end", ["lab.close()", "sys.exit()", "__import__('os').kill(__import__('os').getpid(), 9)"]
)
def test_a_home_that_serves_takes_up_what_a_process_left_that_ended(tmp_path, end):
    given = [str(tmp_path / "s.duckdb"), str(tmp_path / "cache")]
    serving = subprocess.Popen([sys.executable, "-c", SERVE, *given], stdout=subprocess.PIPE, text=True)
    try:
        assert serving.stdout.readline() == "up\n"
        with app.open(store=given[0], cache=given[1], run_queue=False) as watching:
            watching.workflows.create("short", machine(W={"Type": "Wait", "Seconds": 1, "End": True}))
            for _ in range(2):  # the second when the home has nothing to look after any more
                left = START.replace("time.sleep(600)", end)
                process = subprocess.run(
                    [sys.executable, "-c", left, *given, "short"],
                    stdout=subprocess.PIPE,
                    text=True,
                    check=False,
                )
                assert watching.workflows.run(process.stdout.strip()).result(60) == {"n": 1}
    finally:
        serving.kill()
        serving.communicate()


def test_a_callable_that_was_killed_at_its_work_does_it_again_in_the_next_process(lab, tmp_path):
    lab.home.ensure()
    lab.workflows.activities.delete("count")
    lab.workflows.activities.create("count")
    lab.workflows.create("counting", task("activity:count"))
    working = START.replace("print(", "lab.workflows.activity('count', lambda _: time.sleep(600))\nprint(")
    given = [str(tmp_path / "s.duckdb"), str(tmp_path / "cache"), "counting"]
    process = subprocess.Popen([sys.executable, "-c", working, *given], stdout=subprocess.PIPE, text=True)
    run = lab.workflows.run(process.stdout.readline().strip())
    deadline = time.monotonic() + 30
    while "ActivityStarted" not in types(run) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    lab.workflows.activity("count", lambda value: value["n"] + 1)
    assert run.result(60) == 2
    assert types(run) == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded", "ExecutionSucceeded"]


WORK = """
import sys, time
from faaslab import app
lab = app.open(store=sys.argv[1], cache=sys.argv[2], run_queue=False)
def work(value):
    print("begun", flush=True)
    sys.stdin.readline()
    time.sleep(0 if sys.argv[3] == "closed" else 600)
lab.workflows.activity("held", work, at_once=1)
sys.stdin.readline()
lab.close()
print("closed", flush=True)
"""


@pytest.mark.parametrize("end", ["killed", "closed"])
def test_what_a_callable_elsewhere_had_of_an_execution_that_goes_on_here_is_handed_out_anew(
    lab, tmp_path, end
):
    lab.workflows.activities.create("held")
    lab.workflows.create("holding", task("activity:held"))
    runs = [lab.workflows.start("holding", n) for n in range(2)]
    given = [str(tmp_path / "s.duckdb"), str(tmp_path / "cache"), "left"]
    process = subprocess.Popen(
        [sys.executable, "-c", WORK, *given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "begun\n"
        if end == "closed":
            process.stdin.write("\n\n")
            process.stdin.flush()
            assert process.stdout.readline() == "closed\n"
        else:
            process.kill()
            process.wait()
        lab.workflows.activity("held", lambda value: value + 1)
        assert [run.result(60) for run in runs] == [1, 2]
        for run in runs:
            assert types(run).count("ActivityStarted") == 1
    finally:
        process.kill()
        process.communicate()


def test_what_another_process_runs_stays_with_it(lab, started):
    lab.home.ensure()
    arn, process = started("flow")
    run = lab.workflows.run(arn)
    # Its activity is done here: the worker of this process asks for tasks wherever they come from.
    assert run.result(60) == 2
    assert lab.workflows.resume() == 0
    assert process.poll() is None


def test_an_execution_of_another_process_is_stopped_from_here(lab, started):
    lab.workflows.create("long", machine(W={"Type": "Wait", "Seconds": 3600, "End": True}))
    arn, process = started("long")
    assert lab.workflows.stop(arn, error="Enough").error.error == "Enough"
    assert process.poll() is None


def test_a_parent_waits_for_a_child_that_goes_on_in_another_process(lab, started, tmp_path):
    lab.workflows.create("child", machine(W={"Type": "Wait", "Seconds": 2, "End": True}))
    arn = lab.workflows.kept("child").arn
    parameters = {"StateMachineArn": arn, "Name": "shared", "Input.$": "$"}
    sync = task("arn:aws:states:::states:startExecution.sync:2", Parameters=parameters)
    lab.workflows.create("parent", sync)
    # The child is begun elsewhere under the name and with the input that the parent gives it.
    elsewhere = START.replace('sys.argv[3], {"n": 1}', 'sys.argv[3], {"n": 1}, name="shared"')
    given = [str(tmp_path / "s.duckdb"), str(tmp_path / "cache"), "child"]
    process = subprocess.Popen([sys.executable, "-c", elsewhere, *given], stdout=subprocess.PIPE, text=True)
    try:
        process.stdout.readline()
        begun = time.monotonic()
        assert lab.workflows.start("parent", {"n": 1}).result(60)["Output"] == {"n": 1}
        assert time.monotonic() - begun < 60
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def left(tmp_path, cache):
    """A lab that was opened on a store in which an execution was left, which nobody runs; its ARN."""
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        lab.workflows.create("flow", machine(W={"Type": "Wait", "Seconds": 1, "End": True}))
        lab.workflows.create("quick", machine(P={"Type": "Pass", "End": True}))
        arn = lab.workflows.start("flow").arn
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        yield lab, arn


def test_a_lab_that_only_looks_takes_nothing_up(left):
    lab, arn = left
    assert [each.id for each in lab.workflows.executions()] == [arn]
    assert len(lab.sql("SELECT * FROM workflow_executions")) == 1
    assert lab.workflows.run(arn).watched() is not None
    assert str(lab.workflows.run(arn)).startswith("<run ")
    assert lab.home.find() is None
    assert lab.store.workflows.runs_elsewhere("")
    # It is no candidate either: no thread of it would be the home later.
    assert "faaslab-home" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(
    "does",
    [
        lambda lab, _: lab.workflows.start("quick"),
        lambda lab, _: lab.workflows.activity("count", len),
        lambda lab, _: lab.home.stand(),
        lambda lab, _: lab.serve(),
        lambda lab, arn: lab.workflows.run(arn).wait(30),
        lambda lab, _: lab.workflows.resume(),
    ],
    ids=["start", "worker", "stand", "serve", "wait", "resume"],
)
def test_one_that_does_something_takes_up_what_was_left(left, does):
    lab, arn = left
    does(lab, arn)
    deadline = time.monotonic() + 30
    while lab.workflows.execution(arn).ended_at is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert lab.workflows.execution(arn).status == "SUCCEEDED"
