"""A store of seconds is told as such: the pages make no month of it, by one rule, and its times have seconds."""

import re
from datetime import datetime, timedelta

import pytest

from faaslab.clock import SteppedClock
from faaslab.monitoring.pages import cold_starts, costs, durations, weekly
from faaslab.store import Store
from tests.monitoring.test_pages_and_rows import ran, text

NOW = datetime(2026, 11, 27, 8, 42)
BEGUN = (NOW - datetime(2026, 11, 16, 8)).total_seconds() - 140  # seconds after `ran`'s beginning


@pytest.fixture
def store(tmp_path):
    """Fifteen seconds of invocations, two minutes ago."""
    with Store(tmp_path / "faaslab.duckdb", clock=SteppedClock(NOW)) as store:
        store.record(
            *(ran(BEGUN + second, ms=400.0, cold_start=second < 2, init_ms=200.0) for second in range(15))
        )
        yield store


def test_the_week_and_the_costs_make_no_month_of_seconds(store):
    week, money = text(weekly.page(store)), text(costs.page(store))
    for said in (week, money):
        assert "a month is made of a day at least" in said
        assert "A million like them" in said
        assert "A month like this" not in said
    assert (
        re.findall(r"A million like them: \S+", week)[0] == re.findall(r"A million like them: \S+", money)[0]
    )
    assert "There is a history of 14" in money
    assert costs.page(store).section("month") is None
    assert " a month (" not in week
    assert "per million invocations" in week


def test_a_window_that_begins_before_the_store_is_as_long_as_what_is_known(store):
    asked = text(costs.page(store, since="2026-11-01", until="2026-11-27T08:42Z"))
    assert "There is a history of 2.3" in asked
    assert "A month like this" not in asked


def test_a_function_that_is_new_is_measured_by_the_history_of_all(store):
    store.record(ran(BEGUN - 3 * 86_400, ms=400.0, function="older"))
    assert "A month like this" in text(costs.page(store, since="2026-11-24T08:40Z", functions="score"))
    assert "A month like this" in text(weekly.page(store, functions="score"))


@pytest.mark.parametrize("page", [costs, cold_starts, durations])
def test_rows_of_seconds_are_told_apart(store, page):
    (table,) = (
        part
        for section in page.page(store).sections.values()
        for part in section.parts
        if getattr(part, "behind", "") == "The same as a table, per second"
    )
    times = [row[0] for row in table.cells()]
    assert times[0] == "27 Nov 2026, 08:39:40"
    assert len(set(times)) == len(times) == 15


def test_a_window_of_minutes_is_told_with_its_seconds(store):
    assert "27 Nov 2026, 08:39:40 to 27 Nov 2026, 08:39:54 UTC" in costs.page(store).basis[0]


def test_hours_are_told_without_seconds(store):
    store.record(ran(BEGUN - timedelta(hours=9).total_seconds(), ms=400.0))
    assert "27 Nov 2026, 08:30 " in text(cold_starts.page(store))
