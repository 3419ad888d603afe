"""Metrics that a function printed in the embedded format, and periods that they fall into."""

import json
from datetime import datetime

import pytest

from faaslab.endpoint.cloudwatch import embedded, periods

AT = datetime(2026, 11, 26, 12, 0, 30)


def document(**changed):
    told = {
        "_aws": {
            "Timestamp": 1795694430000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "shop",
                    "Dimensions": [["service"], ["service", "kind"], []],
                    "Metrics": [{"Name": "orders", "Unit": "Count"}, {"Name": "ms"}],
                }
            ],
        },
        "service": "web",
        "kind": "a",
        "orders": 3,
        "ms": [1.5, 2],
    }
    return json.dumps(told | changed)


def test_a_document_tells_each_metric_for_each_set_of_dimensions():
    found = list(embedded.samples(document()))
    assert len(found) == 6
    assert found[0] == embedded.Sample(AT, "shop", "orders", (("service", "web"),), (3.0,), "Count")
    assert found[3].dimensions == (("kind", "a"), ("service", "web"))
    assert found[5] == embedded.Sample(AT, "shop", "ms", (), (1.5, 2.0), "None")


def test_text_before_the_document_is_passed_over():
    assert len(list(embedded.samples("2026-11-26T12:00:30Z\tid\tINFO\t" + document()))) == 6


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("no document", 0),
        ("{", 0),
        ("[1]", 0),
        ('{"_aws": 1}', 0),
        ('{"_aws": {"Timestamp": "now", "CloudWatchMetrics": []}}', 0),
        ('{"_aws": {"Timestamp": 1e300, "CloudWatchMetrics": []}}', 0),
        ('{"_aws": {"Timestamp": 1, "CloudWatchMetrics": [1, {}, {"Namespace": "n", "Metrics": 3}]}}', 0),
        (document(orders="three"), 3),
        (document(orders=True), 3),
        (document(orders=float("nan")), 3),
        (document(ms=list(range(101))), 3),
        (document(service=None), 2),
    ],
)
def test_what_is_wrong_is_passed_over(message, expected):
    assert len(list(embedded.samples(message))) == expected


def test_values_are_counted_in_their_periods():
    samples = [
        (AT, 1.0),
        (AT.replace(second=59), 3.0),
        (AT.replace(minute=4), 5.0),
        (AT.replace(minute=7), 9.0),
    ]
    points = periods.counted(samples, seconds=300, origin=periods.EPOCH, percentiles=(0.5, 1.0))
    assert [(each.start.minute, each.samples, each.sum, each.minimum, each.maximum) for each in points] == [
        (0, 3, 9.0, 1.0, 5.0),
        (5, 1, 9.0, 9.0, 9.0),
    ]
    assert points[0].percentiles == (3.0, 5.0)
    shifted = periods.counted(samples, seconds=300, origin=AT.replace(minute=3, second=0))
    assert [each.start.strftime("%H:%M") for each in shifted] == ["11:58", "12:03"]


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        ("p50", 0.5),
        ("p99.9", 0.999),
        ("p100", 1.0),
        ("p101", None),
        ("p", None),
        ("tm99", None),
        ("Sum", None),
    ],
)
def test_percentiles_are_told_apart(statistic, expected):
    assert periods.percentile(statistic) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(1, True), (60, True), (300, True), (0, False), (45, False), (90, False)]
)
def test_a_period_is_of_whole_minutes_or_a_short_one(seconds, expected):
    assert periods.is_period(seconds) is expected
