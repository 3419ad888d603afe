"""What an AWS program defines through the port with boto3: its waiters, pages and errors work, and so does what
it made."""

import io
import urllib.error
import urllib.request
import zipfile

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import faaslab
from tests.endpoint.lambda_.defining import ARN, DOUBLE, ROLE, zipped

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("definitions")
    with faaslab.open(folder / "store.duckdb", cache=folder / "cache") as lab:
        yield lab


@pytest.fixture(scope="module")
def aws(lab):
    """A client as a program makes it that knows nothing of faaslab."""
    return boto3.client(
        "lambda",
        endpoint_url=lab.home.ensure(),
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def create(aws, name, **more):
    given = {"Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE, "Code": {"ZipFile": zipped()}}
    return aws.create_function(FunctionName=name, **{**given, **more})


def fetched(address):
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read()


def test_a_program_makes_a_function_waits_for_it_runs_it_and_changes_it(lab, aws):
    made = create(
        aws, "program", Environment={"Variables": {"STAGE": "dev"}}, Tags={"team": "a"}, Publish=True
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    aws.get_waiter("function_active_v2").wait(FunctionName="program")
    assert aws.invoke(FunctionName="program", Payload=b'{"x": 21}')["Payload"].read() == b"42"
    triple = zipped(DOUBLE.replace("2", "3"))
    aws.update_function_code(FunctionName="program", ZipFile=triple)
    aws.get_waiter("function_updated_v2").wait(FunctionName="program")
    assert aws.invoke(FunctionName="program", Payload=b'{"x": 21}')["Payload"].read() == b"63"
    assert aws.invoke(FunctionName="program:1", Payload=b'{"x": 21}')["Payload"].read() == b"42"
    aws.create_alias(FunctionName="program", Name="live", FunctionVersion="1")
    answer = aws.get_function(FunctionName=f"{ARN}:program:live")
    assert answer["Configuration"]["Version"] == "1"
    assert answer["Tags"] == {"team": "a"}
    assert fetched(answer["Code"]["Location"]) == zipped()
    assert fetched(aws.get_function(FunctionName="program")["Code"]["Location"]) == triple
    # It is the lab's own.
    assert "program" in lab.functions.names()
    assert lab.functions.get("program").configuration.environment == {"STAGE": "dev"}
    aws.delete_alias(FunctionName="program", Name="live")
    assert aws.delete_function(FunctionName="program")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(aws.exceptions.ResourceNotFoundException) as told:
        aws.get_function(FunctionName="program")
    assert told.value.response["Error"]["Message"] == f"Function not found: {ARN}:program"


def test_an_address_of_code_is_a_key_and_another_opens_nothing(aws):
    create(aws, "address")
    address = aws.get_function(FunctionName="address")["Code"]["Location"]
    for wrong in (f"{address}0", address.rpartition("/")[0], address.replace("/code/", "/codes/")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            fetched(wrong)
        refused.value.close()
        assert refused.value.code in (403, 404)


def test_a_function_of_a_cell_is_there_with_its_zip(lab, aws):
    lab.functions.create("cell", DOUBLE, memory_mb=256)
    answer = aws.get_function(FunctionName="cell")
    assert answer["Configuration"]["MemorySize"] == 256
    with zipfile.ZipFile(io.BytesIO(fetched(answer["Code"]["Location"]))) as archive:
        assert archive.read("lambda_function.py").decode() == DOUBLE
    pages = aws.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 1})
    assert "cell" in [each["FunctionName"] for page in pages for each in page["Functions"]]


def test_code_and_layers_come_out_of_the_cloud_s_buckets(lab, aws):
    s3 = lab.cloud.client("s3")
    s3.create_bucket(Bucket="codes")
    s3.put_object(Bucket="codes", Key="fn/app.zip", Body=zipped("from shared import VALUE\n\n" + DOUBLE))
    s3.put_object(Bucket="codes", Key="layer.zip", Body=zipped("VALUE = 1\n", name="python/shared.py"))
    layer = aws.publish_layer_version(
        LayerName="shared",
        Content={"S3Bucket": "codes", "S3Key": "layer.zip"},
        CompatibleRuntimes=["python3.11"],
    )
    code = {"S3Bucket": "codes", "S3Key": "fn/app.zip"}
    create(aws, "bucket", Code=code, Layers=[layer["LayerVersionArn"]])
    assert aws.invoke(FunctionName="bucket", Payload=b'{"x": 4}')["Payload"].read() == b"8"
    for wrong, said in (({"S3Bucket": "codes", "S3Key": "none.zip"}, "S3 Error Code: NoSuchKey."),
                        ({"S3Bucket": "nowhere", "S3Key": "a"}, "S3 Error Code: NoSuchBucket.")):  # fmt: skip
        with pytest.raises(aws.exceptions.InvalidParameterValueException) as told:
            create(aws, "missing", Code=wrong)
        assert told.value.response["Error"]["Message"].startswith(f"Error occurred while GetObject. {said}")


def test_what_an_infrastructure_tool_asks_before_and_after(aws):
    create(aws, "tool")
    aws.add_permission(FunctionName="tool", StatementId="s3", Action="lambda:InvokeFunction",
                       Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::bucket")  # fmt: skip
    assert '"Sid":"s3"' in aws.get_policy(FunctionName="tool")["Policy"]
    assert "CodeSigningConfigArn" not in aws.get_function_code_signing_config(FunctionName="tool")
    assert aws.list_versions_by_function(FunctionName="tool")["Versions"][0]["Version"] == "$LATEST"
    aws.tag_resource(Resource=f"{ARN}:tool", Tags={"a/b": "c d"})
    assert aws.list_tags(Resource=f"{ARN}:tool")["Tags"] == {"a/b": "c d"}
    aws.untag_resource(Resource=f"{ARN}:tool", TagKeys=["a/b"])
    assert aws.list_tags(Resource=f"{ARN}:tool")["Tags"] == {}
    assert aws.get_account_settings()["AccountUsage"]["FunctionCount"] >= 1
    assert aws.list_event_source_mappings(FunctionName="tool")["EventSourceMappings"] == []
    assert aws.get_runtime_management_config(FunctionName="tool")["UpdateRuntimeOn"] == "Auto"
    assert aws.get_function_recursion_config(FunctionName="tool")["RecursiveLoop"] == "Terminate"
    aws.remove_permission(FunctionName="tool", StatementId="s3")
    with pytest.raises(aws.exceptions.ResourceNotFoundException):
        aws.get_policy(FunctionName="tool")


def test_errors_come_as_the_exceptions_of_the_client(aws):
    made = create(aws, "errors")
    with pytest.raises(aws.exceptions.ResourceConflictException, match="Function already exist: errors"):
        create(aws, "errors")
    with pytest.raises(aws.exceptions.PreconditionFailedException):
        aws.update_function_configuration(FunctionName="errors", Timeout=9, RevisionId="other")
    changed = aws.update_function_configuration(
        FunctionName="errors", Timeout=9, RevisionId=made["RevisionId"]
    )
    assert changed["Timeout"] == 9
    with pytest.raises(aws.exceptions.InvalidParameterValueException, match="java21"):
        create(aws, "java", Runtime="java21")
    with pytest.raises(ClientError, match="ValidationException"):
        aws.update_function_configuration(FunctionName="errors", MemorySize=1 << 20)
    with pytest.raises(aws.exceptions.InvalidParameterValueException, match="later release"):
        aws.create_function_url_config(FunctionName="errors", AuthType="NONE")
