"""What the store keeps of executions of workflows, and who may write to it."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import duckdb
import pytest

from faaslab.clock import SteppedClock
from faaslab.model.workflow import (
    WorkflowError,
    WorkflowExecution,
    WorkflowExecutionStatistics,
    WorkflowExecutionStatus,
)
from faaslab.model.workflow_steps import Beginning, Change, HistoryRow, StepRow
from faaslab.store import Capture, Store

START = datetime(2026, 3, 1)
RUNNING = WorkflowExecution(
    id="arn:e",
    workflow="m",
    name="e",
    status=WorkflowExecutionStatus.RUNNING,
    started_at=START,
    input='{"a":1}',
)
ENDED = replace(
    RUNNING, status=WorkflowExecutionStatus.SUCCEEDED, output='{"b":2}', ended_at=START + timedelta(seconds=2),
    statistics=WorkflowExecutionStatistics(total_states=1, completed_states=1, mean_state_duration_ms=5.0),
)  # fmt: skip
FAILED = replace(
    ENDED, status=WorkflowExecutionStatus.FAILED, output=None, error=WorkflowError(error="E", cause="c")
)
BEGINNING = Beginning(machine="0" * 64, definition='{"States":{}}', seed=5, context="{}")
STEP = StepRow(number=1, at=START, signal='{"v":1,"kind":"Started"}', last_event_id=1, check=7)
LONG = json.dumps("x" * 70_000)


def event(number=1, **details):
    return HistoryRow(number, number - 1, "PassStateExited", START, "A", details, 1, None, 1.5)


def begun(execution=RUNNING, **fields):
    return Change(execution, 0, BEGINNING, **{"steps": [STEP], "events": [event(input="{}")], **fields})


def named(name, execution=RUNNING, **fields):
    return replace(execution, id=f"arn:{name}", name=name, **fields)


@pytest.fixture
def clock():
    return SteppedClock(START)


@pytest.fixture
def store(tmp_path, clock):
    with Store(tmp_path / "s.duckdb", clock=clock) as store:
        yield store


def ask(store, text):
    return store.connect().execute(text).fetchall()


def test_what_runs_is_seen_as_running_and_what_has_ended_once(store):
    kept = store.workflows
    kept.keep([begun()], "me")
    assert ask(store, "SELECT id, status, input FROM workflow_executions") == [
        ("arn:e", "RUNNING", '{"a":1}')
    ]
    assert ask(store, "SELECT kind, status FROM timeline") == [("workflow execution", "RUNNING")]
    assert kept.find("arn:e") == RUNNING
    assert kept.running() == [RUNNING]
    assert ask(store, "SELECT id, entered_id, duration_ms FROM workflow_history") == [(1, 1, 1.5)]
    kept.keep([Change(ENDED, 0, steps=[STEP._replace(number=2)])], "me")
    for merged in (False, True):
        if merged:
            store.merge()
        assert ask(store, "SELECT status, duration_ms, total_states FROM workflow_executions") == [
            ("SUCCEEDED", 2000, 1)
        ]
        assert kept.find("arn:e") == ENDED
    assert kept.running() == []
    assert ask(store, "SELECT * FROM rejects") == []


def test_what_runs_is_in_no_file_that_is_merged_exported_or_imported(store, tmp_path):
    store.workflows.keep([begun(), begun(named("over", ENDED))], "me")
    store.merge()
    with Store(tmp_path / "other.duckdb") as other:
        assert other.import_store(store.path) == {"workflow_executions": 1, "workflow_history": 2}
        assert other.import_store(store.path) == {}
        assert ask(other, "SELECT name FROM workflow_executions") == [("over",)]
    path = store.path
    store.close()
    with duckdb.connect(str(path), read_only=True) as plain:
        assert plain.execute("SELECT name FROM workflow_executions").fetchall() == [("over",)]


def test_a_history_survives_compacting_and_a_backup_may_be_taken_up(store, tmp_path):
    store.workflows.keep([begun()], "me")
    store.compact()
    with Store(store.backup(tmp_path / "copy.duckdb")) as copy:
        (taken,) = copy.workflows.claim("other", lambda owner: owner == "me", limit=5)
        assert (taken.execution, taken.beginning, list(taken.steps)) == (RUNNING, BEGINNING, [STEP])
        assert len(copy.workflows.history("arn:e")) == 1


def test_a_name_that_has_begun_is_known_and_nothing_is_written(store):
    kept = store.workflows
    kept.keep([begun()], "me")
    outcome = kept.keep([begun(replace(RUNNING, input="{}")), begun(named("new"))], "me")
    assert outcome.known == {"arn:e": RUNNING}
    assert len(kept.history("arn:e")) == 1
    assert len(kept.history("arn:new")) == 1


def test_who_lost_it_writes_nothing_and_the_others_do(store):
    kept = store.workflows
    kept.keep([begun(), begun(named("mine"))], "me")
    (taken, *_) = kept.claim("other", lambda owner: owner == "me", limit=1)
    assert (taken.execution.id, taken.epoch) == ("arn:e", 1)
    late = [Change(ENDED, 0, events=[event(2)]), Change(named("mine", ENDED), 0, events=[event(2)])]
    assert kept.keep(late, "me").lost == {"arn:e"}
    assert len(kept.history("arn:e")) == 1
    assert kept.find("arn:mine").status == "SUCCEEDED"
    assert kept.keep([Change(ENDED, 0)], "other").lost == {"arn:e"}
    assert kept.keep([Change(ENDED, 1)], "other").lost == set()


def test_owners_that_are_there_are_not_robbed_and_what_is_released_is_free(store, clock):
    kept = store.workflows
    kept.keep([begun()], "me")
    assert kept.claim("other", lambda owner: False, limit=9) == []
    assert kept.claim("me", lambda owner: True, limit=9) == []
    kept.alive("me", clock.now() + timedelta(seconds=90))
    assert kept.claim("other", lambda owner: False, limit=9) == []
    clock.advance(91)
    assert kept.claim("other", lambda owner: False, limit=9) == []
    clock.advance(20)
    kept.alive("me", clock.now() + timedelta(seconds=-1))  # it speaks, by a clock that is late
    assert kept.claim("other", lambda owner: False, limit=9) == []
    clock.advance(29)
    assert kept.claim("other", lambda owner: False, limit=9) == []
    clock.advance(1)
    assert len(kept.claim("other", lambda owner: False, limit=9)) == 1
    assert not kept.runs_elsewhere("other")
    kept.release("other")
    assert kept.runs_elsewhere("other")
    assert len(kept.claim("third", lambda owner: False, limit=9)) == 1


def test_letters_stay_until_a_change_takes_them_and_go_to_running_ones_only(store):
    kept = store.workflows
    assert not kept.post("arn:e", "{}")
    kept.keep([begun()], "me")
    assert kept.post("arn:e", "one")
    assert kept.post("arn:e", "two")
    (one, two) = kept.letters("me")
    assert (one.execution_id, one.signal, two.signal) == ("arn:e", "one", "two")
    assert kept.letters("other") == []
    kept.keep([Change(RUNNING, 0, taken=[one.number])], "me")
    assert kept.letters("me") == [two]
    kept.keep([Change(ENDED, 0)], "me")
    assert kept.letters("me") == []
    assert not kept.post("arn:e", "late")


def test_tokens_are_answered_until_they_are_spent(store):
    kept = store.workflows
    kept.keep([begun(tokens={"t": "k", "u": "l"})], "me")
    assert kept.of_token("t") == ("arn:e", "k")
    kept.keep([Change(RUNNING, 0, spent=["t"])], "me")
    assert kept.of_token("t") is None
    kept.keep([Change(ENDED, 0)], "me")
    assert kept.of_token("u") is None


def test_the_state_knows_what_it_has(store, tmp_path):
    with Store(tmp_path / "empty.duckdb") as empty:
        assert not empty.workflows.has("arn:e")
    store.workflows.keep([begun()], "me")
    assert store.workflows.has("arn:e")
    store.workflows.keep([Change(ENDED, 0)], "me")
    assert store.workflows.has("arn:e")
    assert not store.workflows.has("arn:other")


def test_the_first_answer_under_a_token_is_left_and_no_other(store):
    kept = store.workflows
    kept.keep([begun(tokens={"t": "k"})], "me")
    before = kept.changes()
    assert kept.spend("t", "first")
    assert kept.changes() != before
    assert not kept.spend("t", "second")
    assert not kept.spend("none", "third")
    assert [letter.signal for letter in kept.letters("me")] == ["first"]
    assert kept.of_token("t") is None


def test_another_process_is_noticed_by_a_number(store):
    store.workflows.keep([begun()], "me")
    before = store.workflows.changes()
    store.workflows.keep([begun(named("mine"))], "me")
    assert store.workflows.changes() == before
    with Store(store.path) as other:
        other.workflows.post("arn:e", "{}")
    assert store.workflows.changes() != before


def test_a_redriven_one_counts_once_as_it_stands_now(store, clock):
    kept = store.workflows
    kept.keep([begun(FAILED)], "me")
    assert kept.find("arn:e") == FAILED
    clock.advance(60)
    taken = kept.claim_ended("arn:e", "me")
    assert (taken.execution.status, taken.execution.redrive_count) == ("RUNNING", 1)
    assert taken.execution.redriven_at == clock.now()
    assert kept.claim_ended("arn:e", "me") is None
    assert ask(store, "SELECT status, redrive_count FROM workflow_executions") == [("RUNNING", 1)]
    again = replace(ENDED, redrive_count=1, redriven_at=clock.now())
    kept.keep([Change(again, taken.epoch, steps=[STEP._replace(number=2)])], "me")
    for merged in (False, True):
        if merged:
            store.merge()
        assert ask(store, "SELECT status, redrive_count FROM workflow_executions") == [("SUCCEEDED", 1)]
    assert kept.find("arn:e") == again
    assert kept.claim_ended("arn:e", "me") is None


def test_large_payloads_stand_in_blobs_that_pruning_leaves_while_they_are_named(store, clock):
    kept = store.workflows
    step = STEP._replace(signal=json.dumps({"v": 1, "kind": "Stop", "cause": LONG}))
    change = begun(replace(RUNNING, input=LONG), steps=[step], events=[event(input=LONG, name="A")])
    kept.keep([change], "me")
    (known,) = kept.history("arn:e")
    assert known.details == {"input": LONG, "name": "A"}
    assert kept.find("arn:e").input == LONG
    raw = ask(store, "SELECT details->'input' FROM workflow_history")[0][0]
    assert list(json.loads(raw)) == ["blob"]
    for blob in store.blobs.digests():
        import os

        os.utime(store.blobs.path(blob), (0, 0))
    clock.advance(40 * 86400)
    assert ask(store, "SELECT input, input_blob FROM workflow_executions")[0][1] in store.blobs.digests()
    assert store.prune(timedelta(days=30)).blobs == 0
    (taken,) = kept.claim("you", lambda owner: True, limit=1)
    assert taken.execution.input == LONG
    assert list(taken.steps) == [step]
    assert len(kept.history("arn:e")) == 1
    kept.keep([Change(ENDED, taken.epoch)], "you")
    store.merge()
    assert store.prune(timedelta(days=30)).blobs == 2


def test_what_nothing_needs_is_forgotten_in_time(store, clock):
    kept = store.workflows
    kept.keep([begun(), begun(named("failed", FAILED)), begun(named("done", ENDED))], "me")
    clock.advance(10 * 86400)
    store.prune(timedelta(days=30))
    count = "SELECT (SELECT count(*) FROM workflow_steps), (SELECT count(*) FROM workflow_executions)"
    assert store._state.one(count) == (2, 3)
    clock.advance(10 * 86400)
    store.prune(timedelta(days=30))
    assert store._state.one(count) == (1, 3)  # the failed one cannot be redriven any more
    assert kept.keep([begun(named("done"))], "me").known  # and names stay taken
    clock.advance(80 * 86400)
    store.prune(timedelta(days=30))
    assert store._state.one(count) == (1, 1)
    assert store._state.one("SELECT count(*) FROM workflow_machines")[0] == 1
    assert not kept.keep([begun(named("done"))], "me").known


def test_what_failed_keeps_its_signals_and_what_succeeded_does_not(store):
    store.workflows.keep([begun(named("failed")), begun(named("done"))], "me")
    second = STEP._replace(number=2)
    store.workflows.keep(
        [Change(named("failed", FAILED), 0, steps=[second]), Change(named("done", ENDED), 0, steps=[second])],
        "me",
    )
    rows = store._state.one("SELECT group_concat(execution_id), count(*) FROM workflow_steps")
    assert rows == ("arn:failed,arn:failed", 2)


def test_an_express_execution_leaves_no_name(store):
    express = named("x", type="EXPRESS")
    store.workflows.keep([begun(express)], "me")
    store.workflows.keep([Change(replace(express, status=ENDED.status, ended_at=ENDED.ended_at), 0)], "me")
    store.workflows.keep([begun(named("y", ENDED, type="EXPRESS"))], "me")
    assert store._state.one("SELECT count(*) FROM workflow_executions")[0] == 0
    assert len(ask(store, "SELECT * FROM workflow_executions")) == 2


@pytest.mark.parametrize(
    ("capture", "given", "seen"),
    [
        (Capture(), '{"a":1}', '{"a":1}'),
        (Capture(payloads="none"), None, None),
        (Capture(payloads="sizes"), None, None),
        (Capture(redact=("/a",)), '{"a":"[redacted]"}', '{"a":"[redacted]"}'),
    ],
)
def test_payloads_are_captured_as_set_and_the_execution_goes_on_all_the_same(tmp_path, capture, given, seen):
    with Store(tmp_path / "s.duckdb", capture=capture) as store:
        details = {"output": '{"a":1}', "name": "A", "assignedVariables": {"v": '{"a":1}'}}
        store.workflows.keep([begun(events=[event(**details)])], "me")
        assert ask(store, "SELECT input FROM workflow_executions") == [(given,)]
        (found,) = store.workflows.history("arn:e")
        assert found.details.get("output") == seen
        assert found.details["assignedVariables"].get("v") == seen
        assert found.details["name"] == "A"
        (taken,) = store.workflows.claim("you", lambda owner: True, limit=1)
        assert taken.execution.input == '{"a":1}'


@pytest.mark.parametrize(
    ("capture", "cause", "seen"),
    [
        (Capture(), "not in the input '{\"a\":1}'", "not in the input '{\"a\":1}'"),
        (Capture(payloads="none"), "not in the input '{\"a\":1}'", "[redacted]"),
        (Capture(payloads="sizes"), '{"a":1}', "[redacted]"),
        (Capture(redact=("/a",)), "not in the input '{\"a\":1}'", "[redacted]"),
        (Capture(redact=("/a",)), '{"a":1,"b":2}', '{"a":"[redacted]","b":2}'),
        (Capture(payloads="none"), None, None),
    ],
)
def test_a_cause_may_quote_the_payload_and_is_captured_as_it(tmp_path, capture, cause, seen):
    with Store(tmp_path / "s.duckdb", capture=capture) as store:
        failed = replace(FAILED, error=WorkflowError(error="E", cause=cause))
        details = {"error": "E"} if cause is None else {"error": "E", "cause": cause}
        store.workflows.keep([begun(failed, events=[event(**details)])], "me")
        assert ask(store, "SELECT error, cause FROM workflow_executions") == [("E", seen)]
        (found,) = store.workflows.history("arn:e")
        assert (found.details["error"], found.details.get("cause")) == ("E", seen)


def test_half_characters_do_not_stop_an_execution(store):
    odd = '"\ud800"'
    step = STEP._replace(signal='{"v":1,"kind":"Stop","error":"\\ud800"}')
    store.workflows.keep([begun(replace(RUNNING, input=odd), steps=[step], events=[event(input=odd)])], "me")
    assert store.workflows.history("arn:e")[0].details["input"] == '"\ufffd"'
    (taken,) = store.workflows.claim("you", lambda owner: True, limit=1)
    assert taken.steps[0] == step
    assert taken.execution.input == odd


def test_histories_are_read_in_pages_both_ways(store):
    store.workflows.keep([begun(events=[event(number) for number in range(1, 1202)])], "me")

    def page(**options):
        return [each.id for each in store.workflows.history("arn:e", **options)]

    assert page() == list(range(1, 1202))
    assert page(after=1199) == [1200, 1201]
    assert page(limit=2) == [1, 2]
    assert page(reverse=True, limit=2) == [1201, 1200]
    assert page(reverse=True, after=1200, limit=1) == [1199]


def test_a_store_that_is_not_there_is_not_made_by_looking(tmp_path):
    with Store(tmp_path / "s.duckdb") as store:
        assert store.workflows.running() == []
        assert store.workflows.claim("me", lambda owner: True, limit=1) == []
        store.workflows.release("me")
        assert not (tmp_path / "s.duckdb.state").exists()


def test_questions_that_follow_each_other_see_what_runs_as_it_is_then(store):
    def asked():
        return store.sql("SELECT name, status FROM workflow_executions ORDER BY name").values.tolist()

    assert asked() == []
    store.workflows.keep([begun()], "me")
    assert asked() == asked() == [["e", "RUNNING"]]
    store.workflows.keep([begun(named("f"))], "me")
    assert asked() == [["e", "RUNNING"], ["f", "RUNNING"]]
    store.merge()
    assert asked() == [["e", "RUNNING"], ["f", "RUNNING"]]
    store.workflows.keep([Change(ENDED, 0)], "me")
    assert asked() == asked() == [["e", "SUCCEEDED"], ["f", "RUNNING"]]
    assert store.sql("SELECT count(*) AS n FROM workflow_history").n[0] == 2


def test_executions_of_before_the_third_history_are_found_as_they_were(tmp_path):
    from faaslab.store.migrations import HISTORY

    path = tmp_path / "old.duckdb"
    with duckdb.connect(str(path)) as history:
        for migration in HISTORY[:2]:
            migration(history.execute)
        history.execute("UPDATE faaslab_schema SET number = 2")
        history.execute(
            "INSERT INTO workflow_executions (id, workflow, name, status, source, started_at) "
            "VALUES ('arn:e', 'm', 'e', 'FAILED', 'imported', '2026-03-01')"
        )
        history.execute(
            'INSERT INTO workflow_history (execution_id, id, previous_id, type, "timestamp") '
            "VALUES ('arn:e', 1, 0, 'ExecutionStarted', '2026-03-01')"
        )
    with Store(path) as store:
        store.workflows.keep([begun(named("new", ENDED))], "me")
        for _ in range(2):
            found = store.workflows.find("arn:e")
            assert (found.status, found.type, found.redrive_count) == ("FAILED", "STANDARD", 0)
            assert [each.entered_id for each in store.workflows.history("arn:e")] == [None]
            assert store.workflows.find("arn:new").status == "SUCCEEDED"
            store.merge()
