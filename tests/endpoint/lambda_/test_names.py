from types import SimpleNamespace

import pytest

from faaslab.endpoint.lambda_.names import Named, named, read, unqualified
from faaslab.endpoint.lambda_.paging import page
from faaslab.endpoint.messages import Fault

REGIONS = ("eu-west-1", "us-east-1")
ARN = "arn:aws:lambda:us-east-1:000000000000:function"


@pytest.mark.parametrize(
    ("text", "function", "qualifier"),
    [
        ("score", "score", None),
        ("score:prod", "score", "prod"),
        ("score:7", "score", "7"),
        ("score:$LATEST", "score", "$LATEST"),
        ("function:score", "score", None),
        ("000000000000:function:score", "score", None),
        ("000000000000:score:prod", "score", "prod"),
        ("us-east-1:000000000000:function:score", "score", None),
        (f"{ARN}:score", "score", None),
        (f"{ARN}:score:prod", "score", "prod"),
        (f"{ARN}:score:$LATEST", "score", "$LATEST"),
        ("arn:aws:lambda:eu-west-1:000000000000:function:score", "score", None),
        ("123456789012", "123456789012", None),
    ],
)
def test_a_function_is_named_in_all_of_aws_s_forms(text, function, qualifier):
    assert read(text, regions=REGIONS) == Named(function=function, qualifier=qualifier)


@pytest.mark.parametrize(
    ("text", "code", "status", "said"),
    [
        ("arn:aws:lambda:us-west-2:000000000000:function:score", "ResourceNotFoundException", 404,
         "Functions from 'us-west-2' are not reachable in this region ('eu-west-1')"),
        ("arn:aws:lambda:us-east-1:123456789012:function:score", "AccessDeniedException", 403, "123456789012"),
        ("a" * 65, "ValidationException", 400, "length less than or equal to 64"),
        ("no/such", "ValidationException", 400, "regular expression"),
        ("score:", "ValidationException", 400, "'functionName'"),
        ("arn:aws:s3:::bucket", "ValidationException", 400, "regular expression"),
        ("score\n", "ValidationException", 400, "regular expression"),
    ],
)  # fmt: skip
def test_what_names_no_function_of_the_lab_is_refused_as_aws_does(text, code, status, said):
    with pytest.raises(Fault) as refused:
        read(text, regions=REGIONS)
    assert (refused.value.code, refused.value.status) == (code, status)
    assert said in refused.value.message


def asked(**params):
    return SimpleNamespace(
        params=params, region="us-east-1", lab=SimpleNamespace(region="us-east-1"), operation="GetFunction"
    )


def test_a_qualifier_stands_in_the_name_or_beside_it():
    assert named(asked(FunctionName="score", Qualifier="prod")).qualifier == "prod"
    assert named(asked(FunctionName="score:prod", Qualifier="prod")).qualifier == "prod"
    assert named(asked(FunctionName="score:prod")).arn("us-east-1") == f"{ARN}:score:prod"
    assert named(asked(FunctionName="score")).arn("us-east-1") == f"{ARN}:score"
    with pytest.raises(Fault, match="does not match the specified qualifier"):
        named(asked(FunctionName="score:prod", Qualifier="dev"))


def test_an_operation_on_a_function_as_a_whole_takes_no_qualifier():
    assert unqualified(asked(FunctionName="score:$LATEST")) == "score"
    with pytest.raises(Fault, match="Aliases and versions do not support"):
        unqualified(asked(FunctionName="score:prod"))


def test_pages_follow_one_another_whatever_comes_and_goes():
    items = ["d", "a", "c", "b"]
    first, more = page(items, {"MaxItems": 2}, str)
    assert first == ["a", "b"]
    second, end = page(["a", "bb", "c", "d"], {"MaxItems": 9, "Marker": more["NextMarker"]}, str)
    assert (second, end) == (["bb", "c", "d"], {})
    assert page(range(60), {"MaxItems": 10_000}, int)[0] == list(range(50))
    assert page([], {}, str) == ([], {})


@pytest.mark.parametrize("marker", ["nonsense", "", "MQ==", "é", "W10=", "bnVsbA=="])
def test_a_marker_that_is_none_of_ours_is_refused(marker):
    if not marker:
        assert page(["a"], {"Marker": marker}, str) == (["a"], {})
        return
    with pytest.raises(Fault, match="Invalid Marker"):
        page(["a"], {"Marker": marker}, str)
