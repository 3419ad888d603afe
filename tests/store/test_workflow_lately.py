"""What this process wrote lately is told without the history, and never otherwise than the history tells it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from faaslab.clock import SteppedClock
from faaslab.errors import FaaslabError
from faaslab.model.workflow import (
    WorkflowError,
    WorkflowExecution,
    WorkflowExecutionStatistics,
    WorkflowExecutionStatus,
)
from faaslab.model.workflow_steps import Beginning, Change, HistoryRow, StepRow
from faaslab.store import Capture, Store, workflow_lately

START = datetime(2026, 3, 1)
BEGINNING = Beginning(machine="0" * 64, definition='{"States":{}}', seed=5, context="{}")
RUNNING = WorkflowExecution(
    id="arn:e",
    workflow="m",
    name="e",
    status=WorkflowExecutionStatus.RUNNING,
    started_at=START,
    input='{"half":"\\ud800","tab":"\\t"}',
    trace_header="Root=1",
)
ENDED = replace(
    RUNNING,
    status=WorkflowExecutionStatus.SUCCEEDED,
    output='"ü\\n"',
    ended_at=START + timedelta(seconds=2, microseconds=7),
    statistics=WorkflowExecutionStatistics(total_states=1, completed_states=1, mean_state_duration_ms=5.0),
)
FAILED = replace(
    ENDED, status=WorkflowExecutionStatus.FAILED, output=None, error=WorkflowError(error="E", cause="c")
)


def events(first, last):
    return [
        HistoryRow(
            number,
            number - 1,
            "PassStateExited",
            START,
            "Zü",
            {"output": f'{{"n":"\t{number}"}}'},
            1,
            None,
            1.5,
        )
        for number in range(first, last + 1)
    ]


def step(number):
    return StepRow(number=number, at=START, signal='{"v":1,"kind":"Started"}', last_event_id=1, check=7)


@pytest.fixture
def clock():
    return SteppedClock(START)


@pytest.fixture
def store(tmp_path, clock):
    with Store(tmp_path / "s.duckdb", clock=clock) as store:
        yield store


class Asked:
    """Counts how often the history was asked."""

    def __init__(self, store, monkeypatch):
        self.count = 0
        connect = store.workflows._connect

        def counting():
            self.count += 1
            return connect()

        monkeypatch.setattr(store.workflows, "_connect", counting)


@pytest.fixture
def asked(store, monkeypatch):
    return Asked(store, monkeypatch)


def pages(kept, size, *, reverse=False):
    found, after = [], 0
    while page := kept.history("arn:e", after=after, limit=size, reverse=reverse):
        found.append(page)
        after = page[-1].id
    return found


@pytest.mark.parametrize("ended", [ENDED, FAILED], ids=["succeeded", "failed"])
def test_what_is_told_at_once_is_what_the_history_tells(store, asked, ended):
    kept = store.workflows
    kept.keep([Change(RUNNING, 0, BEGINNING, steps=[step(1)], events=events(1, 3))], "me")
    kept.keep([Change(ended, 0, steps=[step(2)], events=events(4, 1207))], "me")
    said = [
        kept.find("arn:e"),
        kept.history("arn:e"),
        *(pages(kept, size, reverse=reverse) for size in (1000, 300) for reverse in (False, True)),
        kept.history("arn:e", after=1, reverse=True),
        kept.history("arn:e", after=5000),
        kept.history("arn:e", after=5000, limit=2, reverse=True),
    ]
    assert asked.count == 0
    kept.forget_lately()
    assert said == [
        kept.find("arn:e"),
        kept.history("arn:e"),
        *(pages(kept, size, reverse=reverse) for size in (1000, 300) for reverse in (False, True)),
        kept.history("arn:e", after=1, reverse=True),
        kept.history("arn:e", after=5000),
        kept.history("arn:e", after=5000, limit=2, reverse=True),
    ]
    assert asked.count > 0
    assert len(said[1]) == 1207


@pytest.mark.parametrize("capture", [Capture(payloads="none"), Capture(redact=("/tab",))], ids=str)
def test_what_is_not_captured_is_not_told_at_once_either(tmp_path, clock, capture):
    with Store(tmp_path / "s.duckdb", capture=capture, clock=clock) as store:
        kept = store.workflows
        kept.keep([Change(ENDED, 0, BEGINNING, steps=[step(1)], events=events(1, 3))], "me")
        said = kept.find("arn:e"), kept.history("arn:e")
        kept.forget_lately()
        assert said == (kept.find("arn:e"), kept.history("arn:e"))
        assert said[0].input != ENDED.input


def test_an_express_execution_that_has_ended_is_told_at_once(store, asked):
    express = replace(ENDED, type="EXPRESS")
    store.workflows.keep([Change(express, 0, BEGINNING, events=events(1, 2))], "me")
    assert store.workflows.find("arn:e").type == "EXPRESS"
    assert len(store.workflows.history("arn:e")) == 2
    assert asked.count == 0


def test_what_another_process_goes_on_with_is_told_as_it_is_there(store, clock):
    kept = store.workflows
    kept.keep([Change(RUNNING, 0, BEGINNING, steps=[step(1)], events=events(1, 2))], "me")
    with Store(store.path, clock=clock) as elsewhere:
        (taken,) = elsewhere.workflows.claim("other", lambda owner: owner == "me", limit=1)
        elsewhere.workflows.keep([Change(FAILED, taken.epoch, steps=[step(2)], events=events(3, 4))], "other")
        assert len(elsewhere.workflows.history("arn:e")) == 4
        assert (kept.find("arn:e"), len(kept.history("arn:e"))) == (FAILED, 4)
        again = elsewhere.workflows.claim_ended("arn:e", "other")
        assert kept.find("arn:e").status == "RUNNING"
        later = replace(ENDED, redrive_count=1, ended_at=START + timedelta(seconds=9))
        elsewhere.workflows.keep([Change(later, again.epoch, events=events(5, 6))], "other")
    assert (kept.find("arn:e").status, len(kept.history("arn:e"))) == ("SUCCEEDED", 6)


def test_a_redriven_execution_is_told_with_what_came_after(store):
    kept = store.workflows
    kept.keep([Change(FAILED, 0, BEGINNING, steps=[step(1)], events=events(1, 2))], "me")
    taken = kept.claim_ended("arn:e", "me")
    kept.keep([Change(replace(ENDED, redrive_count=1), taken.epoch, events=events(3, 4))], "me")
    assert (kept.find("arn:e").status, len(kept.history("arn:e"))) == ("SUCCEEDED", 4)


def test_what_could_not_be_kept_is_not_told(store, monkeypatch):
    kept = store.workflows
    kept.keep([Change(RUNNING, 0, BEGINNING, steps=[step(1)], events=events(1, 2))], "me")

    def full(connection, rows):
        raise FaaslabError("full")

    with monkeypatch.context() as patched:
        patched.setattr(store.workflows._state, "append_within", full)
        with pytest.raises(FaaslabError):
            kept.keep([Change(ENDED, 0, events=events(3, 4))], "me")
    assert (kept.find("arn:e"), len(kept.history("arn:e"))) == (RUNNING, 2)


def test_the_history_is_asked_for_what_is_old_much_or_pruned(store, clock, asked, monkeypatch):
    kept = store.workflows

    def keep(name):
        ended = replace(ENDED, id=f"arn:{name}", name=name)
        kept.keep([Change(ended, 0, BEGINNING, steps=[step(1)], events=events(1, 2))], "me")

    def times(name):
        asked.count = 0
        assert kept.find(f"arn:{name}") is not None
        return asked.count

    keep("old")
    assert times("old") == 0
    clock.advance(workflow_lately.FOR_S + 1)
    assert times("old") == 1
    monkeypatch.setattr(workflow_lately, "MOST", 2)
    for name in "abc":
        keep(name)
    assert [times(name) for name in "abc"] == [1, 0, 0]
    monkeypatch.setattr(workflow_lately, "MOST_CHARACTERS", 1_500)
    keep("d")
    assert [times(name) for name in "cd"] == [1, 0]
    store.prune(timedelta(days=9999))
    assert times("d") == 1
