"""Activities, their workers and task tokens as boto3 sees them."""

import json
import threading
import time

import pytest
from botocore.exceptions import ReadTimeoutError

import faaslab

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def activity(states, name):
    return states.create_activity(name=name)["activityArn"]


@pytest.fixture
def run(states, create, activity):
    """Starts an execution that waits for a worker: its ARN."""

    def run(given=None, **more):
        step = {"Type": "Task", "Resource": activity, "End": True, **more}
        arn = create({"StartAt": "A", "States": {"A": step}})
        return states.start_execution(stateMachineArn=arn, input=json.dumps(given))["executionArn"]

    return run


def ended(states, arn):
    until = time.monotonic() + 60
    while (answer := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        assert time.monotonic() < until
        time.sleep(0.02)
    return answer


def test_an_activity_lives(states, name, refusal):
    made = states.create_activity(name=name, tags=[{"key": "a", "value": "1"}])
    arn = made["activityArn"]
    assert arn == f"arn:aws:states:us-east-1:000000000000:activity:{name}"
    assert states.create_activity(name=name)["creationDate"] == made["creationDate"]
    described = states.describe_activity(activityArn=arn)
    assert (described["name"], described["creationDate"]) == (name, made["creationDate"])
    assert states.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "a", "value": "1"}]
    states.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    states.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert states.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    assert name in [each["name"] for each in states.list_activities()["activities"]]
    states.delete_activity(activityArn=arn)
    states.delete_activity(activityArn=arn)
    gone = ("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
    assert refusal("describe_activity", activityArn=arn) == gone
    assert refusal("get_activity_task", activityArn=arn) == gone
    invalid = "TestActivity InvalidName$"
    assert refusal("create_activity", name=invalid) == ("InvalidName", f"Invalid Name: '{invalid}'")


def test_a_worker_that_waits_gets_the_task_and_answers(states, activity, run):
    got = []
    worker = threading.Thread(
        target=lambda: got.append(states.get_activity_task(activityArn=activity, workerName="w"))
    )
    worker.start()
    execution = run([1, 2])
    worker.join(30)
    (task,) = got
    assert json.loads(task["input"]) == [1, 2]
    states.send_task_heartbeat(taskToken=task["taskToken"])
    states.send_task_success(taskToken=task["taskToken"], output='{"done": true}')
    assert json.loads(ended(states, execution)["output"]) == {"done": True}
    events = states.get_execution_history(executionArn=execution)["events"]
    assert [event["type"] for event in events][2:5] == [
        "ActivityScheduled", "ActivityStarted", "ActivitySucceeded",
    ]  # fmt: skip
    assert events[3]["activityStartedEventDetails"] == {"workerName": "w"}


def test_a_task_fails_by_its_worker_and_is_answered_once(states, activity, run, refusal):
    execution = run()
    token = states.get_activity_task(activityArn=activity)["taskToken"]
    states.send_task_failure(taskToken=token, error="Bad", cause="worse")
    answer = ended(states, execution)
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "Bad", "worse")
    gone = ("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
    assert refusal("send_task_success", taskToken=token, output="{}") == gone
    assert refusal("send_task_heartbeat", taskToken=token) == gone
    assert refusal("send_task_success", taskToken="x", output="{}")[0] == "InvalidToken"
    assert refusal("send_task_success", taskToken=token, output="{")[0] == "InvalidOutput"


def test_a_poll_ends_empty_when_nothing_comes(states, activity, monkeypatch):
    from faaslab.endpoint.states import activities

    monkeypatch.setattr(activities, "POLL_S", 0.3)
    assert "taskToken" not in states.get_activity_task(activityArn=activity)


def test_a_callback_is_answered_by_its_token(lab, states, create, name):
    queue = lab.cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    step = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}},
        "End": True,
    }
    arn = create({"StartAt": "C", "States": {"C": step}})
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    (message,) = lab.cloud.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    token = json.loads(message["Body"])["token"]
    states.send_task_success(taskToken=token, output='"called back"')
    assert ended(states, execution)["output"] == '"called back"'


def test_a_worker_that_went_away_while_it_waited_gets_no_task(lab, states, activity, run):
    gone = lab.cloud.client("stepfunctions", read_timeout=1, retries={"total_max_attempts": 1})
    with pytest.raises(ReadTimeoutError):
        gone.get_activity_task(activityArn=activity, workerName="gone")
    execution = run("for who is there")
    task = states.get_activity_task(activityArn=activity, workerName="there")
    states.send_task_success(taskToken=task["taskToken"], output=task["input"])
    assert ended(states, execution)["output"] == '"for who is there"'


def test_a_worker_that_waits_is_told_of_nothing_when_the_lab_is_closed(tmp_path):
    got = []
    with faaslab.open(tmp_path / "store.duckdb", sandbox="off") as lab:
        client = lab.cloud.client("stepfunctions", retries={"total_max_attempts": 1})
        arn = client.create_activity(name="a")["activityArn"]
        looked = threading.Event()
        get_task = lab.workflows.activities.get_task

        def look(*args, **more):
            looked.set()
            return get_task(*args, **more)

        lab.workflows.activities.get_task = look
        worker = threading.Thread(target=lambda: got.append(client.get_activity_task(activityArn=arn)))
        worker.start()
        assert looked.wait(30)
    worker.join(30)
    (answer,) = got
    assert "taskToken" not in answer
