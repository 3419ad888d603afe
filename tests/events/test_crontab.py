"""Crontab's five fields: tables after crontab(5), and agreement with another library over years and zones."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from faaslab.events import schedule
from faaslab.events.cron import InvalidSchedule
from faaslab.events.schedule import next_fire, understood


def at(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 7 * * MON", "2026-11-27T00:00", "2026-11-30T07:00"),
        ("  0   7 * *  mon ", "2026-11-30T06:59:59", "2026-11-30T07:00"),
        ("0 7 * * MON", "2026-11-30T07:00", "2026-12-07T07:00"),
        ("*/15 9-17 * * 1-5", "2026-11-27T17:45", "2026-11-30T09:00"),
        ("5,35 * * * *", "2026-11-27T10:05", "2026-11-27T10:35"),
        ("10-50/20 3 * * *", "2026-11-27T03:10", "2026-11-27T03:30"),
        ("0 0 * jan,jul *", "2026-02-01T00:00", "2026-07-01T00:00"),
        ("0 0 29 2 *", "2026-11-26T00:00", "2028-02-29T00:00"),
        # 0 and 7 are Sunday; a range may end with it.
        ("0-0 * * * *", "2026-11-26T00:00", "2026-11-26T01:00"),
        ("0 0 * * 0", "2026-11-26T00:00", "2026-11-29T00:00"),
        ("0 0 * * 7", "2026-11-26T00:00", "2026-11-29T00:00"),
        ("0 0 * * 5-7", "2026-11-28T00:00", "2026-11-29T00:00"),
        # Where both days are given either will do; with a star in front of one both must hold.
        ("0 0 13 * FRI", "2026-11-26T00:00", "2026-11-27T00:00"),
        ("0 0 13 * FRI", "2026-12-12T00:00", "2026-12-13T00:00"),
        ("0 0 */2 * FRI", "2026-11-20T00:00", "2026-11-27T00:00"),
        ("0 0 */2 * FRI", "2026-11-27T00:00", "2026-12-11T00:00"),
        ("0 0 L * *", "2026-02-01T00:00", "2026-02-28T00:00"),
        ("0 0 * * MON#1", "2026-11-27T00:00", "2026-12-07T00:00"),
        ("@hourly", "2026-11-27T10:00", "2026-11-27T11:00"),
        ("@daily", "2026-11-27T10:00", "2026-11-28T00:00"),
        ("@midnight", "2026-11-27T10:00", "2026-11-28T00:00"),
        ("@weekly", "2026-11-27T10:00", "2026-11-29T00:00"),
        ("@Monthly", "2026-11-27T10:00", "2026-12-01T00:00"),
        ("@yearly", "2026-11-27T10:00", "2027-01-01T00:00"),
        ("@annually", "2026-11-27T10:00", "2027-01-01T00:00"),
        ("0 0 1 1 *", "9998-06-01T00:00", "9999-01-01T00:00"),
        ("0 0 1 1 *", "9999-06-01T00:00", None),
        # AWS's forms are taken as well.
        ("cron(0 7 ? * MON *)", "2026-11-27T00:00", "2026-11-30T07:00"),
        ("rate(1 hour)", "2026-11-27T00:00", "2026-11-27T01:00"),
    ],
)
def test_when_it_fires_next(expression, after, expected):
    assert next_fire(understood(expression), at(after)) == (expected and at(expected))


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 7 * * MON", "2026-11-27T00:00", "2026-11-30T06:00"),
        # 29 March 2026, 02:00 to 03:00 does not exist in Madrid: it is not run.
        ("30 2 * * *", "2026-03-28T12:00", "2026-03-30T00:30"),
        ("0 * * * *", "2026-03-29T00:00", "2026-03-29T01:00"),
        # 25 October 2026, 02:00 to 03:00 is there twice: it is run the first time.
        ("30 2 * * *", "2026-10-24T12:00", "2026-10-25T00:30"),
        ("30 2 * * *", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("0 * * * *", "2026-10-25T00:00", "2026-10-25T02:00"),
    ],
)
def test_daylight_saving_is_as_in_every_other_form(expression, after, expected):
    assert next_fire(understood(expression), at(after), "Europe/Madrid") == at(expected)


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("0 7 * *", "cron"),
        ("0 0 7 * * MON", "cron"),
        ("61 7 * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 7 0 * *", "day-of-month"),
        ("0 7 31 2 *", None),
        ("0 7 * 13 *", "month"),
        ("0 7 * * FRIDAY", "day-of-week"),
        ("0 7 * * 8", "day-of-week"),
        ("0 7 * * FRI-MON", "day-of-week"),
        ("*/0 7 * * *", "minute"),
        ("1,,2 7 * * *", "minute"),
        ("0 7 ? * MON", "day-of-month"),
        ("@reboot", "cron"),
        ("@dialy", "cron"),
        ("٣ 7 * * *", "cron"),
        ("9" * 390 + " 7 * * *", "minute"),
        ("9" * 9000 + " 7 * * *", "cron"),
        ("tomorrow", "cron"),
        ("", "schedule expression"),
    ],
)
def test_what_is_refused_names_the_field_and_the_remedy(expression, place):
    with pytest.raises(InvalidSchedule) as error:
        understood(expression)
    assert error.value.place == (place or "day-of-month")
    assert error.value.hint


def test_aws_takes_no_crontab():
    with pytest.raises(InvalidSchedule):
        schedule.parsed("0 7 * * MON")


def test_a_word_that_is_nearly_right_is_offered():
    with pytest.raises(InvalidSchedule) as error:
        understood("@dayly")
    assert error.value.hint == "did you mean @daily?"


def field(low, high, *words):
    number = st.integers(low, high).map(str)
    # Croniter 7 takes 0-0 for every minute: a range of one is in the table above.
    two = st.lists(st.integers(low, high), min_size=2, max_size=2, unique=True)
    between = two.map(sorted).map("{0[0]}-{0[1]}".format)
    plain = st.one_of(number, between, st.sampled_from(words)) if words else number | between
    stepped = st.tuples(st.just("*") | between, st.integers(1, 20).map(str)).map("/".join)
    return st.one_of(st.just("*"), plain, stepped, st.lists(plain, min_size=2, max_size=3).map(",".join))


CRONTABS = st.tuples(
    field(0, 59), field(0, 23), field(1, 28), field(1, 12, "JAN", "jul"), field(0, 6, "MON", "fri", "7")
).map(" ".join)
INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2150, 1, 1))
ZONES = st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])


@given(CRONTABS, INSTANTS, ZONES)
def test_the_next_is_later_and_is_what_another_library_finds(expression, after, zone):
    following = next_fire(understood(expression), after, zone)
    assert following is not None
    assert following > after
    assert following == by_croniter(expression, after, zone)


def by_croniter(expression, after, zone):
    """The same by croniter, asked for local times: of those that there are not, none; of two, the first."""
    tz = ZoneInfo(zone)
    local = after.replace(tzinfo=UTC).astimezone(tz).replace(tzinfo=None, second=0, microsecond=0)
    found = croniter(expression, local - timedelta(seconds=1), implement_cron_bug=True)
    while True:
        time = found.get_next(datetime)
        instant = time.replace(tzinfo=tz).astimezone(UTC)
        there = instant.astimezone(tz).replace(tzinfo=None) == time
        if there and instant.replace(tzinfo=None) > after:
            return instant.replace(tzinfo=None)


@given(CRONTABS, INSTANTS, st.integers(0, 3_000), ZONES)
def test_the_last_is_what_the_next_ones_lead_to(expression, after, minutes, zone):
    asked, until = understood(expression), after + timedelta(minutes=minutes)
    last, found = None, next_fire(asked, after, zone)
    while found is not None and found <= until:
        last, found = found, next_fire(asked, found, zone)
    assert schedule.last_fire(asked, after, until, zone) == last


@given(st.text(max_size=30) | st.text("0123456789*?/,-LW# MON@daily", max_size=40))
def test_any_text_is_a_schedule_or_refused(text):
    try:
        following = next_fire(understood(text), datetime(2026, 1, 1))
    except InvalidSchedule:
        return
    assert following is None or following > datetime(2026, 1, 1)
