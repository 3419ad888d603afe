"""CloudWatch Logs of our functions, as boto3 reads them through the port."""

import json
from datetime import datetime, timedelta

import pytest

import faaslab
from faaslab.endpoint.logs import tokens
from faaslab.model.execution import Execution, ExecutionStatus, LogLine, LogStream, Source

pytestmark = pytest.mark.timeout(120)
START = datetime(2026, 11, 26, 12, 0, 0)
GROUP = "/aws/lambda/talks"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with faaslab.open(tmp_path_factory.mktemp("logs") / "store.duckdb") as lab:
        lab.functions.create("talks", "def handler(event, context):\n    return 1")
        for number in range(6):
            lab.store.record(_ran("talks", number))
        lab.store.record(_ran("talks", 7, source=Source.IMPORTED), _ran("gone", 8))
        yield lab


@pytest.fixture(scope="module")
def logs(lab):
    return lab.cloud.client("logs")


def _ran(function, number, *, source=Source.LOCAL):
    """An execution ten seconds after the one before, every other one in a stream of its own; four lines."""
    at = START + timedelta(seconds=10 * number)
    lines = (
        (0, LogStream.PLATFORM, f"START RequestId: r{number} Version: $LATEST"),
        (1, LogStream.FUNCTION, json.dumps({"number": number, "level": "INFO" if number % 2 else "WARN"})),
        (2, LogStream.FUNCTION, f"GET /{number} {200 + number}"),
        (2, LogStream.PLATFORM, f"REPORT RequestId: r{number}\tDuration: 1.00 ms\t"),
    )
    return Execution(
        id=f"{function}-{source}-{number}",
        function=function,
        request_id=f"r{number}",
        status=ExecutionStatus.COMPLETED,
        source=source,
        started_at=at,
        ended_at=at + timedelta(milliseconds=2),
        log_stream=f"2026/11/26/[$LATEST]{'a' if number % 2 else 'b'}",
        logs=tuple(
            LogLine(at=at + timedelta(milliseconds=ms), stream=stream, message=text)
            for ms, stream, text in lines
        ),
    )


def _ms(number, milliseconds=0):
    return tokens.milliseconds(START + timedelta(seconds=10 * number, milliseconds=milliseconds))


def _messages(logs, **asked):
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP, **asked)
    return [event["message"].rstrip("\n") for page in pages for event in page["events"]]


def test_the_events_of_a_group_come_in_the_order_of_time_with_ids_of_their_own(logs):
    told = logs.filter_log_events(logGroupName=GROUP)
    events = told["events"]
    assert len(events) == 24  # and none that was imported
    assert "nextToken" not in told
    assert [each["timestamp"] for each in events] == sorted(each["timestamp"] for each in events)
    assert len({each["eventId"] for each in events}) == 24
    assert all(len(each["eventId"]) == 56 for each in events)
    assert events[0] == {
        "logStreamName": "2026/11/26/[$LATEST]b",
        "timestamp": _ms(0),
        "message": "START RequestId: r0 Version: $LATEST\n",
        "ingestionTime": _ms(0),
        "eventId": events[0]["eventId"],
    }


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"filterPattern": "REPORT"}, 6),
        ({"filterPattern": "START -r3"}, 5),
        ({"filterPattern": "?r1 ?r2"}, 4),
        ({"filterPattern": "%GET /[0-2] 20[12]%"}, 2),
        ({"filterPattern": "{ $.level = WARN }"}, 3),
        ({"filterPattern": "{ $.number >= 2 && $.level = I* }"}, 2),
        ({"filterPattern": "[method = GET, path, status > 203]"}, 2),
        ({"filterPattern": "REPORT", "startTime": _ms(2), "endTime": _ms(4, 2)}, 3),
        ({"filterPattern": "REPORT", "startTime": _ms(2, 3), "endTime": _ms(4, 1)}, 1),
        ({"logStreamNames": ["2026/11/26/[$LATEST]a"]}, 12),
        ({"logStreamNamePrefix": "2026/11/26/[$LATEST]b"}, 12),
        ({"logStreamNamePrefix": "2025"}, 0),
    ],
)
@pytest.mark.parametrize("limit", [None, 2])
def test_what_is_asked_for_is_found_however_long_a_page_is(logs, asked, expected, limit):
    assert len(_messages(logs, **asked, **({"limit": limit} if limit else {}))) == expected


def test_pages_give_every_event_once(logs):
    whole = _messages(logs)
    for limit in (1, 3, 23, 24, 25):
        assert _messages(logs, limit=limit) == whole


