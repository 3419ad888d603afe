"""Which service a request is for that nobody signed: by the forms that only one service has.

Rule: pure. A request to `/` that nothing of it tells the service of is refused: it is never an object of S3,
which the cloud would take it for, and answer with 200.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from faaslab.endpoint.messages import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.messages import Request

TARGETS: Mapping[str, str] = {
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "AWSCognitoIdentityService": "cognito-identity",
    "AWSEvents": "events",
    "AWSGlue": "glue",
    "AWSStepFunctions": "states",
    "AmazonAthena": "athena",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "CodeBuild_20161006": "codebuild",
    "DynamoDBStreams_20120810": "dynamodb",
    "DynamoDB_20120810": "dynamodb",
    "Firehose_20150804": "firehose",
    "GraniteServiceVersion20100801": "monitoring",
    "Kinesis_20131202": "kinesis",
    "Logs_20140328": "logs",
    "SageMaker": "sagemaker",
    "TrentService": "kms",
    "secretsmanager": "secretsmanager",
}
"""What stands before the operation in `X-Amz-Target`, and in the path of RPC v2 -> signing name: by
botocore's models (`targetPrefix`), which a test holds it to."""
VERSIONS: Mapping[str, str] = {
    "2010-03-31": "sns",
    "2010-05-08": "iam",
    "2010-05-15": "cloudformation",
    "2010-08-01": "monitoring",
    "2010-12-01": "ses",
    "2011-06-15": "sts",
    "2012-11-05": "sqs",
    "2016-11-15": "ec2",
}
"""The `Version` of a form with an `Action` -> signing name: `apiVersion` of botocore's models."""

# Lambda's paths begin with the date of an API version; so does no other service's of those that are ours.
_LAMBDA_PATH = re.compile(
    r"/20\d\d-\d\d-\d\d/(functions|layers|event-source-mappings|tags|account-settings|code-signing-configs|"
    r"durable-executions|durable-execution-callbacks|capacity-providers|resource-policy)\b"
)
_FORM_BYTES = 2**20
_FORM_DATA = re.compile(r"\s*multipart/form-data\b", re.IGNORECASE)
_BUCKET_HOST = re.compile(r"[^:/]+\.localhost(:\d+)?$", re.IGNORECASE)
_RPC_PATH = re.compile(r"/service/([A-Za-z0-9_.]{1,100})/operation/[A-Za-z0-9_]{1,100}")


def by_head(request: Request) -> str | None:
    """The signing name of a service, before the body is there; None where the head does not tell it."""
    if _LAMBDA_PATH.match(request.path):
        return "lambda"
    target = request.headers.get("x-amz-target")
    if target is not None:
        return TARGETS.get(target.rpartition(".")[0])
    found = _RPC_PATH.fullmatch(request.path)
    return TARGETS.get(found[1]) if found else None


def waits_for_body(request: Request) -> bool:
    """Whether a request that its head does not tell the service of is one that S3 has no use for.

    A form that a browser sends to a bucket has its signature in itself, and is posted to `/` where the bucket
    stands before the host's name.
    """
    if request.method != "POST" or _FORM_DATA.match(request.headers.get("content-type", "")):
        return False
    if _RPC_PATH.fullmatch(request.path):
        return True
    return request.path in ("", "/") and not _BUCKET_HOST.match(request.headers.get("host", ""))


def by_body(request: Request) -> str:
    """The signing name by a form's `Action` and `Version`. Raises a Fault where nothing tells it."""
    if "x-amz-target" not in request.headers:
        form = dict(parse_qsl(request.body[:_FORM_BYTES].decode("latin-1")))
        service = VERSIONS.get(form.get("Version", ""))
        if service is not None and "Action" in form:
            return service
    raise Fault(
        "MissingAuthenticationTokenException",
        "Nothing tells which service this request is for. Sign it (with any credentials), or name an "
        "operation of a service that is here in X-Amz-Target.",
        status=403,
    )
