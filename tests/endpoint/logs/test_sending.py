"""What functions log is sent on to a function that a subscription filter names."""

import threading

import pytest

import faaslab

pytestmark = pytest.mark.timeout(120)
READS = """
import base64, gzip, json

def handler(event, context):
    return json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
"""
SAYS = """
import json

def handler(event, context):
    print(json.dumps({"level": event["level"]}))
"""
READER = "arn:aws:lambda:us-east-1:000000000000:function:reads"
GROUP = "/aws/lambda/says"


@pytest.fixture
def lab(tmp_path):
    with faaslab.open(tmp_path / "store.duckdb") as lab:
        lab.functions.create("reads", READS)
        lab.functions.create("says", SAYS)
        yield lab


def _read(lab, number):
    """What the reader was given, once it was run so often."""
    for _ in range(600):
        ran = lab.executions.list(function="reads")
        if len(ran) >= number and set(ran["status"]) == {"completed"}:
            return [lab.executions.get(each).result for each in reversed(ran["id"])]
        lab.asynchronous.wait(0.1)
        threading.Event().wait(0.05)
    raise AssertionError(f"it ran {len(ran)} times")


def test_what_matches_is_sent_to_a_function_as_logs_sends_it(lab):
    lab.functions.invoke("says", {"level": "ERROR"})  # of before it is nothing sent
    logs = lab.cloud.client("logs")
    subscribed = {"logGroupName": GROUP, "filterName": "errors", "destinationArn": READER}
    logs.put_subscription_filter(**subscribed, filterPattern="{ $.level = ERROR }")
    for level in ("ERROR", "INFO", "ERROR"):
        lab.functions.invoke("says", {"level": level})
    told = _read(lab, 2)
    assert len(told) == 2
    first = told[0]
    assert (first["messageType"], first["logGroup"], first["subscriptionFilters"]) == (
        "DATA_MESSAGE",
        GROUP,
        ["errors"],
    )
    [event] = first["logEvents"]
    assert event["message"] == '{"level": "ERROR"}\n'
    shown = logs.filter_log_events(logGroupName=GROUP, filterPattern="{ $.level = ERROR }")["events"]
    assert [each["eventId"] for each in shown[1:]] == [each["logEvents"][0]["id"] for each in told]
    [kept] = logs.describe_subscription_filters(logGroupName=GROUP)["subscriptionFilters"]
    assert kept["destinationArn"] == READER
    logs.delete_subscription_filter(logGroupName=GROUP, filterName="errors")
    assert lab.store.log_groups.sent() == {}


def test_another_home_goes_on_where_the_last_one_ended(tmp_path):
    path = tmp_path / "store.duckdb"
    with faaslab.open(path) as lab:
        lab.functions.create("reads", READS)
        lab.functions.create("says", SAYS)
        lab.cloud.client("logs").put_subscription_filter(
            logGroupName=GROUP, filterName="all", filterPattern="level", destinationArn=READER
        )
        lab.functions.invoke("says", {"level": "1"})
        _read(lab, 1)
        lab.home.close()
        lab.functions.invoke("says", {"level": "2"})
    with faaslab.open(path) as lab:
        lab.home.ensure()
        told = _read(lab, 2)
        assert [each["logEvents"][0]["message"] for each in told] == [
            '{"level": "1"}\n',
            '{"level": "2"}\n',
        ]


def test_a_destination_that_is_not_there_is_refused(lab):
    logs = lab.cloud.client("logs")
    for arn in (READER + "-not", "arn:aws:sqs:us-east-1:000000000000:queue"):
        with pytest.raises(logs.exceptions.InvalidParameterException):
            logs.put_subscription_filter(
                logGroupName=GROUP, filterName="f", filterPattern="", destinationArn=arn
            )
