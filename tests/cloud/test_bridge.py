"""moto's own deliveries reach the functions of a home, here a small server that writes down what comes."""

import base64
import gzip
import json
import os
import queue
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest

from faaslab.clock import SYSTEM
from faaslab.cloud import CloudProcess

ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


class Home(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        name = unquote(urlsplit(self.path).path).split("/")[3]
        self._answer(404 if name == "missing" else 200, b'{"Configuration": {}}')

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=token/"):
            return self._answer(403)
        url = urlsplit(self.path)
        if url.path == "/":
            self.server.came.put(("states", None, None, json.loads(body)))
            return self._answer(200)
        name = unquote(url.path).split("/")[3]
        if name == "missing":
            return self._answer(404)
        if name == "slow":
            self.server.gate.wait(30)
        if name == "busy" and self.server.refusals:
            self.server.refusals.pop()
            return self._answer(503)
        kind = self.headers.get("X-Amz-Invocation-Type")
        if self.server.run is not None:
            self.server.run(json.loads(body))
        self.server.came.put((name, url.query, kind, json.loads(body)))
        return self._answer(202 if kind == "Event" else 200)

    def _answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def home():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Home)
    server.daemon_threads = True
    server.came, server.gate, server.refusals, server.run = queue.Queue(), threading.Event(), [], None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, home):
    made = CloudProcess(
        tmp_path_factory.mktemp("cloud") / "kept", f"http://127.0.0.1:{home.server_address[1]}", key="token"
    )
    yield made
    made.close()


def came(home, name):
    """The next that came, which is for that function."""
    got, query, kind, event = home.came.get(timeout=20)
    assert got == name
    return query, kind, event


def test_sns(cloud, home):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="topic")["TopicArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=f"{ARN}f:live")[
        "SubscriptionArn"
    ]
    sent = sns.publish(
        TopicArn=topic,
        Message="news",
        Subject="s",
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "new"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\0\xff"},
        },
    )
    query, kind, event = came(home, "f")
    assert (query, kind) == ("Qualifier=live", "Event")
    [record] = event["Records"]
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", subscription)
    assert record["Sns"]["MessageId"] == sent["MessageId"]
    assert (record["Sns"]["TopicArn"], record["Sns"]["Message"], record["Sns"]["Subject"]) == (
        topic,
        "news",
        "s",
    )
    assert record["Sns"]["MessageAttributes"] == {
        "kind": {"Type": "String", "Value": "new"},
        "raw": {"Type": "Binary", "Value": base64.b64encode(b"\0\xff").decode()},
    }
    # A subscriber on the network is not gone to, one whose function is missing is no reason to refuse.
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint="http://192.0.2.1/hook")
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=f"{ARN}missing")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:none")
    sns.publish(TopicArn=topic, Message="again")
    assert came(home, "f")[2]["Records"][0]["Sns"]["Message"] == "again"


def test_sns_filters(cloud, home):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="filtered")["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="lambda",
        Endpoint=f"{ARN}f",
        Attributes={"FilterPolicy": json.dumps({"kind": ["wanted"]})},
    )
    for kind in ("other", "wanted"):
        sns.publish(
            TopicArn=topic,
            Message=kind,
            MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
        )
    assert came(home, "f")[2]["Records"][0]["Sns"]["Message"] == "wanted"


def test_s3(cloud, home):
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_notification_configuration(
        Bucket="bucket",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {
                    "Id": "on-upload",
                    "LambdaFunctionArn": f"{ARN}f",
                    "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".jpg"}]}},
                }
            ]
        },
    )
    s3.put_object(Bucket="bucket", Key="a.txt", Body=b"")
    tag = s3.put_object(Bucket="bucket", Key="up/my file(2).jpg", Body=b"x" * 9)["ETag"]
    _, kind, event = came(home, "f")
    [record] = event["Records"]
    assert kind == "Event"
    assert (record["eventSource"], record["eventName"]) == ("aws:s3", "ObjectCreated:Put")
    assert record["s3"]["configurationId"] == "on-upload"
    assert record["s3"]["bucket"]["arn"] == "arn:aws:s3:::bucket"
    got = record["s3"]["object"]
    assert (got["key"], got["size"], got["eTag"]) == ("up/my+file%282%29.jpg", 9, tag.strip('"'))
    s3.delete_object(Bucket="bucket", Key="up/my file(2).jpg")
    [record] = came(home, "f")[2]["Records"]
    assert record["eventName"] == "ObjectRemoved:Delete"
    assert set(record["s3"]["object"]) == {"key", "sequencer"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, None),
        ({"Input": '{"fixed": true}'}, {"fixed": True}),
        ({"InputPath": "$.detail.list[1]"}, 2),
        (
            {"InputTransformer": {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"number": <n>}'}},
            {"number": 1},
        ),
    ],
    ids=["event", "Input", "InputPath", "InputTransformer"],
)
def test_eventbridge(cloud, home, more, expected):
    events = cloud.client("events")
    events.put_rule(Name="rule", EventPattern=json.dumps({"source": ["shop"]}))
    events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": f"{ARN}f", **more}])
    put = events.put_events(
        Entries=[
            {
                "Source": "shop",
                "DetailType": "Sold",
                "Detail": '{"n": 1, "list": [1, 2]}',
                "Time": 1_700_000_000,
            }
        ]
    )
    assert put["FailedEntryCount"] == 0
    _, kind, event = came(home, "f")
    assert kind == "Event"
    assert event == (
        expected
        if more
        else {
            "version": "0",
            "id": put["Entries"][0]["EventId"],
            "detail-type": "Sold",
            "source": "shop",
            "account": "000000000000",
            "time": "2023-11-14T22:13:20Z",
            "region": "us-east-1",
            "resources": [],
            "detail": {"n": 1, "list": [1, 2]},
        }
    )


