"""`timeline`: of a function, or of a run, by what has that name."""

import re

import pytest

from faaslab.errors import InvalidValue, NotFound
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
    assert len(ran("timeline score --last 2").df) == 2
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
    with pytest.raises(InvalidValue, match="--last: is for functions"):
        ran(f"timeline {arn} --last 3")
    with pytest.raises(InvalidValue, match="'flow' is a workflow, and no execution"):
        ran("timeline flow")
    with pytest.raises(NotFound, match="no function or run is named 'scor'.*'score'"):
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