def test_a_stream_is_read_forwards_to_its_end_and_backwards_to_its_beginning(logs):
    asked = {"logGroupName": GROUP, "logStreamName": "2026/11/26/[$LATEST]a", "limit": 5}
    ahead, seen = logs.get_log_events(**asked, startFromHead=True), []
    while ahead["events"]:
        seen += ahead["events"]
        following = logs.get_log_events(**asked, nextToken=ahead["nextForwardToken"])
        ahead = following
    assert len(seen) == 12
    again = logs.get_log_events(**asked, nextToken=ahead["nextForwardToken"])
    assert again["nextForwardToken"] == ahead["nextForwardToken"]
    back, reverse = logs.get_log_events(**asked), []
    assert back["events"][-1] == seen[-1]
    while back["events"]:
        reverse = back["events"] + reverse
        back = logs.get_log_events(**asked, nextToken=back["nextBackwardToken"])
    assert reverse == seen


def test_streams_are_ordered_by_name_or_by_their_last_event(logs):
    named = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
    assert [each["logStreamName"][-1] for each in named] == ["a", "b"]
    assert named[0]["firstEventTimestamp"] == _ms(1)
    assert named[0]["lastEventTimestamp"] == _ms(5, 2)
    assert named[0]["arn"].endswith(f":log-group:{GROUP}:log-stream:2026/11/26/[$LATEST]a")
    newest = logs.describe_log_streams(logGroupName=GROUP, orderBy="LastEventTime", descending=True, limit=1)
    assert newest["logStreams"][0]["logStreamName"][-1] == "a"
    older = logs.describe_log_streams(
        logGroupName=GROUP, orderBy="LastEventTime", descending=True, nextToken=newest["nextToken"]
    )
    assert [each["logStreamName"][-1] for each in older["logStreams"]] == ["b"]
    with pytest.raises(logs.exceptions.InvalidParameterException, match="Cannot order by LastEventTime"):
        logs.describe_log_streams(logGroupName=GROUP, orderBy="LastEventTime", logStreamNamePrefix="2026")


def test_groups_of_functions_stand_beside_those_of_the_cloud(logs):
    logs.create_log_group(logGroupName="/aws/other")
    logs.create_log_stream(logGroupName="/aws/other", logStreamName="one")
    logs.put_log_events(
        logGroupName="/aws/other",
        logStreamName="one",
        logEvents=[{"timestamp": _now_ms(), "message": "theirs"}],
    )
    assert logs.filter_log_events(logGroupName="/aws/other")["events"][0]["message"] == "theirs"
    pages = logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 1})
    groups = {each["logGroupName"]: each for page in pages for each in page["logGroups"]}
    assert list(groups) == ["/aws/lambda/gone", GROUP, "/aws/other"]
    assert groups[GROUP]["arn"] == f"arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}:*"
    assert groups[GROUP]["storedBytes"] == sum(
        len(each["message"]) - 1 + 26 for each in logs.filter_log_events(logGroupName=GROUP)["events"]
    )
    assert "retentionInDays" not in groups[GROUP]
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=7)
    [group] = logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]
    assert group["retentionInDays"] == 7
    assert len(logs.filter_log_events(logGroupIdentifier=group["logGroupArn"])["events"]) == 24
    logs.tag_resource(resourceArn=group["logGroupArn"], tags={"team": "a"})
    assert logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"] == {"team": "a"}


def _now_ms():
    return int(datetime.now().timestamp() * 1000)


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("delete_log_stream", {"logStreamName": "2026/11/26/[$LATEST]a"}),
        ("create_log_stream", {"logStreamName": "mine"}),
        ("put_log_events", {"logStreamName": "mine", "logEvents": [{"timestamp": 1, "message": "m"}]}),
        (
            "put_subscription_filter",
            {
                "filterName": "f",
                "filterPattern": "",
                "destinationArn": "arn:aws:lambda:us-east-1:000000000000:function:talks",
            },
        ),
    ],
)
def test_history_is_neither_deleted_nor_forged(logs, operation, asked):
    with pytest.raises(logs.exceptions.InvalidParameterException, match="is the log of"):
        getattr(logs, operation)(logGroupName=GROUP, **asked)
    assert len(_messages(logs)) == 24


