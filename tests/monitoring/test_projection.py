"""What a month comes to at its end, and how sure that is."""

import random
from datetime import date, datetime, timedelta

import pytest

from faaslab.monitoring.projection import project


def days(first, values):
    return {first + timedelta(days=place): value for place, value in enumerate(values)}


def test_equal_days_go_on_as_they_were():
    found = project(
        days(date(2026, 11, 1), [2.0] * 10), since=datetime(2026, 11, 1), until=datetime(2026, 11, 11)
    )
    assert (found.spent, found.rest, found.total) == (20.0, 40.0, 60.0)
    assert (found.low, found.high) == (60.0, 60.0)
    assert (found.used, found.by_weekday) == (10, False)
    assert list(found.days) == [date(2026, 11, day) for day in range(11, 31)]


def test_of_today_what_is_left_is_expected():
    known = days(date(2026, 11, 1), [2.0] * 10 + [0.5])
    found = project(known, since=datetime(2026, 11, 1), until=datetime(2026, 11, 11, 18))
    assert found.days[date(2026, 11, 11)] == pytest.approx(0.5)
    assert found.total == pytest.approx(20.5 + 0.5 + 38)


def test_days_of_the_week_have_their_own_means():
    values = [
        1.0 if (date(2026, 11, 2) + timedelta(days=place)).isoweekday() > 5 else 10.0 for place in range(14)
    ]
    found = project(
        days(date(2026, 11, 2), values), since=datetime(2026, 11, 2), until=datetime(2026, 11, 16)
    )
    assert found.by_weekday
    assert found.days[date(2026, 11, 21)] == 1.0  # a Saturday
    assert found.days[date(2026, 11, 23)] == 10.0
    assert found.low == found.high == found.total


def test_the_first_day_counts_only_if_it_is_known_whole():
    known = days(date(2026, 11, 1), [1.0, 4.0, 4.0, 4.0])
    found = project(known, since=datetime(2026, 11, 1, 20), until=datetime(2026, 11, 5))
    assert found.used == 3
    assert found.days[date(2026, 11, 10)] == 4.0


def test_days_without_any_cost_nothing():
    found = project({date(2026, 11, 1): 6.0}, since=datetime(2026, 11, 1), until=datetime(2026, 11, 4))
    assert found.days[date(2026, 11, 10)] == 2.0


def test_a_month_ends_with_its_last_day_also_in_december():
    found = project(
        days(date(2026, 12, 28), [1.0] * 3), since=datetime(2026, 12, 28), until=datetime(2026, 12, 31)
    )
    assert list(found.days) == [date(2026, 12, 31)]


def test_days_of_the_month_before_tell_of_it_and_are_not_spent_in_it():
    known = days(date(2026, 10, 1), [3.0] * 31)
    found = project(known, since=datetime(2026, 10, 1), until=datetime(2026, 11, 1, 12))
    assert (found.spent, found.used) == (0.0, 28)
    assert found.total == pytest.approx(3.0 * 29.5)


@pytest.mark.parametrize("hours", [1, 30, 71])
def test_of_fewer_than_three_whole_days_nothing_is_said(hours):
    assert project({date(2026, 11, 2): 5.0}, since=datetime(2026, 11, 2), until=datetime(2026, 11, 2) + timedelta(hours=hours)) is None  # fmt: skip


@pytest.mark.parametrize("known", [9, 20])
def test_the_range_holds_eight_times_in_ten(known):
    held = 0
    for seed in range(400):
        chance = random.Random(seed)
        month = [max(chance.gauss(10, 3), 0) for _ in range(30)]
        first = date(2026, 11, 1)
        found = project(
            days(first, month[:known]), since=datetime(2026, 11, 1), until=datetime(2026, 11, 1 + known)
        )
        held += found.low <= sum(month) <= found.high
    assert 0.72 <= held / 400 <= 0.88
