"""`timeline`: of a function, or of a run, by what has that name."""

import re

import pytest

from faaslab.errors import InvalidValue, NotFound
from faaslab.lab import timelines
from faaslab.notebook.display import view
from faaslab.verbs.text import documents, plain_text

SOURCE = """
def handler(event, context):
    if event.get("bad"):
        raise ValueError("bad")
    return 1
"""
FLOW = "StartAt: p\nStates:\n  p: {Type: Pass, End: true}\n"


@pytest.fixture
def ran(do):
    do("score", SOURCE)
    do("invoke score")
    do("invoke score")
    do("invoke score -p '{\"bad\": true}'")
    return do


def test_a_function_by_environment(ran, tmp_path):
    answer = ran("timeline score")
    df = answer.value
    assert list(df["status"]) == ["completed", "completed", "failed"]
    assert df["environment"].nunique() == 1
    assert list(df["cold_start"]) == [True, False, False]
    first = df.iloc[0]
    assert first["started_at"] <= first["init_at"] < first["handler_at"] <= first["ended_at"]
    init_ms = (first["handler_at"] - first["init_at"]).total_seconds() * 1_000
    assert init_ms == pytest.approx(first["init_ms"], abs=0.01)
    text = plain_text(answer)
    assert text.startswith("3 invocations in 1 environment, 1 cold start, 1 failure; ")
    assert "at most 1 at once; the account's concurrency is 100" in text
    shown = view(answer).html
    assert "as a table" in shown
    assert f"{first['id']} completed" in shown
    assert [row["status"] for row in documents(answer)] == ["completed", "completed", "failed"]
    assert len(ran("timeline score --limit 2").df) == 2
    assert "no invocation in that time" in plain_text(ran("timeline score --since now"))
    assert ran("timeline score --until 1d").df.empty
    path = tmp_path / "score.svg"
    assert ran(f"timeline score --svg {path}").facts["path"] == str(path)
    assert "init of a cold start" in path.read_text()
    assert ran("timeline score --svg -").text.startswith("<svg")


def test_the_reserved_concurrency_is_the_limit(ran):
    ran("update score --concurrency 2")
    assert "the reserved concurrency is 2" in plain_text(ran("timeline score"))


def test_a_deleted_function_has_its_timeline_and_no_limit(ran):
    ran("rm score")
    text = plain_text(ran("timeline score"))
    assert re.search(r"^at most 1 at once$", text, re.MULTILINE)


def test_a_name_is_a_function_or_a_run(ran):
    ran("workflow flow", FLOW)
    ran("run flow --name score")
    with pytest.raises(InvalidValue, match="is a function, and an execution of the workflow flow"):
        ran("timeline score")
    assert len(ran("timeline score --function").df) == 3
    arn = ran.lab.workflows.execution("score").id
    assert ran(f"timeline {arn}").svg.startswith("<svg")
    with pytest.raises(InvalidValue, match="--limit: is for functions"):
        ran(f"timeline {arn} --limit 3")
    with pytest.raises(InvalidValue, match="'flow' is a workflow, and no execution"):
        ran("timeline flow")
    with pytest.raises(NotFound, match="no function, run or execution is named 'scor'.*'score'"):
        ran("timeline scor")
    with pytest.raises(NotFound, match="no function is named 'flow'"):
        ran("timeline flow --function")


def test_python_has_the_rows_and_how_many_ran_at_once(ran):
    df = ran.lab.monitoring.timeline("score", since="1h")
    found = ran.lab.monitoring.concurrency("score")
    assert set(found["concurrency"]) <= {0, 1}
    assert found["share"].sum() == pytest.approx(1)
    took = (df["ended_at"] - df["started_at"]).dt.total_seconds().sum() * 1_000
    assert (found["concurrency"] * found["ms"]).sum() == pytest.approx(took)
    with pytest.raises(InvalidValue, match="last"):
        ran.lab.monitoring.timeline("score", last=0)


def test_the_phases_of_one_execution(ran):
    execution = ran.lab.executions.get(ran("timeline score").df["id"][0])
    answer = ran(f"timeline {execution.id}")
    df = answer.value
    assert list(df["phase"])[:3] == ["environment start", "init", "handler"]
    assert df.loc[df["phase"] == "handler", "ms"].item() == pytest.approx(execution.duration_ms, abs=0.01)
    assert list(df["phase"]) == list(ran.lab.executions.phases(execution.id)["phase"])
    assert f"phases of {execution.id}" in view(answer).html
    shown = ran(f"show {execution.id}")
    assert "-- phases\nenvironment start" in plain_text(shown)
    assert "<svg" in view(shown).html
    assert ran(f"timeline {execution.id[:8]} --svg -").text.startswith("<svg")
    with pytest.raises(InvalidValue, match="--since: is for functions: this is an execution"):
        ran(f"timeline {execution.id} --since 1h")


def test_the_task_that_called_a_function_is_around_its_phases(ran):
    ran("workflow flow", "StartAt: only\nStates:\n  only: {Type: Task, Resource: score, End: true}\n")
    ran("run flow --name daily")
    called = ran("timeline score").df.iloc[-1]
    df = ran(f"timeline {called['id']}").df
    assert list(df["phase"])[:2] == ["state only", "task"]
    assert df["note"][0] == "state only of flow, run daily"
    task, handler = df.iloc[1], df[df["phase"] == "handler"].iloc[0]
    assert task["started_at"] <= handler["started_at"]
    assert handler["ended_at"] <= task["ended_at"]


def test_a_picture_says_when_there_are_more(ran, monkeypatch):
    monkeypatch.setattr(timelines, "LAST", 2)
    assert "the newest 2 invocations: --limit N draws more" in plain_text(ran("timeline score"))
    assert "newest" not in plain_text(ran("timeline score --limit 2"))
    monkeypatch.setattr(timelines, "DRAWN", 2)
    assert "the newest 2 invocations: no more are drawn" in plain_text(ran("timeline score --limit 3"))