def test_what_is_not_there_or_not_right_is_told_in_words_of_aws(logs):
    missing = logs.exceptions.ResourceNotFoundException
    invalid = logs.exceptions.InvalidParameterException
    with pytest.raises(missing, match="log group does not exist"):
        logs.filter_log_events(logGroupName="/aws/lambda/nobody")
    with pytest.raises(missing, match="log stream does not exist"):
        logs.get_log_events(logGroupName=GROUP, logStreamName="2026/11/26/[$LATEST]z")
    with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=GROUP)
    for asked in (
        {"filterPattern": "{ $.a ="},
        {"filterPattern": "a:b"},
        {"nextToken": "none"},
        {"logStreamNames": ["a"], "logStreamNamePrefix": "a"},
    ):
        with pytest.raises(invalid):
            logs.filter_log_events(logGroupName=GROUP, **asked)
    with pytest.raises(invalid):
        logs.filter_log_events()


def test_what_was_just_run_is_there(lab, logs):
    lab.functions.create("speaks", "def handler(event, context):\n    print('seen', event['n'])")
    group = "/aws/lambda/speaks"
    assert logs.filter_log_events(logGroupName=group)["events"] == []
    logs.create_log_group(logGroupName=group)  # as a tool does that wants it there before the first run
    for n in range(3):
        lab.functions.invoke("speaks", {"n": n})
        found = logs.filter_log_events(logGroupName=group, filterPattern="seen")["events"]
        assert [each["message"] for each in found] == [f"seen {m}\n" for m in range(n + 1)]
    [stream] = logs.describe_log_streams(logGroupName=group)["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    assert events[0]["message"].startswith("INIT_START Runtime Version")
    assert events[-1]["message"].startswith("REPORT RequestId: ")


def test_a_group_that_a_function_names_is_read_by_that_name(lab, logs):
    lab.functions.create(
        "elsewhere", "def handler(event, context):\n    print('there')", aws_only={"LogGroup": "/mine/all"}
    )
    lab.functions.invoke("elsewhere", {})
    found = logs.filter_log_events(logGroupName="/mine/all", filterPattern="there")["events"]
    assert len(found) == 1


def test_of_a_group_that_is_deleted_no_earlier_event_is_shown_and_none_is_lost(lab, logs):
    group = "/aws/lambda/again"
    lab.functions.create("again", "def handler(event, context):\n    print('number', event['n'])")
    lab.functions.invoke("again", {"n": 1})
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    logs.delete_log_group(logGroupName=group)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []
    missing = logs.exceptions.ResourceNotFoundException
    for read in (logs.filter_log_events, logs.describe_log_streams, logs.delete_log_group):
        with pytest.raises(missing):
            read(logGroupName=group)
    logs.create_log_group(logGroupName=group)
    lab.functions.invoke("again", {"n": 2})
    shown = logs.filter_log_events(logGroupName=group, filterPattern="number")["events"]
    assert [each["message"] for each in shown] == ["number 2\n"]
    [stream] = logs.describe_log_streams(logGroupName=group)["logStreams"]
    told = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
    assert told["events"][0]["message"].startswith("START ")
    [found] = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert "retentionInDays" not in found
    begin, end = stream["firstEventTimestamp"] // 1000 - 60, stream["lastEventTimestamp"] // 1000 + 60
    query = logs.start_query(
        logGroupName=group,
        startTime=begin,
        endTime=end,
        queryString="filter @message like 'number' | stats count(*)",
    )["queryId"]
    assert logs.get_query_results(queryId=query)["results"] == [[{"field": "count(*)", "value": "1"}]]
    assert len(lab.executions.logs("again", grep="number")) == 2  # the store forgets nothing


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("ERROR", {1: {}}),
        ("%^GET .* 20[01]$%", {2: {}}),
        ("?ERROR ?level", {1: {}, 3: {}}),
        ("-ERROR", {2: {}, 3: {}}),
        ("{ $.level = W* && $.n > 1 }", {3: {"$.level": "WARN", "$.n": "2"}}),
        ("[method = GET, path, status >= 200]", {2: {"$method": "GET", "$path": "/a", "$status": "200"}}),
        ("[..., last]", {1: {"$last": "ERROR"}, 2: {"$last": "200"}, 3: {"$last": "2}"}}),
    ],
)
def test_a_pattern_can_be_tried(logs, pattern, expected):
    told = logs.test_metric_filter(
        filterPattern=pattern, logEventMessages=["an ERROR", "GET /a 200", '{"level": "WARN", "n": 2}']
    )
    assert {each["eventNumber"]: each["extractedValues"] for each in told["matches"]} == expected
