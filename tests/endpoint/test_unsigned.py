"""What nobody signed goes to the service that it names, or is refused: never to S3, which would say 200."""

import json
import urllib.error
import urllib.request

import boto3
import botocore.session
import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config

import faaslab
from faaslab.endpoint import unsigned
from faaslab.endpoint.messages import Fault, Request

MODELS = {
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "AWSCognitoIdentityService": "cognito-identity",
    "AWSEvents": "events",
    "AWSGlue": "glue",
    "AWSStepFunctions": "stepfunctions",
    "AmazonAthena": "athena",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AmazonSQS": "sqs",
    "AmazonSSM": "ssm",
    "CodeBuild_20161006": "codebuild",
    "DynamoDBStreams_20120810": "dynamodbstreams",
    "DynamoDB_20120810": "dynamodb",
    "Firehose_20150804": "firehose",
    "GraniteServiceVersion20100801": "cloudwatch",
    "Kinesis_20131202": "kinesis",
    "Logs_20140328": "logs",
    "SageMaker": "sagemaker",
    "TrentService": "kms",
    "secretsmanager": "secretsmanager",
}
QUERY = ("sns", "iam", "cloudformation", "cloudwatch", "ses", "sts", "sqs", "ec2")


def metadata(name):
    loader = botocore.session.get_session().get_component("data_loader")
    return loader.load_service_model(name, "service-2")["metadata"]


def signing_name(found):
    return found.get("signingName") or found["endpointPrefix"]


@pytest.mark.parametrize("target", unsigned.TARGETS)
def test_targets_are_those_of_the_models(target):
    found = metadata(MODELS[target])
    assert found["targetPrefix"] == target
    assert signing_name(found) == unsigned.TARGETS[target]


@pytest.mark.parametrize("name", QUERY)
def test_versions_are_those_of_the_models(name):
    found = metadata(name)
    assert unsigned.VERSIONS[found["apiVersion"]] == signing_name(found)


def test_every_version_has_a_model():
    assert {metadata(name)["apiVersion"] for name in QUERY} == set(unsigned.VERSIONS)


def post(path="/", *, target=None, body=b""):
    headers = {} if target is None else {"x-amz-target": target}
    return Request(method="POST", path=path, headers=headers, body=body)


@pytest.mark.parametrize(
    ("request_", "service"),
    [
        (post(target="AWSStepFunctions.ListStateMachines"), "states"),
        (post(target="DynamoDBStreams_20120810.ListStreams"), "dynamodb"),
        (post(target="Nothing_2020.Known"), None),
        (post(target="AWSStepFunctions"), None),
        (post(target="com.AWSStepFunctions.List"), None),
        (post("/service/GraniteServiceVersion20100801/operation/PutMetricData"), "monitoring"),
        (post("/service/Other/operation/PutMetricData"), None),
        (post("/2015-03-31/functions/f/invocations"), "lambda"),
        (post("/bucket/service/AWSEvents/operation/PutEvents"), None),
        (post(), None),
    ],
)
def test_a_head_tells_the_service(request_, service):
    assert unsigned.by_head(request_) == service


@pytest.mark.parametrize(
    ("request_", "waits"),
    [
        (post(), True),
        (post(target="Nothing.Known"), True),
        (post("/service/Other/operation/Put"), True),
        (post("/bucket"), False),
        (Request(method="GET", path="/"), False),
        (
            Request(method="POST", path="/", headers={"content-type": "multipart/form-data; boundary=b"}),
            False,
        ),
        (Request(method="POST", path="/", headers={"host": "bucket.localhost:4566"}), False),
        (Request(method="POST", path="/", headers={"host": "localhost:4566"}), True),
        (Request(method="POST", path="/", headers={"host": "127.0.0.1:4566"}), True),
    ],
)
def test_what_is_never_an_object_waits_for_its_body(request_, waits):
    assert unsigned.waits_for_body(request_) is waits


