"""Times in parameters: a table of what they stand for, and of what is refused with its place."""

import contextlib
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.errors import InvalidValue
from faaslab.reports.times import Times, literal, resolved

TIMES = Times(now=datetime(2026, 11, 24, 9, 30, 15, 123456), scheduled_for=datetime(2026, 11, 23, 7, 0))


@pytest.mark.parametrize(
    ("value", "stands_for"),
    [
        ("-7d", "2026-11-16T07:00:00"),
        (" -1h30m ", "2026-11-23T05:30:00"),
        ("- 2W", "2026-11-09T07:00:00"),
        ("now", "2026-11-23T07:00:00"),
        ("NOW", "2026-11-23T07:00:00"),
        ("7d", "7d"),  # the notebook's own business
        ("2026-11-16", "2026-11-16"),
        ("-7", "-7"),
        ("-7days", "-7days"),
        ("know", "know"),
        ("", ""),
        ("{ now }", "{ now }"),
        ("{{ now }}", "2026-11-24T09:30:15"),
        ("{{now}}", "2026-11-24T09:30:15"),
        ("{{ scheduled_for }}", "2026-11-23T07:00:00"),
        ("{{ scheduled_for - 7d }}", "2026-11-16T07:00:00"),
        ("{{ scheduled_for-7d+1h }}", "2026-11-16T08:00:00"),
        ("{{ scheduled_for / day }}", "2026-11-23T00:00:00"),
        ("{{ now/hour }}", "2026-11-24T09:00:00"),
        ("{{ now/minute }}", "2026-11-24T09:30:00"),
        ("{{ now / week }}", "2026-11-23T00:00:00"),
        ("{{ now / month - 1s }}", "2026-10-31T23:59:59"),
        ("{{ now / month - 1s / month }}", "2026-10-01T00:00:00"),
        ("{{ now / year }}", "2026-01-01T00:00:00"),
        ("{{ scheduled_for:%Y-%m-%d }}", "2026-11-23"),
        ("{{ scheduled_for - 1d : %d.%m. %H:%M }}", "22.11. 07:00"),
        ("week {{ now:%G-W%V }} of {{ now:%Y }}", "week 2026-W48 of 2026"),
        ('{{ "-7d" }}', "-7d"),
        ('{{ "{{ now }}" }}', "{{ now }}"),
        (["-7d", {"until": "now", "n": 3}], ["2026-11-16T07:00:00", {"until": "2026-11-23T07:00:00", "n": 3}]),
        (None, None),
        (-7, -7),
        (True, True),
        (1.5, 1.5),
    ],
)  # fmt: skip
def test_what_a_value_stands_for(value, stands_for):
    assert resolved(value, TIMES, place="-p since") == stands_for


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("{{ }}", "-p x, character 1: the template cannot be read: a time is missing"),
        ("a {{ nwo }}", "-p x, character 3: the template cannot be read: 'nwo' is no time (did you mean now?)"),
        ("{{ os }}", "'os' is no time"),
        ("{{ now", "it has no end"),
        ("{{ now:%Y", "it has no end"),
        ("{{ now - }}", "after - a span is missing"),
        ("{{ now - 7 }}", "after - a span is missing"),
        ("{{ now - 7days }}", "after - a span is missing"),
        ("{{ now / dya }}", "'dya' is no unit to go back to the beginning of (did you mean day?)"),
        ("{{ now:%Q }}", "%Q is no part of a format"),
        ("{{ now: }}", "the format is empty"),
        ("{{ now:%Y-% }}", "is no part of a format"),
        ("{{ now.year }}", "'.year' is not understood"),
        ("{{ now | upper }}", "'| upper' is not understood"),
        ("{{ now() }}", "'()' is not understood"),
        ("{{ now now }}", "'now' is not understood"),
        ('{{ "\\x" }}', "no JSON"),
        ("{{ now - 99999999w }}", "leaves the calendar"),
        ("{{ now - 9999w - 999999w }}", "leaves the calendar"),
        ("-999999w", "leaves the calendar"),
        ({"a": ["now", "{{ x }}"]}, "-p x, a, item 2, character 1"),
    ],
)  # fmt: skip
def test_what_is_refused_says_where_and_what(value, says):
    with pytest.raises(InvalidValue) as caught:
        resolved(value, TIMES, place="-p x")
    assert says in str(caught.value)


def test_what_nests_without_end_and_what_is_too_long_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(InvalidValue, match="nests"):
        resolved(endless, TIMES, place="-p x")
    with pytest.raises(InvalidValue, match="characters"):
        resolved("{{ now }}" * 10_000, TIMES, place="-p x")


@given(st.text() | st.sampled_from(["-7d", "now", "{{ now }}", '{{ "a" }}', "{{"]))
def test_a_literal_stands_for_itself(text):
    assert resolved(literal(text), TIMES, place="-r x") == text


@given(st.text(alphabet='{}now -+/:%Yd7"\\ scheduled_for', max_size=60))
def test_any_text_is_answered_or_refused(text):
    with contextlib.suppress(InvalidValue):
        assert isinstance(resolved(text, TIMES, place="-p x"), str)
