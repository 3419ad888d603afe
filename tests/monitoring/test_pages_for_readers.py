"""What a page leaves out it says, and its figures can be read: names, times, legends, functions there are not."""

import re
from datetime import datetime, timedelta

import pandas as pd
import pytest

from faaslab.clock import SteppedClock
from faaslab.monitoring.pages import cold_starts, costs, durations, figures, weekly, workflows
from faaslab.monitoring.pages.page import Section, Table
from faaslab.store import Store
from faaslab.workflow.build import Fail
from tests.monitoring import weeks
from tests.monitoring.played import played
from tests.monitoring.test_pages_and_rows import ran, text

NOW = datetime(2026, 11, 27, 7)
WEEK = (datetime(2026, 11, 23, 9) - datetime(2026, 11, 16, 8)).total_seconds()


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "faaslab.duckdb", clock=SteppedClock(NOW)) as store:
        yield store


def seven(store):
    for number in range(7):
        store.record(
            *(ran(WEEK + 60 * at, ms=1000.0 - 100 * number, function=f"f{number}") for at in range(20))
        )


def test_the_functions_without_a_curve_are_named_in_the_week_too(store):
    seven(store)
    said = "The figure has the 6 that run longest in all; f6 has no curve in it, and the table has it."
    assert said in text(durations.page(store))
    assert said in text(weekly.page(store))


def test_the_name_of_a_curve_has_its_own_ground_and_no_line_through_it(store):
    figure = figures.quantile_curves(
        [("short", [0.0, 0.9], [10, 20]), ("long", [0.0, 0.9, 0.999], [10, 20, 30])], {}, unit="ms"
    )
    for name in figure.axes[0].texts:
        assert name.get_bbox_patch().get_facecolor()[3] == 1.0
        assert name.get_zorder() > max(line.get_zorder() for line in figure.axes[0].lines)


@pytest.mark.parametrize(
    ("length_s", "label", "day"),
    [(2, "08:39:41", "27 Nov 2026"), (15, "08:39:45", "27 Nov 2026"), (7200, "09:00", "27 Nov 2026")],
)
def test_marks_of_time_can_be_read_by_themselves(length_s, label, day):
    begin = datetime(2026, 11, 27, 8, 39, 40)
    figure, (axes,) = figures.canvas(height=2)
    axes.plot([begin, begin + timedelta(seconds=length_s)], [0, 1])
    figures.time_axis(axes)
    figure.draw_without_rendering()
    labels = [each.get_text() for each in axes.get_xticklabels()]
    assert label in labels
    assert len(set(labels)) == len(labels)
    assert axes.xaxis.get_offset_text().get_text() == day


def test_the_headline_of_a_week_counts_workflows_in_and_nothing_is_called_the_same(store):
    store.record(*(ran(WEEK + at, ms=50.0) for at in range(40)))
    store.record(*weeks.workflow_executions(datetime(2026, 11, 23), NOW, week=datetime(2026, 11, 23)))
    page = weekly.page(store)
    rows = {row["figure"]: row for row in page.section("figures").tables[-1].to_dict("records")}
    functions, flows = rows["cost of functions"], rows["cost of workflows"]
    assert (functions["told_before"], flows["told_before"]) == ("$0", "$0")
    assert f"{functions['told']} for functions and {flows['told']} for workflows" in page.headline[0]


@pytest.mark.parametrize("page", [costs, durations, weekly])
def test_a_function_there_is_not_is_called_that(store, page):
    store.record(ran(WEEK, function="score"))
    none = page.page(store, functions=["scoer"])
    assert "No function is named `scoer` (did you mean `score`?)." in none.headline
    assert "window" not in " ".join(none.headline)
    assert "No function is named `scoer`" in " ".join(page.page(store, functions=["score", "scoer"]).basis)
    assert "there is `score`" in page.page(store, functions="zzz").headline[0]


def test_a_legend_has_no_status_that_does_not_occur(store):
    store.record(*weeks.workflow_executions(NOW - timedelta(days=3), NOW, week=NOW))
    (figure,) = workflows.page(store).section("over_time").figures
    told = {each.get_text() for each in figure.legends[0].get_texts()}
    assert "succeeded" in told
    assert "running or stopped" not in told


def test_a_page_says_nothing_of_data_frames(store):
    seven(store)
    store.record(*(ran(WEEK, function=f"g{number}") for number in range(20)))
    shown = "".join(each._repr_mimebundle_()["text/html"] for each in costs.page(store).sections.values())
    assert "more rows not shown" in shown
    assert "DataFrame" not in shown


@pytest.mark.parametrize("page", [cold_starts, costs, durations])
def test_what_one_sees_stands_above_a_figure_and_its_words_have_no_marks_of_print(tmp_path, page):
    with Store(weeks.fill(tmp_path / "s.duckdb", NOW, weeks=2), clock=SteppedClock(NOW)) as store:
        shown = "".join(each._repr_mimebundle_()["text/html"] for each in page.page(store).sections.values())
    assert (
        len(re.findall(r'<p class="above"[^>]*>[A-Z][^<]{12,}</p><div class="sideways"[^>]*><img', shown))
        >= 2
    )
    alts = re.findall(r'<img [^>]*alt="([^"]*)"', shown)
    assert alts
    assert not any(mark in alt for alt in alts for mark in ("**", "`"))


def test_what_failed_executions_said_stands_on_the_left(store):
    store.record(played("fails", Fail("f", "Broken").definition(), {}, NOW - timedelta(hours=1), {}))
    shown = workflows.page(store).section("failures")._repr_mimebundle_()["text/html"]
    assert '<th style="text-align:left">the latest said' in shown


@pytest.mark.parametrize(
    ("rows", "shown", "note"), [(12, 12, ""), (13, 13, ""), (15, 12, "3 more rows not shown.")]
)
def test_a_table_shows_a_few_more_rather_than_to_say_that_they_are_missing(rows, shown, note):
    table = Table(df=pd.DataFrame({"n": range(rows)}), columns={"n": ("n", str)})
    assert len(table.cells()) == shown
    html = Section(title="t", parts=(table,))._repr_mimebundle_()["text/html"]
    assert ("not shown" in html) == bool(note)
    assert note in html
