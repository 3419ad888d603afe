"""Tasks that call AWS's services, against the real embedded cloud."""

import json
import uuid

import pytest

from faaslab.cloud import extra
from tests.lab.workflow_cases import task, types

pytestmark = pytest.mark.skipif(not extra.installed(), reason="needs faaslab[cloud]")


@pytest.fixture(scope="module")
def lab(cloud_lab):
    return cloud_lab


def run(lab, resource, parameters, given=None, **fields):
    name = f"s-{uuid.uuid4()}"
    lab.workflows.create(name, task(f"arn:aws:states:::{resource}", Parameters=parameters, **fields))
    run = lab.workflows.start(name, given)
    run.wait(120)
    return run


@pytest.fixture(scope="module")
def queue(lab):
    return lab.cloud.client("sqs").create_queue(QueueName="tasks")["QueueUrl"]


def received(lab, queue):
    (message,) = lab.cloud.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    lab.cloud.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return message["Body"]


def test_sqs_gets_an_object_as_its_json(lab, queue):
    done = run(lab, "sqs:sendMessage", {"QueueUrl": queue, "MessageBody.$": "$"}, {"a": [1]})
    assert types(done) == ["TaskScheduled", "TaskStarted", "TaskSucceeded", "ExecutionSucceeded"]
    assert set(done.output) == {
        "MD5OfMessageBody", "MessageId", "SdkHttpMetadata", "SdkResponseMetadata",
    }  # fmt: skip
    assert done.output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert json.loads(received(lab, queue)) == {"a": [1]}


def test_the_sdk_has_names_of_its_own_and_tells_nothing_of_the_request(lab, queue):
    done = run(lab, "aws-sdk:sqs:sendMessage", {"QueueUrl": queue, "MessageBody": "text"})
    assert set(done.output) == {"Md5OfMessageBody", "MessageId"}
    assert received(lab, queue) == "text"


def test_a_service_that_refuses_fails_the_task_in_the_words_of_the_sdk(lab):
    gone = "http://sqs.us-east-1.amazonaws.com/000000000000/gone"
    parameters = {"QueueUrl": gone, "MessageBody": "x"}
    done = run(lab, "aws-sdk:sqs:sendMessage", parameters)
    assert done.error.error == "Sqs.QueueDoesNotExistException"
    assert "(Service: Sqs, Status Code: 400, Request ID: " in done.error.cause
    assert types(done)[-2:] == ["TaskFailed", "ExecutionFailed"]
    assert run(lab, "sqs:sendMessage", parameters).error.error == "SQS.QueueDoesNotExistException"


