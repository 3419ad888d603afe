"""What was spent when, with workflows and a projection; the course of the slowest executions."""

from datetime import datetime, timedelta

import pytest

from faaslab.clock import SteppedClock
from faaslab.monitoring.pages import costs, gantt, words, workflows
from faaslab.monitoring.pages.cost_over_time import WORKFLOWS
from faaslab.store import Store
from faaslab.store.questions import workflows as ask
from faaslab.store.questions.workflows import WorkflowWindow
from faaslab.workflow.build import Map
from tests.monitoring import weeks
from tests.monitoring.played import played
from tests.monitoring.test_pages_and_rows import ran

NOW = datetime(2026, 11, 27, 7)
DAY = 86_400


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "faaslab.duckdb", clock=SteppedClock(NOW)) as store:
        yield store


def test_workflows_are_among_what_was_spent(store):
    store.record(*(ran(DAY * day, ms=60_000.0) for day in range(4) for _ in range(50)))
    since = datetime(2026, 11, 16)
    store.record(*weeks.workflow_executions(since, since + timedelta(days=4), week=since))
    page = costs.page(store)
    (frame,) = page.section("over_time").tables
    (money,) = workflows.page(store).section("cost").tables
    assert frame[WORKFLOWS].sum() == pytest.approx(money["total_usd"].sum())
    assert frame["total"].sum() == pytest.approx(frame["score"].sum() + frame[WORKFLOWS].sum())
    assert "Workflows come on top" in str(page)
    alone = costs.page(store, functions="score").section("over_time").tables[0]
    assert WORKFLOWS not in alone


def test_functions_and_workflows_have_a_panel_a_sentence_and_a_total_each(store):
    store.record(*(ran(DAY * day, ms=60_000.0) for day in range(4) for _ in range(50)))
    since = datetime(2026, 11, 16)
    store.record(*weeks.workflow_executions(since, since + timedelta(days=4), week=since))
    page = costs.page(store)
    section = page.section("over_time")
    (figure,) = section.figures
    assert len(figure.axes) == 2
    labels = [[each.get_label() for each in axes.containers] for axes in figure.axes]
    assert "score" in labels[0]
    assert WORKFLOWS not in labels[0]
    assert WORKFLOWS in labels[1]
    (legend,) = figure.legends
    told = [text.get_text() for text in legend.get_texts()]
    assert len(told) == len(set(told))
    assert {"score", WORKFLOWS} <= set(told)
    (frame,) = section.tables
    (by_function,) = (costs.page(store).section("functions").tables[0],)
    assert frame["all functions"].sum() == pytest.approx(by_function["total_usd"].sum())
    whole = words.usd(by_function["total_usd"].sum())
    assert f"**200 invocations would cost {whole} on AWS Lambda**" in page.headline[0]
    assert f"Functions came to {whole}; per day" in str(section)
    assert f"Workflows came to {words.usd(frame[WORKFLOWS].sum())}; per day" in str(section)
    assert "functions and workflows together" in str(
        costs.page(store, until="2026-11-22").section("over_time")
    )


def test_functions_alone_have_one_panel_and_no_second_total(store):
    store.record(*(ran(DAY * day, ms=60_000.0) for day in range(4) for _ in range(50)))
    section = costs.page(store).section("over_time")
    assert len(section.figures[0].axes) == 1
    assert "all functions" not in section.tables[0]
    assert "Workflows" not in str(section)


@pytest.mark.parametrize(("count", "said"), [(8, ""), (13, "The 8 dearest of 13 are drawn.")])
def test_a_chart_says_that_it_leaves_functions_out(store, count, said):
    store.record(*(ran(DAY, function=f"f{number:02}") for number in range(count)))
    told = str(costs.page(store).section("functions"))
    assert (said in told) if said else ("are drawn" not in told)


def test_a_saving_is_a_sentence(store):
    store.record(*(ran(60 * n, ms=900.0, init_ms=800.0, billed_ms=1700, cold_start=True) for n in range(30)))
    told = costs.page(store).section("change").parts[0].items
    (cold,) = (each for each in told if each.startswith("**Cold starts.**"))
    assert "`score` without cold starts: up to $" in cold
    (arm,) = (each for each in told if each.startswith("**Arm64.**"))
    assert "`score` from x86_64 to arm64 (1 function): $" in arm
    assert all(" less a million" in each or " less a month" in each or " less per " in each for each in told)


