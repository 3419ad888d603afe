"""What is answered that moto does not know or cannot read: a sentence, in the protocol of the request, no 500."""

import json
import re

import pytest
from botocore.exceptions import ClientError

JSON10, JSON11, REST, FORM, XML, CBOR = (
    "application/x-amz-json-1.0",
    "application/x-amz-json-1.1",
    "application/json",
    "application/x-www-form-urlencoded",
    "application/xml",
    "application/cbor",
)
OPERATION = "/service/GraniteServiceVersion20100801/operation"


def asked(cloud, method, path, service, target, kind, body):
    headers = {"Host": "127.0.0.1:4566"}
    if service is not None:
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/{service}/aws4_request, Signature=0"
        )
    if target:
        headers["X-Amz-Target"] = target
    if kind:
        headers["Content-Type"] = kind
    if kind == CBOR:
        headers["smithy-protocol"] = "rpc-v2-cbor"
    status, answered, pieces = cloud.forward(method, path, list(headers.items()), body)
    return status, dict(answered), b"".join(pieces)


def code_of(kind, body):
    if kind in (JSON10, JSON11, REST):
        read = json.loads(body)
        assert set(read) == {"__type", "message"}
        return read["__type"]
    if kind == CBOR:
        assert body.startswith(b"\xa2\x79\x00\x06__type\x79\x00")
        return body[13 : 13 + body[12]].decode()
    return re.search(rb"<Error><Code>(\w+)</Code><Message>[^<]+</Message></Error>", body)[1].decode()


@pytest.mark.parametrize(
    ("method", "path", "service", "target", "kind", "body", "expected"),
    [
        # Operations that AWS does not have.
        ("POST", "/", "dynamodb", "DynamoDB_20120810.Nope", JSON10, b"{}", (400, JSON10, "UnknownOperationException")),
        ("POST", "/", "events", "AWSEvents.Nope", JSON11, b"{}", (400, JSON11, "UnknownOperationException")),
        ("POST", "/", "kinesis", "Kinesis_20131202.Nope", JSON11, b"{}", (400, JSON11, "UnknownOperationException")),
        ("POST", "/", "dynamodb", "", JSON10, b"{}", (400, JSON10, "UnknownOperationException")),
        ("POST", "/", "iam", "", FORM, b"Action=Nope&Version=2010-05-08", (400, XML, "InvalidAction")),
        ("POST", "/", "sns", "", FORM, b"Action=Nope&Version=2010-03-31", (400, XML, "InvalidAction")),
        ("POST", "/", "ec2", "", FORM, b"Action=Nope", (400, XML, "InvalidAction")),
        ("POST", "/", "sns", "", FORM, b"Version=2010-03-31", (400, XML, "MissingAction")),
        ("POST", f"{OPERATION}/Nope", "monitoring", "", CBOR, b"\xa0", (400, CBOR, "UnknownOperationException")),
        ("GET", "/v2/nope", "apigateway", "", "", b"", (404, REST, "UnknownOperationException")),
        # That moto does not have.
        ("POST", "/", "events", "AWSEvents.UpdateEndpoint", JSON11, b"{}", (501, JSON11, "NotImplemented")),
        ("PATCH", "/bucket", "s3", "", "", b"", (501, XML, "NotImplemented")),
        # Services that it does not have.
        ("POST", "/devices", "braket", "", REST, b'{"filters":[]}', (501, REST, "NotImplemented")),
        ("GET", "/devices", "braket", "", "", b"", (501, REST, "NotImplemented")),
        ("GET", "/", "nosuchservice", "", "", b"", (501, REST, "NotImplemented")),
        ("GET", "/", "no", "", "", b"", (501, REST, "NotImplemented")),
        ("POST", "/", "nosuchservice", "", FORM, b"Action=X", (501, XML, "NotImplemented")),
        # Bodies that cannot be read.
        ("POST", "/", "dynamodb", "DynamoDB_20120810.ListTables", FORM, b"{}", (400, JSON11, "SerializationException")),
        ("POST", "/", "dynamodb", "DynamoDB_20120810.ListTables", JSON10, b"[]", (400, JSON10, "SerializationException")),
        ("POST", "/", "dynamodb", "DynamoDB_20120810.ListTables", JSON10, b"{", (400, JSON10, "SerializationException")),
        ("POST", "/", "sqs", "AmazonSQS.ListQueues", JSON10, b"\xff", (400, JSON10, "SerializationException")),
        ("POST", "/", "ssm", "AmazonSSM.DescribeParameters", JSON11, b"[" * 100_000, (400, JSON11, "SerializationException")),
        ("POST", "/restapis", "apigateway", "", REST, b"{", (400, REST, "SerializationException")),
        ("POST", "/schedules/x", "scheduler", "", REST, b"{", (400, REST, "SerializationException")),
        ("POST", "/", "sns", "", FORM, b"\xff\xfe", (400, XML, "SerializationException")),
        ("POST", "/bucket?delete", "s3", "", "", b"{", (400, XML, "MalformedXML")),
        # Those without what has to be there.
        ("POST", "/", "secretsmanager", "secretsmanager.GetSecretValue", JSON11, b"{}", (400, JSON11, "ValidationException")),
        ("POST", "/", "sns", "", FORM, b"Action=Publish&Version=2010-03-31", (400, XML, "MissingParameter")),
        ("POST", "/schedules/x", "scheduler", "", REST, b"{}", (400, REST, "ValidationException")),
        ("POST", "/v2/email/contact-lists", "ses", "", REST, b"{}", (400, REST, "ValidationException")),
        # And what a path names that is not there.
        ("DELETE", "/restapis/x%20y", "apigateway", "", "", b"", (404, REST, "NotFoundException")),
        # A path that AWS answers to, and moto does not.
        ("DELETE", "/apis/a/cors", "apigateway", "", "", b"", (404, REST, "UnknownOperationException")),
        ("GET", "/sdktypes", "apigateway", "", "", b"", (501, REST, "NotImplemented")),
    ],
)  # fmt: skip
def test_what_is_not_known_is_told(cloud, method, path, service, target, kind, body, expected):
    asked(cloud, "PUT", "/bucket", "s3", "", "", b"")
    status, headers, answered = asked(cloud, method, path, service, target, kind, body)
    assert (status, headers["content-type"], code_of(headers["content-type"], answered)) == expected


def test_a_signature_without_a_scope_is_told(cloud):
    headers = [("Host", "h"), ("Authorization", "AWS4-HMAC-SHA256 bad")]
    status, _, pieces = cloud.forward("POST", "/", headers, b"{}")
    assert (status, code_of(XML, b"".join(pieces))) == (400, "IncompleteSignature")


@pytest.mark.parametrize(
    ("service", "operation", "params", "said"),
    [
        ("braket", "search_devices", {"filters": []}, "braket is not in the embedded cloud."),
        ("events", "activate_event_source", {"Name": "n"}, "ActivateEventSource of events is not in"),
    ],
)
def test_no_sdk_tries_it_again(lives, service, operation, params, said):
    with pytest.raises(ClientError) as raised:
        getattr(lives.client(service), operation)(**params)
    told = raised.value.response
    assert told["ResponseMetadata"]["RetryAttempts"] == 0
    assert told["Error"]["Code"] == "NotImplemented"
    assert told["Error"]["Message"].startswith(said)
    # Nothing to repeat, and nothing that somebody has to look at.
    assert len(lives.lines()) == 1
    assert "Traceback" not in (lives.folder / "cloud.log").read_text()
