"""Executions are started, waited for, stopped, redriven, listed, and go on in the next lab."""

import asyncio
import dataclasses
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from faaslab import app
from faaslab.errors import AlreadyExists, Conflict, InvalidValue, NotFound, StoreFull, WorkflowFailed
from faaslab.model.workflow import WorkflowExecutionStatus as Status
from faaslab.store import Store
from tests.lab.workflow_cases import FAIL, PASS, WAIT, machine, task, types


@pytest.fixture(scope="module")
def lab(tmp_path_factory, cache):
    with app.open(store=tmp_path_factory.mktemp("runs") / "s.duckdb", cache=cache) as lab:
        lab.workflows.create("pass", PASS)
        lab.workflows.create("wait", WAIT)
        lab.workflows.create("fail", FAIL)
        lab.workflows.create("quick", PASS, type="EXPRESS")
        yield lab


def test_an_execution_gives_its_output_and_its_history(lab):
    run = lab.workflows.start("pass", {"a": [1, None, "ü"]})
    assert run.result(10) == run.output == {"a": [1, None, "ü"]}
    assert run.status is Status.SUCCEEDED
    assert types(run) == ["ExecutionSucceeded"]
    assert list(run.history.columns) == [
        "id", "previous_id", "type", "timestamp", "state", "duration_ms", "details",
    ]  # fmt: skip
    assert run.execution.statistics.total_states == 1
    assert lab.workflows.execution(run.arn) == run.execution
    assert lab.workflows.execution(run.execution.name).id == run.arn


def test_the_doctor_tells_what_the_engine_cannot_do(lab):
    lab.workflows.start("pass").wait(10)
    assert "workflows" not in set(lab.doctor()["what"])
    turns = lab.workflows.runs.engine._turns
    turns.trouble, turns.last_error = StoreFull("no space is left"), ZeroDivisionError("by zero")
    told = lab.doctor().query("what == 'workflows'")
    turns.trouble = turns.last_error = None
    assert list(told["state"]) == ["bad", "note"]
    assert list(told["detail"]) == [
        "what happened cannot be kept: no space is left; it is tried again until it can",
        "an execution met an error of faaslab's own: ZeroDivisionError: by zero",
    ]


def test_an_execution_that_fails_is_a_result_and_raises_only_when_its_output_is_asked_for(lab):
    run = lab.workflows.start("fail")
    assert run.wait(10).status is Status.FAILED
    assert (run.error.error, run.error.cause) == ("Broken", "on purpose")
    assert run.output is None
    with pytest.raises(WorkflowFailed, match="Broken: on purpose") as failed:
        run.result()
    assert failed.value.execution.id == run.arn
    assert "Broken" in repr(run)


