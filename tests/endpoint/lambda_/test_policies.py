"""Resource policies of functions and layers: kept and given back as AWS does."""

import json

import pytest

from faaslab.endpoint.lambda_.statements import principal, read
from faaslab.endpoint.messages import Fault
from tests.endpoint.lambda_.defining import ARN, answered, create, refused, zipped

S3 = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}


def policy(lab, **named):
    return json.loads(answered(lab, "GetPolicy", **named)["Policy"])


def test_a_policy_from_its_first_statement_to_its_last(lab):
    made = create(lab, "fn")
    fault = refused(lab, "GetPolicy", FunctionName="fn")
    assert (fault.code, fault.status) == ("ResourceNotFoundException", 404)
    assert fault.message == "The resource you requested does not exist."
    assert refused(lab, "AddPermission", FunctionName="fn", RevisionId="no", **S3).status == 412
    answer = answered(
        lab, "AddPermission", FunctionName="fn", RevisionId=made["RevisionId"], **S3,
        SourceArn="arn:aws:s3:::bucket", SourceAccount="000000000000",
    )  # fmt: skip
    statement = {
        "Sid": "s3",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": f"{ARN}:fn",
        "Condition": {
            "StringEquals": {"AWS:SourceAccount": "000000000000"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
        },
    }
    assert json.loads(answer["Statement"]) == statement
    assert policy(lab, FunctionName="fn") == {
        "Version": "2012-10-17",
        "Id": "default",
        "Statement": [statement],
    }
    fault = refused(lab, "AddPermission", FunctionName="fn", **S3)
    assert (fault.code, fault.status) == ("ResourceConflictException", 409)
    assert fault.message == (
        "The statement id (s3) provided already exists. Please provide a new statement id, or remove the "
        "existing statement."
    )
    revision = answered(lab, "GetPolicy", FunctionName="fn")["RevisionId"]
    answered(lab, "AddPermission", FunctionName="fn", RevisionId=revision, **{**S3, "StatementId": "sns"})
    fault = refused(lab, "RemovePermission", FunctionName="fn", StatementId="s3", RevisionId=revision)
    assert (fault.code, fault.status) == ("PreconditionFailedException", 412)
    fault = refused(lab, "RemovePermission", FunctionName="fn", StatementId="other")
    assert fault.message == "Statement other is not found in resource policy."
    assert answered(lab, "RemovePermission", FunctionName="fn", StatementId="s3") is None
    assert [each["Sid"] for each in policy(lab, FunctionName="fn")["Statement"]] == ["sns"]
    answered(lab, "RemovePermission", FunctionName="fn", StatementId="sns")
    assert refused(lab, "GetPolicy", FunctionName="fn").status == 404
    fault = refused(lab, "RemovePermission", FunctionName="fn", StatementId="sns")
    assert fault.message == "No policy is associated with the given resource."


def test_a_version_and_an_alias_have_policies_of_their_own_that_go_with_them(lab):
    create(lab, "own", Publish=True)
    answered(lab, "CreateAlias", FunctionName="own", Name="live", FunctionVersion="1")
    for qualifier in ("1", "live"):
        answered(lab, "AddPermission", FunctionName="own", Qualifier=qualifier, **S3)
        assert (
            policy(lab, FunctionName=f"own:{qualifier}")["Statement"][0]["Resource"]
            == f"{ARN}:own:{qualifier}"
        )
    assert refused(lab, "GetPolicy", FunctionName="own").status == 404
    fault = refused(lab, "AddPermission", FunctionName="own:$LATEST", **S3)
    assert fault.message == "We currently do not support adding policies for $LATEST."
    answered(lab, "DeleteAlias", FunctionName="own", Name="live")
    answered(lab, "CreateAlias", FunctionName="own", Name="live", FunctionVersion="1")
    assert refused(lab, "GetPolicy", FunctionName="own", Qualifier="live").status == 404
    answered(lab, "AddPermission", FunctionName="own", **S3)
    answered(lab, "DeleteFunction", FunctionName="own")
    create(lab, "own")
    assert refused(lab, "GetPolicy", FunctionName="own").status == 404


def test_a_whole_policy_is_put_and_deleted_by_arn(lab):
    create(lab, "put")
    arn = f"{ARN}:put"
    deny = {
        "Sid": "no",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "lambda:InvokeFunction",
        "Resource": arn,
    }
    answer = answered(lab, "PutResourcePolicy", ResourceArn=arn, Policy=json.dumps({"Statement": deny}))
    assert answered(lab, "GetResourcePolicy", ResourceArn=arn) == answer
    assert policy(lab, FunctionName="put")["Statement"] == [deny]
    fault = refused(lab, "DeleteResourcePolicy", ResourceArn=arn, RevisionId="no")
    assert fault.code == "PreconditionFailedException"
    assert answered(lab, "DeleteResourcePolicy", ResourceArn=arn, RevisionId=answer["RevisionId"]) is None
    for operation in ("GetResourcePolicy", "DeleteResourcePolicy"):
        assert refused(lab, operation, ResourceArn=arn).status == 404
        assert refused(lab, operation, ResourceArn=f"{ARN}:nobody").status == 404


def test_a_layer_s_policy(lab):
    answered(lab, "PublishLayerVersion", LayerName="shared", Content={"ZipFile": zipped()})
    of = {"LayerName": "shared", "VersionNumber": 1}
    given = {**of, "StatementId": "all", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    assert (
        refused(lab, "GetLayerVersionPolicy", **of).message
        == "No policy is associated with the given resource."
    )
    answer = answered(lab, "AddLayerVersionPermission", **given, OrganizationId="o-1234567890")
    statement = json.loads(answer["Statement"])
    assert statement["Resource"] == "arn:aws:lambda:us-east-1:000000000000:layer:shared:1"
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}}
    shown = answered(lab, "GetLayerVersionPolicy", **of)
    assert json.loads(shown["Policy"])["Statement"] == [statement]
    assert shown["RevisionId"] == answer["RevisionId"]
    assert refused(lab, "AddLayerVersionPermission", **given).code == "ResourceConflictException"
    assert refused(lab, "RemoveLayerVersionPermission", **of, StatementId="x").status == 404
    assert (
        refused(lab, "RemoveLayerVersionPermission", **of, StatementId="all", RevisionId="no").status == 412
    )
    assert answered(lab, "RemoveLayerVersionPermission", **of, StatementId="all") is None
    assert refused(lab, "RemoveLayerVersionPermission", **of, StatementId="all").status == 404
    fault = refused(lab, "AddLayerVersionPermission", **{**given, "VersionNumber": 2})
    assert (
        fault.message == "Layer version arn:aws:lambda:us-east-1:000000000000:layer:shared:2 does not exist."
    )


