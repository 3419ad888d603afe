"""Answers as views: what is said, and that nothing which they carry becomes markup."""

import json
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from faaslab.lab.queued import Queued
from faaslab.model.execution import ExecutionStatus, LogLine
from faaslab.model.function import FunctionConfiguration
from faaslab.model.report import ReportRun, ReportStatus
from faaslab.notebook.display import Surroundings, progress_block, view
from faaslab.verbs import (
    DoneAnswer,
    ExecutionAnswer,
    FunctionCard,
    LogsAnswer,
    MapAnswer,
    ReportAnswer,
    StatsAnswer,
    SubmittedAnswer,
    TableAnswer,
    TextAnswer,
)
from tests.notebook.hostile import STRINGS, read
from tests.notebook.samples import NOW, SOURCE, execution, failure, function, mapped


def shown(answer, **around) -> str:
    return read(view(answer, Surroundings(**around)).html).text


def logs(text: str, count: int = 1) -> pd.DataFrame:
    row = {"timestamp": pd.Timestamp(NOW), "function": "score", "execution_id": "x", "stream": "function"}
    return pd.DataFrame([{**row, "level": "ERROR", "message": text}] * count)


def stats(text: str) -> pd.DataFrame:
    figures = {"p50_ms": 1.0, "p95_ms": 4.0, "cold_rate": 0.25, "invocations": 4, "cost_usd": 1e-6}
    return pd.DataFrame([{"function": text, **figures}, {"function": "b", **figures, "p95_ms": float("nan")}])


def report(text: str, status: ReportStatus = ReportStatus.COMPLETED) -> ReportRun:
    failed = status is ReportStatus.FAILED
    return ReportRun(
        id="r",
        name=text,
        notebook="n.ipynb",
        status=status,
        started_at=NOW,
        ended_at=NOW + timedelta(seconds=8),
        outputs=(f"/out/{text}.html",),
        failed_cell=3 if failed else None,
        error_type="ValueError" if failed else None,
        error_message=text if failed else None,
    )


def answers(text: str) -> list:
    future = Queued(text)
    body = json.dumps({text: [text]}).encode("utf-8", "replace")
    spoken = (LogLine(at=NOW, message=text, level=text),)
    return [
        FunctionCard(function=function(text, name=text, status_reason=text), change="updated", code=text),
        FunctionCard(function=function(text), enforced={text: text, "cpu": f"not enforced {text}"}),
        ExecutionAnswer(execution=execution(function=text, result_body=body, logs=spoken, replay_of=text)),
        ExecutionAnswer(execution=execution(result_body=text.encode("utf-8", "replace"))),
        ExecutionAnswer(execution=failure(text, function=text), code=text, filename="lambda_function.py"),
        ExecutionAnswer(execution=failure(text), tail=True),
        SubmittedAnswer(function=text, future=future),
        MapAnswer(result=mapped(15, (1, 12), text)),
        TableAnswer(df=pd.DataFrame({"a": [text]}), title=text),
        LogsAnswer(df=logs(text), title=text),
        StatsAnswer(df=stats(text), by=("function",), plot=True),
        ReportAnswer(run=report(text)),
        ReportAnswer(run=report(text, ReportStatus.FAILED)),
        DoneAnswer(text=text),
    ]


@pytest.mark.parametrize("text", STRINGS)
@pytest.mark.parametrize("place", range(14))
def test_nothing_that_a_function_says_becomes_markup(text, place):
    answer = answers(text)[place]
    made = view(answer, Surroundings(notes=(text,), link=lambda path: f"x/{len(path)}"))
    read(made.html)
    assert made.text


@pytest.mark.parametrize("text", ["plain", "with ``` and ```` ticks", "~~~\n# no heading"])
def test_code_and_help_stay_in_their_fence(text):
    made = view(TextAnswer(text=text, language="python"))
    bundle = made._repr_mimebundle_()
    assert set(bundle) == {"text/markdown", "text/plain"}
    fence = bundle["text/markdown"].split("\n")[-1]
    assert set(fence) == {"`"}
    assert fence not in text
    assert bundle["text/markdown"] == f"{fence}python\n{text}\n{fence}"


