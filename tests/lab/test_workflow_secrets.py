"""What functions tell workflows of their secrets goes on as it is, and is kept and shown with stars."""

import hashlib
import json
import re
import subprocess
import sys
import threading

import pytest

from faaslab import app
from faaslab.errors import WorkflowFailed
from faaslab.lab.tasks import hiding
from faaslab.model.workflow import WorkflowExecutionStatus as Status
from faaslab.workflow.effects import Failed, Succeeded
from tests.lab.workflow_cases import machine, task

SECRET = 'hun"ter2\\sec\nretvalüe99'
DIGEST = hashlib.sha256(SECRET.encode()).hexdigest()
PARTS = (b"ter2", b"retval", b"99\\")
TELLS_ARN = "arn:aws:lambda:us-east-1:000000000000:function:tells"
NESTED = "arn:aws:states:::states:startExecution.sync:2"
TELLS = """import json, os
def handler(event, context):
    s = os.environ["TOKEN"]
    return {"token": s, "body": json.dumps({"a": s}), "twice": json.dumps(json.dumps(s))}
"""
RAISES = """import json, os
def handler(event, context):
    raise ValueError(json.dumps({"bad": os.environ["TOKEN"]}))
"""
USES = """import hashlib, json, os
def handler(event, context):
    print("given", event)
    if event.get("fails") and not os.path.exists(event["fails"]):
        raise RuntimeError("not yet " + event["token"])
    token = event["token"] if "token" in event else json.loads(json.loads(event["Cause"])["errorMessage"])["bad"]
    return {"seen": token, "digest": hashlib.sha256(token.encode()).hexdigest()}
"""


def made(lab):
    lab.functions.create("tells", TELLS, secrets=["TOKEN=env:FAASLAB_TEST_SECRET"])
    lab.functions.create("raises", RAISES, secrets=["TOKEN=env:FAASLAB_TEST_SECRET"])
    lab.functions.create("uses", USES)
    return lab


@pytest.fixture
def lab(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("FAASLAB_TEST_SECRET", SECRET)
    with app.open(store=tmp_path / "s.duckdb", cache=cache, keep_alive=60, sandbox="off") as lab:
        yield made(lab)


def passing(*tasks, **more):
    """Functions one after the other, each with what the one before gave."""
    states = {
        f"{number}-{name}": {
            "Type": "Task",
            "Resource": name,
            **({"Next": f"{number + 1}-{tasks[number + 1]}"} if number + 1 < len(tasks) else {"End": True}),
            **more,
        }
        for number, name in enumerate(tasks)
    }
    return machine(**states)


def kept_in(folder, *, but=()):
    """The files that have any part of the secret."""
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file()
        and not path.name.endswith(but or ("no such end",))
        and any(part in path.read_bytes() for part in PARTS)
    ]


def told(lab, run):
    """All that is said of an execution."""
    execution = run.execution
    events = lab.store.workflows.history(run.id)
    rows = lab.store.connect()
    with rows as connection:
        more = [
            connection.execute(f"SELECT * FROM {table}").df().to_string()
            for table in ("workflow_executions", "workflow_history", "executions", "payloads", "logs")
        ]
    return f"{execution} {events} {run!r} {run.error} {run.output} {more} {run.graph()} {run.timeline()}"


def clear_in(text):
    """Where a part of the secret stands, with what is around it."""
    return [text[max(at.start() - 300, 0) : at.end() + 60] for at in re.finditer("ter2|retval", text)]


def test_the_next_task_has_the_true_value_and_nothing_that_is_kept_has_it(lab, tmp_path):
    lab.workflows.create("flow", passing("tells", "uses"))
    run = lab.workflows.start("flow", {})
    assert run.result(60) == {"seen": "****", "digest": DIGEST}
    assert clear_in(told(lab, run)) == []
    lab.store.merge()
    lab.close()
    assert kept_in(tmp_path) == []


def test_a_cause_is_caught_as_it_is_and_told_with_stars(lab, tmp_path):
    caught = {"ErrorEquals": ["ValueError"], "Next": "then"}
    first = {"Type": "Task", "Resource": "raises", "Catch": [caught], "End": True}
    lab.workflows.create("flow", machine(first=first, then={"Type": "Task", "Resource": "uses", "End": True}))
    lab.workflows.create("fails", task("raises"))
    assert lab.workflows.start("flow", {}).result(60)["digest"] == DIGEST
    run = lab.workflows.start("fails", {})
    with pytest.raises(WorkflowFailed, match=r"ValueError: .*\*\*\*\*") as failure:
        run.result(60)
    assert clear_in(str(failure.value)) == []
    assert clear_in(told(lab, run)) == []
    lab.store.merge()
    assert kept_in(tmp_path, but=(".state", ".state-wal")) == []  # it may be redriven


