"""Names of services, operations, members and errors as Step Functions has them: those of the Java SDK."""

from datetime import datetime, timedelta, timezone

import pytest

from faaslab.cloud import sdk_calls
from faaslab.errors import InvalidValue, NotFound


@pytest.mark.parametrize(
    ("service", "action", "known"),
    [
        ("sqs", "sendMessage", ("sqs", "SendMessage", "Sqs")),
        ("sfn", "startExecution", ("stepfunctions", "StartExecution", "Sfn")),
        ("cloudwatchlogs", "putLogEvents", ("logs", "PutLogEvents", "CloudWatchLogs")),
        ("eventbridge", "putEvents", ("events", "PutEvents", "EventBridge")),
        ("dynamodb", "putItem", ("dynamodb", "PutItem", "DynamoDb")),
        ("databasemigration", "describeConnections", ("dms", "DescribeConnections", "DatabaseMigrationService")),
        ("rds", "describeDBInstances", ("rds", "DescribeDBInstances", "Rds")),
        ("elasticloadbalancingv2", "describeLoadBalancers", ("elbv2", "DescribeLoadBalancers", "ElasticLoadBalancingV2")),
        ("secretsmanager", "getSecretValue", ("secretsmanager", "GetSecretValue", "SecretsManager")),
        ("bedrockruntime", "invokeModel", ("bedrock-runtime", "InvokeModel", "BedrockRuntime")),
    ],
)  # fmt: skip
def test_a_service_is_found_by_the_name_that_the_java_sdk_gives_it(service, action, known):
    found = sdk_calls.operation(service, action)
    assert (found.service, found.name, found.prefix) == known


@pytest.mark.parametrize(
    ("service", "action"), [("sqss", "sendMessage"), ("sqs", "SendMessage"), ("sqs", "fly"), ("", "")]
)
def test_what_aws_has_not_is_said_so(service, action):
    with pytest.raises(NotFound):
        sdk_calls.operation(service, action)


def test_members_are_written_as_the_java_sdk_writes_them_and_read_as_anybody_does():
    operation = sdk_calls.operation("rds", "describeDBInstances")
    for name in ("DbInstanceIdentifier", "DBInstanceIdentifier", "dbInstanceIdentifier"):
        assert operation.parameters({name: "x"}) == {"DBInstanceIdentifier": "x"}
    told = operation.result({"DBInstances": [{"DBInstanceIdentifier": "x"}]}, request_id="r")
    assert told == {"DbInstances": [{"DbInstanceIdentifier": "x"}]}


def test_values_are_given_as_the_shapes_say():
    put = sdk_calls.operation("s3", "putObject")
    assert put.parameters({"Bucket": "b", "Key": "k", "Body": {"a": 1}})["Body"] == b'{"a":1}'
    send = sdk_calls.operation("sqs", "sendMessage")
    assert send.parameters({"QueueUrl": "q", "MessageBody": ["ü"]})["MessageBody"] == '["ü"]'
    assert send.parameters({"QueueUrl": "q", "MessageBody": "x", "DelaySeconds": 1.0})["DelaySeconds"] == 1
    for wrong in (
        {"DelaySeconds": "1"},
        {"DelaySeconds": 1.5},
        {"DelaySeconds": True},
        {"MessageAttributes": []},
    ):
        with pytest.raises(InvalidValue):
            send.parameters({"QueueUrl": "q", "MessageBody": "x", **wrong})


def test_answers_are_json():
    get = sdk_calls.operation("s3", "getObject")
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))
    told = get.result({"LastModified": at, "Body": b"\xff", "ContentLength": 1}, request_id="r")
    assert told == {"LastModified": "2026-01-02T02:04:05Z", "Body": "/w==", "ContentLength": 1}


def test_parameters_that_are_nested_without_end_are_refused():
    nested = {"S": "x"}
    for _ in range(500):
        nested = {"M": {"a": nested}}
    with pytest.raises(InvalidValue, match="too deep"):
        sdk_calls.operation("dynamodb", "putItem").parameters({"TableName": "t", "Item": {"a": nested}})


@pytest.mark.parametrize(
    ("service", "action", "code", "error"),
    [
        ("sqs", "sendMessage", "AWS.SimpleQueueService.NonExistentQueue", "Sqs.QueueDoesNotExistException"),
        ("s3", "getObject", "NoSuchKey", "S3.NoSuchKeyException"),
        ("s3", "getObject", "Unheard", "S3.S3Exception"),
        ("rds", "describeDBInstances", "DBInstanceNotFound", "Rds.DbInstanceNotFoundException"),
        ("dynamodb", "putItem", "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
         "DynamoDb.ResourceNotFoundException"),
    ],
)  # fmt: skip
def test_errors_are_called_as_the_java_sdk_calls_them(service, action, code, error):
    failed = sdk_calls.operation(service, action).failure(code, "No.", status=400, request_id="r")
    assert failed.error == error
    assert failed.cause.startswith("No. (Service: ")


def test_every_service_has_a_name_and_an_operation_by_it():
    known = sdk_calls._services()
    assert len(set(known.values())) > 300
    assert all(name == name.lower() for name in known)


@pytest.mark.parametrize(
    ("service", "action", "given", "optimised", "found"),
    [
        ("sqs", "sendMessage", {"QueueUrl.$": "$.q", "MessageBody": {"a": 1}}, True, []),
        ("ecs", "runTask", {"TaskDefinition": "t", "Overrides": {"ContainerOverrides": []}}, True, []),
        ("dynamodb", "putItem", {"TableName": "t", "Item": {"id": {"S.$": "$.id"}}}, True, []),
        ("s3", "getObject", "{% $states.input %}", False, []),
        ("sqs", "sendMessage", {"QueueUrl": "q"}, True, [("", "SendMessage needs 'MessageBody'")]),
        (
            "s3",
            "getObject",
            {"Bucket": "b", "Ky": "k", "Key": "k"},
            False,
            [("/Ky", "GetObject takes no 'Ky'; did you mean 'Key'?")],
        ),
        (
            "s3",
            "getObject",
            {"bucket": "b", "Key": "k"},
            False,
            [("/bucket", "Step Functions writes 'bucket' as 'Bucket'")],
        ),
        (
            "dynamodb",
            "batchWriteItem",
            {"RequestItems": {"t": [{"PutRequest": {"Itm": {}}}]}},
            False,
            [("/RequestItems/t[0]/PutRequest/Itm", "BatchWriteItem takes no 'Itm'; did you mean 'Item'?")],
        ),
        ("eks", "runJob", {"anything": 1}, True, []),
    ],
)
def test_what_is_odd_in_parameters_is_told_by_the_models(service, action, given, optimised, found):
    assert sdk_calls.odd(service, action, given, optimised=optimised) == found


def test_an_operation_that_there_is_not_is_told_with_the_nearest():
    ((place, message),) = sdk_calls.odd("s3", "getObjct", {})
    assert place == ""
    assert "getObject" in message