@pytest.mark.parametrize("operation", ["AddPermission", "GetPolicy", "RemovePermission"])
def test_the_policy_of_a_function_that_is_not_there(lab, operation):
    fault = refused(lab, operation, FunctionName="nobody", **S3)
    assert fault.message == f"Function not found: {ARN}:nobody"


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("*", "*"),
        ("123456789012", {"AWS": "arn:aws:iam::123456789012:root"}),
        ("arn:aws:iam::123456789012:role/r", {"AWS": "arn:aws:iam::123456789012:role/r"}),
        ("events.amazonaws.com", {"Service": "events.amazonaws.com"}),
        ("logs.eu-west-1.amazonaws.com", {"Service": "logs.eu-west-1.amazonaws.com"}),
        ("alexa-appkit.amazon.com", {"Service": "alexa-appkit.amazon.com"}),
    ],
)
def test_who_may(text, who):
    assert principal(text) == who


@pytest.mark.parametrize("text", ["invalid.nonaws.com", "somebody", "12345", ""])
def test_who_is_nobody(text):
    with pytest.raises(Fault, match="The provided principal was invalid"):
        principal(text)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"Statement": []}', '{"Statement": [1]}', '{"Statement": {"Effect": "Maybe"}}',
     '{"Statement": [{"Sid": "a", "Effect": "Deny"}, {"Sid": "a", "Effect": "Deny"}]}', "[" * 100_000],
)  # fmt: skip
def test_what_is_no_policy(text):
    with pytest.raises(Fault) as raised:
        read(text)
    assert raised.value.code == "InvalidParameterValueException"