def test_a_redriven_execution_goes_on_with_the_true_value(lab, tmp_path):
    there = tmp_path / "there"
    states = passing("tells", "uses")
    states["States"]["1-uses"]["Parameters"] = {"token.$": "$.token", "fails": str(there)}
    lab.workflows.create("flow", states)
    run = lab.workflows.start("flow", {})
    with pytest.raises(WorkflowFailed):
        run.result(60)
    assert clear_in(told(lab, run)) == []
    lab.store.merge()
    there.touch()
    again = run.redrive()
    assert again.result(60)["digest"] == DIGEST
    assert clear_in(told(lab, again)) == []
    lab.store.merge()
    lab.close()
    assert kept_in(tmp_path) == []


START = """
import os, sys
from pathlib import Path
from faaslab import app
from tests.lab.test_workflow_secrets import made, passing
lab = made(app.open(store=sys.argv[1], cache=sys.argv[2], sandbox="off"))
flow = passing("tells", "uses")
flow["States"]["0-tells"]["Next"] = "wait"
flow["States"]["wait"] = {"Type": "Wait", "Seconds": 2, "Next": "1-uses"}
lab.workflows.create("flow", flow)
run = lab.workflows.start("flow", {}, name="killed")
while "WaitStateEntered" not in list(run.history["type"]):
    pass
os.kill(os.getpid(), 9)
"""


def test_after_a_kill_another_process_that_never_knew_the_secret_goes_on_and_hides_it(
    tmp_path, cache, monkeypatch
):
    monkeypatch.setenv("FAASLAB_TEST_SECRET", SECRET)
    store = tmp_path / "s.duckdb"
    subprocess.run([sys.executable, "-c", START, str(store), str(cache)], check=False, timeout=100)
    monkeypatch.delenv("FAASLAB_TEST_SECRET")
    with app.open(store=store, cache=cache, sandbox="off") as lab:
        lab.workflows.resume()
        run = lab.workflows.run("killed")
        assert run.result(60) == {"seen": "****", "digest": DIGEST}
        assert clear_in(told(lab, run)) == []
        lab.store.merge()
    assert kept_in(tmp_path) == []


START_MAP = """
import os, sys, time
from faaslab import app
from tests.lab.test_workflow_secrets import made, mapping
lab = made(app.open(store=sys.argv[1], cache=sys.argv[2], sandbox="off"))
lab.workflows.create("flow", mapping())
run = lab.workflows.start("flow", {}, name="killed")
until = time.monotonic() + 60
waits = "SELECT 1 FROM workflow_history WHERE type = 'WaitStateEntered'"
while lab.sql(waits).empty and time.monotonic() < until:
    time.sleep(0.02)
os.kill(os.getpid(), 9)
"""


def mapping():
    """An item has the secret in its context alone: its input is without."""
    wait = {"Type": "Wait", "Seconds": 2, "Next": "tell"}
    tell = {"Type": "Pass", "Parameters": {"v.$": "$$.Map.Item.Value.token"}, "End": True}
    each = {
        "Type": "Map",
        "ItemProcessor": {
            **machine(wait=wait, tell=tell),
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        },
        "ItemsPath": "$.all",
        "ItemSelector": {"x": 1},
        "End": True,
    }
    flow = passing("tells", ResultSelector={"all": [{"token.$": "$.token"}]})
    flow["States"]["0-tells"]["Next"] = "each"
    del flow["States"]["0-tells"]["End"]
    flow["States"]["each"] = each
    return flow


def test_after_a_kill_the_item_of_a_map_that_has_it_in_its_context_alone_hides_it(
    tmp_path, cache, monkeypatch
):
    monkeypatch.setenv("FAASLAB_TEST_SECRET", SECRET)
    store = tmp_path / "s.duckdb"
    subprocess.run([sys.executable, "-c", START_MAP, str(store), str(cache)], check=False, timeout=100)
    monkeypatch.delenv("FAASLAB_TEST_SECRET")
    with app.open(store=store, cache=cache, sandbox="off") as lab:
        lab.workflows.resume()
        run = lab.workflows.run("killed")
        assert run.result(60) == [{"v": "****"}]
        assert clear_in(told(lab, run)) == []
        lab.store.merge()
    assert kept_in(tmp_path) == []