def awaited(coroutine):
    """What it gives, in a loop of its own: this thread may have one (of a browser that other tests drive)."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


async def _itself(run):
    return await run


def test_a_run_can_be_awaited(lab):
    async def wait():
        return await lab.workflows.start("pass", 7)

    assert awaited(wait()).output == "7"


def test_to_await_a_run_that_fails_raises_so_that_what_runs_unattended_stops(lab):
    async def wait():
        return await lab.workflows.start("fail")

    with pytest.raises(WorkflowFailed, match="Broken: on purpose"):
        awaited(wait())


def test_a_lab_that_has_run_nothing_yet_is_made_ready_before_the_first_execution_begins(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as fresh:
        fresh.workflows.create("pass", PASS)
        runs = fresh.workflows.runs
        made = []
        make = runs._made
        runs._made = lambda: made.append(fresh.clock.now()) or make()
        assert fresh.workflows.start("pass").execution.started_at >= made[0]


def test_a_wait_that_takes_too_long_says_so_and_stops_nothing(lab):
    run = lab.workflows.start("wait")
    with pytest.raises(TimeoutError):
        run.wait(0.01)
    assert run.status is Status.RUNNING
    assert run.execution.current_state == "W"
    assert "RUNNING in W" in repr(run)
    run.stop("Enough", "it took too long")
    assert run.wait(10).status is Status.ABORTED
    assert run.error.error == "Enough"
    assert types(run)[-1] == "ExecutionAborted"
    assert lab.workflows.stop(run.arn).status is Status.ABORTED


def test_a_name_and_its_input_are_one_execution_while_it_runs(lab):
    first = lab.workflows.start("wait", {"n": 1}, name="one")
    assert lab.workflows.start("wait", {"n": 1}, name="one").arn == first.arn
    with pytest.raises(AlreadyExists) as refused:
        lab.workflows.start("wait", {"n": 2}, name="one")
    assert refused.value.code == "ExecutionAlreadyExists"
    first.stop()
    with pytest.raises(AlreadyExists):
        lab.workflows.start("wait", {"n": 1}, name="one")


@pytest.mark.parametrize("name", ["", "a b", "x" * 81, "a:b", "a/b"])
def test_a_bad_name_of_an_execution_is_refused(lab, name):
    with pytest.raises(InvalidValue, match="Invalid Name"):
        lab.workflows.start("pass", name=name)


def test_bytes_are_json_text_that_stays_as_it_is(lab):
    run = lab.workflows.start("pass", b'{ "a" : 1.0 }')
    assert run.wait(10).input == '{ "a" : 1.0 }'


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"nothing",
        b"NaN",
        b"\xff",
        b'{"a":1}}',
        b"[" * 200_000,
        b"\xef\xbb\xbf{}",
        b"[" * 501 + b"]" * 501,
        b"[" * 1000 + b"]" * 1000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)
@pytest.mark.parametrize("frames", [None, 10_000], ids=["", "in a process that nested deeply before"])
def test_an_input_that_is_no_json_is_refused(lab, text, frames, request):
    limit = sys.getrecursionlimit()
    request.addfinalizer(lambda: sys.setrecursionlimit(limit))
    sys.setrecursionlimit(frames or limit)
    with pytest.raises(InvalidValue) as refused:
        lab.workflows.start("pass", text)
    assert refused.value.code == "InvalidExecutionInput"


def test_an_input_may_nest_500_levels_deep(lab):
    text = b"[" * 500 + b"]" * 500
    assert lab.workflows.start("pass", text).wait(10).input == text.decode()


def test_an_input_may_have_262144_bytes_and_no_more(lab):
    assert lab.workflows.start("pass", "a" * 262_142).result(10) == "a" * 262_142
    with pytest.raises(InvalidValue, match="262144"):
        lab.workflows.start("pass", "a" * 262_143)
    with pytest.raises(InvalidValue, match="262144"):
        lab.workflows.start("pass", "ü" * 131_072)
    with pytest.raises(InvalidValue, match="no JSON form"):
        lab.workflows.start("pass", {"a": object()})


def test_an_express_workflow_answers_at_once(lab):
    done = lab.workflows.start_sync("quick", {"a": 1})
    assert (done.status, json.loads(done.output), done.type) == (Status.SUCCEEDED, {"a": 1}, "EXPRESS")
    assert ":express:quick:" in done.id
    with pytest.raises(InvalidValue) as refused:
        lab.workflows.start_sync("pass")
    assert refused.value.code == "StateMachineTypeNotSupported"


def test_a_version_and_an_alias_are_run_as_they_were_published(lab):
    for number in (1, 2):
        flow = machine(A={"Type": "Pass", "Result": number, "End": True})
        lab.workflows.define("numbered", flow, publish=True)
    lab.workflows.define("numbered", FAIL)
    lab.workflows.versions.create_alias("numbered", "live", 1)
    run = lab.workflows.start("numbered:live")
    assert run.result(10) == 1
    assert (run.execution.qualifier, run.execution.alias) == ("1", "live")
    assert lab.workflows.start("numbered:2").result(10) == 2
    assert lab.workflows.start("numbered").wait(10).status is Status.FAILED
    lab.workflows.versions.update_alias("numbered:live", routes={1: 0, 2: 100})
    assert lab.workflows.start(f"{lab.workflows.get('numbered').arn}:live").result(10) == 2
    assert [each.alias for each in lab.workflows.executions("numbered:live")] == ["live", "live"]
    assert len(lab.workflows.executions("numbered:2")) == 2
    with pytest.raises(NotFound) as refused:
        lab.workflows.start("numbered:9")
    assert refused.value.code == "StateMachineDoesNotExist"


def test_what_is_a_draft_or_inactive_is_not_started(lab):
    lab.workflows.create("draft", {"StartAt": "A"}, draft=True)
    with pytest.raises(InvalidValue, match="draft"):
        lab.workflows.start("draft")
    lab.workflows.create("resting", PASS)
    lab.workflows.update("resting", active=False)
    with pytest.raises(InvalidValue, match="inactive"):
        lab.workflows.start("resting")
    lab.workflows.update("resting", active=True)
    assert lab.workflows.start("resting", 1).result(10) == 1
    with pytest.raises(NotFound, match="did you mean 'pass'"):
        lab.workflows.start("pas")


def test_executions_are_listed_in_pages_the_latest_first(lab):
    lab.workflows.create("listed", PASS)
    arns = [lab.workflows.start("listed", n).wait(10).id for n in range(5)]
    lab.workflows.define("listed", WAIT)
    running = lab.workflows.start("listed")
    page = lab.workflows.executions("listed", limit=4)
    assert [each.id for each in page] == [running.arn, *arns[:1:-1]]
    last = page[-1]
    rest = lab.workflows.executions("listed", after=(last.started_at, last.id))
    assert [each.id for each in rest] == arns[1::-1]
    assert [each.id for each in lab.workflows.executions("listed", status="RUNNING")] == [running.arn]
    with pytest.raises(InvalidValue, match="status"):
        lab.workflows.executions("listed", status="GONE")
    statistics = lab.workflows.get("listed").statistics
    assert (statistics.executions, statistics.succeeded, statistics.running) == (6, 5, 1)
    running.stop()


def test_a_workflow_that_is_made_anew_does_not_list_the_executions_of_the_old_one(lab):
    lab.workflows.create("anew", PASS)
    lab.workflows.start("anew").wait(10)
    lab.workflows.delete("anew")
    lab.workflows.create("anew", PASS)
    assert lab.workflows.executions("anew") == ()


def test_a_failed_execution_goes_on_where_it_failed(lab, tmp_path):
    ready = threading.Event()

    def sign(value):
        if not ready.is_set():
            raise ValueError("not yet")
        return value + 1

    lab.workflows.activity("sign", sign)
    flow = machine(
        A={"Type": "Pass", "Result": 1, "Next": "T"},
        T={"Type": "Task", "Resource": "activity:sign", "End": True},
    )
    lab.workflows.create("redriven", flow)
    run = lab.workflows.start("redriven")
    assert run.wait(10).error.error == "ValueError"
    ready.set()
    other, third = lab.workflows.run(run.arn), lab.workflows.run(run.arn)
    again = run.redrive()
    assert again.result(10) == 2
    assert repr(third).endswith("of redriven: SUCCEEDED>")
    # The handles that one had follow it: what was waited for and seen to fail has gone on since.
    assert run.status is Status.SUCCEEDED
    assert (run.result(10), run.wait(10).redrive_count, run.error) == (2, 1, None)
    assert awaited(_itself(other)).output == "2"
    assert again.arn == run.arn
    assert types(again)[-4:] == [
        "ActivityScheduled", "ActivityStarted", "ActivitySucceeded", "ExecutionSucceeded",
    ]  # fmt: skip
    assert [kind for kind in types(again) if kind.startswith("Execution")] == [
        "ExecutionFailed", "ExecutionRedriven", "ExecutionSucceeded",
    ]  # fmt: skip
    assert lab.workflows.execution(run.arn).redrive_count == 1
    (listed,) = lab.workflows.executions("redriven")
    assert listed.status is Status.SUCCEEDED
    for other, reason in ((again.arn, "SUCCEEDED"), (lab.workflows.start_sync("quick").id, "EXPRESS")):
        with pytest.raises(Conflict, match=reason) as refused:
            lab.workflows.redrive(other)
        assert refused.value.code == "ExecutionNotRedrivable"


def test_the_handle_of_what_failed_still_tells_it_when_the_lab_is_closed(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        lab.workflows.create("fail", FAIL)
        run = lab.workflows.start("fail")
        run.wait(10)
    assert run.status is Status.FAILED
    assert run.wait(10).error.error == "Broken"


def test_a_redrive_that_another_was_quicker_with_says_that_it_runs(lab, monkeypatch):
    failed = lab.workflows.start("fail").wait(10)
    stands = iter([failed, dataclasses.replace(failed, status=Status.RUNNING, ended_at=None)])
    runs = lab.workflows.runs

    def taken(_):
        raise Conflict("another has it")

    monkeypatch.setattr(runs, "get", lambda _: next(stands))
    monkeypatch.setattr(runs.engine, "redrive", taken)
    with pytest.raises(Conflict, match="Execution is RUNNING and cannot be redriven"):
        runs.redrive(failed.id)


def test_what_is_not_there_is_said_so(lab):
    for ask in (lab.workflows.execution, lab.workflows.stop, lab.workflows.redrive, lab.workflows.run):
        with pytest.raises(NotFound) as refused:
            ask("arn:aws:states:us-east-1:000000000000:execution:pass:nobody")
        assert refused.value.code == "ExecutionDoesNotExist"


@pytest.mark.parametrize(
    "name", ["\ud800", "pass:\ud800", "arn:aws:states:us-east-1:000000000000:execution:p:\ud800"]
)
def test_a_name_that_is_no_text_is_nobodys(lab, name):
    with pytest.raises(NotFound) as refused:
        lab.workflows.execution(name)
    assert refused.value.code == "ExecutionDoesNotExist"


def test_of_many_that_redrive_at_once_one_does_and_the_others_are_told_that_it_runs(lab):
    lab.workflows.activities.create("redriver")
    lab.workflows.create("redriven-by-many", task("activity:redriver"))
    run = lab.workflows.start("redriven-by-many")
    lab.workflows.send_task_failure(
        lab.workflows.activities.get_task("redriver", timeout_s=10).token, "No", "no"
    )
    run.wait(10)
    barrier, said = threading.Barrier(8), []

    def redrive():
        barrier.wait(10)
        try:
            lab.workflows.redrive(run.arn)
        except Conflict as error:
            said.append(error.message)

    threads = [threading.Thread(target=redrive) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == ["Execution is RUNNING and cannot be redriven"] * 7
    lab.workflows.stop(run.arn)


def test_what_runs_when_a_lab_is_closed_goes_on_in_the_next(tmp_path, cache):
    flow = machine(
        A={"Type": "Pass", "Result": {"n": 1}, "Next": "W"},
        W={"Type": "Wait", "Seconds": 1, "Next": "T"},
        T={"Type": "Task", "Resource": "activity:count", "End": True},
    )
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        lab.workflows.create("flow", flow)
        lab.workflows.activities.create("count")
        arn = lab.workflows.start("flow").arn
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        # With a worker, in a store that it was used in, it becomes the home, which takes up what nobody runs.
        lab.workflows.activity("count", lambda value: value["n"] + 1)
        run = lab.workflows.run(arn)
        assert run.result(30) == 2
        assert types(run) == [
            "ActivityScheduled", "ActivityStarted", "ActivitySucceeded", "ExecutionSucceeded",
        ]  # fmt: skip


def test_a_store_that_was_sent_runs_nothing_by_itself(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        lab.workflows.create("flow", machine(W={"Type": "Wait", "Seconds": 1, "End": True}))
        arn = lab.workflows.start("flow").arn
    with Store(tmp_path / "s.duckdb") as store:
        store.backup(tmp_path / "copy.duckdb")
    with app.open(store=tmp_path / "copy.duckdb", cache=cache) as lab:
        assert not lab.home.here
        assert lab.workflows.execution(arn).status is Status.RUNNING
        assert lab.workflows.resume() == 1
        assert lab.workflows.run(arn).wait(30).status is Status.SUCCEEDED


def test_one_whose_process_is_gone_is_stopped_by_who_says_so(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        lab.workflows.create("flow", machine(W={"Type": "Wait", "Seconds": 3600, "End": True}))
        arn = lab.workflows.start("flow").arn
    with Store(tmp_path / "s.duckdb") as store:
        store.backup(tmp_path / "copy.duckdb")
    with app.open(store=tmp_path / "copy.duckdb", cache=cache) as lab:
        assert not lab.home.here
        assert lab.workflows.stop(arn, error="Enough").status is Status.ABORTED


def test_tasks_fail_by_the_name_of_what_was_raised(lab):
    def wrong(_):
        return {1, 2}

    lab.workflows.activity("wrong", wrong)
    lab.workflows.create("wrong", task("activity:wrong"))
    ended = lab.workflows.start("wrong").wait(10)
    assert ended.error.error == "InvalidValue"
    assert "no JSON form" in ended.error.cause


def test_what_is_printed_is_a_line(lab):
    workflow = lab.workflows.get("fail")
    assert repr(workflow) == "<Workflow fail definition 1: STANDARD, active, 1 state>"
    ended = lab.workflows.start("fail", name="printed").wait(10)
    assert str(ended).startswith("<WorkflowExecution printed of fail: FAILED in 0.")
    assert str(ended).endswith(" s Broken: on purpose>")
    run = lab.workflows.start("wait", name="waits")
    assert repr(run.execution) == "<WorkflowExecution waits of wait: RUNNING in W>"
    run.stop(cause="x" * 200)
    assert len(repr(run.execution)) < 200