def test_a_form_tells_the_service():
    form = b"Action=Publish&Version=2010-03-31&Message=a"
    assert unsigned.by_body(post(body=form)) == "sns"


@pytest.mark.parametrize(
    "request_",
    [
        post(),
        post(body=b"{}"),
        post(body=b"Version=2010-03-31"),
        post(body=b"Action=Publish&Version=1999-01-01"),
        post(body=b"\xff\x00=&&&%zz"),
        post(target="Nothing.Known", body=b"Action=Publish&Version=2010-03-31"),
    ],
)
def test_what_nothing_tells_is_refused(request_):
    with pytest.raises(Fault, match="Nothing tells which service") as caught:
        unsigned.by_body(request_)
    assert (caught.value.code, caught.value.status) == ("MissingAuthenticationTokenException", 403)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with faaslab.open(tmp_path_factory.mktemp("unsigned") / "s.duckdb") as lab:
        yield lab


@pytest.fixture
def client(lab):
    def make(name):
        return boto3.client(
            name,
            endpoint_url=lab.cloud.address,
            region_name=lab.region,
            config=Config(signature_version=UNSIGNED),
        )

    return make


def test_services_of_ours_and_the_clouds_answer_who_did_not_sign(lab, client):
    states = client("stepfunctions")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    arn = states.create_state_machine(
        name="m", definition=definition, roleArn="arn:aws:iam::123456789012:role/r"
    )["stateMachineArn"]
    assert [each["stateMachineArn"] for each in states.list_state_machines()["stateMachines"]] == [arn]

    client("dynamodb").create_table(
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )
    client("dynamodb").put_item(TableName="t", Item={"k": {"S": "a"}})
    assert lab.cloud.client("dynamodb").scan(TableName="t")["Count"] == 1

    client("sqs").create_queue(QueueName="q")
    assert lab.cloud.client("sqs").get_queue_url(QueueName="q")["QueueUrl"].endswith("/q")
    topic = client("sns").create_topic(Name="n")["TopicArn"]
    assert [each["TopicArn"] for each in lab.cloud.client("sns").list_topics()["Topics"]] == [topic]
    client("cloudwatch").put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "m", "Value": 1.0}])
    assert client("cloudwatch").list_metrics(Namespace="Mine")["Metrics"]
    client("logs").create_log_group(logGroupName="g")
    assert client("logs").describe_log_groups(logGroupNamePrefix="g")["logGroups"]


def test_an_object_of_an_open_bucket_is_still_read(lab, client):
    lab.cloud.client("s3").create_bucket(Bucket="open")
    lab.cloud.client("s3").put_object(Bucket="open", Key="k", Body=b"v", ACL="public-read")
    assert client("s3").get_object(Bucket="open", Key="k")["Body"].read() == b"v"


@pytest.mark.parametrize("host", ["form.localhost", "localhost"])
def test_a_form_that_a_browser_sends_reaches_its_bucket(lab, host):
    """By the bucket's own host name, as boto3 asks for of a name, and by the path."""
    s3 = lab.cloud.client("s3")
    s3.create_bucket(Bucket="form")
    post = s3.generate_presigned_post("form", host)
    port = lab.cloud.address.rpartition(":")[2]
    path = "/" if host == "form.localhost" else "/form"
    sent = requests.post(
        f"http://127.0.0.1:{port}{path}",
        data=post["fields"],
        files={"file": ("f", b"from a form")},
        headers={"Host": f"{host}:{port}"},
        timeout=30,
    )
    assert sent.status_code == 204, sent.text
    assert s3.get_object(Bucket="form", Key=host)["Body"].read() == b"from a form"


@pytest.mark.parametrize("headers", [{}, {"X-Amz-Target": "Nothing_20200101.Known"}])
def test_what_names_no_service_is_told_so(lab, headers):
    asked = urllib.request.Request(lab.cloud.address + "/", data=b"{}", headers=headers)  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(asked)  # noqa: S310
    assert caught.value.code == 403
    assert "X-Amz-Target" in json.load(caught.value)["message"]
