"""What the page on workflows says of executions whose course is known."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from faaslab.clock import SteppedClock
from faaslab.errors import InvalidValue
from faaslab.model.workflow import (
    HistoryEvent,
    WorkflowError,
    WorkflowExecution,
    WorkflowExecutionStatus,
)
from faaslab.model.workflow_steps import HistoryRow
from faaslab.monitoring.pages import workflows
from faaslab.store import Store
from faaslab.store.questions import workflows as ask
from faaslab.store.questions.workflows import WorkflowWindow
from faaslab.workflow.build import Fail, Map, Parallel, Pass, Task, Wait, catch, retry
from faaslab.workflow.effects import Event
from faaslab.workflow.engine.counting import Counted
from tests.monitoring.played import arn, played

START = datetime(2026, 11, 16, 8)
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:{}"


def task(name, **fields):
    return Task(name, FUNCTION.format("score"), **fields)


ETL = (
    task("extract", retry=[retry("Busy", interval_seconds=2, max_attempts=2)])
    >> Parallel("both", task("quick"), task("slow") >> task("slower"))
    >> Wait("pause", seconds=5)
).definition()
EACH = Map("each", task("one"), items="{% $states.input %}", max_concurrency=1).definition()
BAD = (task("try", catch=[catch("Never", then=Pass("mend"))]) >> Pass("done")).definition()


class Busy(Exception):
    pass


class Broken(Exception):
    pass


def etl(at=START, *, busy=0, **fields):
    answers = {
        "extract": [(1, Busy("later"))] * busy + [(1, [])],
        "quick": [(1, 1)],
        "slow": [(2, 2)],
        "slower": [(3, 3)],
    }
    return played("etl", ETL, {}, at, answers, **fields)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "faaslab.duckdb", clock=SteppedClock(START + timedelta(days=1))) as store:
        yield store


def rows(df):
    return df.to_dict("records")


def test_an_empty_store_says_how_to_begin(store):
    page = workflows.page(store)
    assert "no workflow ran in this store" in str(page)
    assert "%%faas workflow" in page.headline[1]
    assert not page.sections


def test_a_window_without_executions_says_what_there_is(store):
    store.record(etl())
    page = workflows.page(store, since="2026-11-17", workflows="etl")
    assert "in the window that was asked for" in page.headline[0]
    assert "1 local execution" in page.headline[1]


def test_what_cannot_be_read_is_told_with_its_place(store):
    with pytest.raises(InvalidValue, match="workflows"):
        workflows.page(store, workflows=3)
    with pytest.raises(InvalidValue, match="until"):
        workflows.page(store, since="2026-11-17", until="2026-11-16")


def test_counts_and_success(store):
    failed = played("bad", BAD, {}, START, {"try": [(1, Broken("no"))]})
    running = played("bad", BAD, {}, START, {"try": [(1e9, 1)]})
    store.record(etl(), etl(START + timedelta(hours=1), busy=2), failed)
    (row,) = rows(ask.overview(store.sql, WorkflowWindow()))
    assert (row["executions"], row["succeeded"], row["failed"], row["workflows"]) == (3, 2, 1, 2)
    assert row["success_rate"] == pytest.approx(2 / 3)
    by = {row["workflow"]: row for row in rows(ask.by_workflow(store.sql, WorkflowWindow()))}
    assert (by["etl"]["executions"], by["etl"]["success_rate"], by["etl"]["retries"]) == (2, 1.0, 2)
    assert by["bad"]["success_rate"] == 0
    assert running.ended_at is not None


def test_states_have_their_own_times_failures_and_retries(store):
    store.record(etl(busy=1))
    states = {row["state"]: row for row in rows(ask.states(store.sql, WorkflowWindow()))}
    assert set(states) == {"extract", "both", "quick", "slow", "slower", "pause"}
    extract = states["extract"]
    assert (extract["visits"], extract["failures"], extract["retries"]) == (1, 1, 1)
    assert extract["p50_ms"] == pytest.approx(4_000)  # 1 s, 2 s of waiting, 1 s
    assert states["both"]["p50_ms"] == pytest.approx(5_000)
    assert (states["slower"]["p50_ms"], states["pause"]["type"]) == (pytest.approx(3_000), "Wait")


def redriven(tries=3, *, at=START, ends="TaskStateExited"):
    """`b` of an execution fails after 1 s, and after each redrive, 20 s later, again; the last try takes 2 s."""
    told = [("TaskStateEntered", 0, "a"), ("TaskStateExited", 3, "a"), ("TaskStateEntered", 0, "b")]
    for number in range(tries):
        last = number == tries - 1
        told.append(("TaskScheduled", 0, "b"))
        if not last or ends == "ExecutionFailed":
            told += [("TaskFailed", 2 if last else 1, "b"), ("ExecutionFailed", 0, None)]
        else:
            told += [("TaskSucceeded", 2, "b"), ("TaskStateExited", 0, "b"), ("ExecutionSucceeded", 0, None)]
        if not last:
            told.append(("ExecutionRedriven", 20, None))
    counted, events, now = Counted(), [], at
    for number, (kind, after, state) in enumerate(told, 1):
        now += timedelta(seconds=after)
        events.append(Event(number, number - 1, kind, now, state))
    history = [
        HistoryEvent(
            execution_id=arn("again", "r1"),
            **{name: getattr(row, name) for name in HistoryRow._fields},
        )
        for row in counted.placed(events)
    ]
    failed = ends == "ExecutionFailed"
    return WorkflowExecution(
        id=arn("again", "r1"),
        workflow="again",
        name="r1",
        status=WorkflowExecutionStatus.FAILED if failed else WorkflowExecutionStatus.SUCCEEDED,
        input="{}",
        started_at=at,
        ended_at=now,
        redrive_count=tries - 1,
        current_state=counted.current_state,
        error=WorkflowError(error="Broken", cause="no") if failed else None,
        statistics=counted.statistics(),
        history=tuple(history),
    )


def test_a_redrive_is_no_retry_and_what_lay_failed_until_then_is_no_states_time(store):
    store.record(redriven())
    states = {row["state"]: row for row in rows(ask.states(store.sql, WorkflowWindow()))}
    b = states["b"]
    assert (b["visits"], b["failures"], b["retries"]) == (1, 2, 0)
    assert b["total_ms"] == pytest.approx(2_000)
    (by,) = rows(ask.by_workflow(store.sql, WorkflowWindow()))
    assert (by["retries"], by["p50_ms"]) == (0, pytest.approx(7_000))  # 3 s, 1 s, 1 s and 2 s
    (slow,) = rows(ask.slowest(store.sql, WorkflowWindow()))
    assert (slow["retries"], slow["duration_ms"], slow["lay_ms"]) == (0, pytest.approx(7_000), 40_000)
    assert ask.statistics(store.sql, "again").mean_duration_ms == pytest.approx(7_000)
    page = workflows.page(store)
    assert page.section("retries") is None
    said = str([part for section in page.sections.values() for part in section.parts])
    assert "was tried again" not in said
    assert "7 s in the middle" in str(page)
    (path,) = page.section("critical_path").tables
    assert {row["state"]: row["mean_ms"] for row in rows(path)} == {"a": 3_000, "b": 2_000}
    (drawn,) = page.section("gantt").tables
    assert {row["state"]: row["total_ms"] for row in rows(drawn)} == {"a": 3_000, "b": 2_000}
    assert "Before it was redriven it lay 40 s" in said
    (cost,) = page.section("cost").tables
    assert rows(cost)[0]["transitions"] == 4, "what a redrive does again is on the bill"


def test_what_failed_again_after_its_redrive_took_the_time_since(store):
    store.record(redriven(2, ends="ExecutionFailed"))
    states = {row["state"]: row for row in rows(ask.states(store.sql, WorkflowWindow()))}
    assert (states["b"]["retries"], states["b"]["total_ms"]) == (0, pytest.approx(2_000))


def test_a_retry_after_a_redrive_is_one(store):
    again = redriven(2)
    events = [*again.history]
    place = next(number for number, each in enumerate(events) if each.type == "TaskSucceeded")
    more = [replace(events[place], type=kind) for kind in ("TaskFailed", "TaskScheduled")]
    found = [
        replace(each, id=number, previous_id=number - 1)
        for number, each in enumerate([*events[:place], *more, *events[place:]], 1)
    ]
    store.record(replace(again, history=tuple(found)))
    states = {row["state"]: row for row in rows(ask.states(store.sql, WorkflowWindow()))}
    assert states["b"]["retries"] == 1


def test_a_state_that_failed_took_the_time_until_it_did(store):
    store.record(played("bad", BAD, {}, START, {"try": [(3, Broken("no"))]}))
    (row,) = rows(ask.states(store.sql, WorkflowWindow()))
    assert (row["state"], row["failures"]) == ("try", 1)
    assert row["p50_ms"] == row["total_ms"] == pytest.approx(3_000)


def test_what_a_failure_cut_off_took_the_time_until_then(store):
    flow = Parallel(
        "both", task("breaks"), Wait("long", seconds=60), catch=[catch("Broken", then=Pass("mend"))]
    )
    answers = {"breaks": [(3, Broken("no"))]}
    store.record(played("cut", (flow >> Wait("after", seconds=100)).definition(), {}, START, answers))
    states = {row["state"]: row for row in rows(ask.states(store.sql, WorkflowWindow()))}
    assert states["breaks"]["total_ms"] == states["long"]["total_ms"] == pytest.approx(3_000)


def test_the_critical_path_goes_by_the_branch_that_ended_last(store):
    store.record(etl())
    section = workflows.page(store).section("critical_path")
    (df,) = section.tables
    shares = {row["state"]: row["share"] for row in rows(df)}
    assert "quick" not in shares
    assert shares["pause"] == pytest.approx(5 / 11)
    assert sum(shares.values()) == pytest.approx(1.0)


def test_the_critical_path_goes_through_each_iteration_that_had_to_wait_for_another(store):
    store.record(played("each", EACH, [1, 2, 3], START, {"one": [(2, 1)]}))
    (df,) = workflows.page(store).section("critical_path").tables
    shares = {row["state"]: row["share"] for row in rows(df)}
    assert shares["one"] == pytest.approx(1.0)


def test_costs_count_transitions_and_retries(store):
    store.record(etl(busy=1))
    (df,) = workflows.page(store).section("cost").tables
    (row,) = rows(df)
    assert row["transitions"] == 7  # six states and one retry
    assert row["total_usd"] == pytest.approx(7 * 0.000025)
    assert row["region"] == "us-east-1"


def test_children_of_a_distributed_map_are_on_the_bill_of_the_execution_that_started_them(store):
    parent = etl()
    store.record(parent, *(etl(map_run="arn:aws:states:::mapRun:etl/a:1") for _ in range(9)))
    (df,) = workflows.page(store).section("cost").tables
    (row,) = rows(df)
    assert (row["executions"], row["transitions"]) == (1, 60)
    assert row["each_usd"] == row["total_usd"]


def test_express_executions_cost_their_request_and_duration(store):
    store.record(etl(type="EXPRESS"))
    (df,) = workflows.page(store).section("cost").tables
    (row,) = rows(df)
    assert (row["transitions"], row["express_requests"]) == (0, 1)
    assert row["total_usd"] == pytest.approx(1e-6 + 11 * 64 / 1024 / 3600 * 0.060012)


def test_the_cause_of_a_function_that_raised_is_told_in_words(store):
    failed = redriven(1, ends="ExecutionFailed")
    cause = '{"errorMessage":"denied for key","errorType":"Denied","stackTrace":["  File x\\n"]}'
    store.record(replace(failed, error=WorkflowError(error="Denied", cause=cause)))
    section = workflows.page(store).section("failures")
    assert "Denied: denied for key" in str(section)
    assert "errorMessage" not in str(section)
    assert "stackTrace" not in section._repr_mimebundle_()["text/html"]


def test_on_paper_no_sentence_stands_apart_from_the_figure_that_it_is_about(store):
    store.record(etl(), etl(START + timedelta(hours=2)))
    html = workflows.page(store).section("over_time")._repr_mimebundle_()["text/html"]
    assert html.index('<p style="break-after:avoid">Executions per') < html.index("<img")


def test_failures_have_their_state_and_cause(store):
    store.record(played("bad", BAD, {}, START, {"try": [(1, Broken("no"))]}))
    page = workflows.page(store)
    (df,) = page.section("failures").tables
    (row,) = rows(df)
    assert (row["error"], row["state"], row["cause"], row["share"]) == ("Broken", "try", "no", 1.0)
    assert "most frequent failure" in str(page.section("change"))


def test_a_wait_that_is_most_of_it_is_pointed_out(store):
    store.record(etl())
    assert "only waits" in str(workflows.page(store).section("change"))


def test_the_advice_says_whose_time_it_is_and_calls_one_no_start_where_no_other_works(store):
    flow = (task("price") >> Pass("end")).definition()
    store.record(played("one", flow, {}, START, {"price": [(3, 1)]}))
    said = str(workflows.page(store).section("change"))
    assert "of each execution that ended well: nothing else in it takes its time." in said
    assert "start with" not in said


def test_one_state_alone_and_failures_that_came_once_each_are_no_advice(store):
    store.record(played("one", task("only").definition(), {}, START, {"only": [(3, 1)]}))
    assert "change" not in workflows.page(store).sections
    for error in ("A", "B"):
        store.record(played("fails", Fail("f", error).definition(), {}, START, {}))
    assert "most frequent" not in str(workflows.page(store))


def test_every_section_can_be_shown(store):
    store.record(*(etl(START + timedelta(hours=n), busy=n % 3) for n in range(30)))
    store.record(played("fails", Fail("f", "E").definition(), {}, START, {}))
    page = workflows.page(store, free_tier=True)
    assert set(page.sections) == {
        "change", "workflows", "over_time", "states", "gantt", "critical_path", "retries", "failures", "cost",
        "slowest",
    }  # fmt: skip
    for section in page.sections.values():
        assert section._repr_mimebundle_()["text/html"].startswith("<h2>")
    assert "97 %" in str(page) or "96" in str(page)