def test_the_month_is_projected_with_its_range_and_its_basis(store):
    store.record(*(ran(DAY * day, ms=60_000.0 + 5_000 * (day % 3)) for day in range(6) for _ in range(50)))
    said = str(costs.page(store, until="2026-11-22").section("over_time"))
    assert "November comes to about" in said
    assert "since 16 November so far" in said
    assert "each taken as the mean over the last 5 whole days" in said
    assert "eight times in ten. List price, without the free tier." in said


def test_a_month_is_a_whole_one_whatever_the_window(store):
    store.record(*(ran(DAY * day, ms=60_000.0) for day in range(-20, 6) for _ in range(50)))
    whole, part = (
        str(costs.page(store, until="2026-11-22", since=since).section("over_time"))
        for since in (None, "2026-11-19")
    )
    assert "over the last 25 whole days" in whole
    begins = whole.index("November comes to about")
    assert whole[begins:][:300] == part[part.index("November comes to about") :][:300]


def test_without_three_whole_days_that_is_said(store):
    store.record(*(ran(DAY * day, ms=60_000.0) for day in range(3) for _ in range(50)))
    said = str(costs.page(store, until="2026-11-18T20:00Z").section("over_time"))
    assert "Three whole days are needed" in said


def test_many_functions_are_drawn_as_the_dearest_and_all_others(store):
    store.record(
        *(
            ran(DAY * day, ms=1_000.0 * (number + 1), function=f"f{number:02}")
            for day in range(4)
            for number in range(12)
        )
    )
    (frame,) = costs.page(store).section("over_time").tables
    assert list(frame.columns) == [
        "bucket",
        "total",
        *(f"f{number:02}" for number in range(11, 4, -1)),
        "all others",
    ]
    assert frame["total"].sum() == pytest.approx(frame.drop(columns=["bucket", "total"]).to_numpy().sum())


def test_a_store_of_workflows_alone_has_its_cost(store):
    store.record(*weeks.workflow_executions(NOW - timedelta(days=2), NOW, week=NOW))
    page = costs.page(store)
    assert "No function was invoked; what workflows did would cost **$0.00" in page.headline[0]


# -- the course of an execution

FLOW = Map("each", weeks.task("one", "one"), items="{% $states.input %}", max_concurrency=2).definition()


def course(store, execution):
    store.record(execution)
    return ask.course(store.sql, execution.id).to_dict("records")


def test_states_stand_in_their_order_with_what_they_took(store):
    order = next(weeks.workflow_executions(NOW - timedelta(hours=1), NOW, week=NOW))
    states = gantt.states_of(course(store, order))
    names = [state["state"] for state in states]
    assert names[:2] == ["validate", "prepare"]
    assert names[-2:] == ["cooling off", "ship"]
    by = {state["state"]: state for state in states}
    assert by["cooling off"]["total_ms"] == pytest.approx(20_000)
    assert (by["prepare"]["depth"], by["tax"]["depth"]) == (0, 1)
    assert by["tax"]["after_ms"] == pytest.approx(by["price"]["after_ms"] + by["price"]["total_ms"], abs=2)


def test_iterations_share_a_line(store):
    each = played("each", FLOW, [1, 2, 3], NOW - timedelta(hours=1), {"one": [(2, 1)]})
    by = {state["state"]: state for state in gantt.states_of(course(store, each))}
    assert (by["one"]["visits"], len(by["one"]["spans"])) == (3, 3)
    assert (by["one"]["total_ms"], by["each"]["total_ms"]) == (pytest.approx(6_000), pytest.approx(4_000))


def test_what_failed_is_drawn_to_the_end_and_said_not_to_be_left(store):
    answers = {"collect": [(3, weeks.CardDeclined("no"))]}
    failed = played("closing", weeks.CLOSING, {}, NOW - timedelta(hours=1), answers)
    (state,) = gantt.states_of(course(store, failed))
    assert (state["state"], state["left"], state["total_ms"]) == ("collect", False, pytest.approx(3_000))


def test_the_longest_of_each_workflow_is_drawn(store):
    store.record(*weeks.workflow_executions(NOW - timedelta(days=3), NOW, week=NOW))
    section = workflows.page(store).section("gantt")
    assert len(section.figures) == 2
    longest = ask.slowest(store.sql, WorkflowWindow(), 1)["name"][0]
    assert f"{longest} of closing took" in str(section)
    assert "of orders took" in str(section)


def test_what_is_empty_or_took_no_time_is_not_drawn(store):
    assert gantt.section(store.sql, WorkflowWindow()) is None
    assert gantt.states_of([]) == []
