"""What a schedule runs next: tables, without a store or a clock."""

import dataclasses
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.model.report import ReportSchedule, ReportStatus
from faaslab.reports import due as dues

MADE = datetime(2026, 11, 27, 9, 30)
OK, FAILED = ReportStatus.COMPLETED, ReportStatus.FAILED


def at(text):
    return datetime.fromisoformat(text)


def schedule(expression="0 * * * *", timezone="UTC", **fields):
    times = {"created_at": MADE, "updated_at": MADE}
    return ReportSchedule(
        name="s", report="costs", expression=expression, timezone=timezone, **{**times, **fields}
    )


def due(kept, instant, attempt=1):
    return dataclasses.replace(dues.first(kept, MADE).due, instant=at(instant), attempt=attempt)


@pytest.mark.parametrize(
    ("expression", "timezone", "after", "expected"),
    [
        ("0 7 * * MON", "Europe/Madrid", "2026-11-27T10:00", "2026-11-30T06:00"),
        ("rate(1 hour)", "UTC", "2026-11-27T09:30", "2026-11-27T10:30"),
        ("rate(1 hour)", "UTC", "2026-11-27T12:00", "2026-11-27T12:30"),
        ("@daily", "America/New_York", "2026-11-27T09:30", "2026-11-28T05:00"),
        ("cron(0 0 1 1 ? 2026)", "UTC", "2026-11-27T09:30", None),
    ],
)
def test_the_first_time_after(expression, timezone, after, expected):
    following = dues.first(schedule(expression, timezone), at(after))
    assert following.at == following.due.instant == (expected and at(expected))


@pytest.mark.parametrize(
    ("instant", "now", "expected"),
    [
        ("2026-11-27T10:00", "2026-11-27T10:00:03", "2026-11-27T10:00"),
        ("2026-11-27T10:00", "2026-11-27T10:59:59", "2026-11-27T10:00"),
        ("2026-11-27T10:00", "2026-11-27T11:00", "2026-11-27T11:00"),
        ("2026-11-27T10:00", "2026-12-24T18:40", "2026-12-24T18:00"),
    ],
)
def test_of_what_was_missed_the_latest_is_run(instant, now, expected):
    assert dues.caught_up(due(schedule(), instant), at(now)).instant == at(expected)


def test_a_retry_gives_way_to_a_later_time():
    late = dues.caught_up(due(schedule(), "2026-11-27T10:00", attempt=2), at("2026-11-27T11:01"))
    assert (late.instant, late.attempt) == (at("2026-11-27T11:00"), 1)


@pytest.mark.parametrize(
    ("fields", "status", "attempt", "ended", "went", "expected"),
    [
        # (the instant that follows, its attempt, when, what was skipped)
        ({}, OK, 1, "10:01", True, ("11:00", 1, "11:00", None)),
        ({}, FAILED, 1, "10:01", True, ("11:00", 1, "11:00", None)),
        ({"retries": 2}, FAILED, 1, "10:01", True, ("10:00", 2, "10:01:30", None)),
        ({"retries": 2}, FAILED, 2, "10:02", True, ("10:00", 3, "10:03", None)),
        ({"retries": 2}, FAILED, 3, "10:04", True, ("11:00", 1, "11:00", None)),
        ({"retries": 2}, OK, 2, "10:02", True, ("11:00", 1, "11:00", None)),
        # It went on over the next times.
        ({}, OK, 1, "11:20", True, ("12:00", 1, "12:00", "11:00")),
        ({}, OK, 1, "13:20", True, ("14:00", 1, "14:00", "13:00")),
        ({"overlap": "queue"}, OK, 1, "11:20", True, ("11:00", 1, "11:20", None)),
        ({"overlap": "queue"}, OK, 1, "13:20", True, ("13:00", 1, "13:20", None)),
        # It failed, and was to be tried again: the later time is that.
        ({"retries": 1}, FAILED, 1, "11:20", True, ("11:00", 1, "11:20", None)),
        # Its process was gone: what was due meanwhile was missed.
        ({}, FAILED, 1, "13:20", False, ("13:00", 1, "13:20", None)),
        ({}, FAILED, 1, "10:20", False, ("11:00", 1, "11:00", None)),
        ({"retries": 1}, FAILED, 1, "10:20", False, ("10:00", 2, "10:20:30", None)),
    ],
)
def test_what_follows_a_run(fields, status, attempt, ended, went, expected):
    def clock(text):
        return text and at(f"2026-11-27T{text}")

    kept = schedule(**fields)
    found = dues.after(due(kept, "2026-11-27T10:00", attempt), kept, status, clock(ended), went=went)
    assert (found.due.instant, found.due.attempt, found.at, found.skipped) == (
        clock(expected[0]),
        expected[1],
        clock(expected[2]),
        clock(expected[3]),
    )


def test_a_schedule_that_was_changed_while_it_ran_goes_on_as_it_is_now():
    before = schedule()
    now = schedule("0 7 * * *", updated_at=at("2026-11-27T10:05"))
    found = dues.after(due(before, "2026-11-27T10:00"), now, FAILED, at("2026-11-27T10:10"), went=True)
    assert (found.due.instant, found.due.attempt) == (at("2026-11-28T07:00"), 1)
    assert not due(before, "2026-11-27T10:00").holds_for(now)


def test_pauses_double_up_to_a_quarter_of_an_hour():
    assert [dues.pause_s(n) for n in (1, 2, 3, 4, 5, 6, 7)] == [30, 60, 120, 240, 480, 900, 900]


def test_the_next_times_and_none_of_one_that_is_paused():
    kept = schedule("0 7 * * MON", "Europe/Madrid")
    assert dues.times(kept, MADE, 2) == (at("2026-11-30T06:00"), at("2026-12-07T06:00"))
    assert dues.times(dataclasses.replace(kept, paused=True), MADE, 2) == ()
    assert dues.times(schedule("cron(0 0 1 1 ? 2027)"), MADE, 3) == (at("2027-01-01T00:00"),)


EXPRESSIONS = st.sampled_from(["0 * * * *", "30 2 * * *", "0 7 * * MON", "rate(7 hours)", "@monthly"])
ZONES = st.sampled_from(["UTC", "Europe/Madrid", "America/New_York"])


@given(EXPRESSIONS, ZONES, st.integers(0, 500_000), st.integers(0, 100_000), st.booleans(), st.booleans())
def test_what_follows_is_later_and_nothing_between_is_forgotten(
    expression, zone, before, took, failed, queued
):
    kept = schedule(expression, zone, retries=1, overlap="queue" if queued else "skip")
    one = dues.first(kept, MADE + timedelta(minutes=before)).due
    ended = one.instant + timedelta(minutes=took)
    found = dues.after(one, kept, FAILED if failed else OK, ended, went=True)
    assert (found.due.instant, found.due.attempt) > (one.instant, one.attempt)
    if found.due.instant <= ended and found.due.attempt == 1:
        assert dues.first(kept, found.due.instant).at > ended, "the latest of what was missed"
    elif found.due.attempt == 1:
        last = found.skipped or one.instant
        assert dues.first(kept, last).at == found.due.instant
