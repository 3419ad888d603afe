"""Looking at what ran, following its logs, running it again."""

import threading

import pytest

from faaslab.errors import InvalidValue, NotFound

TALK = """
import logging
def handler(event, context):
    print("hello", event["n"])
    if event["n"] == 3:
        raise ValueError("three")
    return event["n"]
"""


@pytest.fixture(scope="module")
def ran(shared):
    shared.functions.create("talk", TALK)
    shared.functions.create("other", "def handler(e, c): print('other')")
    executions = [shared.functions.invoke("talk", {"n": n}) for n in range(5)]
    shared.functions.invoke("other")
    return shared, executions


def test_what_is_read_is_what_was_answered(ran):
    lab, executions = ran
    for execution in executions:
        assert lab.executions.get(execution.id) == execution


def test_an_execution_by_request_id_and_by_the_beginning_of_its_id(ran):
    lab, executions = ran
    assert lab.executions.get(executions[1].request_id).id == executions[1].id
    assert lab.executions.get(executions[1].id[:12]).id == executions[1].id
    assert lab.executions.find("no-such-thing") is None
    with pytest.raises(NotFound):
        lab.executions.get("no-such-thing")


def test_the_list_is_newest_first_and_can_be_narrowed(ran):
    lab, executions = ran
    listed = lab.executions.list("talk")
    assert listed["id"].tolist() == [execution.id for execution in reversed(executions)]
    assert lab.executions.list("talk", limit=2)["id"].tolist() == listed["id"].tolist()[:2]
    assert lab.executions.list(status="failed")["error_type"].tolist() == ["ValueError"]
    assert len(lab.executions.list(since="1h")) == 6
    assert lab.executions.list(until="1h").empty
    with pytest.raises(NotFound, match="did you mean 'talk'"):
        lab.executions.list("tlak")
    with pytest.raises(InvalidValue) as caught:
        lab.executions.list(since="last week")
    assert caught.value.place == "since"
    with pytest.raises(InvalidValue):
        lab.executions.list(since="1h", until="2h")


def test_logs_of_a_function_of_an_execution_and_of_all(ran):
    lab, executions = ran
    said = lab.executions.logs("talk", grep="hello")["message"].tolist()
    assert said == [f"hello {n}" for n in range(5)]
    assert lab.executions.logs("talk", grep="hello", limit=2)["message"].tolist() == said[-2:]
    own = lab.executions.logs(executions[2].id)
    assert set(own["execution_id"]) == {executions[2].id}
    assert own["message"].tolist()[0].startswith("START")
    assert "other" in lab.executions.logs()["message"].tolist()
    with pytest.raises(InvalidValue, match="grep: '\\(' is not a regular expression"):
        lab.executions.logs("talk", grep="(")
    with pytest.raises(NotFound):
        lab.executions.logs("nothing-of-that-name")


def test_follow_gives_each_line_once_as_it_comes(lab):
    lab.functions.create("talk", TALK)
    lab.functions.invoke("talk", {"n": 0})
    stop = threading.Event()
    seen = []
    for line in lab.executions.follow("talk", grep="hello", since="1h", stop=stop):
        seen.append(line)
        if len(seen) < 3:
            lab.functions.invoke("talk", {"n": len(seen)})
        else:
            stop.set()
    assert seen == ["hello 0", "hello 1", "hello 2"]


def test_replay_runs_the_recorded_payload_on_what_is_defined_now(lab):
    lab.functions.create("talk", TALK)
    failed = lab.functions.invoke("talk", {"n": 3})
    lab.functions.create("talk", "def handler(event, context): return ['mended', event]")
    again = lab.executions.replay(failed.id)
    assert (again.result, again.replay_of, again.definition) == (["mended", {"n": 3}], failed.id, 2)
    assert lab.functions.source_of(failed).source == TALK


def test_a_payload_that_was_not_kept_cannot_be_replayed(tmp_path, cache):
    from faaslab import app

    with app.open(store=tmp_path / "s.duckdb", cache=cache, payloads="sizes") as lab:
        lab.functions.create("f", "def handler(e, c): return e")
        execution = lab.functions.invoke("f", {"secret": 1})
        with pytest.raises(InvalidValue, match="was not recorded"):
            lab.executions.replay(execution.id)
        assert lab.executions.get(execution.id).payload_body is None


def test_metrics(ran):
    lab, executions = ran
    metrics = lab.executions.metrics(executions[0].id)
    assert metrics.cold_start is True
    assert metrics.memory_mb == 128
    assert 0 < metrics.max_memory_mb <= 128


def test_the_last_executions_are_given_without_their_bodies(lab):
    lab.functions.create("echo", "def handler(event, context):\n    return event\n")
    done = [lab.functions.invoke("echo", {"n": n}) for n in range(3)]
    found = lab.executions.lately("echo", limit=2)
    assert [each.id for each in found] == [done[2].id, done[1].id]
    assert found[0].duration_ms == done[2].duration_ms
    assert (found[0].payload_body, found[0].result_body, found[0].logs) == (None, None, ())
    assert [each.id for each in lab.executions.lately("echo", since=done[1].started_at)] == [
        done[2].id,
        done[1].id,
    ]
    assert lab.executions.lately("nobody") == ()


def test_payloads_that_were_captured_are_told_once_each_the_newest_first(lab):
    lab.functions.create("echo", "def handler(event, context):\n    return 1 / event['n']\n")
    first, *_ = [lab.functions.invoke("echo", {"n": n}) for n in (1, 2, 0, 2)]
    large = lab.functions.invoke("echo", {"n": 1, "much": "x" * 100_000})
    found = lab.executions.payloads("echo")
    assert [each.beginning for each in found] == ["", '{"n":2}', '{"n":0}', '{"n":1}']
    assert [str(each.status) for each in found] == ["completed", "completed", "failed", "completed"]
    assert (found[0].execution_id, found[3].execution_id) == (large.id, first.id)
    assert len(lab.executions.payloads("echo", limit=2)) == 2
    assert lab.executions.payloads("echo", since=large.started_at) == found[:1]
    assert lab.executions.payloads("nobody") == ()
