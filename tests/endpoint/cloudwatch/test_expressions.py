"""Metric math: what expressions give of three written-out series, and what is no expression."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.endpoint.cloudwatch import searching
from faaslab.endpoint.cloudwatch.expressions import Context, Series, evaluate
from faaslab.endpoint.cloudwatch.series import Metric
from faaslab.endpoint.logs.scanning import Malformed

START = datetime(2026, 11, 26, 12, 0, 0)
INSTANTS = [START + timedelta(minutes=minute) for minute in range(4)]


def series(name, *values):
    """Values at the minutes; None for none."""
    points = {at: float(value) for at, value in zip(INSTANTS, values, strict=True) if value is not None}
    return Series(points, 60, name, name, metric=True)


KNOWN = {
    "runs": series("runs", 4, None, 2, 10),
    "errors": series("errors", 1, None, 0, 5),
    "zero": series("zero", 0, 0, 0, 0),
}
CONTEXT = Context(
    value=lambda name: KNOWN[name] if name in KNOWN else _nothing(name),
    metrics=lambda: list(KNOWN.values()),
    instants=lambda seconds: INSTANTS,
    search=lambda text, statistic, seconds: [KNOWN[text], Series({}, seconds, statistic)],
)


def _nothing(name):
    raise Malformed(f"no {name}")


def told(value):
    """A number, or the values at the minutes."""
    if isinstance(value, Series):
        return [value.points.get(at) for at in INSTANTS]
    return [told(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("errors / runs * 100", [25, None, 0, 50]),
        ("100 - 100 * errors / runs", [75, None, 100, 50]),
        ("runs / errors", [4, None, None, 2]),  # nothing is divided by zero
        ("2 + 3 * 4 ^ 2", 50),
        ("(2 + 3) * -4", -20),
        ("-runs", [-4, None, -2, -10]),
        ("runs > 3", [1, None, 0, 1]),
        ("runs > 3 AND errors >= 5", [0, None, 0, 1]),
        ("runs > 3 || errors == 0", [1, None, 1, 1]),
        ("SUM(runs)", 16),
        ("AVG(runs)", 16 / 3),
        ("MAX(runs) - MIN(runs)", 8),
        ("SUM(METRICS())", [5, 0, 2, 15]),
        ('SUM(METRICS("rr"))', [1, None, 0, 5]),
        ("MAX([runs, errors])", [4, None, 2, 10]),
        ("METRICS() * 2", [[8, None, 4, 20], [2, None, 0, 10], [0, 0, 0, 0]]),
        ("FILL(runs, 0)", [4, 0, 2, 10]),
        ("FILL(runs, REPEAT)", [4, 4, 2, 10]),
        ("FILL(runs, LINEAR)", [4, 3, 2, 10]),
        ("FILL(runs, zero)", [4, 0, 2, 10]),
        ("IF(runs > 3, errors, 9)", [1, None, 9, 5]),
        ("IF(runs > 3, runs)", [4, None, None, 10]),
        ("IF(FILL(runs, 0) > 0, 1, 0)", [1, 0, 1, 1]),
        ("DIFF(runs)", [None, None, -2, 8]),
        ("RATE(runs)", [None, None, -2 / 120, 8 / 60]),
        ("RUNNING_SUM(runs)", [4, None, 6, 16]),
        ("runs / PERIOD(runs)", [4 / 60, None, 2 / 60, 10 / 60]),
        ("DATAPOINT_COUNT(runs) + FIRST(runs) + LAST(runs)", 17),
        ("CEIL(runs / 3)", [2, None, 1, 4]),
        ("LOG10(errors)", [0, None, None, pytest.approx(0.69897)]),
        ("TIME_SERIES(7)", [7, 7, 7, 7]),
        ("SEARCH('runs', 'Sum', 60)", [[4, None, 2, 10], [None] * 4]),
        ("REMOVE_EMPTY(SEARCH('runs', 'Sum')) * 2", [[8, None, 4, 20]]),
    ],
)
def test_an_expression_gives(text, expected):
    assert told(evaluate(text, CONTEXT)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "runs +",
        "(runs",
        "runs)",
        "nobody",
        "runs errors",
        "SEARCH(runs)",
        "SEARCH('runs', 'Sum', x)",
        "SUM(runs, errors)",
    ]
    + ["1 / 0", "[1]", "METRICS() + METRICS()", "FILL(runs)", "IF(1)", "(" * 300 + "1", "-" * 300 + "1"]
    + ["SELECT AVG(Duration) FROM SCHEMA", "9 ^ 9 ^ 9 ^ 9", "TIME_SERIES(1e999)", "x" * 3000],
)
def test_what_is_no_expression_is_told(text):
    with pytest.raises(Malformed):
        evaluate(text, CONTEXT)


@given(st.text(alphabet="runse()[],+-*/^<>=1 0FILSUM'\"", max_size=60))
def test_an_expression_is_evaluated_or_refused_whatever_it_is(text):
    try:
        value = evaluate(text, CONTEXT)
    except Malformed:
        return
    assert isinstance(value, (float, list, Series))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{AWS/Lambda,FunctionName}", ["a", "b", "c"]),
        ('{"AWS/Lambda","FunctionName"} MetricName="Errors"', ["a", "b"]),
        ("{AWS/Lambda,FunctionName,Resource}", ["d"]),
        ('{AWS/Lambda,FunctionName} FunctionName=("pay" OR "buy") NOT MetricName="Duration"', ["a", "b"]),
        ('{AWS/Lambda,FunctionName} MetricName=Errors FunctionName="buy"', ["b"]),
        ("Namespace=AWS/Lambda AND errors", ["a", "b", "d"]),
        ("PA", ["a", "c", "d"]),
        ('"pa"', []),
        ("{AWS/SQS}", []),
    ],
)
def test_a_search_finds(text, expected):
    metrics = {
        "a": Metric(namespace="AWS/Lambda", name="Errors", dimensions=(("FunctionName", "pay"),)),
        "b": Metric(namespace="AWS/Lambda", name="Errors", dimensions=(("FunctionName", "buy"),)),
        "c": Metric(namespace="AWS/Lambda", name="Duration", dimensions=(("FunctionName", "pay"),)),
        "d": Metric(
            namespace="AWS/Lambda",
            name="Errors",
            dimensions=(("FunctionName", "pay"), ("Resource", "pay:live")),
        ),
    }
    found = searching.read(text)
    assert [name for name, metric in metrics.items() if found(metric)] == expected


@pytest.mark.parametrize(
    "text", ["", "{", "{}", "{a", "{a}}", "a=", "a=(b", "a=(b c)", "NOT", "NOT " * 99 + "a"]
)
def test_what_is_no_search_is_told(text):
    with pytest.raises(Malformed):
        searching.read(text)