def test_a_workflow_within_another_hands_it_on(lab, tmp_path):
    lab.workflows.create("child", passing("tells"))
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:child"
    first = {
        "Type": "Task",
        "Resource": NESTED,
        "Parameters": {"StateMachineArn": arn, "Input": {}},
        "OutputPath": "$.Output",
        "Next": "then",
    }
    lab.workflows.create("flow", machine(first=first, then={"Type": "Task", "Resource": "uses", "End": True}))
    run = lab.workflows.start("flow", {})
    assert run.result(60)["digest"] == DIGEST
    (child,) = lab.workflows.executions(parent=run.arn)
    assert clear_in(f"{child} {told(lab, run)}") == []
    lab.store.merge()
    lab.close()
    assert kept_in(tmp_path) == []


def test_a_workflow_that_is_given_it_hides_its_input(lab, tmp_path):
    lab.workflows.create("child", passing("uses"))
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:child"
    parameters = {"StateMachineArn": arn, "Input": {"token.$": "$.token"}}
    flow = passing("tells")
    flow["States"]["0-tells"]["Next"] = "then"
    del flow["States"]["0-tells"]["End"]
    flow["States"]["then"] = {"Type": "Task", "Resource": NESTED, "Parameters": parameters, "End": True}
    lab.workflows.create("flow", flow)
    run = lab.workflows.start("flow", {})
    assert run.result(60)["Output"]["digest"] == DIGEST
    (child,) = lab.workflows.executions(parent=run.arn)
    assert json.loads(child.input) == {"token": "****"}
    assert clear_in(told(lab, run)) == []
    lab.store.merge()
    lab.close()
    assert kept_in(tmp_path) == []