def test_a_message_with_a_token_waits_for_who_answers_it(lab, queue):
    flow = task(
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        Parameters={"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}},
    )
    lab.workflows.create("asks", flow)
    run = lab.workflows.start("asks")
    token = json.loads(received(lab, queue))["token"]
    lab.workflows.send_task_heartbeat(token)
    lab.workflows.send_task_success(token, {"answer": 42})
    assert run.result(30) == {"answer": 42}
    assert types(run) == [
        "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "ExecutionSucceeded",
    ]  # fmt: skip


def test_items_are_put_got_changed_and_deleted(lab):
    lab.cloud.client("dynamodb").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    key = {"id": {"S": "1"}}
    put = run(
        lab, "dynamodb:putItem", {"TableName": "t", "Item": {**key, "n": {"N": "1"}, "b": {"BOOL": True}}}
    )
    assert set(put.output) == {"SdkHttpMetadata", "SdkResponseMetadata"}
    got = run(lab, "dynamodb:getItem", {"TableName": "t", "Key": key}).output
    assert got["Item"] == {**key, "n": {"N": "1"}, "b": {"BOOL": True}}
    changed = run(
        lab,
        "dynamodb:updateItem",
        {
            "TableName": "t",
            "Key": key,
            "UpdateExpression": "SET n = n + :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "ALL_NEW",
        },
    )
    assert changed.output["Attributes"]["n"] == {"N": "2"}
    sdk = run(lab, "aws-sdk:dynamodb:getItem", {"TableName": "t", "Key": key}).output
    assert sdk["Item"]["b"] == {"Bool": True}
    refused = run(
        lab,
        "dynamodb:putItem",
        {"TableName": "t", "Item": key, "ConditionExpression": "attribute_not_exists(id)"},
    )
    assert refused.error.error == "DynamoDB.ConditionalCheckFailedException"
    run(lab, "dynamodb:deleteItem", {"TableName": "t", "Key": key})
    assert "Item" not in run(lab, "dynamodb:getItem", {"TableName": "t", "Key": key}).output


def test_a_topic_gets_a_message_and_a_queue_gets_it_of_the_topic(lab, queue):
    sns = lab.cloud.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    arn = lab.cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
    done = run(lab, "sns:publish", {"TopicArn": topic, "Message": {"a": 1}})
    assert "MessageId" in done.output
    assert json.loads(json.loads(received(lab, queue))["Message"]) == {"a": 1}


def test_objects_are_put_and_got_as_text(lab):
    lab.cloud.client("s3").create_bucket(Bucket="files")
    put = run(lab, "aws-sdk:s3:putObject", {"Bucket": "files", "Key": "k", "Body": {"a": "ü"}})
    assert "ETag" in put.output
    got = run(lab, "aws-sdk:s3:getObject", {"Bucket": "files", "Key": "k"}).output
    assert json.loads(got["Body"]) == {"a": "ü"}
    assert got["LastModified"].endswith("Z")
    gone = run(lab, "aws-sdk:s3:getObject", {"Bucket": "files", "Key": "gone"})
    assert gone.error.error == "S3.NoSuchKeyException"


def test_events_name_the_execution_among_their_resources(lab, queue):
    events = lab.cloud.client("events")
    events.put_rule(Name="mine", EventPattern='{"source": ["mine"]}')
    arn = lab.cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    events.put_targets(Rule="mine", Targets=[{"Id": "1", "Arn": arn["Attributes"]["QueueArn"]}])
    entry = {"Source": "mine", "DetailType": "told", "Detail": {"a": 1}}
    done = run(lab, "events:putEvents", {"Entries": [entry]})
    assert done.output["FailedEntryCount"] == 0
    event = json.loads(received(lab, queue))
    assert event["detail"] == {"a": 1}
    machine = f"arn:aws:states:us-east-1:000000000000:stateMachine:{done.execution.workflow}"
    assert event["resources"] == [done.arn, machine]
    events.remove_targets(Rule="mine", Ids=["1"])
    events.delete_rule(Name="mine")


def test_an_event_that_is_refused_fails_the_task(lab):
    entry = {"Source": "aws.mine", "DetailType": "told", "Detail": {"a": 1}}
    done = run(lab, "events:putEvents", {"Entries": [entry]})
    assert done.error.error == "EventBridge.FailedEntry"
    assert json.loads(done.error.cause)["FailedEntryCount"] == 1


def test_what_is_ours_among_the_services_answers_as_well(lab):
    lab.functions.create("double", "def handler(e, c):\n    return e * 2")
    told = run(lab, "aws-sdk:lambda:getFunctionConfiguration", {"FunctionName": "double"}).output
    assert (told["FunctionName"], told["MemorySize"]) == ("double", 128)
    invoked = run(lab, "aws-sdk:lambda:invoke", {"FunctionName": "double", "Payload": 21}).output
    assert (invoked["Payload"], invoked["StatusCode"]) == ("42", 200)
    gone = run(lab, "aws-sdk:lambda:getFunction", {"FunctionName": "nobody"})
    assert gone.error.error == "Lambda.ResourceNotFoundException"


def test_a_job_is_waited_for(lab):
    lab.cloud.client("glue").create_job(
        Name="job", Role="r", Command={"Name": "glueetl", "ScriptLocation": "s"}
    )
    done = run(lab, "glue:startJobRun.sync", {"JobName": "job"})
    assert done.output["JobRunState"] == "SUCCEEDED"
    assert types(done) == [
        "TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded", "ExecutionSucceeded",
    ]  # fmt: skip
    gone = run(lab, "glue:startJobRun.sync", {"JobName": "nobody"})
    assert gone.error.error == "Glue.EntityNotFoundException"
    query = {"QueryString": "SELECT 1", "ResultConfiguration": {"OutputLocation": "s3://files/out"}}
    athena = run(lab, "athena:startQueryExecution.sync", query)
    assert athena.output["QueryExecution"]["Status"]["State"] == "SUCCEEDED"


def test_a_job_that_cannot_be_waited_for_here_says_so(lab):
    parameters = {"TrainingJobName": "t"}
    flow = task(
        "arn:aws:states:::sagemaker:createTrainingJob.sync", QueryLanguage="JSONata", Arguments=parameters
    )
    lab.workflows.create("training", flow)
    error = lab.workflows.start("training").wait(60).error
    assert error.error == "States.Runtime"
    assert error.cause.startswith(
        "arn:aws:states:::sagemaker:createTrainingJob.sync cannot be waited for on this machine: nothing here"
        " does the work of sagemaker, so the job would never end."
    )
    assert "lambda:invoke.waitForTaskToken" in error.cause
    assert error.cause.endswith(
        "With .sync there are here: athena:startQueryExecution, batch:submitJob, codebuild:startBuild,"
        " ecs:runTask, glue:startJobRun, states:startExecution."
    )


def test_parameters_that_an_operation_has_not_are_refused(lab, queue):
    flow = task(
        "arn:aws:states:::aws-sdk:sqs:sendMessage",
        QueryLanguage="JSONata",
        Arguments="{% $states.input %}",
    )
    lab.workflows.create("refused", flow)
    for given, says in (
        ({"QueueUrl": queue}, 'The field "MessageBody" is required but was missing'),
        ({"QueueUrl": queue, "MessageBody": "x", "Colour": 1}, 'The field "Colour" is not supported'),
        ({"QueueUrl": queue, "MessageBody": "x", "DelaySeconds": "a"}, 'The field "DelaySeconds" must be'),
        ([], "the parameters of a service are an object"),
    ):
        error = lab.workflows.start("refused", given).wait(60).error
        assert error.error == "States.Runtime"
        assert says in error.cause
