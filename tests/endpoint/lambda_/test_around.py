"""Tags, the account, the runtime's updates and loops through the Lambda API."""

import pytest

from tests.endpoint.lambda_.defining import ARN, answered, create, refused


def test_tags_from_the_first_to_the_last(lab):
    create(lab, "fn", Publish=True, Tags={"a": "1"})
    revision = lab.functions.get("fn").version
    arn = f"{ARN}:fn"
    answered(lab, "TagResource", Resource=arn, Tags={"b": "2", "a": "3"})
    assert answered(lab, "ListTags", Resource=arn) == {"Tags": {"a": "3", "b": "2"}}
    answered(lab, "UntagResource", Resource=arn, TagKeys=["a", "never"])
    assert answered(lab, "GetFunction", FunctionName="fn", Qualifier="1")["Tags"] == {"b": "2"}
    answered(lab, "UntagResource", Resource=arn, TagKeys=["b"])
    assert answered(lab, "ListTags", Resource=arn) == {"Tags": {}}
    assert lab.functions.get("fn").version == revision
    assert answered(lab, "PublishVersion", FunctionName="fn")["Version"] == "1"


@pytest.mark.parametrize(
    ("resource", "tags", "code", "said"),
    [
        (f"{ARN}:tagged:1", {"a": "1"}, "InvalidParameterValueException",
         "Tags on function aliases and versions are not supported. Please specify a function ARN."),
        (f"{ARN}:tagged:$LATEST", {"a": "1"}, "InvalidParameterValueException",
         "Tags on function aliases and versions are not supported. Please specify a function ARN."),
        (f"{ARN}:nobody", {"a": "1"}, "ResourceNotFoundException", f"Function not found: {ARN}:nobody"),
        (f"{ARN}:tagged", {str(number): "x" for number in range(51)}, "InvalidParameterValueException",
         "Number of tags exceeds resource tag limit."),
        (f"{ARN}:tagged", {"aws:x": "x"}, "InvalidParameterValueException",
         "Tag keys starting with aws: are reserved for system use."),
    ],
)  # fmt: skip
def test_what_cannot_be_tagged(lab, resource, tags, code, said):
    if lab.functions.find("tagged") is None:
        create(lab, "tagged")
    fault = refused(lab, "TagResource", Resource=resource, Tags=tags)
    assert (fault.code, fault.message) == (code, said)


def test_the_account_is_this_lab(lab):
    before = answered(lab, "GetAccountSettings")
    create(lab, "counted")
    lab.functions.reserve("counted", 10)
    after = answered(lab, "GetAccountSettings")
    assert after["AccountUsage"]["FunctionCount"] == before["AccountUsage"]["FunctionCount"] + 1
    assert after["AccountUsage"]["TotalCodeSize"] > before["AccountUsage"]["TotalCodeSize"]
    limit = after["AccountLimit"]
    assert limit["ConcurrentExecutions"] == lab.account().limit
    assert limit["UnreservedConcurrentExecutions"] == limit["ConcurrentExecutions"] - 10
    assert (limit["CodeSizeUnzipped"], limit["CodeSizeZipped"]) == (262144000, 52428800)
    assert answered(lab, "GetFunction", FunctionName="counted")["Concurrency"] == {
        "ReservedConcurrentExecutions": 10
    }


def test_how_the_runtime_is_kept_up_to_date_is_kept(lab):
    create(lab, "runtime", Publish=True)
    of = {"FunctionName": "runtime"}
    assert answered(lab, "GetRuntimeManagementConfig", **of) == {
        "FunctionArn": f"{ARN}:runtime", "UpdateRuntimeOn": "Auto",
    }  # fmt: skip
    version = f"arn:aws:lambda:us-east-1::runtime:{'0' * 64}"
    manual = {"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": version}
    assert answered(lab, "PutRuntimeManagementConfig", **of, **manual) == {
        "FunctionArn": f"{ARN}:runtime", **manual,
    }  # fmt: skip
    assert answered(lab, "GetRuntimeManagementConfig", **of)["RuntimeVersionArn"] == version
    own = answered(lab, "PutRuntimeManagementConfig", **of, UpdateRuntimeOn="FunctionUpdate")
    assert "RuntimeVersionArn" not in own
    answered(lab, "PutRuntimeManagementConfig", **of, UpdateRuntimeOn="Auto")
    assert dict(lab.functions.get("runtime").aws_only).keys() == {"Handler"}
    qualified = answered(lab, "PutRuntimeManagementConfig", **of, Qualifier="1", UpdateRuntimeOn="Auto")
    assert qualified["FunctionArn"] == f"{ARN}:runtime:1"
    for wrong in ({"UpdateRuntimeOn": "Manual"}, {"UpdateRuntimeOn": "Auto", "RuntimeVersionArn": version},
                  {"UpdateRuntimeOn": "FunctionUpdate", "Qualifier": "1"}):  # fmt: skip
        assert (
            refused(lab, "PutRuntimeManagementConfig", **of, **wrong).code == "InvalidParameterValueException"
        )


def test_whether_loops_are_stopped(lab):
    create(lab, "loops")
    assert answered(lab, "GetFunctionRecursionConfig", FunctionName="loops") == {"RecursiveLoop": "Terminate"}
    answered(lab, "PutFunctionRecursionConfig", FunctionName="loops", RecursiveLoop="Allow")
    assert answered(lab, "GetFunctionRecursionConfig", FunctionName="loops") == {"RecursiveLoop": "Allow"}
    assert lab.functions.get("loops").configuration.recursive_loop == "Allow"


@pytest.mark.parametrize(
    "operation",
    ["GetRuntimeManagementConfig", "PutRuntimeManagementConfig", "GetFunctionRecursionConfig",
     "PutFunctionRecursionConfig"],
)  # fmt: skip
def test_a_function_that_is_not_there(lab, operation):
    fault = refused(lab, operation, FunctionName="nobody", UpdateRuntimeOn="Auto", RecursiveLoop="Allow")
    assert fault.message == f"Function not found: {ARN}:nobody"