def test_targets_that_moto_does_not_know(cloud, home):
    events, sqs, kinesis = cloud.client("events"), cloud.client("sqs"), cloud.client("kinesis")
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="target")["TopicArn"]
    url = sqs.create_queue(QueueName="behind")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:000000000000:behind")
    kinesis.create_stream(StreamName="target", ShardCount=1)
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
    events.put_rule(Name="many", EventPattern=json.dumps({"source": ["many"]}))
    events.put_rule(Name="off", EventPattern=json.dumps({"source": ["many"]}), State="DISABLED")
    events.put_rule(Name="clock", ScheduleExpression="rate(1 minute)")
    for rule in ("off", "clock"):
        events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": f"{ARN}f"}])
    targets = [
        "arn:aws:batch:us-east-1:000000000000:job-queue/none",
        "arn:aws:sqs:us-east-1:000000000000:none",
        f"{ARN}missing",
        topic,
        "arn:aws:kinesis:us-east-1:000000000000:stream/target",
        machine,
    ]
    events.put_targets(
        Rule="many", Targets=[{"Id": str(number), "Arn": arn} for number, arn in enumerate(targets)]
    )
    events.put_events(Entries=[{"Source": "many", "DetailType": "d", "Detail": "{}"}])
    [got] = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(json.loads(got["Body"])["Message"])["source"] == "many"
    [shard] = kinesis.list_shards(StreamName="target")["Shards"]
    iterator = kinesis.get_shard_iterator(
        StreamName="target", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    [record] = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert json.loads(record["Data"])["source"] == "many"
    event = came(home, "states")[2]
    assert event["stateMachineArn"] == machine
    assert json.loads(event["input"])["source"] == "many"
    assert home.came.empty()


def test_s3_to_eventbridge(cloud, home):
    s3, events = cloud.client("s3"), cloud.client("events")
    s3.create_bucket(Bucket="evented")
    s3.put_bucket_notification_configuration(
        Bucket="evented", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    events.put_rule(Name="s3", EventPattern=json.dumps({"source": ["aws.s3"]}))
    events.put_targets(Rule="s3", Targets=[{"Id": "1", "Arn": f"{ARN}f"}])
    s3.put_object(Bucket="evented", Key="k", Body=b"x")
    event = came(home, "f")[2]
    assert (event["detail-type"], event["detail"]["bucket"]) == ("Object Created", {"name": "evented"})
    assert isinstance(event["time"], str)
    s3.put_object_tagging(Bucket="evented", Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert came(home, "f")[2]["detail-type"] == "Object Tags Added"
    events.remove_targets(Rule="s3", Ids=["1"])


def test_logs(cloud, home):
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="stream")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.put_subscription_filter(
            logGroupName="group", filterName="none", filterPattern="", destinationArn=f"{ARN}missing"
        )
    logs.put_subscription_filter(
        logGroupName="group", filterName="errors", filterPattern="ERROR", destinationArn=f"{ARN}f"
    )
    now = int(SYSTEM.now().timestamp() * 1000)
    logs.put_log_events(
        logGroupName="group",
        logStreamName="stream",
        logEvents=[{"timestamp": now, "message": "fine"}, {"timestamp": now, "message": "ERROR boom"}],
    )
    event = came(home, "f")[2]
    data = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    assert (data["messageType"], data["owner"], data["logGroup"]) == ("DATA_MESSAGE", "000000000000", "group")
    assert data["subscriptionFilters"] == ["errors"]
    assert [found["message"] for found in data["logEvents"]] == ["ERROR boom"]


def test_rotation_of_a_secret_by_the_template_of_aws(cloud, home):
    """The four steps as AWS's template has them, run while nobody waits for them."""
    secrets = cloud.client("secretsmanager")
    arn = secrets.create_secret(Name="secret", SecretString="old")["ARN"]
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.rotate_secret(SecretId="secret", RotationLambdaARN=f"{ARN}missing")
    done = []

    def run(event):
        token, step = event["ClientRequestToken"], event["Step"]
        assert event["SecretId"] == arn
        if step == "createSecret":
            try:
                secrets.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
            except secrets.exceptions.ResourceNotFoundException:
                secrets.put_secret_value(
                    SecretId=arn, ClientRequestToken=token, SecretString="new", VersionStages=["AWSPENDING"]
                )
        if step == "finishSecret":
            versions = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
            [current] = [name for name, stages in versions.items() if "AWSCURRENT" in stages]
            assert secrets.get_secret_value(SecretId=arn)["SecretString"] == "old"
            secrets.update_secret_version_stage(
                SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current
            )
        done.append(step)

    home.run = run
    try:
        secrets.rotate_secret(SecretId="secret", RotationLambdaARN=f"{ARN}rotate")
        for _ in range(4):
            assert came(home, "rotate")[1] is None
    finally:
        home.run = None
    assert done == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert secrets.get_secret_value(SecretId="secret")["SecretString"] == "new"
    assert secrets.get_secret_value(SecretId="secret", VersionStage="AWSPREVIOUS")["SecretString"] == "old"


def test_nobody_waits_for_a_function(cloud, home):
    sns = cloud.client("sns", read_timeout=10, retries={"total_max_attempts": 1})
    topic = sns.create_topic(Name="slow")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=f"{ARN}slow")
    for _ in range(20):
        sns.publish(TopicArn=topic, Message="m")
    assert home.came.empty()
    home.gate.set()
    for _ in range(20):
        came(home, "slow")


def test_a_home_that_is_busy_is_asked_again(cloud, home):
    sns = cloud.client("sns")
    topic = sns.create_topic(Name="busy")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=f"{ARN}busy")
    home.refusals[:] = [1, 2]
    sns.publish(TopicArn=topic, Message="m")
    assert came(home, "busy")[2]["Records"][0]["Sns"]["Message"] == "m"
    assert not home.refusals


