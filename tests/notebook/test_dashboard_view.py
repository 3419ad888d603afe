"""The dashboard as HTML: its figures with their trend, its tables, and what it says where there is nothing."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from faaslab.lab.dashboard import Bucket, Dashboard, Figures, FunctionFigures, WorkflowFigures
from faaslab.model.alarm import Alarm, AlarmCondition, AlarmState, ComparisonOperator
from faaslab.notebook import dashboard_tables
from faaslab.notebook import dashboard_view as draw
from faaslab.notebook.display import view
from faaslab.verbs import DashboardAnswer
from faaslab.verbs.text import documents, plain_text
from tests.notebook.hostile import ATTRIBUTES, STRINGS, TAGS, Reader

BEGIN = datetime(2026, 11, 16, 14, 0)
MINUTE = timedelta(minutes=1)
TOTAL = Figures(
    invocations=1200, errors=30, throttles=4, cold_starts=12, cold_known=1200, p50_ms=12.5, p95_ms=90.0,
    p99_ms=1500.0, billed=1200, cost_usd=0.0123,
)  # fmt: skip
PICTURE = {"figure", "figcaption", "svg", "path", "rect", "circle", "text", "title"}
DRAWN = {"viewbox", "d", "x", "y", "cx", "cy", "r", "width", "height", "text-anchor"}


def made(names=("score", "thumbs"), **changes):
    functions = [
        FunctionFigures(
            function=name, invocations=100 * (9 - place), errors=place, p95_ms=float(place), cost_usd=0.1 * place,
            cold_known=5, cold_starts=place,
        )
        for place, name in enumerate(names)
    ]  # fmt: skip
    values = {
        "functions": (),
        "since": BEGIN,
        "until": BEGIN + 3 * MINUTE,
        "width": MINUTE,
        "total": TOTAL,
        "peak": 7,
        "before": replace(TOTAL, invocations=1000, errors=10, p50_ms=12.5, cold_starts=132, throttles=0),
        "peak_before": 14,
        "buckets": (
            Bucket(begin=BEGIN, invocations=600, p50_ms=5.0, p95_ms=50.0, billed=600, cost_usd=1e-5, peak=7),
            Bucket(begin=BEGIN + MINUTE),
            Bucket(begin=BEGIN + 2 * MINUTE, invocations=600, errors=30, p50_ms=5.0, throttles=4, peak=2),
        ),
        "by_function": tuple(functions),
        **changes,
    }
    return Dashboard(**values)


def shown(dashboard):
    html = view(DashboardAnswer(dashboard=dashboard, since="1h")).html
    reader = Reader(html)
    assert reader.seen <= TAGS | PICTURE, reader.seen - TAGS - PICTURE
    names = {name for name, _ in reader.attributes}
    assert names <= ATTRIBUTES | DRAWN, names - ATTRIBUTES - DRAWN
    return reader.text


def test_all_the_figures_stand_there_with_what_changed():
    text = shown(made(running={"score": 2}))
    for words in (
        "all functions", "2026-11-16 14:00 to 14:03 UTC, by 1 min", "1,200", "▲ 20 %", "30", "2.5 %", "▲ 200 %",
        "12.5 ms", "as before", "1.5 s", "▼ 10.0 points", "2 now", "▼ 50 %", "$0.0123", "from 0",
    ):  # fmt: skip
        assert words in text, words
    for chart in ("Invocations", "Duration", "Errors", "Cold starts", "Concurrency", "Cost"):
        assert chart in text


@pytest.mark.parametrize(
    ("now", "before", "how", "expected"),
    [
        (120, 100, {}, ("▲ 20 %", "soft")),
        (120, 100, {"worse": True}, ("▲ 20 %", "bad")),
        (105, 100, {"worse": True}, ("▲ 5 %", "soft")),
        (50, 100, {"worse": True}, ("▼ 50 %", "ok")),
        (100.2, 100, {}, ("as before", "soft")),
        (100.8, 100, {}, ("▲ 0.8 %", "soft")),
        (5, 0, {"worse": True}, ("▲ from 0", "bad")),
        (0, 5, {"worse": True}, ("▼ 100 %", "ok")),
        (0, 0, {}, ("–", "soft")),
        (None, 5, {}, ("–", "soft")),
        (5, None, {}, ("nothing before", "soft")),
        (None, None, {}, ("–", "soft")),
        (12_000, 10, {}, ("▲ 1.2k×", "soft")),
        (0.12, 0.02, {"points": True, "worse": True}, ("▲ 10.0 points", "bad")),
        (0.021, 0.02, {"points": True, "worse": True}, ("as before", "soft")),
        (0.0, 0.2, {"points": True, "worse": True}, ("▼ 20.0 points", "ok")),
    ],
)
def test_a_trend(now, before, how, expected):
    reader = Reader(draw.trend(now, before, **how))
    assert (reader.text, dict(reader.attributes)["class"]) == expected


def order(dashboard, by):
    text = Reader(dashboard_tables.tables(dashboard, order=by)).text
    return sorted((each.function for each in dashboard.by_function), key=text.index)


def test_the_table_can_be_in_any_order():
    dashboard = made(("one", "two", "six"))
    assert order(dashboard, "invocations") == ["one", "two", "six"]
    for by in ("errors", "p95", "cost", "cold starts"):
        assert order(dashboard, by) == ["six", "two", "one"]
    assert set(dashboard_tables.ORDERS) >= {"invocations", "errors", "throttles", "p95", "cost"}


def cells(html, row):
    """The texts of a row of the first table."""
    table = html.split("</table>")[0]
    return [
        Reader(f"<p>{each.split('>', 1)[1]}</p>").text
        for each in re.findall(r"<t[hd][ >].*?(?=</t[hd]>)", table.split("<tr>")[row + 1])
    ]


def test_a_table_has_the_words_and_the_units_of_the_figures_above_it():
    score = FunctionFigures(
        function="score", invocations=1200, errors=9, throttles=2, cold_known=1200, cold_starts=60, p50_ms=0.345,
        p95_ms=4.08, p99_ms=7240.0, cost_usd=85.4e-6,
    )  # fmt: skip
    idle = FunctionFigures(function="idle")
    html = dashboard_tables.tables(made(by_function=(score, idle)), order="cold starts")
    assert cells(html, 0) == [
        "function", "invocations", "errors", "error rate", "throttles", "cold starts", "p50", "p95", "p99", "cost",
    ]  # fmt: skip
    assert cells(html, 1) == [
        "score", "1,200", "9", "0.8 %", "2", "5 %", "0.345 ms", "4.08 ms", "7.24 s", "85.4 µ$",
    ]  # fmt: skip
    assert cells(html, 2) == ["idle", "0", "0", "–", "0", "–", "–", "–", "–", "$0"]
    assert html.count('aria-sort="descending">cold starts<') == 1
    figures = re.findall(r"<t[hd]( [^>]*)>", html)
    assert sum("num" in each for each in figures) == len(figures) - 3
    calm = dashboard_tables.tables(made(running={"score": 2}))
    assert cells(calm, 0)[-1] == "running now"
    assert "throttles" not in cells(calm, 0)


def test_a_table_of_workflows_has_no_names_of_columns():
    etl = WorkflowFigures(
        workflow="etl", executions=5, running=1, succeeded=2, failed=1, timed_out=1, aborted=0, p50_ms=10.0,
        p95_ms=90_000.0,
    )  # fmt: skip
    html = dashboard_tables.tables(made((), workflows=(etl,)))
    assert cells(html, 0) == [
        "workflow", "executions", "running now", "succeeded", "failed", "timed out", "aborted", "p50", "p95",
    ]  # fmt: skip
    assert cells(html, 1) == ["etl", "5", "1", "2", "1", "1", "0", "10 ms", "90 s"]


def test_what_a_long_table_leaves_out_is_counted():
    text = Reader(dashboard_tables.tables(made([f"f{place}" for place in range(53)]))).text
    assert "3 more of 53 functions not shown" in text


def test_alarms_have_their_place_once_there_are_any():
    assert draw.alarms(()) is None
    condition = AlarmCondition(operator=ComparisonOperator.GREATER_THAN, threshold=5)
    alarm = Alarm(
        id="1", name="many errors", metric="Errors", condition=condition, created_at=BEGIN, updated_at=BEGIN,
        state=AlarmState.ALARM, state_reason="3 of 3 above 5",
    )  # fmt: skip
    text = shown(made(alarms=(alarm,)))
    assert "alarmmany errors3 of 3 above 5" in text
    said = plain_text(DashboardAnswer(dashboard=made(alarms=(alarm,)), since="1h"))
    assert "alarm many errors: ALARM, 3 of 3 above 5" in said


def test_workflows_have_a_table():
    etl = WorkflowFigures(
        workflow="etl", executions=5, running=2, succeeded=2, failed=1, timed_out=0, aborted=0, p50_ms=10.0,
        p95_ms=20.0,
    )  # fmt: skip
    assert "etl" in shown(made(workflows=(etl,)))
    alone = made((), workflows=(etl,), total=Figures(), before=None, peak=0, peak_before=None)
    assert "etl" in shown(alone)
    assert "etl" in plain_text(DashboardAnswer(dashboard=alone, since="1h"))


def test_where_there_is_nothing_it_says_what_to_do():
    nothing = {"total": Figures(), "before": Figures(), "buckets": (), "peak": 0, "peak_before": 0}
    text = shown(made((), **nothing))
    assert "Nothing ran yet. Run a function (invoke NAME)" in text
    assert "Invocations" not in text
    text = shown(made((), **nothing, last=BEGIN - timedelta(days=3)))
    assert "The last invocation began 2026-11-13 14:00:00 UTC" in text
    assert "Nothing of score ran yet" in shown(made((), **nothing, functions=("score",)))


@pytest.mark.parametrize("name", STRINGS)
def test_names_are_text_and_nothing_else(name):
    shown(made((name,), functions=(name, "b", "c", "d")))


def test_a_shell_and_a_program_get_the_same_figures():
    answer = DashboardAnswer(dashboard=made(), since="1h")
    text = plain_text(answer, width=100)
    assert "1,200 invocations, 30 errors (2.5 %), 4 throttled, 1.0 % cold, at most 7 at once" in text
    assert "p50 12.5 ms, p95 90.0 ms, p99 1,500.0 ms, $0.012300 at list prices" in text
    document = documents(answer)
    assert document["total"]["invocations"] == 1200
    assert document["total"]["error_rate"] == 0.025
    assert [each["function"] for each in document["by_function"]] == ["score", "thumbs"]
    assert [each["invocations"] for each in document["buckets"]] == [600, 0, 600]
    assert list(answer.value["function"]) == ["score", "thumbs"]
