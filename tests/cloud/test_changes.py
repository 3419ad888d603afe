"""Which requests change something, and what is taken out of them."""

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from faaslab.cloud.child.asked import Asked
from faaslab.cloud.child.changes import Kind, kind, operation
from faaslab.cloud.child.redaction import redacted


def asked(method="POST", target="/", body=b"", **headers):
    return Asked(
        method=method,
        target=target,
        headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()),
        body=body,
    )


FORM = "application/x-www-form-urlencoded; charset=utf-8"


@pytest.mark.parametrize(
    ("request_", "name", "what"),
    [
        (asked(x_amz_target="DynamoDB_20120810.PutItem"), "PutItem", Kind.CHANGE),
        (asked(x_amz_target="DynamoDB_20120810.Query"), "Query", Kind.QUESTION),
        (asked(x_amz_target="DynamoDB_20120810.Scan"), "Scan", Kind.QUESTION),
        (asked(x_amz_target="DynamoDB_20120810.TransactGetItems"), "TransactGetItems", Kind.QUESTION),
        (asked(x_amz_target="DynamoDB_20120810.ExecuteStatement"), "ExecuteStatement", Kind.CHANGE),
        (asked(x_amz_target="AmazonSQS.ReceiveMessage"), "ReceiveMessage", Kind.RECEIPT),
        (asked(x_amz_target="AmazonSQS.GetQueueUrl"), "GetQueueUrl", Kind.QUESTION),
        (asked(x_amz_target="Logs_20140328.StartQuery"), "StartQuery", Kind.CHANGE),
        (asked(x_amz_target="TrentService.GenerateDataKeyPair"), "GenerateDataKeyPair", Kind.QUESTION),
        (asked(x_amz_target="AWSCognitoIdentityService.GetId"), "GetId", Kind.CHANGE),
        (asked(body=b"Version=1&Action=CreateRole&RoleName=r", content_type=FORM), "CreateRole", Kind.CHANGE),
        (asked(body=b"Action=ListRoles&Version=1", content_type=FORM), "ListRoles", Kind.QUESTION),
        (asked(body=b"Action=ReceiveMessage", content_type=FORM), "ReceiveMessage", Kind.RECEIPT),
        (asked("GET", "/?Action=CreateTopic&Name=t"), "CreateTopic", Kind.CHANGE),
        (asked(target="/service/GraniteServiceVersion20100801/operation/PutMetricData"), "PutMetricData", Kind.CHANGE),
        (asked(target="/service/GraniteServiceVersion20100801/operation/ListMetrics"), "ListMetrics", Kind.QUESTION),
        (asked(body=b"Action=VerifyEmailIdentity", content_type=FORM), "VerifyEmailIdentity", Kind.CHANGE),
        (asked(body=b"Action=VerifyDomainDkim", content_type=FORM), "VerifyDomainDkim", Kind.CHANGE),
        (asked(body=b"Action=TestFailover", content_type=FORM), "TestFailover", Kind.CHANGE),
        (asked(x_amz_target="Any.VerifySoftwareToken"), "VerifySoftwareToken", Kind.CHANGE),
        (asked(x_amz_target="Any.VerifyUserAttribute"), "VerifyUserAttribute", Kind.CHANGE),
        (asked(x_amz_target="Any.CheckoutLicense"), "CheckoutLicense", Kind.CHANGE),
        (asked(x_amz_target="Any.CheckInLicense"), "CheckInLicense", Kind.CHANGE),
        (asked(x_amz_target="TrentService.Verify"), "Verify", Kind.QUESTION),
        (asked(x_amz_target="TrentService.Sign"), "Sign", Kind.QUESTION),
        (asked("GET", "/bucket/key"), None, Kind.QUESTION),
        (asked("HEAD", "/bucket/key"), None, Kind.QUESTION),
        (asked("PUT", "/bucket/key"), None, Kind.CHANGE),
        (asked("DELETE", "/bucket/key"), None, Kind.CHANGE),
        (asked("POST", "/bucket?delete"), None, Kind.CHANGE),
        # A body that only looks like a form is an object.
        (asked("PUT", "/bucket/key", b"Action=ListRoles", content_type="text/plain"), None, Kind.CHANGE),
        (asked("PUT", "/bucket/key", b"Action=ListRoles", content_type=FORM), None, Kind.CHANGE),
        (asked("PUT", "/bucket/key?Action=ListRoles"), None, Kind.CHANGE),
    ],
)  # fmt: skip
def test_kind(request_, name, what):
    assert operation(request_) == name
    assert kind(request_) is what


CHANGING = (
    "Create",
    "Delete",
    "Put",
    "Update",
    "Start",
    "Stop",
    "Tag",
    "Untag",
    "Send",
    "Publish",
    "Add",
    "Remove",
    "Set",
    "Admin",
    "Confirm",
    "Respond",
    "Initiate",
)


@pytest.mark.parametrize(
    "service",
    [
        "sqs",
        "sns",
        "dynamodb",
        "kinesis",
        "events",
        "cognito-idp",
        "logs",
        "iam",
        "sts",
        "ssm",
        "secretsmanager",
        "kms",
    ],
)
def test_no_operation_that_says_it_changes_something_is_a_question(service):
    model = ServiceModel(Loader().load_service_model(service, "service-2"))
    for name in model.operation_names:
        what = kind(asked(x_amz_target=f"Any.{name}"))
        if name.startswith(CHANGING):
            assert what is Kind.CHANGE, name
        if name.startswith(("List", "Describe")):
            assert what is Kind.QUESTION, name


SCOPE = "/20260101/us-east-1/s3/aws4_request"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            f"AWS4-HMAC-SHA256 Credential=t0ken{SCOPE}, SignedHeaders=host, Signature=abc",
            f"AWS4-HMAC-SHA256 Credential=local{SCOPE}, SignedHeaders=host, Signature=0",
        ),
        (
            f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE{SCOPE},Signature=abc",
            f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE{SCOPE},Signature=0",
        ),
        ("AWS t0ken:c2lnbmF0dXJl", "AWS local:0"),
        ("Bearer something", "Bearer something"),
    ],
)
def test_the_key_of_a_caller_is_taken_out_of_its_header(header, expected):
    assert redacted(asked(Authorization=header)).header("authorization") == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (
            "/b/k?X-Amz-Credential=t0ken%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=abc&x=1",
            "/b/k?X-Amz-Credential=local%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=0&x=1",
        ),
        (
            "/b/k?AWSAccessKeyId=t0ken&Signature=a%3D&Expires=1",
            "/b/k?AWSAccessKeyId=local&Signature=0&Expires=1",
        ),
        ("/b/k?X-Amz-Security-Token=t&x=1", "/b/k?X-Amz-Security-Token=0&x=1"),
        ("/b/Credential", "/b/Credential"),
        ("/b/k?list-type=2&prefix=a/b", "/b/k?list-type=2&prefix=a/b"),
    ],
)
def test_and_out_of_its_address(target, expected):
    assert redacted(asked("GET", target)).target == expected
