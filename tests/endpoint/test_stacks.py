"""CloudFormation: the functions of a stack are the lab's own, from its making to its end."""

import json

import pytest

import faaslab
from tests.endpoint.lambda_.defining import DOUBLE, zipped

pytestmark = pytest.mark.timeout(180)
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function"
INLINE = "from shared import VALUE\ndef handler(event, context):\n    return event['x'] * 2 + VALUE\n"


@pytest.fixture
def lab(tmp_path):
    with faaslab.open(tmp_path / "store.duckdb", cache=tmp_path / "cache") as lab:
        yield lab


def template(memory=256, **more):
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "stacked",
            "Runtime": "python3.11",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": INLINE},
            "MemorySize": str(memory),
            "Timeout": 9,
            "Layers": [{"Ref": "Layer"}],
            "Environment": {"Variables": {"STAGE": "dev", "DEBUG": True}},
            "ReservedConcurrentExecutions": 3,
            "Tags": [{"Key": "team", "Value": "a"}],
        },
    }
    assumed = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"},
    }
    return json.dumps({
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [assumed]}},
            },
            "Layer": {
                "Type": "AWS::Lambda::LayerVersion",
                "Properties": {
                    "LayerName": "shared",
                    "Content": {"S3Bucket": "codes", "S3Key": "layer.zip"},
                    "CompatibleRuntimes": ["python3.11"],
                },
            },
            "Function": function,
            "Version": {
                "Type": "AWS::Lambda::Version",
                "Properties": {"FunctionName": {"Ref": "Function"}, "Description": "first"},
            },
            "Alias": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "Name": "live",
                    "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
                },
            },
            "Permission": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "FunctionName": {"Fn::GetAtt": ["Function", "Arn"]},
                    "Action": "lambda:InvokeFunction",
                    "Principal": "s3.amazonaws.com",
                },
            },
            "Events": {
                "Type": "AWS::Lambda::EventInvokeConfig",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "Qualifier": "$LATEST",
                    "MaximumRetryAttempts": "1",
                },
            },
            **more,
        },
        "Outputs": {
            "Arn": {"Value": {"Fn::GetAtt": ["Function", "Arn"]}},
            "Alias": {"Value": {"Ref": "Alias"}},
        },
    })  # fmt: skip


def test_a_stack_s_functions_are_the_lab_s_own(lab):
    s3, stacks = lab.cloud.client("s3"), lab.cloud.client("cloudformation")
    s3.create_bucket(Bucket="codes")
    s3.put_object(Bucket="codes", Key="layer.zip", Body=zipped("VALUE = 1\n", name="python/shared.py"))
    stacks.create_stack(StackName="s", TemplateBody=template())
    [stack] = stacks.describe_stacks(StackName="s")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]} == {
        "Arn": f"{FUNCTION}:stacked", "Alias": f"{FUNCTION}:stacked:live",
    }  # fmt: skip
    made = lab.functions.get("stacked")
    assert (made.configuration.memory_mb, made.configuration.timeout_s, made.tags) == (256, 9, {"team": "a"})
    assert made.configuration.environment == {"STAGE": "dev", "DEBUG": "true"}
    assert made.configuration.reserved_concurrency == 3
    assert lab.functions.invoke("stacked", {"x": 3}, qualifier="live").result == 7
    assert lab.asynchronous.configs.get("stacked").retries == 1
    assert len(lab.policies.get("stacked:$LATEST").statements) == 1
    stacks.update_stack(StackName="s", TemplateBody=template(memory=512))
    assert lab.functions.get("stacked").configuration.memory_mb == 512
    assert lab.functions.get("stacked", "live").configuration.memory_mb == 256
    stacks.delete_stack(StackName="s")
    assert lab.functions.names() == ()
    assert lab.layers.list() == ()


def test_what_the_home_does_not_have_fails_the_stack_in_words(lab):
    stacks = lab.cloud.client("cloudformation")
    lab.functions.create("there", DOUBLE)
    url = {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": "there", "AuthType": "NONE"}}
    with pytest.raises(
        stacks.exceptions.ClientError, match="Function URLs come to faaslab with a later release"
    ):
        stacks.create_stack(StackName="u", TemplateBody=json.dumps({"Resources": {"Url": url}}))
    mapping = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {"FunctionName": "there", "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q"},
    }
    with pytest.raises(stacks.exceptions.ClientError, match="Event source mappings come to faaslab"):
        stacks.create_stack(StackName="m", TemplateBody=json.dumps({"Resources": {"Mapping": mapping}}))


def test_a_template_of_sam_is_refused_and_not_left_out(lab):
    stacks = lab.cloud.client("cloudformation")
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Runtime": "python3.11"}}
    body = json.dumps({"Transform": "AWS::Serverless-2016-10-31", "Resources": {"Function": function}})
    with pytest.raises(stacks.exceptions.ClientError, match="AWS::Serverless::Function is left as it is"):
        stacks.create_stack(StackName="sam", TemplateBody=body)


def test_a_stack_is_there_after_the_home_was_another_and_can_still_be_deleted(tmp_path):
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {"FunctionName": "kept", "Runtime": "python3.11", "Handler": "index.handler",
                       "Role": "arn:aws:iam::000000000000:role/r", "Code": {"ZipFile": DOUBLE}},
    }  # fmt: skip
    with faaslab.open(tmp_path / "store.duckdb", cache=tmp_path / "cache") as lab:
        body = json.dumps({"Resources": {"Function": function}})
        lab.cloud.client("cloudformation").create_stack(StackName="k", TemplateBody=body)
    with faaslab.open(tmp_path / "store.duckdb", cache=tmp_path / "cache") as lab:
        assert lab.functions.invoke("kept", {"x": 2}).result == 4
        lab.cloud.client("cloudformation").delete_stack(StackName="k")
        assert lab.functions.find("kept") is None
