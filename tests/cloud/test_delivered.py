"""The pure shapes of what functions get."""

import pytest

from faaslab.cloud.child.delivered import at_path, from_bucket, function_named, transformed

EVENT = {"id": "1", "detail": {"n": 1, "s": 'say "hi"', "list": [1, {"a": 2}], "none": None}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", EVENT),
        ("$.id", "1"),
        ("$.detail.list[1].a", 2),
        ("$.detail.list[7]", None),
        ("$.nothing.here", None),
        ("$.id.deeper", None),
    ],
)
def test_at_path(path, value):
    assert at_path(EVENT, path) == value


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"a": <n>}', {"a": 1}),
        ('{"a": <s>}', {"a": 'say "hi"'}),
        ('{"a": "n is <n>, <s>"}', {"a": 'n is 1, say "hi"'}),
        ('{"a": "all: <l>"}', {"a": 'all: [1,{"a":2}]'}),
        ('{"a": <l>}', {"a": [1, {"a": 2}]}),
        ('"n is <n>"', "n is 1"),
        ("n is <n>", "n is 1"),
        ('{"a": <unknown>}', '{"a": <unknown>}'),
        ('{"rule": <aws.events.rule-name>}', {"rule": "r"}),
        ('{"a": "\\"<n>\\""}', {"a": '"1"'}),
    ],
)
def test_transformed(template, expected):
    paths = {"n": "$.detail.n", "s": "$.detail.s", "l": "$.detail.list"}
    assert transformed(template, paths, EVENT, {"aws.events.rule-name": "r"}) == expected


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:lambda:us-east-1:000000000000:function:f", ("f", None)),
        ("arn:aws:lambda:us-east-1:000000000000:function:f:live", ("f", "live")),
        ("f", ("f", None)),
        ("f:2", ("f", "2")),
    ],
)
def test_function_named(arn, expected):
    assert function_named(arn) == expected


def test_a_version_stands_in_the_record_of_a_versioned_bucket():
    record = from_bucket(
        event_name="s3:ObjectCreated:Copy",
        region="eu-central-1",
        bucket="b",
        key="%C3%A4+b",
        size=1,
        etag="e",
        version="v1",
        configuration="c",
        time="t",
        request_id="R",
        sequencer="S",
    )["Records"][0]
    assert record["s3"]["object"]["versionId"] == "v1"
    assert record["s3"]["object"]["key"] == "%C3%A4+b"