def test_the_children_of_a_distributed_map_are_given_it_and_give_it_back(lab, tmp_path):
    processor = {**passing("uses"), "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    each = {"Type": "Map", "ItemProcessor": processor, "ItemsPath": "$.all", "End": True}
    flow = passing("tells", ResultSelector={"all": [{"token.$": "$.token"}, {"token.$": "$.token"}]})
    flow["States"]["0-tells"]["Next"] = "each"
    del flow["States"]["0-tells"]["End"]
    flow["States"]["each"] = each
    lab.workflows.create("flow", flow)
    run = lab.workflows.start("flow", {})
    assert run.result(60) == [{"seen": "****", "digest": DIGEST}] * 2
    assert clear_in(told(lab, run)) == []
    lab.store.merge()
    lab.close()
    assert kept_in(tmp_path) == []


def test_an_answer_under_a_token_that_has_it_is_hidden(lab, tmp_path):
    lab.functions.invoke("tells")  # since then this process knows it
    lab.workflows.activities.create("work")
    lab.workflows.create("flow", task("activity:work"))
    run = lab.workflows.start("flow", {})
    given = lab.workflows.activities.get_task("work", timeout_s=60)
    lab.workflows.send_task_success(given.token, {"token": SECRET})
    assert run.result(60) == {"token": "****"}
    assert clear_in(told(lab, run)) == []


HOME = """
import sys
from faaslab import app
with app.open(store=sys.argv[1], cache=sys.argv[2], sandbox="off") as lab:
    print(lab.serve().address, flush=True)
    sys.stdin.read()
"""
ANSWERS = """import boto3, json, os
def handler(event, context):
    output = json.dumps({"token": os.environ["TOKEN"]})
    boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output=output)
"""


def test_an_answer_that_goes_through_the_home_of_another_process_is_hidden(tmp_path, cache, monkeypatch):
    store = tmp_path / "s.duckdb"
    home = subprocess.Popen(
        [sys.executable, "-c", HOME, str(store), str(cache)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert home.stdout.readline()
        monkeypatch.setenv("FAASLAB_TEST_SECRET", SECRET)
        with app.open(store=store, cache=cache, sandbox="off") as lab:
            made(lab).functions.create(
                "answers", ANSWERS, timeout_s=60, secrets=["TOKEN=env:FAASLAB_TEST_SECRET"]
            )
            parameters = {"FunctionName": "answers", "Payload": {"token.$": "$$.Task.Token"}}
            states = passing("answers", "uses")
            states["States"]["0-answers"] |= {
                "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
                "Parameters": parameters,
                "TimeoutSeconds": 60,
            }
            lab.workflows.create("flow", states)
            run = lab.workflows.start("flow", {})
            assert run.result(100) == {"seen": "****", "digest": DIGEST}
            assert not lab.home.here
            assert clear_in(told(lab, run)) == []
            lab.store.merge()
    finally:
        home.communicate(timeout=60)
    assert kept_in(tmp_path) == []


def test_who_runs_an_express_workflow_through_the_port_gets_what_it_gave(lab):
    lab.workflows.create("flow", passing("tells"), type="EXPRESS")
    ended = lab.workflows.start_sync("flow", {})
    assert json.loads(ended.output)["token"] == "****"
    assert json.loads(ended.answer)["token"] == SECRET
    client = lab.cloud.client("stepfunctions")
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:flow"
    assert json.loads(client.start_sync_execution(stateMachineArn=arn)["output"])["token"] == SECRET
    lab.store.merge()
    with lab.store.connect() as connection:
        found = connection.execute("SELECT * FROM workflow_executions").df().to_string()
    assert clear_in(found) == []


def test_a_state_that_is_tried_shows_it_with_stars(lab):
    tried = lab.workflows.test_state({"Type": "Task", "Resource": TELLS_ARN, "End": True}, {})
    assert clear_in(repr(tried)) == []
    assert "****" in repr(tried)


def test_stars_in_the_place_of_a_number_leave_json(tmp_path, cache, monkeypatch):
    number = "84436155"
    monkeypatch.setenv("FAASLAB_TEST_SECRET", number)
    code = (
        "import json, os\ndef handler(event, context):\n    return {'pin': json.loads(os.environ['TOKEN'])}\n"
    )
    store = tmp_path / "s.duckdb"
    with app.open(store=store, cache=cache, sandbox="off") as lab:
        lab.functions.create("tells", code, secrets=["TOKEN=env:FAASLAB_TEST_SECRET"])
        states = passing("tells", Assign={"kept.$": "$.pin"})
        lab.workflows.create("flow", states)
        run = lab.workflows.start("flow", {}, name="numbered")
        assert run.result(60) == {"pin": "****"}
        tried = lab.workflows.test_state({"Type": "Task", "Resource": TELLS_ARN, "End": True}, {})
        assert number not in repr(tried)
        assert "****" in repr(tried)
        details = [event.details for event in lab.store.workflows.history(run.id)]
        texts = [each[name] for each in details for name in ("input", "output") if name in each]
        assert {"pin": "****"} in [json.loads(text) for text in texts]
        assigned = [each["assignedVariables"] for each in details if "assignedVariables" in each]
        assert [json.loads(each["kept"]) for each in assigned] == ["****"]
        assert number not in repr(details)
    with app.open(store=store, cache=cache, sandbox="off") as lab:
        assert lab.workflows.run("numbered").result() == {"pin": "****"}


def test_an_asynchronous_invocation_hides_what_it_is_given(lab):
    given = {"FunctionName": "uses", "InvocationType": "Event", "Payload": {"token.$": "$.token"}}
    flow = passing("tells")
    flow["States"]["0-tells"]["Next"] = "then"
    del flow["States"]["0-tells"]["End"]
    flow["States"]["then"] = {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": given, "End": True,
    }  # fmt: skip
    lab.workflows.create("flow", flow)
    lab.workflows.start("flow", {}).result(60)
    while (ended := lab.executions.list("uses")).empty:
        lab.clock.wait(threading.Event(), 0.05)
    found = lab.executions.get(ended["id"][0])
    assert found.result == {"seen": "****", "digest": DIGEST}
    assert clear_in(f"{found} {found.payload}") == []


def test_what_is_not_a_secret_is_left(lab):
    lab.functions.invoke("tells")
    same = Succeeded("k", {"token": "none"})
    assert hiding.hiding(same, lab.secrets, lab.store.settings) is same
    failed = hiding.hiding(Failed("k", "E", json.dumps(SECRET)), lab.secrets, lab.store.settings)
    assert hiding.shown(failed) == Failed("k", "E", '"****"')
    lab.workflows.create("flow", passing("uses"))
    run = lab.workflows.start("flow", {"token": "plain"})
    assert run.result(60)["seen"] == "plain"
    assert run.status is Status.SUCCEEDED