def test_the_card_says_what_was_asked_for():
    text = shown(
        FunctionCard(
            function=function(), change="created", enforced={"memory": "held", "network": "not enforced"}
        )
    )
    for part in (
        "score",
        "created",
        "definition 3",
        "local",
        "python3.11",
        "512 MB",
        "10 s",
        "2.3 KB",
        "six",
    ):
        assert part in text
    assert "CSUNppfbWu…" in text
    assert "1 of 2 limits hold on this machine; not: network" in text
    assert "2,000 invocations so far, 3 errors" in text


def test_a_value_that_looks_like_a_secret_is_not_shown():
    made = view(FunctionCard(function=function()))
    assert "abc123" not in made.html
    assert "abc123" not in made.text
    assert "API_TOKEN" in made.html


def test_names_of_secrets_are_shown_and_their_references_not():
    configured = FunctionConfiguration(secrets=("KEY=keyring:service/name",))
    text = shown(FunctionCard(function=function(configuration=configured)))
    assert "secretsKEY" in text
    assert "keyring" not in text


def test_an_execution_has_its_figures_with_their_units():
    text = shown(ExecutionAnswer(execution=execution()), cost=lambda _: 1.4e-6)
    for part in (
        "completed", "cold start", "duration12.3 ms", "billed61 ms", "init48.3 ms", "memory38 of 128 MB",
        "cost1.4 µ$", "version3", "definition5", "2026-11-23 21:00:00 UTC", '{"y": 0.5}', "log: 1 line",
    ):  # fmt: skip
        assert part in text, part


def test_what_the_source_does_not_tell_is_left_out():
    bare = execution(
        duration_ms=None, billed_ms=None, init_ms=None, cold_start=None, max_memory_mb=None, memory_mb=None,
        result_body=None, logs=(),
    )  # fmt: skip
    text = shown(ExecutionAnswer(execution=bare)).replace("definition", "")
    for part in ("duration", "billed", "init", "memory", "cost", "warm", "log"):
        assert part not in text
    unrecorded = execution(result_body=None, result_bytes=2_048)
    assert "the result (2.0 KB) was not recorded" in shown(ExecutionAnswer(execution=unrecorded))


def test_a_failure_shows_the_lines_of_the_user_s_cell():
    answer = ExecutionAnswer(execution=failure(), code=SOURCE, filename="lambda_function.py")
    text = shown(answer, cell=lambda source: (7, 1) if source == SOURCE else None)
    assert "ZeroDivisionError: division by zero" in text
    assert "trace: In [7], line 3" in text
    assert "→ 3      return 1 / x" in text
    assert "→ 7      return inner(event['x'])" in text


def test_a_failure_of_a_function_from_elsewhere_names_its_file():
    answer = ExecutionAnswer(execution=failure(), code=SOURCE, filename="lambda_function.py")
    assert "trace: lambda_function.py, line 2" in shown(answer)


@pytest.mark.parametrize("status", [ExecutionStatus.TIMEOUT, ExecutionStatus.THROTTLED])
def test_every_end_has_its_word(status):
    assert str(status) in shown(ExecutionAnswer(execution=execution(status=status)))


def test_the_log_is_folded_unless_its_tail_is_asked_for():
    folded = read(view(ExecutionAnswer(execution=execution())).html)
    assert ("open", "True") not in folded.attributes
    assert ("open", None) not in folded.attributes
    unfolded = read(view(ExecutionAnswer(execution=execution(), tail=True)).html)
    assert ("open", None) in unfolded.attributes


def test_a_long_log_is_cut_with_a_count():
    lines = tuple(LogLine(at=NOW, message=f"line {n}") for n in range(1_000))
    assert "… 800 more lines" in shown(ExecutionAnswer(execution=execution(logs=lines)))
    assert "50 older lines not shown" in shown(LogsAnswer(df=logs("hello", 250)))


def test_a_map_counts_and_shows_the_failures_that_are_further_down():
    text = shown(MapAnswer(result=mapped(40, (3, 20, 30))))
    assert "37 completed" in text
    assert "3 failed" in text
    assert "30 more of 40 rows not shown" in text
    assert "2 failures further down" in text
    assert "cold starts4 of 40" in text  # the first, and the three that failed


