"""Queries of CloudWatch Logs Insights over a history that is written out, through the port."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import faaslab
from faaslab.endpoint.logs import insights, tokens
from faaslab.endpoint.logs.scanning import Malformed
from faaslab.model.execution import Execution, ExecutionStatus, LogLine, LogStream

pytestmark = pytest.mark.timeout(120)
START = datetime(2026, 11, 26, 12, 0, 0)
GROUP = "/aws/lambda/talks"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with faaslab.open(tmp_path_factory.mktemp("insights") / "store.duckdb") as lab:
        lab.store.record(*(_ran(number) for number in range(8)))
        yield lab


@pytest.fixture(scope="module")
def logs(lab):
    return lab.cloud.client("logs")


def _ran(number):
    """A run each minute: a line of JSON, one of text, and the report."""
    at = START + timedelta(minutes=number)
    told = {"level": "ERROR" if number % 4 == 3 else "INFO", "order": {"total": number * 10, "ids": [number]}}
    texts = (
        (LogStream.FUNCTION, json.dumps(told)),
        (LogStream.FUNCTION, f"[WARN] user={number % 2} took {number}.5 ms"),
        (
            LogStream.PLATFORM,
            f"REPORT RequestId: r{number}\tDuration: {number}.50 ms\tBilled Duration: {number + 1} ms\t"
            f"Memory Size: 128 MB\tMax Memory Used: {60 + number} MB\t"
            + ("Init Duration: 100.25 ms\t" if number == 0 else ""),
        ),
    )
    return Execution(
        id=f"e{number}",
        function="talks",
        request_id=f"r{number}",
        status=ExecutionStatus.COMPLETED,
        started_at=at,
        ended_at=at,
        log_stream=f"2026/11/26/[$LATEST]{'a' if number % 2 else 'b'}",
        logs=tuple(
            LogLine(at=at + timedelta(milliseconds=ms), stream=stream, message=text)
            for ms, (stream, text) in enumerate(texts)
        ),
    )


def _seconds(minutes=0):
    return tokens.milliseconds(START + timedelta(minutes=minutes)) // 1000


def _ask(logs, text, **more):
    asked = {"logGroupName": GROUP, "startTime": _seconds(), "endTime": _seconds(60), **more}
    query = logs.start_query(queryString=text, **asked)["queryId"]
    told = logs.get_query_results(queryId=query)
    assert told["status"] == "Complete"
    return [
        {each["field"]: each["value"] for each in row if each["field"] != "@ptr"} for row in told["results"]
    ]


def _values(logs, text):
    return [list(row.values()) for row in _ask(logs, text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fields @timestamp | filter @message like /WARN.*user=1/ | limit 1", [["2026-11-26 12:07:00.001"]]),
        ("filter level = 'ERROR' | fields order.total | sort order.total", [["30"], ["70"]]),
        (
            "fields order.total as total | filter total > 45 | sort total desc | display total",
            [["70"], ["60"], ["50"]],
        ),
        ("fields order.ids.0 as id | filter id in [2, 3] | display id | sort id", [["2"], ["3"]]),
        ("filter not (level = 'INFO') and ispresent(level) | stats count(*) as errors", [["2"]]),
        ("filter @type = 'REPORT' | stats count(*), avg(@duration), max(@billedDuration)", [["8", "4", "8"]]),
        ("stats count(@initDuration) as cold, max(@initDuration)", [["1", "100.25"]]),
        ("stats pct(@duration, 50) as p50, median(@duration), min(@duration)", [["4", "4", "0.5"]]),
        (
            "stats max(@memorySize / 1000 / 1000) as size, max(@maxMemoryUsed / 1e6) as used, size - used as over",
            [["128", "67", "61"]],
        ),
        (
            "filter @type like 'REPORT' | stats count(*) as n by bin(5m) as t | sort t",
            [["2026-11-26 12:00:00.000", "5"], ["2026-11-26 12:05:00.000", "3"]],
        ),
        (
            "filter ispresent(level) | stats sum(order.total) as total by level | sort total desc",
            [["INFO", "180"], ["ERROR", "100"]],
        ),
        (
            "parse @message 'user=* took * ms' as user, ms | filter ispresent(ms) | stats sum(ms) as ms by user",
            [["0", "14"], ["1", "18"]],
        ),
        (r"parse @message /took (?<ms>[\d.]+) ms/ | stats max(ms)", [["7.5"]]),
        ("filter @logStream like 'a' | dedup @logStream | fields substr(@logStream, 20, 1) as s", [["a"]]),
        ("fields strlen(concat(level, '!')) as n | filter n = 6 | limit 1", [["6"]]),
        (
            "stats count_distinct(@requestId) as runs, latest(level), earliest(level)",
            [["8", "ERROR", "INFO"]],
        ),
        ("filter level = 'ERROR' # not this | filter false\n| stats count(*)", [["2"]]),
        (
            "fields coalesce(level, 'none') as l | stats count(*) as n by l | sort n desc | limit 1",
            [["none", "16"]],
        ),
        ("filter @nothing = 1 or abs(-3) = 4", []),
        ("stats count(*) as runs by @log", [["000000000000:/aws/lambda/talks", "24"]]),
    ],
)
def test_a_query_answers(logs, text, expected):
    assert _values(logs, text) == expected


def test_without_fields_time_and_message_are_told_newest_first(logs):
    [first, *rest] = _ask(logs, "limit 3", endTime=_seconds(1))
    assert list(first) == ["@timestamp", "@message"]
    assert first["@timestamp"] == "2026-11-26 12:01:00.002"
    assert len(rest) == 2


def test_an_event_is_found_by_its_pointer(logs):
    query = logs.start_query(
        logGroupNames=[GROUP],
        startTime=_seconds(),
        endTime=_seconds(60),
        queryString="filter level = 'ERROR'",
    )["queryId"]
    [field] = [
        each for each in logs.get_query_results(queryId=query)["results"][0] if each["field"] == "@ptr"
    ]
    record = logs.get_log_record(logRecordPointer=field["value"])["logRecord"]
    assert json.loads(record["@message"])["level"] == "ERROR"
    assert record["@requestId"] == "r7"


def test_what_was_looked_at_and_what_was_asked_is_told(logs):
    query = logs.start_query(
        logGroupName=GROUP, startTime=_seconds(), endTime=_seconds(60), queryString="filter level = 'ERROR'"
    )["queryId"]
    statistics = logs.get_query_results(queryId=query)["statistics"]
    assert (statistics["recordsScanned"], statistics["recordsMatched"]) == (24, 2)
    assert statistics["bytesScanned"] > 24 * 26
    [told] = [each for each in logs.describe_queries()["queries"] if each["queryId"] == query]
    assert (told["status"], told["logGroupName"]) == ("Complete", GROUP)
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.stop_query(queryId=query)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fields",
        "bogus @message",
        "fields @message |",
        "filter",
        "filter a =",
        "filter a like /(/",
        "filter a like /open",
        "stats",
        "stats a",
        "stats nosuch(a)",
        "stats pct(a)",
        "stats pct(a, b)",
        "limit 0",
        "limit ten",
        "limit 10001",
        "parse @message 'no star' as a",
        "parse @message '* *' as a",
        "parse @message /(no) name/",
        "fields nosuch(@message)",
        "fields abs(1, 2)",
        "filter " + "(" * 100 + "a = 1" + ")" * 100,
        "pattern @message",
        "stats bin(0m)",
        "stats count(*) by bin(x)",
    ],
)
def test_what_cannot_be_asked_is_refused(logs, text):
    with pytest.raises(logs.exceptions.ClientError) as told:
        _ask(logs, text)
    code = told.value.response["Error"]["Code"]
    assert code == "MalformedQueryException" or (code == "InvalidParameterException" and not text)


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a\\", "a;DROP TABLE logs", "$.x", "a[0]", "a..b", "*", "a`"])
def test_a_name_is_never_more_than_a_name(logs, name):
    try:
        _ask(logs, f"fields `{name}` as x | filter x = 1 | stats count(*) by x")
    except logs.exceptions.MalformedQueryException:
        assert "`" in name
    assert _values(logs, "stats count(*)") == [["24"]]


@given(st.text(alphabet="|fieldstcoun*()@ mg='\"/`,.1<+-#\n", max_size=80))
def test_a_query_is_read_or_refused_whatever_it_is(text):
    try:
        assert insights.read(text)
    except Malformed:
        return


def test_a_tail_shows_what_is_run_meanwhile(lab):
    import boto3
    from botocore.config import Config

    lab.functions.create(
        "seen", "def handler(event, context):\n    print('line', event['n'])\n    print('else')"
    )
    client = boto3.client(
        "logs",
        endpoint_url=lab.cloud.address,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(inject_host_prefix=False),
    )
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/seen"
    stream = client.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="line")["responseStream"]
    found, n = [], 0
    for event in stream:
        if "sessionStart" in event:
            assert event["sessionStart"]["logGroupIdentifiers"] == [arn]
        else:
            found += [each["message"] for each in event["sessionUpdate"]["sessionResults"]]
        if len(found) == 3:
            break
        if n < 3:
            lab.functions.invoke("seen", {"n": n})
            n += 1
    stream.close()
    assert found == ["line 0\n", "line 1\n", "line 2\n"]