@pytest.mark.parametrize("alone", [False, True], ids=["with a snapshot", "journal alone"])
def test_what_was_not_handed_over_before_a_kill_is_by_the_next(tmp_path, home, alone):
    folder, address = tmp_path / "kept", f"http://127.0.0.1:{home.server_address[1]}"
    cloud = CloudProcess(folder, address, key="token", limits={} if alone else {"longest_journal": 20_000})
    sns = cloud.client("sns")
    topics = {}
    for name in ("f", "slow"):
        topics[name] = sns.create_topic(Name=name)["TopicArn"]
        sns.subscribe(TopicArn=topics[name], Protocol="lambda", Endpoint=f"{ARN}{name}")
    sns.publish(TopicArn=topics["f"], Message="handed over")
    came(home, "f")
    journal = folder / "journal"
    while b'{"done":' not in journal.read_bytes():
        threading.Event().wait(0.01)
    home.gate.clear()
    sns.publish(TopicArn=topics["slow"], Message="under way")
    ssm = cloud.client("ssm")
    while not alone and not (folder / "snapshot").exists():
        # The journal grows until it is begun anew on a snapshot.
        ssm.put_parameter(Name="p", Value="v" * 1000, Type="String", Overwrite=True)
    os.kill(cloud.pid, signal.SIGKILL)
    cloud.close()
    assert (folder / "snapshot").exists() is not alone
    home.gate.set()
    cloud = CloudProcess(folder, address, key="token")
    try:
        assert cloud.address
        while journal.read_bytes().count(b'{"done":') < (2 if alone else 1):
            threading.Event().wait(0.01)
    finally:
        cloud.close()
    # Once from the process that was killed while the home was at it, perhaps, and once from the next.
    messages = [home.came.get()[3]["Records"][0]["Sns"]["Message"] for _ in range(home.came.qsize())]
    assert messages
    assert set(messages) == {"under way"}


def test_who_asks_for_a_function_is_told_whether_it_is_there(cloud, home):
    ses, config = cloud.client("ses"), cloud.client("config")
    ses.create_receipt_rule_set(RuleSetName="rules")
    rule = {"Name": "r", "Actions": [{"LambdaAction": {"FunctionArn": f"{ARN}f"}}]}
    ses.create_receipt_rule(RuleSetName="rules", Rule=rule)
    config.put_config_rule(
        ConfigRule={
            "ConfigRuleName": "c",
            "Source": {
                "Owner": "CUSTOM_LAMBDA",
                "SourceIdentifier": f"{ARN}f",
                "SourceDetails": [
                    {"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"}
                ],
            },
        }
    )
