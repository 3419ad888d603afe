"""CloudWatch's metrics of our functions, as boto3 reads them through the port in each of its protocols."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config

import faaslab
from faaslab.model.execution import Execution, ExecutionError, ExecutionStatus, LogLine, Source
from faaslab.model.metric import Metric

pytestmark = pytest.mark.timeout(120)
START = datetime.now(UTC).replace(tzinfo=None, minute=0, second=0, microsecond=0) - timedelta(hours=2)
END = START + timedelta(minutes=20)
OF_WORKS = [{"Name": "FunctionName", "Value": "works"}]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with faaslab.open(tmp_path_factory.mktemp("metrics") / "store.duckdb") as lab:
        lab.store.record(*_history())
        yield lab


@pytest.fixture(scope="module")
def cloudwatch(lab):
    return lab.cloud.client("cloudwatch")


def _ran(number, at_s, *, ms=100.0, function="works", status="completed", **more):
    started = START + timedelta(seconds=at_s)
    return Execution(
        id=f"{function}-{number}",
        function=function,
        request_id=f"{function}-r{number}",
        status=ExecutionStatus(status),
        started_at=started,
        ended_at=started + timedelta(milliseconds=ms),
        duration_ms=None if status == "throttled" else ms,
        **more,
    )


def _history():
    throttle = ExecutionError(type="TooManyRequestsException", message="Rate Exceeded.")
    dropped = ExecutionError(type="EventAgeExceeded", message="too old")
    printed = {
        "_aws": {
            "Timestamp": int((START + timedelta(seconds=70)).replace(tzinfo=UTC).timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": "shop",
                    "Dimensions": [["service"]],
                    "Metrics": [{"Name": "orders", "Unit": "Count"}],
                }
            ],
        },
        "service": "web",
        "orders": [2, 3],
    }
    line = LogLine(at=START + timedelta(seconds=70), message=json.dumps(printed))
    return [
        _ran(1, 0, ms=100),
        _ran(2, 10, ms=300, qualifier="live", version="3"),
        _ran(3, 59, ms=200, status="failed", qualifier="live", version="4"),
        _ran(4, 60, ms=400, logs=(line,), log_stream="2026/11/26/[$LATEST]a"),
        _ran(5, 61, status="throttled", error=throttle),
        _ran(6, 62, status="throttled", error=dropped, invocation_type="Event"),
        _ran(7, 310, ms=90_000, status="timeout", invocation_type="Event"),
        _ran(8, 320, ms=1000),
        _ran(9, 0, function="other"),
        _ran(10, 0, source=Source.IMPORTED),
        _ran(11, 0, start_method="in-process"),
        Metric(
            at=START + timedelta(seconds=65),
            namespace="AWS/Lambda",
            name="AsyncEventsDropped",
            value=1.0,
            unit="Count",
            function="works",
            dimensions={"FunctionName": "works"},
        ),
    ]


def _statistics(cloudwatch, name, *, dimensions=OF_WORKS, period=60, statistics=("Sum",), more=()):
    told = cloudwatch.get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=name,
        Dimensions=dimensions,
        StartTime=START,
        EndTime=END,
        Period=period,
        **({"Statistics": list(statistics)} if statistics else {}),
        **({"ExtendedStatistics": list(more)} if more else {}),
    )
    return {
        (point["Timestamp"].replace(tzinfo=None) - START).total_seconds() // 60: point
        for point in told["Datapoints"]
    }


@pytest.mark.parametrize(
    ("name", "statistic", "expected"),
    [
        ("Invocations", "Sum", {0: 3, 1: 1, 5: 2}),
        ("Errors", "Sum", {0: 1, 1: 0, 5: 1}),
        ("Errors", "Average", {0: 1 / 3, 1: 0, 5: 0.5}),
        ("Throttles", "Sum", {0: 0, 1: 1, 5: 0}),
        ("Duration", "Average", {0: 200, 1: 400, 5: 45_500}),
        ("Duration", "Maximum", {0: 300, 1: 400, 5: 90_000}),
        ("Duration", "SampleCount", {0: 3, 1: 1, 5: 2}),
        ("ConcurrentExecutions", "Maximum", {0: 1, 1: 1, 5: 2, 6: 1}),
        ("AsyncEventsReceived", "Sum", {1: 1, 5: 1}),
        ("AsyncEventsDropped", "Sum", {1: 1}),
        ("DeadLetterErrors", "Sum", {}),
    ],
)
def test_what_is_counted_of_a_function(cloudwatch, name, statistic, expected):
    points = _statistics(cloudwatch, name, statistics=[statistic])
    assert {minute: point[statistic] for minute, point in points.items()} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("dimensions", "expected"),
    [
        ({}, 7),
        ({"FunctionName": "works"}, 6),
        ({"FunctionName": "other"}, 1),
        ({"FunctionName": "nobody"}, 0),
        ({"FunctionName": "works", "Resource": "works"}, 4),
        ({"FunctionName": "works", "Resource": "works:live"}, 2),
        ({"FunctionName": "works", "Resource": "works:live", "ExecutedVersion": "4"}, 1),
        ({"FunctionName": "works", "Resource": "other"}, 0),
        ({"Resource": "works"}, 0),
        ({"Color": "red"}, 0),
    ],
)
def test_whose_figures_they_are_is_said_by_dimensions(cloudwatch, dimensions, expected):
    told = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    points = _statistics(cloudwatch, "Invocations", dimensions=told, period=3600)
    assert sum(point["Sum"] for point in points.values()) == expected


def test_percentiles_and_units_are_told(cloudwatch):
    points = _statistics(cloudwatch, "Duration", period=300, statistics=(), more=["p50", "p99.9"])
    assert points[0]["ExtendedStatistics"]["p50"] == 250
    assert points[0]["ExtendedStatistics"]["p99.9"] == pytest.approx(399.7)
    assert points[0]["Unit"] == "Milliseconds"
    assert _statistics(cloudwatch, "Invocations")[0]["Unit"] == "Count"


@pytest.mark.parametrize("protocol", ["smithy-rpc-v2-cbor", "json", "query"])
def test_series_and_metric_math_in_every_protocol(lab, protocol):
    client = _speaking(lab, protocol)
    assert client.meta.service_model.resolved_protocol == protocol
    told = client.get_metric_data(
        MetricDataQueries=[
            _query("runs", "Invocations"),
            _query("errors", "Errors", returned=False),
            {"Id": "rate", "Expression": "100 * errors / runs", "Label": "error rate"},
            {"Id": "filled", "Expression": "FILL(runs, 0)"},
        ],
        StartTime=START + timedelta(seconds=40),
        EndTime=END,
        ScanBy="TimestampAscending",
    )
    runs, rate, filled = told["MetricDataResults"]
    assert [at.replace(tzinfo=None) for at in runs["Timestamps"]] == [START, START + timedelta(minutes=5)]
    assert (runs["Label"], runs["Values"], runs["StatusCode"]) == ("Invocations", [4, 2], "Complete")
    assert (rate["Label"], rate["Values"]) == ("error rate", [25, 50])
    assert filled["Values"] == [4, 2, 0, 0]


def _speaking(lab, protocol):
    """A client of CloudWatch that speaks that protocol, as older SDKs and the CLI do."""
    session = boto3.session.Session(
        region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local"
    )
    loader = session._session.get_component("data_loader")
    model = loader.load_service_model("cloudwatch", "service-2")
    model["metadata"] |= {"protocol": protocol, "protocols": [protocol]}
    return session.client(
        "cloudwatch", endpoint_url=lab.cloud.address, config=Config(retries={"total_max_attempts": 1})
    )


def _query(
    name, metric, *, returned=True, stat="Sum", namespace="AWS/Lambda", dimensions=OF_WORKS, period=300
):
    told = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    return {
        "Id": name,
        "MetricStat": {"Metric": told, "Period": period, "Stat": stat},
        "ReturnData": returned,
    }


def test_series_come_in_pages_newest_first(cloudwatch):
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[_query("runs", "Invocations", period=60)],
        StartTime=START,
        EndTime=END,
        MaxDatapoints=2,
    )
    values = [page["MetricDataResults"][0]["Values"] for page in pages]
    assert values == [[2, 1], [3]]


def test_what_functions_printed_stands_beside_what_was_put_into_the_cloud(cloudwatch):
    cloudwatch.put_metric_data(
        Namespace="put",
        MetricData=[{"MetricName": "seen", "Value": 4, "Timestamp": START + timedelta(minutes=1)}],
    )
    web = [{"Name": "service", "Value": "web"}]
    told = cloudwatch.get_metric_data(
        MetricDataQueries=[
            _query("orders", "orders", namespace="shop", dimensions=web),
            _query("seen", "seen", namespace="put", dimensions=[]),
            _query("none", "none", namespace="put", dimensions=[]),
            {"Id": "both", "Expression": "orders + seen"},
        ],
        StartTime=START,
        EndTime=END,
    )
    values = {each["Id"]: each["Values"] for each in told["MetricDataResults"]}
    assert values == {"orders": [5], "seen": [4], "none": [], "both": [9]}
    printed = cloudwatch.get_metric_statistics(
        Namespace="shop",
        MetricName="orders",
        Dimensions=web,
        StartTime=START,
        EndTime=END,
        Period=60,
        Statistics=["Average"],
    )
    assert [(each["Average"], each["Unit"]) for each in printed["Datapoints"]] == [(2.5, "Count")]
    put = cloudwatch.get_metric_statistics(
        Namespace="put", MetricName="seen", StartTime=START, EndTime=END, Period=60, Statistics=["Sum"]
    )
    assert [each["Sum"] for each in put["Datapoints"]] == [4]


def test_metrics_are_listed_with_their_dimensions(cloudwatch):
    def listed(**asked):
        pages = cloudwatch.get_paginator("list_metrics").paginate(**asked)
        return [
            (metric["MetricName"], {each["Name"]: each["Value"] for each in metric["Dimensions"]})
            for page in pages
            for metric in page["Metrics"]
        ]

    errors = listed(Namespace="AWS/Lambda", MetricName="Errors")
    live = {"FunctionName": "works", "Resource": "works:live"}
    assert errors == [
        ("Errors", {}),
        ("Errors", {"ExecutedVersion": "3", **live}),
        ("Errors", {"ExecutedVersion": "4", **live}),
        ("Errors", {"FunctionName": "other"}),
        ("Errors", {"FunctionName": "other", "Resource": "other"}),
        ("Errors", {"FunctionName": "works"}),
        ("Errors", {"FunctionName": "works", "Resource": "works"}),
        ("Errors", live),
    ]
    assert listed(Namespace="shop") == [("orders", {"service": "web"})]
    assert listed(Dimensions=[{"Name": "Resource", "Value": "other"}], MetricName="Errors") == [errors[4]]
    assert listed(Namespace="nothing") == []
    cloudwatch.put_metric_data(Namespace="listed", MetricData=[{"MetricName": "a", "Value": 1}])
    assert listed(Namespace="listed") == [("a", {})]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Statistics": None}, "InvalidParameterCombination"),
        ({"Period": 45}, "InvalidParameterValue"),
        ({"EndTime": START}, "InvalidParameterCombination"),
        ({"StartTime": START - timedelta(days=90)}, "InvalidParameterCombination"),
        ({"Statistics": None, "ExtendedStatistics": ["tm99"]}, "InvalidParameterValue"),
    ],
)
def test_statistics_that_cannot_be_told_are_refused(cloudwatch, changed, code):
    asked = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "StartTime": START,
        "EndTime": END,
        "Period": 60,
        "Statistics": ["Sum"],
        **changed,
    }
    with pytest.raises(cloudwatch.exceptions.ClientError) as told:
        cloudwatch.get_metric_statistics(**{name: value for name, value in asked.items() if value})
    assert told.value.response["Error"]["Code"].removesuffix("Exception") == code


@pytest.mark.parametrize(
    "query",
    [
        {"Id": "Big", "Expression": "1"},
        {"Id": "a"},
        {"Id": "a", "Expression": "b"},
        {"Id": "a", "Expression": "a"},
        {"Id": "a", "Expression": "1 + 1"},
        {"Id": "a", "Expression": "SEARCH('x', 'tm99', 300)"},
        {"Id": "a", "Expression": "SELECT AVG(Duration) FROM SCHEMA(AWS/Lambda)"},
        _query("a", "Errors", stat="tm99"),
        _query("a", "Errors", period=45),
    ],
)
def test_queries_that_cannot_be_answered_are_refused(cloudwatch, query):
    with pytest.raises(cloudwatch.exceptions.ClientError) as told:
        cloudwatch.get_metric_data(MetricDataQueries=[query], StartTime=START, EndTime=END)
    assert told.value.response["Error"]["Code"] == "ValidationError"


def test_what_was_just_run_is_counted(lab, cloudwatch):
    lab.functions.create("fresh", "def handler(event, context):\n    return 1 // event['by']")
    begin = datetime.now(UTC)
    lab.functions.invoke("fresh", {"by": 1})
    lab.functions.invoke("fresh", {"by": 0})
    fresh = [{"Name": "FunctionName", "Value": "fresh"}]
    told = cloudwatch.get_metric_data(
        MetricDataQueries=[
            _query(name.lower(), name, dimensions=fresh, period=60) for name in ("Invocations", "Errors")
        ],
        StartTime=begin,
        EndTime=datetime.now(UTC),
    )
    assert [sum(each["Values"]) for each in told["MetricDataResults"]] == [2, 1]


def test_a_search_gives_a_series_for_each_that_is_found(cloudwatch):
    text = "REMOVE_EMPTY(SEARCH('{AWS/Lambda,FunctionName} MetricName=\"Errors\"', 'Sum', 3600))"
    told = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "all", "Expression": text, "Label": "errors of"}],
        StartTime=START,
        EndTime=END,
    )
    assert {each["Label"]: each["Values"] for each in told["MetricDataResults"]} == {
        "errors of other": [0],
        "errors of works": [2],
    }


def test_a_metric_filter_is_counted_when_it_is_asked_for(lab, cloudwatch):
    logs = lab.cloud.client("logs")
    group = "/aws/lambda/works"
    orders = {
        "metricName": "orders",
        "metricNamespace": "counted",
        "metricValue": "$.orders[1]",
        "unit": "Count",
    }
    lines = {**orders, "metricName": "lines", "metricValue": "1", "defaultValue": 0}
    logs.put_metric_filter(
        logGroupName=group,
        filterName="orders",
        filterPattern="{ $.service = web }",
        metricTransformations=[orders],
    )
    logs.put_metric_filter(
        logGroupName=group, filterName="lines", filterPattern="nowhere", metricTransformations=[lines]
    )
    assert {
        each["filterName"] for each in logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    } == {
        "orders",
        "lines",
    }

    def counted():
        told = cloudwatch.get_metric_data(
            MetricDataQueries=[
                _query(name, name, namespace="counted", dimensions=[]) for name in ("orders", "lines")
            ],
            StartTime=START,
            EndTime=END,
        )
        return [each["Values"] for each in told["MetricDataResults"]]

    assert counted() == [[3], [0]]
    listed = cloudwatch.list_metrics(Namespace="counted")["Metrics"]
    assert {each["MetricName"] for each in listed} == {"orders", "lines"}
    for changed in ({"metricValue": "many"}, {"dimensions": {"a": "$.a"}}):
        with pytest.raises(logs.exceptions.InvalidParameterException):
            logs.put_metric_filter(
                logGroupName=group,
                filterName="bad",
                filterPattern="{ $.a = 1 }",
                metricTransformations=[{**orders, **changed}],
            )
    logs.delete_metric_filter(logGroupName=group, filterName="orders")
    assert counted() == [[], [0]]
