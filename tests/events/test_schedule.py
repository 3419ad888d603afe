"""When schedules fire: tables after AWS's documentation, and laws."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.events import schedule
from faaslab.events.cron import InvalidSchedule
from faaslab.events.schedule import next_fire


def at(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        # The examples of AWS's page on schedules of rules.
        ("cron(0 10 * * ? *)", "2026-11-26T10:00", "2026-11-27T10:00"),
        ("cron(15 12 * * ? *)", "2026-11-26T12:14:59", "2026-11-26T12:15"),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-27T18:00", "2026-11-30T18:00"),
        ("cron(0 8 1 * ? *)", "2026-11-26T00:00", "2026-12-01T08:00"),
        ("cron(0/15 * * * ? *)", "2026-11-26T23:46", "2026-11-27T00:00"),
        ("cron(0/10 * ? * MON-FRI *)", "2026-11-27T23:50", "2026-11-30T00:00"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-26T17:55", "2026-11-27T08:00"),
        ("cron(0/30 20-2 ? * MON-FRI *)", "2026-11-26T02:30", "2026-11-26T20:00"),
        # Accepted by AWS (localstack/localstack, issue 13572).
        ("cron(0-15/1 8-8 ? * 2,3,4,5,6,7 *)", "2026-11-26T08:15", "2026-11-27T08:00"),
        ("cron(30-30 13-13 ? * 2,4,6 *)", "2026-11-26T00:00", "2026-11-27T13:30"),
        ("cron(1-31/30 1-1 ? * 1,7 *)", "2026-11-28T01:01", "2026-11-28T01:31"),
        # L, W and #.
        ("cron(0 0 L * ? *)", "2028-02-01T00:00", "2028-02-29T00:00"),
        ("cron(0 0 LW * ? *)", "2026-10-01T00:00", "2026-10-30T00:00"),
        ("cron(0 0 15W * ? *)", "2026-11-01T00:00", "2026-11-16T00:00"),
        ("cron(0 0 1W * ? *)", "2026-07-31T12:00", "2026-08-03T00:00"),
        ("cron(0 0 31W * ? *)", "2026-05-01T00:00", "2026-05-29T00:00"),
        ("cron(0 0 31W * ? *)", "2026-05-30T00:00", "2026-07-31T00:00"),
        ("cron(0 0 ? * 6L *)", "2026-11-01T00:00", "2026-11-27T00:00"),
        ("cron(0 0 ? * 3#2 *)", "2026-11-01T00:00", "2026-11-10T00:00"),
        ("cron(0 0 ? * TUE#2,FRIL *)", "2026-11-11T00:00", "2026-11-27T00:00"),
        ("cron(0 0 ? * 2#5 *)", "2026-12-01T00:00", "2027-03-29T00:00"),
        ("cron(0 0 ? * L *)", "2026-11-26T00:00", "2026-11-28T00:00"),
        ("cron(0 0 ? * 1 *)", "2026-11-26T00:00", "2026-11-29T00:00"),
        ("cron(0 0 ? * fri-mon *)", "2026-11-24T00:00", "2026-11-27T00:00"),
        ("cron(0 0 1 nov-feb ? *)", "2026-12-02T00:00", "2027-01-01T00:00"),
        ("cron(0 0 29 2 ? *)", "2026-11-26T00:00", "2028-02-29T00:00"),
        ("cron(0 0 30 2 ? *)", "2026-11-26T00:00", None),
        ("cron(0 0 1 1 ? 2025)", "2026-11-26T00:00", None),
        ("cron(59 23 31 12 ? 2199)", "2026-11-26T00:00", "2199-12-31T23:59"),
        ("rate(1 minute)", "2026-11-26T00:00:30", "2026-11-26T00:01:30"),
        ("rate(2 days)", "2026-11-26T00:00", "2026-11-28T00:00"),
        ("at(2026-11-26T13:00:00)", "2026-11-26T12:59:59", "2026-11-26T13:00"),
        ("at(2026-11-26T13:00:00)", "2026-11-26T13:00", None),
    ],
)
def test_when_it_fires_next(expression, after, expected):
    assert next_fire(expression, at(after)) == (expected and at(expected))


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("cron(0 6 * * ? *)", "2026-11-26T00:00", "2026-11-26T05:00"),
        ("cron(0 6 * * ? *)", "2026-07-01T00:00", "2026-07-01T04:00"),
        # 29 March 2026, 02:00 to 03:00 does not exist in Madrid.
        ("cron(30 2 * * ? *)", "2026-03-28T12:00", "2026-03-30T00:30"),
        ("cron(0 * * * ? *)", "2026-03-29T00:00", "2026-03-29T01:00"),
        # 25 October 2026, 02:00 to 03:00 is there twice, at 00:00 and at 01:00 UTC.
        ("cron(30 2 * * ? *)", "2026-10-24T12:00", "2026-10-25T00:30"),
        ("cron(30 2 * * ? *)", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("cron(0/30 * * * ? *)", "2026-10-25T00:30", "2026-10-25T02:00"),
        ("rate(1 day)", "2026-03-28T12:00", "2026-03-29T12:00"),
        ("at(2026-11-26T13:00:00)", "2026-11-26T00:00", "2026-11-26T12:00"),
    ],
)
def test_a_time_zone_with_daylight_saving(expression, after, expected):
    assert next_fire(expression, at(after), "Europe/Madrid") == at(expected)


@pytest.mark.parametrize(
    ("expression", "after", "start", "expected"),
    [
        ("rate(5 minutes)", "2026-01-01T00:00", "2026-01-01T10:00", "2026-01-01T10:00"),
        ("rate(5 minutes)", "2026-01-01T10:00", "2026-01-01T10:00", "2026-01-01T10:05"),
        ("rate(5 minutes)", "2026-01-01T11:03", "2026-01-01T10:01", "2026-01-01T11:06"),
        ("cron(0 10 * * ? *)", "2026-01-01T00:00", "2026-01-05T10:00", "2026-01-05T10:00"),
    ],
)
def test_nothing_fires_before_its_start(expression, after, start, expected):
    assert next_fire(expression, at(after), start=at(start)) == at(expected)


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("", "schedule expression"),
        ("rate", "schedule expression"),
        (" rate(5 minutes)", "schedule expression"),
        ("every(5 minutes)", "schedule expression"),
        ("rate(1 minutes)", "rate"),
        ("rate(5 minute)", "rate"),
        ("rate(0 minutes)", "rate"),
        ("rate(-5 minutes)", "rate"),
        ("rate(5 seconds)", "rate"),
        ("rate(5  minutes)", "rate"),
        ("rate(999999999 days)", None),
        ("rate(9999999999 days)", "rate"),
        ("at(2026-02-30T00:00:00)", "at"),
        ("at(2026-02-03)", "at"),
        ("at(2026-02-03T00:00:00Z)", "at"),
        ("cron(0 1 * * *)", "cron"),
        ("cron(0 1 * * * *)", "day-of-month and day-of-week"),
        ("cron(0 1 ? * ? *)", "day-of-week"),
        ("cron(71 8 1 * ? *)", "minutes"),
        ("cron(0 dummy ? * MON-FRI *)", "hours"),
        ("cron(0 8 32 * ? *)", "day-of-month"),
        ("cron(0 8 1 13 ? *)", "month"),
        ("cron(0 8 1 JANUARY ? *)", "month"),
        ("cron(7 20 ? * NOT *)", "day-of-week"),
        ("cron(7 20 ? * 0 *)", "day-of-week"),
        ("cron(7 20 ? * 2#6 *)", "day-of-week"),
        ("cron(0 8 1 * ? 1969)", "year"),
        ("cron(0 8 1 * ? 2030-2026)", "year"),
        ("cron(0/0 8 1 * ? *)", "minutes"),
        ("cron(*-5 8 1 * ? *)", "minutes"),
        ("cron(1,,2 8 1 * ? *)", "minutes"),
        ("cron(? 8 1 * ? *)", "minutes"),
        ("cron(" + "9" * 5000 + " 8 1 * ? *)", "minutes"),
        ("cron(0/" + "9" * 5000 + " 8 1 * ? *)", None),
    ],
)
def test_what_is_refused_names_the_field_and_the_remedy(expression, place):
    if place is None:
        schedule.parsed(expression)
        return
    with pytest.raises(InvalidSchedule) as error:
        schedule.parsed(expression)
    assert error.value.place == place
    assert error.value.hint


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd", "", "/etc/passwd", "America", "a\0b"])
def test_an_unknown_time_zone_is_refused(name):
    with pytest.raises(InvalidSchedule, match="no time zone is named"):
        next_fire("rate(1 minute)", datetime(2026, 1, 1), name)


def items(low, high, *special):
    number = st.integers(low, high).map(str)
    return st.one_of(
        st.just("*"),
        number,
        st.tuples(number, number).map("-".join),
        st.tuples(st.just("*") | number, st.integers(1, 20).map(str)).map("/".join),
        st.sampled_from(special) if special else st.just("*"),
    )


def one_or_two(item):
    return st.lists(item, min_size=1, max_size=2).map(",".join)


DAYS = st.one_of(
    one_or_two(items(1, 31, "L", "LW", "15W", "31W")).map(lambda days: (days, "?")),
    one_or_two(items(1, 7, "MON-FRI", "6L", "3#2", "SUN#5", "L")).map(lambda days: ("?", days)),
)
CRONS = st.tuples(one_or_two(items(0, 59)), one_or_two(items(0, 23)), DAYS, one_or_two(items(1, 12))).map(
    lambda parts: f"cron({parts[0]} {parts[1]} {parts[2][0]} {parts[3]} {parts[2][1]} *)"
)
RATES = st.integers(2, 10_000).map(lambda count: f"rate({count} minutes)")
INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2150, 1, 1))
ZONES = st.sampled_from(["UTC", "Europe/Madrid", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"])


@given(CRONS | RATES, INSTANTS, ZONES)
def test_the_next_is_later_and_none_is_left_out(expression, after, zone):
    following = next_fire(expression, after, zone)
    if following is None:
        return
    assert following > after
    if expression.startswith("cron"):
        between = after + (following - after) / 2
        assert next_fire(expression, between, zone) == following or between == following
        assert next_fire(expression, following - timedelta(microseconds=1), zone) == following


@given(st.text(max_size=30) | st.text("cronate()0123456789*?/,-LW# MON", max_size=40).map("cron({})".format))
def test_any_text_is_a_schedule_or_refused(text):
    try:
        following = next_fire(text, datetime(2026, 1, 1))
    except InvalidSchedule:
        return
    assert following is None or following > datetime(2026, 1, 1)


@pytest.mark.parametrize(
    ("expression", "after", "until", "expected"),
    [
        ("cron(0 * * * ? *)", "2026-01-01T00:00", "2026-01-01T05:30", "2026-01-01T05:00"),
        ("cron(0 * * * ? *)", "2026-01-01T05:00", "2026-01-01T05:30", None),
        ("cron(0 0 1 1 ? *)", "2020-06-01T00:00", "2026-11-01T00:00", "2026-01-01T00:00"),
        ("cron(0/1 * * * ? *)", "1990-01-01T00:00", "2026-11-01T00:00:59", "2026-11-01T00:00"),
        ("rate(5 minutes)", "2026-01-01T00:00", "2026-01-01T00:13", "2026-01-01T00:10"),
        ("rate(5 minutes)", "2026-01-01T00:00", "2026-01-01T00:04", None),
        ("at(2026-11-26T13:00:00)", "2026-11-01T00:00", "2027-01-01T00:00", "2026-11-26T13:00"),
    ],
)
def test_which_was_the_last_to_fire(expression, after, until, expected):
    assert schedule.last_fire(expression, at(after), at(until)) == (expected and at(expected))


@given(CRONS | RATES, INSTANTS, st.integers(0, 4_000), ZONES)
def test_the_last_is_what_the_next_ones_lead_to(expression, after, minutes, zone):
    until, start = after + timedelta(minutes=minutes), after - timedelta(minutes=7)
    last, found = None, next_fire(expression, after, zone, start=start)
    while found is not None and found <= until:
        last, found = found, next_fire(expression, found, zone, start=start)
    assert schedule.last_fire(expression, after, until, zone, start=start) == last
