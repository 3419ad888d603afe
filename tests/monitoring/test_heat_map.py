"""Cold starts by hour of the day and weekday, in the reader's time zone."""

from datetime import datetime, timedelta

import pytest

from faaslab.errors import InvalidValue
from faaslab.monitoring.pages import cold_starts
from faaslab.store import Store
from faaslab.store.questions import cold_starts as ask
from faaslab.store.questions.window import Window
from tests.monitoring import weeks
from tests.monitoring.test_pages_and_rows import ran, text

NOON = 4 * 3600  # START is 08:00 on a Monday


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "faaslab.duckdb") as store:
        yield store


@pytest.mark.parametrize(
    ("tz", "at", "weekday", "hour"),
    [
        ("UTC", datetime(2026, 11, 16, 23, 30), 1, 23),
        ("Europe/Madrid", datetime(2026, 11, 16, 23, 30), 2, 0),
        ("Asia/Kathmandu", datetime(2026, 11, 16, 12, 10), 1, 17),  # 5 h 45 min ahead
        ("America/New_York", datetime(2026, 11, 1, 5, 30), 7, 1),  # the hour that comes twice
        ("America/New_York", datetime(2026, 11, 1, 6, 30), 7, 1),
    ],
)
def test_hours_are_of_the_time_zone(store, tz, at, weekday, hour):
    store.record(ran((at - datetime(2026, 11, 16, 8)).total_seconds(), cold_start=True))
    (row,) = ask.by_weekday_and_hour(store.sql, Window(), tz).to_dict("records")
    assert (row["weekday"], row["hour"], row["rate"]) == (weekday, hour, 1.0)


def test_the_worst_hour_is_said_and_hours_with_few_are_marked(store):
    day = 86_400
    store.record(*(ran(second, cold_start=second < 15, init_ms=80.0) for second in range(30)))
    store.record(*(ran(NOON + second, cold_start=second < 20, init_ms=80.0) for second in range(200)))
    store.record(*(ran(2 * day + second, cold_start=True, init_ms=80.0) for second in range(3)))
    page = cold_starts.page(store, tz="Europe/Madrid")
    said = str(page.section("week"))
    assert "On Mondays between 09:00 and 10:00 (Europe/Madrid) 50 % of 30 invocations started cold" in said
    assert "on Mondays between 13:00 and 14:00 10 % of 200" in said
    assert "The most cold starts came on Mondays between 13:00 and 14:00: 20 in 200 invocations." in said
    assert "Hours with fewer than 20 invocations are outlined only" in said
    (table,) = page.section("week").tables
    assert list(table["weekday"]) == ["Monday", "Monday", "Wednesday"]


def test_of_few_invocations_no_hour_is_called_the_worst(store):
    store.record(*(ran(hour * 3600, cold_start=hour % 2 == 0, init_ms=80.0) for hour in range(48)))
    assert "the rates are rough, all of them" in text(cold_starts.page(store))


def test_a_zone_that_is_none_is_refused(store):
    with pytest.raises(InvalidValue, match="Atlantis"):
        cold_starts.page(store, tz="Europe/Atlantis")


def test_the_weeks_that_pages_are_tried_on_are_always_the_same():
    now, week = datetime(2026, 11, 27), datetime(2026, 11, 16)
    one, other = (list(weeks.executions(week, now, week=week)) for _ in range(2))
    assert one == other
    assert {each.function for each in one} == set(weeks.FUNCTIONS) - {"legacy-export"}
    assert weeks.monday(now) == week + timedelta(weeks=1)
