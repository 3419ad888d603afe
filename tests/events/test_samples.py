"""The samples of events are what AWS documents: every field a function would look for, and values that fit."""

import base64
import gzip
import hashlib
import json
import re

import pytest

import faaslab
from faaslab.errors import InvalidValue, NotFound
from faaslab.events.samples import read
from faaslab.lab.sample_events import sample_events
from faaslab.model.quotas import EVENT_BYTES

SAMPLES = {sample.name: sample for sample in sample_events()}
# What every event of the kind has (the page in `documented`): dots lead inwards, [] to each item.
SHAPES = {
    "api": "resource path httpMethod headers multiValueHeaders queryStringParameters "
    "multiValueQueryStringParameters pathParameters stageVariables body isBase64Encoded "
    "requestContext.identity.sourceIp requestContext.stage requestContext.requestId requestContext.apiId "
    "requestContext.accountId requestContext.resourcePath requestContext.requestTimeEpoch",
    "http": "version routeKey rawPath rawQueryString cookies headers.host queryStringParameters body "
    "isBase64Encoded requestContext.http.method requestContext.http.path requestContext.http.sourceIp "
    "requestContext.stage requestContext.routeKey requestContext.timeEpoch requestContext.domainName",
    "s3": "Records.[].eventVersion Records.[].eventName Records.[].eventTime Records.[].awsRegion "
    "Records.[].s3.bucket.name Records.[].s3.bucket.arn Records.[].s3.object.key Records.[].s3.object.size "
    "Records.[].s3.object.eTag Records.[].s3.object.sequencer Records.[].s3.s3SchemaVersion "
    "Records.[].userIdentity.principalId Records.[].requestParameters.sourceIPAddress",
    "dynamodb": "Records.[].eventID Records.[].eventName Records.[].eventSourceARN "
    "Records.[].dynamodb.Keys.id Records.[].dynamodb.SequenceNumber Records.[].dynamodb.SizeBytes "
    "Records.[].dynamodb.StreamViewType Records.[].dynamodb.ApproximateCreationDateTime",
    "sqs": "Records.[].messageId Records.[].receiptHandle Records.[].body Records.[].messageAttributes "
    "Records.[].md5OfBody Records.[].eventSource Records.[].eventSourceARN Records.[].awsRegion "
    "Records.[].attributes.ApproximateReceiveCount Records.[].attributes.SentTimestamp "
    "Records.[].attributes.SenderId Records.[].attributes.ApproximateFirstReceiveTimestamp",
    "sns": "Records.[].EventVersion Records.[].EventSource Records.[].EventSubscriptionArn "
    "Records.[].Sns.Message Records.[].Sns.MessageId Records.[].Sns.TopicArn Records.[].Sns.Timestamp "
    "Records.[].Sns.Type Records.[].Sns.Subject Records.[].Sns.MessageAttributes Records.[].Sns.Signature "
    "Records.[].Sns.SignatureVersion Records.[].Sns.SigningCertUrl Records.[].Sns.UnsubscribeUrl",
    "eventbridge": "version id detail-type source account time region resources detail.order",
    "logs": "awslogs.data",
    "alarm": "source alarmArn accountId time region alarmData.alarmName alarmData.state.value "
    "alarmData.state.reason alarmData.state.reasonData alarmData.state.timestamp "
    "alarmData.previousState.value alarmData.configuration.metrics.[].metricStat.metric.name",
    "cognito": "version region userPoolId userName callerContext.clientId callerContext.awsSdkVersion "
    "triggerSource request.userAttributes.email request.validationData response.autoConfirmUser "
    "response.autoVerifyEmail response.autoVerifyPhone",
    "kinesis": "Records.[].kinesis.data Records.[].kinesis.partitionKey Records.[].kinesis.sequenceNumber "
    "Records.[].kinesis.kinesisSchemaVersion Records.[].kinesis.approximateArrivalTimestamp "
    "Records.[].eventID Records.[].eventName Records.[].eventSourceARN Records.[].invokeIdentityArn",
    "schedule": "version id detail-type source account time region resources detail",
}


def reached(value, steps):
    """Every value that a path leads to; complains where it leads nowhere."""
    if not steps:
        return [value]
    first, *rest = steps
    if first == "[]":
        assert value
        return [found for item in value for found in reached(item, rest)]
    return reached(value[first], rest)


def test_there_is_one_for_every_kind_of_trigger():
    assert set(SAMPLES) == set(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_a_sample_has_the_fields_that_aws_documents(name):
    sample = SAMPLES[name]
    for path in SHAPES[name].split():
        assert reached(sample.event, path.split("."))
    assert sample.documented.startswith("https://docs.aws.amazon.com/")
    assert 10 < len(sample.title) < 80
    text = json.dumps(sample.event)
    assert len(text) < EVENT_BYTES
    assert set(re.findall(r"arn:aws:[a-z0-9-]+:([a-z0-9-]*):", text)) <= {"us-east-1", ""}
    assert set(re.findall(r"(?<![\w-])\d{12}(?!\d)", text)) <= {"123456789012"}


def records(name):
    return SAMPLES[name].event["Records"]


def test_what_is_encoded_can_be_decoded():
    lines = json.loads(gzip.decompress(base64.b64decode(SAMPLES["logs"].event["awslogs"]["data"])))
    assert lines["messageType"] == "DATA_MESSAGE"
    assert {"owner", "logGroup", "logStream", "subscriptionFilters", "logEvents"} <= set(lines)
    assert all(set(event) == {"id", "timestamp", "message"} for event in lines["logEvents"])
    for record in records("kinesis"):
        assert json.loads(base64.b64decode(record["kinesis"]["data"]))["sensor"] == 7
        assert record["eventID"].endswith(record["kinesis"]["sequenceNumber"])
    for name in ("api", "http"):
        assert json.loads(SAMPLES[name].event["body"])["quantity"] == 2
    assert int(SAMPLES["http"].event["headers"]["content-length"]) == len(SAMPLES["http"].event["body"])


def test_what_belongs_together_agrees():
    for record in records("sqs"):
        assert hashlib.md5(record["body"].encode()).hexdigest() == record["md5OfBody"]
    assert [record["eventName"] for record in records("dynamodb")] == ["INSERT", "MODIFY", "REMOVE"]
    for record in records("dynamodb"):
        images = {"INSERT": {"NewImage"}, "MODIFY": {"NewImage", "OldImage"}, "REMOVE": {"OldImage"}}
        assert {key for key in record["dynamodb"] if "Image" in key} == images[record["eventName"]]
    for header, values in SAMPLES["api"].event["multiValueHeaders"].items():
        assert SAMPLES["api"].event["headers"][header] == values[-1]


def test_who_asks_for_one_gets_a_copy_of_their_own():
    faaslab.sample_event("s3")["Records"].clear()
    assert faaslab.sample_event("s3")["Records"]
    with pytest.raises(NotFound, match="did you mean 'kinesis'"):
        faaslab.sample_event("kinesi")
    with pytest.raises(NotFound, match="there are: alarm, api"):
        faaslab.sample_event("fax")


@pytest.mark.parametrize("text", ["", "[]", '{"title": "x"}', "{"])
def test_a_file_that_is_none_is_named(text):
    with pytest.raises(InvalidValue, match="mine: this is no sample of an event"):
        read("mine", text)
