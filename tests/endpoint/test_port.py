"""A lab's own port: functions are invoked, the cloud is there, and what failed for good reaches its queue."""

import json

import pytest

import faaslab
from faaslab.errors import InvalidValue, MissingExtra

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def lab(tmp_path):
    with faaslab.open(tmp_path / "store.duckdb") as lab:
        yield lab


def test_a_run_through_the_port_is_in_the_store(lab):
    lab.functions.create("twice", "def handler(event, context):\n    return event['x'] * 2")
    answer = lab.cloud.client("lambda").invoke(FunctionName="twice", Payload=b'{"x": 21}')
    assert answer["Payload"].read() == b"42"
    execution = lab.executions.get(answer["ResponseMetadata"]["RequestId"])
    assert execution.result == 42
    assert lab.home.here


def test_what_failed_for_good_reaches_its_dead_letter_queue(lab):
    queue = lab.cloud.client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    lab.functions.create(
        "fails",
        "def handler(event, context):\n    raise ValueError('no')",
        dead_letter_queue="arn:aws:sqs:us-east-1:000000000000:dead",
        maximum_retry_attempts=0,
    )
    lab.cloud.client("lambda").invoke(FunctionName="fails", InvocationType="Event", Payload=b'{"n": 1}')
    [message] = _received(lab, queue)
    assert json.loads(message["Body"]) == {"n": 1}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "no"


@pytest.mark.parametrize("kind", ["sqs", "sns", "events", "s3"])
def test_outcomes_reach_each_kind_of_destination(lab, kind):
    queue = lab.cloud.client("sqs").create_queue(QueueName="seen")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:seen"
    if kind == "sqs":
        target = arn
    elif kind == "sns":
        sns = lab.cloud.client("sns")
        target = sns.create_topic(Name="told")["TopicArn"]
        sns.subscribe(TopicArn=target, Protocol="sqs", Endpoint=arn)
    elif kind == "events":
        events = lab.cloud.client("events")
        target = events.create_event_bus(Name="bus")["EventBusArn"]
        events.put_rule(Name="all", EventBusName="bus", EventPattern='{"source": ["lambda"]}')
        events.put_targets(Rule="all", EventBusName="bus", Targets=[{"Id": "1", "Arn": arn}])
    else:
        lab.cloud.client("s3").create_bucket(Bucket="failures")
        target = "arn:aws:s3:::failures"
    lab.functions.create(
        "does",
        "def handler(event, context):\n    return 1 // event['by']",
        maximum_retry_attempts=0,
        **{"on_failure" if kind == "s3" else "on_success": target},
    )
    lab.functions.submit("does", {"by": 0 if kind == "s3" else 1}, invocation_type="Event").result(60)
    if kind == "s3":
        assert lab.asynchronous.wait(60)
        s3 = lab.cloud.client("s3")
        [found] = s3.list_objects_v2(Bucket="failures")["Contents"]
        record = json.loads(s3.get_object(Bucket="failures", Key=found["Key"])["Body"].read())
    else:
        [message] = _received(lab, queue)
        record = json.loads(message["Body"])
        record = json.loads(record["Message"]) if kind == "sns" else record.get("detail", record)
    assert record["requestContext"]["condition"] == ("RetriesExhausted" if kind == "s3" else "Success")


def _received(lab, queue):
    sqs = lab.cloud.client("sqs")
    for _ in range(6):
        found = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10, MessageAttributeNames=["All"])
        if found.get("Messages"):
            return found["Messages"]
    return []


def test_a_service_that_nobody_knows_is_told(lab):
    with pytest.raises(InvalidValue, match="did you mean"):
        lab.cloud.client("dynamobd")


def test_without_the_extra_the_first_use_says_what_to_install(lab, monkeypatch):
    monkeypatch.setattr("faaslab.cloud.extra.installed", lambda: False)
    with pytest.raises(MissingExtra, match=r'pip install "faaslab\[cloud\]"'):
        lab.cloud.client("s3")
    lab.functions.create("one", "def handler(event, context):\n    return 1")
    assert lab.cloud.client("lambda").invoke(FunctionName="one")["Payload"].read() == b"1"
    states = lab.cloud.client("stepfunctions")
    group = {"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:us-east-1:000000000000:log-group:g:*"}}
    made = states.create_state_machine(
        name="m",
        definition='{"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": 1, "End": true}}}',
        roleArn="arn:aws:iam::000000000000:role/r",
        type="EXPRESS",
        loggingConfiguration={"level": "OFF", "destinations": [group]},
    )
    assert states.start_sync_execution(stateMachineArn=made["stateMachineArn"])["output"] == "1"
    # Over the port, a client that was made for it in another way is told the same, and does not try again.
    import boto3

    s3 = boto3.client(
        "s3",
        endpoint_url=lab.cloud.address,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    with pytest.raises(s3.exceptions.ClientError) as told:
        s3.list_buckets()
    assert told.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_closing_leaves_no_process_and_no_thread(tmp_path):
    import threading

    import psutil

    before = {thread.ident for thread in threading.enumerate()}
    others = {*psutil.Process().children(recursive=True)}  # what an earlier test may have left is not its own
    with faaslab.open(tmp_path / "store.duckdb") as lab:
        lab.cloud.client("s3").create_bucket(Bucket="kept")
        assert {*psutil.Process().children(recursive=True)} - others
    assert not {*psutil.Process().children(recursive=True)} - others
    assert not [
        each for each in threading.enumerate() if each.ident not in before and each.name.startswith("faaslab")
    ]
