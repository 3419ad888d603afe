"""The page on a week tells what changed, and with which definition; of little data it claims nothing."""

from datetime import date, datetime, timedelta

import pytest

from faaslab.clock import SteppedClock
from faaslab.errors import InvalidValue
from faaslab.model.execution import Source
from faaslab.monitoring.pages import costs, weekly
from faaslab.monitoring.pages.week_compared import weeks_of
from faaslab.store import Store
from tests.monitoring import weeks
from tests.monitoring.test_pages_and_rows import ran, text

NOW = datetime(2026, 11, 27, 7)  # a Friday


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    path = weeks.fill(tmp_path_factory.mktemp("weeks") / "faaslab.duckdb", NOW, weeks=3)
    with Store(path, clock=SteppedClock(NOW)) as store:
        yield store


@pytest.fixture(scope="module")
def last_week(told):
    return weekly.page(told)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "faaslab.duckdb", clock=SteppedClock(NOW)) as store:
        yield store


@pytest.mark.parametrize(
    ("given", "begin", "end", "whole"),
    [
        ({}, datetime(2026, 11, 16), datetime(2026, 11, 23), True),
        ({"week_of": "2026-11-11"}, datetime(2026, 11, 9), datetime(2026, 11, 16), True),
        ({"week_of": date(2026, 11, 15)}, datetime(2026, 11, 9), datetime(2026, 11, 16), True),
        ({"week_of": "2026-11-27"}, datetime(2026, 11, 23), NOW, False),
        ({"until": "2026-11-16"}, datetime(2026, 11, 9), datetime(2026, 11, 16), True),
        ({"until": "2026-11-15T23:59:59"}, datetime(2026, 11, 2), datetime(2026, 11, 9), True),
        ({"until": "7d"}, datetime(2026, 11, 9), datetime(2026, 11, 16), True),
        # Madrid's Monday begins an hour before UTC's; a week with a change of the clock has an hour more.
        ({"tz": "Europe/Madrid"}, datetime(2026, 11, 15, 23), datetime(2026, 11, 22, 23), True),
        (
            {"tz": "Europe/Madrid", "week_of": "2026-10-25"},
            datetime(2026, 10, 18, 22),
            datetime(2026, 10, 25, 23),
            True,
        ),
        (
            {"tz": "Pacific/Auckland", "until": "2026-11-22T11:00Z"},
            datetime(2026, 11, 15, 11),
            datetime(2026, 11, 22, 11),
            True,
        ),
    ],
)
def test_weeks_begin_on_monday_in_their_zone(given, begin, end, whole):
    found = weeks_of(now=NOW, **given)
    assert (found.begin, found.end, found.whole) == (begin, end, whole)
    assert found.before_end - found.before == pytest.approx(found.end - found.begin, abs=timedelta(hours=1))


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2026-11-18", "16 to 22 November 2026"),
        ("2026-10-27", "26 October to 1 November 2026"),
        ("2025-12-30", "29 December 2025 to 4 January 2026"),
    ],
)
def test_a_week_has_a_name(day, name):
    assert weeks_of(week_of=day, now=NOW).name == name


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"week_of": "2026-11-18", "until": "7d"}, "week_of"),
        ({"week_of": "2026-12-10"}, "week_of"),
        ({"week_of": "soon"}, "week_of"),
        ({"until": "soon"}, "until"),
        ({"tz": "Mars/Olympus"}, "time zone"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(given, place):
    with pytest.raises(InvalidValue) as refused:
        weeks_of(now=NOW, **given)
    assert refused.value.place == place


def test_the_headline_says_what_changed_and_with_which_definition(last_week):
    said = str(last_week)
    assert "The p95 of score doubled from" in said
    assert "it began with definition 7 on Tuesday" in said
    assert "Cold starts of mailer rose from" in said
    assert "New: SchemaMismatch in ingest" in said
    assert "since Thursday" in said
    assert "New: thumbnails (since Wednesday" in said
    assert "Not called any more: legacy-export" in said
    assert "Week of 16 to 22 November 2026" in said
    assert "rarely" not in said
    assert "resize" not in said


def test_each_change_stands_in_a_table_with_its_numbers(told, last_week):
    page = last_week
    (table,) = page.section("movers").tables
    by = {row["function"]: row for row in table.to_dict("records")}
    assert by["score"]["p95_verdict"] == "more"
    assert by["score"]["p95"] / by["score"]["p95_before"] == pytest.approx(2.0, abs=0.25)
    assert by["resize"]["p95_verdict"] == by["ingest"]["p95_verdict"] == "no change"
    assert "score: p95 changed with definition 7" in str(page.section("causes"))
    assert "score" in str(page.section("causes"))
    week = told.sql(
        "SELECT count(*) AS n FROM executions WHERE started_at >= $a AND started_at < $b",
        {"a": datetime(2026, 11, 16), "b": datetime(2026, 11, 23)},
    )["n"][0]
    figures = {row["figure"]: row for row in page.section("figures").tables[-1].to_dict("records")}
    assert figures["invocations"]["now"] == week
    assert figures["workflows that failed"]["verdict"] == "more"


def test_all_other_pages_stand_in_it_in_short(last_week):
    page = last_week
    for name in ("cold_starts", "durations", "costs", "workflows"):
        assert page.section(name).tables
    assert page.section("cold_starts").figures
    assert "started cold" in str(page.section("cold_starts"))
    assert page.section("change") is not None


def test_weeks_that_are_alike_are_said_to_be(told):
    said = str(weekly.page(told, week_of="2026-11-12", functions="resize, ingest"))
    assert "about as many as the week before" in said
    assert "Nothing else moved by more than chance explains." in said


def test_a_week_that_runs_is_compared_with_the_same_part_of_the_one_before(told):
    page = weekly.page(told, week_of="2026-11-27")
    assert "which runs still: so far as it is, to 27 Nov 2026, 07:00" in str(page)
    figures = {row["figure"]: row for row in page.section("figures").tables[-1].to_dict("records")}
    before = told.sql(
        "SELECT count(*) AS n FROM executions WHERE started_at >= $a AND started_at < $b",
        {"a": datetime(2026, 11, 16), "b": datetime(2026, 11, 20, 7)},
    )["n"][0]
    assert figures["invocations"]["before"] == before


def test_where_no_week_is_whole_yet_the_one_that_runs_is_shown(store):
    store.record(ran((NOW - datetime(2026, 11, 16, 8)).total_seconds() - 3600, cold_start=True, init_ms=90.0))
    page = weekly.page(store)
    assert "1 invocation so far" in page.headline[0]
    assert "there is no week before it to compare with" in page.headline[0]
    assert "Week of 23 to 29 November 2026" in str(page)


def test_a_week_before_that_the_store_knows_in_part_is_not_compared(store):
    store.record(*(ran(-3 * 86_400 + second, ms=50.0) for second in range(200)))  # Friday 13
    store.record(*(ran(second, ms=50.0) for second in range(900)))
    page = weekly.page(store)
    assert "the store begins on Friday, 13 November, so the week before is not whole" in page.headline[0]
    figures = {row["figure"]: row for row in page.section("figures").tables[-1].to_dict("records")}
    assert figures["invocations"]["verdict"] == figures["cost of functions"]["verdict"] == "not comparable"
    assert figures["duration, 95 %"]["verdict"] == "no change"


def test_of_few_executions_nothing_is_called_a_change(store):
    store.record(*(ran(-7 * 86_400 - 3600 + second, ms=50.0) for second in range(8)))
    store.record(*(ran(second, ms=500.0, failed="Broken" if second < 5 else None) for second in range(9)))
    page = weekly.page(store)
    assert "too few to tell a change from chance" in page.headline[0]
    assert not page.section("movers").tables[0].filter(like="_verdict").isin(["more", "less"]).any().any()


def test_without_executions_workflows_are_told_of(store):
    since = datetime(2026, 11, 9)
    store.record(*weeks.workflow_executions(since, NOW, week=datetime(2026, 11, 16)))
    page = weekly.page(store)
    assert "executions of workflows" in page.headline[0]
    assert page.section("workflows").tables
    assert "no function was invoked" in text(page)


def test_imported_logs_are_enough(store, tmp_path):
    path = weeks.fill(tmp_path / "imported.duckdb", NOW, weeks=2, workflows=False, source=Source.IMPORTED)
    with Store(path, clock=SteppedClock(NOW)) as imported:
        assert "imported executions" in str(weekly.page(imported, sources=["imported"]))
        assert "No execution is in the window" in str(weekly.page(imported, week_of="2026-10-01"))
        page = str(costs.page(imported, functions=["no-such-name"]))
        assert "No function is named no-such-name" in page
        assert "window" not in page


def test_hours_and_days_are_of_the_zone(told):
    said = text(weekly.page(told, tz="Europe/Madrid"))
    assert "(Monday to Sunday, Europe/Madrid)" in said
    assert "at (Europe/Madrid)" in said
