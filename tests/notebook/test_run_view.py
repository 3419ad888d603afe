"""Workflows and their runs in a cell: how they stand is told, and what users wrote is text and nothing else."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from faaslab.lab.workflow_pictures import of_workflow
from faaslab.model.workflow import (
    Workflow,
    WorkflowError,
    WorkflowExecution,
    WorkflowExecutionStatistics,
    WorkflowExecutionStatus,
)
from faaslab.notebook.markup import page
from faaslab.notebook.run_view import run_block, workflow_block
from faaslab.verbs import RunAnswer, WorkflowCard
from tests.notebook import hostile
from tests.notebook.samples import NOW

_PICTURE = re.compile(r"<svg.*?</svg>", re.DOTALL)


def workflow(text="rate", **changes):
    definition = json.dumps({"Comment": text, "StartAt": text, "States": {text: {"Type": "Succeed"}}})
    fields = {"id": "arn:aws:states:us-east-1:000000000000:stateMachine:rate", "name": text, "type": "STANDARD",
              "definition": definition, "version": "1", "created_at": NOW, "updated_at": NOW}  # fmt: skip
    return Workflow(**(fields | changes))


def run(text="Score", **changes):
    fields = {
        "id": "arn:aws:states:us-east-1:000000000000:execution:rate:first",
        "workflow": "rate",
        "workflow_version": "1",
        "name": text,
        "type": "STANDARD",
        "status": WorkflowExecutionStatus.RUNNING,
        "input": json.dumps({"n": text}),
        "started_at": NOW,
        "current_state": text,
        "statistics": WorkflowExecutionStatistics(total_states=3, retried_states=1),
    }
    return WorkflowExecution(**(fields | changes))


def shown(execution):
    return page(run_block(RunAnswer(run=None, execution=execution, svg="<svg></svg>", drawn="")))


def without_pictures(html):
    return hostile.read(_PICTURE.sub("", html))


def test_a_run_that_goes_on_says_where_it_is():
    text = without_pictures(shown(run())).text
    assert "running" in text
    assert "is inScore" in text
    assert "took" not in text


def test_one_that_has_ended_says_how_long_it_took_and_what_it_gave():
    ended = run(
        status=WorkflowExecutionStatus.SUCCEEDED, output='{"a": 1}', ended_at=NOW + timedelta(seconds=3)
    )
    text = without_pictures(shown(ended)).text
    assert "succeeded" in text
    assert "took3.00 s" in text
    again = without_pictures(shown(replace(ended, redrive_count=1))).text
    assert "start to end3.00 s" in again  # in which it lay failed for a while
    assert "took" not in again
    assert '"a": 1' in text
    assert "is in" not in text


@pytest.mark.parametrize("text", hostile.STRINGS)
def test_what_a_user_wrote_is_text(text):
    failed = run(
        text,
        status=WorkflowExecutionStatus.FAILED,
        error=WorkflowError(error=text, cause=text * 3),
        output=text,
        ended_at=NOW,
    )
    without_pictures(shown(failed))
    made = workflow(text)
    picture = of_workflow(made)
    card = WorkflowCard(workflow=made, svg=picture.svg, drawn=picture.text)
    html = page(workflow_block(card))
    without_pictures(html)
    (svg,) = _PICTURE.findall(html)
    assert "<script" not in svg
    assert "onload" not in re.sub(r"&lt;|&quot;|&#x27;|&gt;", "", re.sub(r">[^<]*<", "><", svg))


def test_a_cause_without_end_is_cut():
    failed = run(status=WorkflowExecutionStatus.FAILED, error=WorkflowError(error="E", cause="x" * 90_000))
    assert len(shown(failed)) < 30_000
