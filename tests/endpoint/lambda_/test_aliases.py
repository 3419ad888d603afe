"""Aliases through the Lambda API, with the answers that were recorded from AWS."""

import pytest

from tests.endpoint.lambda_.defining import ARN, answered, create, refused


@pytest.fixture(scope="module")
def versions(lab):
    """Two published versions of the function `fn`."""
    create(lab, "fn", Publish=True)
    answered(lab, "UpdateFunctionConfiguration", FunctionName="fn", Timeout=9)
    return "1", answered(lab, "PublishVersion", FunctionName="fn")["Version"]


def test_an_alias_from_its_making_to_its_end(lab, versions):
    first, second = versions
    made = answered(
        lab, "CreateAlias", FunctionName="fn", Name="live", FunctionVersion=first, Description="d",
        RoutingConfig={"AdditionalVersionWeights": {second: 0.2}},
    )  # fmt: skip
    revision = made.pop("RevisionId")
    assert made == {
        "AliasArn": f"{ARN}:fn:live",
        "Name": "live",
        "FunctionVersion": first,
        "Description": "d",
        "RoutingConfig": {"AdditionalVersionWeights": {second: 0.2}},
    }
    assert answered(lab, "GetAlias", FunctionName="fn", Name="live") == {**made, "RevisionId": revision}
    cleared = answered(
        lab, "UpdateAlias", FunctionName="fn", Name="live", RoutingConfig={}, RevisionId=revision
    )
    assert "RoutingConfig" not in cleared
    assert (cleared["Description"], cleared["FunctionVersion"]) == ("d", first)
    moved = answered(
        lab, "UpdateAlias", FunctionName="fn", Name="live", FunctionVersion=second, Description=""
    )
    assert (moved["FunctionVersion"], moved["Description"]) == (second, "")
    fault = refused(lab, "UpdateAlias", FunctionName="fn", Name="live", RevisionId=revision)
    assert (fault.code, fault.status) == ("PreconditionFailedException", 412)
    fault = refused(lab, "CreateAlias", FunctionName="fn", Name="live", FunctionVersion=first)
    assert (fault.code, fault.status) == ("ResourceConflictException", 409)
    assert fault.message == f"Alias already exists: {ARN}:fn:live"
    for _ in range(2):
        assert answered(lab, "DeleteAlias", FunctionName="fn", Name="live") is None
    fault = refused(lab, "GetAlias", FunctionName="fn", Name="live")
    assert (fault.code, fault.status) == ("ResourceNotFoundException", 404)
    assert fault.message == f"Cannot find alias arn: {ARN}:fn:live"


def test_aliases_are_listed_by_function_and_by_version_in_pages(lab, versions):
    first, second = versions
    for name, version in (("a", first), ("b", second), ("c", first), ("latest", "$LATEST")):
        answered(lab, "CreateAlias", FunctionName="fn", Name=name, FunctionVersion=version)

    def names(**more):
        answer = answered(lab, "ListAliases", FunctionName="fn", **more)
        return [each["Name"] for each in answer["Aliases"]], answer.get("NextMarker")

    assert names() == (["a", "b", "c", "latest"], None)
    assert names(FunctionVersion=first) == (["a", "c"], None)
    page, marker = names(MaxItems=3)
    assert page == ["a", "b", "c"]
    assert names(Marker=marker) == (["latest"], None)


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ({"FunctionVersion": "77"}, "ResourceNotFoundException", f"Function not found: {ARN}:fn:77"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"77": 0.5}}}, "ResourceNotFoundException",
         f"Function not found: {ARN}:fn:77"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1, "3": 0.1}}}, "InvalidParameterValueException",
         "Number of items in AdditionalVersionWeights cannot be greater than 1"),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}}, "InvalidParameterValueException",
         "Invalid function version 1. Function version 1 is already included in routing configuration."),
        ({"FunctionVersion": "$LATEST", "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}},
         "InvalidParameterValueException", "$LATEST is not supported for an alias pointing to more than 1 version"),
        ({"FunctionName": "unknown"}, "ResourceNotFoundException", f"Function not found: {ARN}:unknown:1"),
        ({"FunctionVersion": "$LATEST.PUBLISHED"}, "InvalidParameterValueException",
         "$LATEST.PUBLISHED is of Lambda Managed Instances, which faaslab does not have."),
    ],
)  # fmt: skip
def test_what_aws_would_not_make_an_alias_of_is_refused_in_its_words(lab, versions, more, code, said):
    fault = refused(
        lab, "CreateAlias", **{"FunctionName": "fn", "Name": "no", "FunctionVersion": "1", **more}
    )
    assert (fault.code, fault.message) == (code, said)


@pytest.mark.parametrize("operation", ["UpdateAlias", "DeleteAlias", "ListAliases"])
def test_aliases_of_a_function_that_is_not_there(lab, operation):
    fault = refused(lab, operation, FunctionName="unknown", Name="live")
    assert (fault.code, fault.status) == ("ResourceNotFoundException", 404)
