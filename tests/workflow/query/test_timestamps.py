"""Timestamps as Step Functions takes them."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.workflow.query import timestamps


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2016-12-05T21:29:29Z", datetime(2016, 12, 5, 21, 29, 29)),
        ("2016-12-05T21:29:29.123456789Z", datetime(2016, 12, 5, 21, 29, 29, 123456)),
        ("2016-12-05T21:29:29+01:30", datetime(2016, 12, 5, 19, 59, 29)),
        ("2016-12-05T21:29:29-08:00", datetime(2016, 12, 6, 5, 29, 29)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1)),
    ],
)
def test_a_timestamp_is_read(text, moment):
    assert timestamps.parsed(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2016-12-05t21:29:29z",
        "2016-12-05T21:29Z",
        "2016-12-05T21:29:29+01:00:30",
        "2016-12-05",
        "2016-12-05T21:29:29",
        "2016-12-05 21:29:29Z",
        "05-12-2016T21:29:29Z",
        "2016-13-05T21:29:29Z",
        "2016-12-05T25:29:29Z",
        "2016-12-05T24:00:00Z",
        "2016-12-05T21:60:29Z",
        "2016-12-05T21:29:60Z",
        "2023-02-29T00:00:00Z",
        "2016-12-05T21:29:29+0100",
        "2016-12-05T21:29:29+19:00",
        "2016-12-05T21:29:29+01:60",
        "2016-12-05T21:29:29.Z",
        "2016-12-05T21:29:29.1234567890Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        " 2016-12-05T21:29:29Z",
        "2016-12-05T21:29:29Z\n",
        "２０１６-12-05T21:29:29Z",
    ],
)
def test_what_is_no_timestamp(text):
    assert timestamps.parsed(text) is None


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-18 * 60, 18 * 60))
def test_an_instant_is_the_same_in_every_offset(moment, minutes):
    sign, away = "-" if minutes < 0 else "+", abs(minutes)
    local = (moment + timedelta(minutes=minutes)).isoformat(timespec="microseconds")
    assert timestamps.parsed(f"{local}{sign}{away // 60:02}:{away % 60:02}") == moment


@given(st.datetimes())
def test_what_is_written_is_read(moment):
    kept = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert timestamps.parsed(timestamps.formatted(moment)) == kept
