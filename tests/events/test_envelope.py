"""Entries of PutEvents, and what targets are given of an event."""

import json
from datetime import datetime

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from faaslab.events import envelope, target_input

NOW = datetime(2026, 11, 26, 12, 30, 15, 999_999)
ENTRY = {"Source": "shop", "DetailType": "Order", "Detail": '{"id":7,"items":["a","b"],"who":"A \\"B\\""}'}
EVENT = envelope.from_entry(ENTRY, identity="e-1", now=NOW, region="eu-west-1", account="000000000000")
RULE = {"rule_arn": "arn:aws:events:eu-west-1:000000000000:rule/r", "rule_name": "r", "now": NOW}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"Source": ""}, "InvalidArgument"),
        ({"DetailType": None}, "InvalidArgument"),
        ({"Detail": ""}, "InvalidArgument"),
        ({"Detail": "{"}, "MalformedDetail"),
        ({"Detail": "[1]"}, "MalformedDetail"),
        ({"Detail": '{"a":NaN}'}, "MalformedDetail"),
        ({"Detail": '{"a":' * 100_000}, "MalformedDetail"),
        ({"Source": "aws.ec2"}, "NotAuthorizedForSourceException"),
    ],
)
def test_an_entry_is_accepted_or_refused_as_by_aws(change, code):
    refused = envelope.refusal(ENTRY | change)
    assert (refused and refused[0]) == code


def test_an_event_has_the_members_that_aws_gives_it():
    assert list(EVENT) == [
        "version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail",
    ]  # fmt: skip
    assert EVENT["time"] == "2026-11-26T12:30:15Z"
    assert EVENT["resources"] == []
    timed = ENTRY | {"Time": datetime(2020, 1, 1), "Resources": ["r"]}
    event = envelope.from_entry(timed, identity="e", now=NOW, region="x", account="0")
    assert (event["time"], event["resources"]) == ("2020-01-01T00:00:00Z", ["r"])


def test_an_entry_is_as_large_as_aws_says():
    assert (
        envelope.size([{"Source": "é", "DetailType": "b", "Detail": "{}", "Time": NOW, "Resources": ["r"]}])
        == 20
    )


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"Input": '{"fixed": 1}'}, '{"fixed": 1}'),
        ({"InputPath": "$.detail"}, '{"id":7,"items":["a","b"],"who":"A \\"B\\""}'),
        ({"InputPath": "$.detail.items[1]"}, '"b"'),
        ({"InputPath": "$['detail-type']"}, '"Order"'),
        ({"InputPath": "$.nothing.here"}, "null"),
        (
            {"InputTransformer": {"InputPathsMap": {"id": "$.detail.id"}, "InputTemplate": '{"n": <id>}'}},
            '{"n": 7}',
        ),
        (
            {"InputTransformer": {"InputPathsMap": {"w": "$.detail.who"}, "InputTemplate": '"by <w>"'}},
            '"by A \\"B\\""',
        ),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"a": "$.detail.items"},
                    "InputTemplate": '{"a": <a>, "t": "<a>"}',
                }
            },
            '{"a": ["a","b"], "t": "[\\"a\\",\\"b\\"]"}',
        ),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"m": "$.missing"},
                    "InputTemplate": '{"m": <m>, "k": <unknown>}',
                }
            },
            '{"m": "", "k": <unknown>}',
        ),
        (
            {
                "InputTransformer": {
                    "InputTemplate": '{"r": <aws.events.rule-name>, "t": "<aws.events.event.ingestion-time>"}'
                }
            },
            '{"r": "r", "t": "2026-11-26T12:30:15Z"}',
        ),
    ],
)
def test_what_a_target_is_given(target, expected):
    assert target_input.given(target, EVENT, **RULE) == expected


def test_the_whole_event_and_the_event_without_its_detail():
    assert json.loads(target_input.given({}, EVENT, **RULE)) == EVENT
    template = '{"all": <aws.events.event.json>, "head": <aws.events.event>}'
    filled = json.loads(target_input.given({"InputTransformer": {"InputTemplate": template}}, EVENT, **RULE))
    assert filled["all"] == EVENT
    assert filled["head"] == {name: value for name, value in EVENT.items() if name != "detail"}


def test_a_schedules_input_tells_its_context():
    written = (
        '{"at": "<aws.scheduler.scheduled-time>", "n": "<aws.scheduler.attempt-number>", "x": "<other>"}'
    )
    filled = target_input.in_context(written, schedule_arn="arn:s", at=NOW, execution_id="x-1")
    assert json.loads(filled) == {"at": "2026-11-26T12:30:15Z", "n": "1", "x": "<other>"}


@examples(st.text(max_size=30), st.text(max_size=30))
def test_a_quoted_variable_never_breaks_the_json_around_it(value, other):
    template = {"InputTemplate": '{"a": "x<v>y", "b": <v>}', "InputPathsMap": {"v": "$.v", "o": other}}
    filled = json.loads(target_input.given({"InputTransformer": template}, {"v": value}, **RULE))
    assert filled == {"a": f"x{value}y", "b": value}


@examples(st.text("$.[]'\"*ab0", max_size=20))
def test_any_text_is_a_path_or_none(path):
    assert target_input.is_path(path) in (True, False)
    target_input.at_path({"a": [{"b": 1}]}, path)