@pytest.mark.parametrize(
    ("times_ms", "median", "most"),
    [((10, 400), "205", "380"), ((10, 20, 50, 400), "35.0", "347.5"), ((7,), "7.00", "7.00")],
)
def test_a_maps_percentiles_are_those_of_stats(times_ms, median, most):
    """As `quantile_cont` has them: pandas.Series(times_ms).quantile([0.5, 0.95])."""
    result = mapped(len(times_ms))
    timed = zip(result.executions, times_ms, strict=True)
    result = replace(result, executions=tuple(replace(one, duration_ms=float(ms)) for one, ms in timed))
    text = shown(MapAnswer(result=result))
    assert f"median{median}" in text.replace(" ", "")
    assert f"95%below{most}" in text.replace(" ", "")


def test_an_interrupted_map_says_what_was_not_run():
    assert "interrupted, 60 not run" in shown(MapAnswer(result=mapped(40, total=100)))
    assert "100 not run" in shown(MapAnswer(result=mapped(0, total=100)))


def test_stats_are_drawn_only_when_asked():
    df = stats("score")
    assert "bar: 95 % are below" not in shown(StatsAnswer(df=df, by=("function",)))
    drawn = shown(StatsAnswer(df=df, by=("function",), plot=True))
    assert "score1.00 ms median, 4.00 ms at 95 %, 25 % cold" in drawn
    assert "bnothing measured" in drawn


def test_a_report_leads_to_its_page():
    reader = read(view(ReportAnswer(run=report("costs")), Surroundings(link=lambda _: "out/costs.html")).html)
    assert ("href", "out/costs.html") in reader.attributes
    assert ("href", "out/costs.html") not in read(view(ReportAnswer(run=report("costs"))).html).attributes
    failed = shown(ReportAnswer(run=report("no such column", ReportStatus.FAILED)))
    assert "cell 3: ValueError: no such column" in failed


@pytest.mark.parametrize(
    ("done", "total", "elapsed_ms", "state", "note", "text"),
    [
        (0, 200, 120, "running", None, "map: 0 of 200 after 120.0 ms"),
        (
            50,
            200,
            2_000,
            "running",
            "3 failed",
            "map: 50 of 200 after 2.00 s · about 6.00 s to go · 3 failed",
        ),
        (200, 200, 2_000, "done", "3 failed", "map: 200 of 200 in 2.00 s · 3 failed"),
        (50, 200, 2_000, "stopped", None, "map: stopped at 50 of 200 in 2.00 s"),
        (7, None, 500, "running", None, "map: 7 done after 500.0 ms"),
        (0, 0, 1, "done", None, "map: 0 of 0 in 1.00 ms"),
        (0, None, 500, "running", "in w", "map: for 500.0 ms · in w"),
        (0, None, 500, "done", None, "map: done after 500.0 ms"),
    ],
)
def test_progress_says_how_far_it_is_and_how_it_ended(done, total, elapsed_ms, state, note, text):
    made = progress_block("map", done, total, elapsed_ms, state=state, note=note)
    assert made.text == text
    reader = read(made.html)
    assert reader.text == text.replace(": ", "", 1)
    assert ("role", "progressbar") in reader.attributes or state != "running"


def test_the_text_of_a_huge_result_has_an_end():
    made = view(ExecutionAnswer(execution=execution(result_body=b'"' + b"x" * 5_000_000 + b'"')))
    assert len(made.text) < 50_000
    assert "more characters: -o NAME keeps all of it" in made.text


def test_a_view_stands_for_its_value():
    made = view(ExecutionAnswer(execution=execution()))
    assert made.value == execution()
    assert made.result == {"y": 0.5}
    assert len(view(TableAnswer(df=pd.DataFrame({"a": [1, 2]})))) == 2
    assert view(TableAnswer(df=pd.DataFrame({"a": [1, 2]})))["a"].tolist() == [1, 2]
    assert not hasattr(made, "_repr_html_")
