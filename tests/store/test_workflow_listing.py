"""Lists of a workflow's latest executions out of the state: as the history lists them, or not at all."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from faaslab.model.workflow import WorkflowExecutionStatus
from faaslab.model.workflow_steps import Change
from faaslab.store import Store
from faaslab.store.questions import workflow_lists
from faaslab.store.questions.workflow_lists import Wanted
from tests.store.test_workflows import ENDED, FAILED, RUNNING, START, begun, clock, named, store

__all__ = ["clock", "store"]
S = timedelta(seconds=1)
ABORTED = replace(FAILED, status=WorkflowExecutionStatus.ABORTED)


def at(seconds, name, execution=RUNNING, **fields):
    return named(name, execution, started_at=START + seconds * S, **fields)


def told(found):
    return [
        (each.id, each.name, each.status, each.started_at, each.ended_at, each.qualifier, each.alias,
         each.redrive_count, each.redriven_at)
        for each in found
    ]  # fmt: skip


def from_the_history(store, wanted):
    with store.connect() as connection:
        return workflow_lists.executions(connection, store.blobs, wanted)


@pytest.fixture
def listed(store):
    """The page that the state tells, which is that of the history."""

    def listed(**asked):
        wanted = Wanted(workflow="m", since=START, **{"limit": 100, **asked})
        found = store.workflows.latest(wanted)
        assert found is not None
        assert told(found) == told(from_the_history(store, wanted))
        return [each.name for each in found]

    return listed


@pytest.fixture
def filled(store):
    kept = store.workflows
    kept.keep([begun(at(1, "runs")), begun(at(2, "fails")), begun(at(3, "late"))], "me")
    kept.keep([Change(at(2, "fails", FAILED), 0)], "me")
    kept.keep([begun(at(4, "at-once", ENDED, alias="prod", qualifier="3"))], "me")
    kept.keep([begun(at(4, "aborted", ABORTED)), begun(at(5, "of another", workflow="n"))], "me")
    kept.keep([begun(at(6, "a child", map_run="arn:run"))], "me")
    kept.keep([Change(at(3, "late", ENDED), 0)], "me")
    return store


def test_the_latest_come_first_whatever_has_become_of_them(filled, listed):
    assert listed() == ["at-once", "aborted", "late", "fails", "runs"]
    filled.merge()
    assert listed() == ["at-once", "aborted", "late", "fails", "runs"]


def test_a_page_goes_on_where_the_last_one_ended(listed, filled):
    assert listed(limit=2) == ["at-once", "aborted"]
    assert listed(limit=2, after=(START + 4 * S, "arn:aborted")) == ["late", "fails"]
    assert listed(limit=2, after=(START + 2 * S, "arn:fails")) == ["runs"]
    assert listed(limit=2, after=(START + S, "arn:runs")) == []


def test_some_statuses_are_asked_for(listed, filled):
    assert listed(statuses=("FAILED", "ABORTED")) == ["aborted", "fails"]
    assert listed(statuses=("RUNNING",)) == ["runs"]
    assert listed(statuses=("TIMED_OUT",)) == []


def test_one_that_was_redriven_says_so_when_it_has_ended(filled, listed):
    taken = filled.workflows.claim_ended("arn:fails", "me")
    again = taken.execution
    assert listed(statuses=("RUNNING",)) == ["fails", "runs"]
    ended = replace(again, status=WorkflowExecutionStatus.SUCCEEDED, ended_at=START + 9 * S)
    filled.workflows.keep([Change(ended, taken.epoch)], "me")
    assert listed(statuses=("SUCCEEDED",)) == ["at-once", "late", "fails"]
    (found,) = [
        each
        for each in filled.workflows.latest(Wanted(workflow="m", since=START, limit=9))
        if each.id == "arn:fails"
    ]
    assert found.redrive_count == 1


@pytest.mark.parametrize(
    "asked",
    [{"workflow": None}, {"limit": None}, {"qualifier": "3"}, {"alias": "prod"}, {"map_run": "arn:run"},
     {"parent": "arn:e"}, {"redriven": False}],
)  # fmt: skip
def test_what_is_rarely_asked_is_for_the_history(filled, asked):
    assert filled.workflows.latest(Wanted(**{"workflow": "m", "since": START, "limit": 5, **asked})) is None


def test_what_an_older_version_began_is_for_the_history(filled):
    """Its rows name no workflow; only a page that they are not on is told."""
    path = filled.path
    filled.close()
    with closing(sqlite3.connect(f"{path}.state", isolation_level=None)) as state:
        state.execute(
            "UPDATE workflow_executions SET listed = NULL WHERE started <= ?", (_epoch(START + 2 * S),)
        )
        state.execute("UPDATE marks SET value = ? WHERE name = 'workflows_listed'", (_epoch(START + 2 * S),))
    with Store(path) as again:
        latest = again.workflows.latest
        assert [each.name for each in latest(Wanted(workflow="m", since=START, limit=3))] == [
            "at-once", "aborted", "late",
        ]  # fmt: skip
        assert latest(Wanted(workflow="m", since=START, limit=4)) is None
        assert len(from_the_history(again, Wanted(workflow="m", since=START, limit=4))) == 4
        assert len(latest(Wanted(workflow="m", since=START + 3 * S, limit=4))) == 3


def _epoch(instant):
    return (instant - START.replace(year=1970, month=1, day=1)).total_seconds()


def test_what_was_pruned_is_not_listed_from_names_that_stayed(filled, clock):
    clock.advance(7 * 86_400)
    filled.merge()
    filled.prune(timedelta(days=1))
    assert filled.workflows.latest(Wanted(workflow="m", since=START, limit=100)) is None
    filled.workflows.keep([begun(named("new", started_at=clock.now()))], "me")
    wanted = Wanted(workflow="m", since=START, limit=1)
    assert told(filled.workflows.latest(wanted)) == told(from_the_history(filled, wanted))


def test_what_is_kept_for_longer_than_names_are_is_listed_from_the_history(store, clock):
    day = timedelta(days=1)
    kept = store.workflows
    for days in (0, 1, 2, 30, 60):
        kept.keep([begun(at(days * 86_400, f"{days}", ENDED, ended_at=START + days * day + S))], "me")
    clock.advance(100 * 86_400)
    kept.keep([begun(at(100 * 86_400, "100", ENDED, ended_at=START + 100 * day + S))], "me")
    store.prune(365 * day)
    every = Wanted(workflow="m", since=START, limit=100)
    assert kept.latest(every) is None
    assert [each.name for each in from_the_history(store, every)] == ["100", "60", "30", "2", "1", "0"]
    next_page = replace(every, limit=2, after=(START + 30 * day, "arn:30"))
    assert kept.latest(next_page) is None
    latest = replace(every, limit=3)
    assert told(kept.latest(latest)) == told(from_the_history(store, latest))


def test_what_a_prune_would_take_is_told_of_executions_that_failed(store, clock):
    kept = store.workflows
    kept.keep([begun(at(1, "long ago"))], "me")
    kept.keep([Change(at(1, "long ago", FAILED), 0)], "me")
    kept.keep([begun(at(2, "still runs"))], "me")
    clock.advance(39 * 86_400)
    late = {"started_at": clock.now(), "ended_at": clock.now() + S}
    kept.keep([begun(named("late", **{**late, "ended_at": None}))], "me")
    kept.keep([Change(named("late", FAILED, **late), 0)], "me")
    clock.advance(86_400)
    told = {each.table: each.rows for each in store.doomed(timedelta(days=30)) if each.rows}
    assert told["workflow_executions"] == 1
    assert told == dict(store.prune(timedelta(days=30)).rows)


def test_what_was_imported_is_for_the_history(filled, tmp_path):
    with Store(tmp_path / "other.duckdb", clock=filled.clock) as other:
        other.workflows.keep([begun(at(-5, "mine"))], "me")
        wanted = Wanted(workflow="m", since=START - 9 * S, limit=9)
        assert other.workflows.latest(wanted) is not None
        other.import_store(filled.path)
        assert other.workflows.latest(wanted) is None
        assert len(from_the_history(other, wanted)) == 5
