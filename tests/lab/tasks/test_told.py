"""What happens to executions is told: as lines of log groups, as events of the default bus; events start them."""

import json
import time
from datetime import datetime

import pytest

from faaslab.cloud import extra
from faaslab.lab import workflow_told
from faaslab.model.workflow import (
    HistoryEvent,
    LoggingConfiguration,
    WorkflowError,
    WorkflowExecution,
    WorkflowExecutionStatus,
)
from tests.lab.workflow_cases import FAIL, PASS, WAIT

needs_cloud = pytest.mark.skipif(not extra.installed(), reason="needs faaslab[cloud]")
START = datetime(2026, 1, 2, 3, 4, 5, 678000)
EXECUTION = WorkflowExecution(
    id="arn:aws:states:us-east-1:0:execution:m:n", workflow="m", name="n",
    status=WorkflowExecutionStatus.FAILED, started_at=START, ended_at=START, error=WorkflowError(error="E"),
)  # fmt: skip


@pytest.fixture(scope="module")
def lab(cloud_lab):
    return cloud_lab


def until(look):
    """What `look` gives as soon as that is something."""
    deadline = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@needs_cloud
@pytest.mark.parametrize(
    ("level", "kinds"),
    [
        ("ALL", ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]),
        ("ERROR", ["FailStateEntered", "ExecutionFailed"]),
        ("FATAL", ["ExecutionFailed"]),
    ],
)
def test_events_are_lines_of_the_log_group_of_the_workflow(lab, level, kinds):
    logs = lab.cloud.client("logs")
    group = f"/aws/vendedlogs/states/{level}"
    logs.create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*"
    logging = {"level": level, "include_execution_data": level == "ALL", "destinations": [arn]}
    lab.workflows.create(f"logged-{level}", FAIL, logging=logging)
    run = lab.workflows.start(f"logged-{level}", {"a": 1})
    run.wait(30)
    events = until(lambda: logs.filter_log_events(logGroupName=group)["events"])
    lines = [json.loads(event["message"]) for event in events]
    assert [line["type"] for line in lines] == kinds
    assert {line["execution_arn"] for line in lines} == {run.arn}
    if level == "ALL":
        assert lines[0]["details"]["input"] == '{"a":1}'
        assert (lines[0]["id"], lines[0]["previous_event_id"]) == ("1", "0")
    assert events[0]["logStreamName"].startswith(f"states/logged-{level}/")


@needs_cloud
def test_the_status_of_an_execution_goes_to_rules_that_ask_for_it(lab):
    sqs, events = lab.cloud.client("sqs"), lab.cloud.client("events")
    url = sqs.create_queue(QueueName="statuses")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    lab.workflows.create("watched", PASS)
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [lab.workflows.kept("watched").arn]}}
    events.put_rule(Name="statuses", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="statuses", Targets=[{"Id": "1", "Arn": arn}])
    run = lab.workflows.start("watched", {"a": 1})
    got = []

    def both():
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", ()):
            got.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(got) >= 2

    until(both)
    by_status = {event["detail"]["status"]: event for event in got}
    assert set(by_status) == {"RUNNING", "SUCCEEDED"}
    done = by_status["SUCCEEDED"]
    assert done["detail-type"] == "Step Functions Execution Status Change"
    assert done["detail"]["executionArn"] == run.arn
    assert json.loads(done["detail"]["output"]) == {"a": 1}
    assert done["resources"] == [run.arn]
    events.remove_targets(Rule="statuses", Ids=["1"])
    events.delete_rule(Name="statuses")


@needs_cloud
def test_an_event_starts_a_workflow_once(lab):
    events = lab.cloud.client("events")
    lab.workflows.create("started-by-events", PASS)
    events.put_rule(Name="starts", EventPattern='{"source": ["shop"]}')
    arn = lab.workflows.kept("started-by-events").arn
    role = "arn:aws:iam::000000000000:role/r"
    targets = [
        {"Id": "whole", "Arn": arn, "RoleArn": role},
        {"Id": "part", "Arn": arn, "RoleArn": role, "InputPath": "$.detail"},
    ]
    events.put_targets(Rule="starts", Targets=targets)
    events.put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": '{"n": 1}'}])
    until(lambda: len(lab.workflows.executions("started-by-events")) == 2)
    assert lab.targets.wait(30)
    found = lab.workflows.executions("started-by-events")
    inputs = sorted((json.loads(each.input) for each in found), key=len)
    assert inputs[0] == {"n": 1}
    assert (inputs[1]["source"], inputs[1]["detail"]) == ("shop", {"n": 1})
    assert {each.trigger for each in found} == {"eventbridge"}
    events.remove_targets(Rule="starts", Ids=["whole", "part"])
    events.delete_rule(Name="starts")


@pytest.mark.parametrize(
    ("kind", "levels"),
    [
        ("ExecutionStarted", ["ALL"]),
        ("TaskFailed", ["ALL", "ERROR"]),
        ("LambdaFunctionTimedOut", ["ALL", "ERROR"]),
        ("FailStateEntered", ["ALL", "ERROR"]),
        ("ExecutionAborted", ["ALL", "ERROR", "FATAL"]),
        ("ExecutionFailed", ["ALL", "ERROR", "FATAL"]),
    ],
)
def test_a_level_has_its_events(kind, levels):
    assert [
        level for level in ("ALL", "ERROR", "FATAL", "OFF") if workflow_told.is_logged(kind, level)
    ] == levels


def test_a_line_has_payloads_only_when_they_are_asked_for():
    event = HistoryEvent(execution_id="e", id=2, previous_id=1, type="PassStateEntered", at=START,
                         details={"name": "A", "input": '{"a":1}'})  # fmt: skip
    whole = json.loads(
        workflow_told.line(event, EXECUTION, LoggingConfiguration(include_execution_data=True))
    )
    assert whole["details"] == {"name": "A", "input": '{"a":1}'}
    assert whole["event_timestamp"] == "1767323045678"
    bare = json.loads(workflow_told.line(event, EXECUTION, LoggingConfiguration()))
    assert bare["details"] == {"name": "A"}


def test_a_status_says_what_describe_execution_says():
    detail = workflow_told.status_detail(EXECUTION)
    assert detail["stateMachineArn"] == "arn:aws:states:us-east-1:0:stateMachine:m"
    assert (detail["status"], detail["error"], detail["stopDate"]) == ("FAILED", "E", 1767323045678)


def test_without_rules_nothing_is_asked_of_the_cloud(opened_without_cloud):
    lab = opened_without_cloud
    lab.workflows.create("alone", WAIT)
    lab.workflows.start("alone").stop()
    assert not lab.home.here


@pytest.fixture
def opened_without_cloud(tmp_path):
    from faaslab import app

    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache") as lab:
        yield lab
