"""Executions from their start to their end, in one process."""

import json
import os
import threading

import pytest

from faaslab.clock import SYSTEM
from faaslab.errors import AlreadyExists, Closed, Conflict, InvalidValue, NotFound, StoreError, StoreFull
from faaslab.model.workflow import hiding
from faaslab.workflow.effects import Call, Failed, Heartbeat, Stop, Submitted, Succeeded
from faaslab.workflow.engine import Engine
from tests.workflow.engine.conftest import moved, types, until
from tests.workflow.engine.shop import ARN, FUNCTION, PASS, TOKEN, Carry, echo, execution, machine, task, wait


def test_an_execution_of_passes_has_ended_when_start_returns_and_its_history_is_stored(begin, store):
    engine = begin()
    before = threading.active_count()
    handle = engine.start(execution(text='{"a":1}'), machine(("A", PASS), ("B", PASS)))
    assert handle.done
    assert handle.execution.output == '{"a":1}'
    assert handle.execution.statistics.total_states == 2
    assert threading.active_count() == before
    assert types(store, handle.id) == [
        "ExecutionStarted", "PassStateEntered", "PassStateExited", "PassStateEntered", "PassStateExited",
        "ExecutionSucceeded",
    ]  # fmt: skip
    assert store.workflows.find(handle.id) == handle.execution
    assert engine.running() == []


def test_tasks_are_carried_out_after_what_led_to_them_is_stored(begin, store):
    seen = []

    def answer(wanted):
        seen.append(types(store, ARN + "x")[-1])
        return echo(wanted)

    engine = begin(answer)
    ended = engine.start(execution(text='{"n":2}'), machine(("A", task()), ("B", task()))).wait(10)
    assert (ended.status, ended.output) == ("SUCCEEDED", '{"n":2}')
    assert seen == ["LambdaFunctionStarted"] * 2
    assert [wanted.resource for wanted in engine.carry.wanted] == [FUNCTION] * 2
    assert engine.carry.over == [ended]


def test_waits_end_when_the_clock_says_so_and_not_before(begin, clock):
    engine = begin()
    handle = engine.start(execution(clock=clock), machine(("W", wait(60)), ("P", PASS)))
    clock.advance(59)
    assert handle.wait(0) is None
    ended = moved(clock, handle, 2)
    assert (ended.ended_at - ended.started_at).total_seconds() == 61


def test_a_failure_ends_it_with_error_and_cause(begin):
    engine = begin(lambda wanted: Failed(wanted.key, "Broken", "it is"))
    ended = engine.start(execution(), machine(("A", task()))).wait(10)
    assert (ended.status, ended.error.error, ended.error.cause) == ("FAILED", "Broken", "it is")
    assert (ended.statistics.failed_states, ended.statistics.completed_states) == (1, 0)


def test_retries_are_timers_and_counted(begin, clock):
    calls = []

    def answer(wanted):
        calls.append(wanted.key)
        return echo(wanted) if len(calls) == 3 else Failed(wanted.key, "Broken")

    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 10, "MaxAttempts": 5}]
    engine = begin(answer)
    ended = moved(clock, engine.start(execution(clock=clock), machine(("A", task(Retry=retry)))))
    assert ended.status == "SUCCEEDED"
    assert ended.statistics.retried_states == 1
    assert len(calls) == 3


def test_the_same_name_and_input_while_it_runs_is_the_same_execution(begin):
    engine = begin(lambda wanted: None)
    first = engine.start(execution(text='{"a":1}'), machine(("A", task())))
    again = engine.start(execution(text='{"a":1}'), machine(("A", task())))
    assert again.id == first.id
    assert again.execution.started_at == first.execution.started_at
    with pytest.raises(AlreadyExists, match="Execution Already Exists"):
        engine.start(execution(text='{"a":2}'), machine(("A", task())))
    assert len(engine.carry.wanted) == 1


def test_a_name_stays_taken_after_the_end(begin, store):
    engine = begin()
    engine.start(execution(), machine(("A", PASS)))
    with pytest.raises(AlreadyExists):
        engine.start(execution(), machine(("A", PASS)))
    assert len(types(store, ARN + "x")) == 4


def test_stop_ends_it_at_once_and_what_it_wanted_is_forgotten(begin):
    engine = begin(lambda wanted: None)
    handle = engine.start(execution(), machine(("A", task())))
    key = engine.carry.wanted[0].key
    assert engine.signal(handle.id, Stop("Enough", "of it"))
    ended = handle.wait(10)
    assert (ended.status, ended.error.error) == ("ABORTED", "Enough")
    assert engine.carry.forgotten == [(handle.id, key)]
    assert not engine.signal(handle.id, Stop())


def test_a_token_is_answered_by_whoever_knows_it(begin, store):
    engine = begin()
    handle = engine.start(execution(), machine(("T", TOKEN)))
    (call,) = engine.carry.wanted
    assert call.pattern == "token"
    assert not engine.answer("another", lambda key: Succeeded(key, 1))
    assert engine.answer(call.token, lambda key: Succeeded(key, {"done": True}))
    assert handle.wait(10).output == '{"done":true}'
    assert not engine.answer(call.token, lambda key: Succeeded(key, 2))
    assert store.workflows.of_token(call.token) is None


def test_of_the_answers_under_a_token_the_first_is_accepted_and_kept(begin, store, clock):
    """Whoever has the execution has heard of none of them yet, and dies before it does."""
    first = begin()
    handle = first.start(execution(), machine(("T", TOKEN)))
    (call,) = first.carry.wanted
    until(lambda: first._turns.find(handle.id).told)
    first.close()
    others = [begin(), begin()]
    assert others[0].answer(call.token, lambda key: Succeeded(key, 1))
    assert not others[1].answer(call.token, lambda key: Failed(key, "E"))
    assert not others[0].answer(call.token, Heartbeat)
    third = begin()
    third.resume()
    assert third.wait(handle.id).output == "1"


def test_a_second_answer_is_dropped_and_not_stored(begin, store):
    engine = begin(lambda wanted: None)
    handle = engine.start(execution(), machine(("A", task()), ("B", task())))
    (call,) = engine.carry.wanted
    for number in range(3):
        engine.signal(handle.id, Succeeded(call.key, {"n": number}))
    until(lambda: len(engine.carry.wanted) == 2)
    assert engine.carry.wanted[1].parameters == {"n": 0}
    assert types(store, handle.id).count("LambdaFunctionSucceeded") == 1


def test_who_carries_out_may_fail_without_harm(begin):
    def answer(wanted):
        raise OSError("no such door")

    engine = begin(answer)
    ended = engine.start(execution(), machine(("A", task()))).wait(10)
    assert ended.status == "FAILED"
    assert "no such door" in ended.error.cause
    assert engine.start(execution("y"), machine(("A", PASS))).done


def test_an_answer_that_is_no_json_fails_the_state(begin):
    engine = begin(lambda wanted: Succeeded(wanted.key, {1, 2}))
    ended = engine.start(execution(), machine(("A", task()))).wait(10)
    assert ended.status == "FAILED"
    assert "no JSON form" in ended.error.cause


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_an_input_that_is_no_json_is_refused(begin, text):
    with pytest.raises(InvalidValue, match="not JSON"):
        begin().start(execution(text=text), machine(("A", PASS)))


def test_an_interpreter_that_raises_fails_its_execution_alone(begin, store):
    class Bad:
        def step(self, signal, now):
            raise RuntimeError("a bug")

    engine = begin(interpret=lambda *_: Bad())
    handle = engine.start(execution(), machine(("A", PASS)))
    assert (handle.execution.status, handle.execution.error.error) == ("FAILED", "States.Runtime")
    assert "a bug" in handle.execution.error.cause
    assert types(store, handle.id) == ["ExecutionFailed"]


def test_many_threads_start_executions(begin, store):
    engine = begin(echo)
    handles = []

    def start(number):
        for each in range(20):
            handles.append(engine.start(execution(f"{number}-{each}"), machine(("A", task()), ("B", PASS))))

    threads = [threading.Thread(target=start, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {handle.wait(20).status for handle in handles} == {"SUCCEEDED"}
    counts = store.sql("SELECT count(*) AS n, count(DISTINCT id) AS ids FROM workflow_executions")
    assert list(counts.iloc[0]) == [80, 80]


class Full:
    """A keeper whose disk is full for a while."""

    def __init__(self, keeper):
        self.keeper = keeper
        self.full = False
        self.refused = threading.Event()

    def __getattr__(self, name):
        return getattr(self.keeper, name)

    def keep(self, changes, owner):
        if self.full:
            self.refused.set()
            raise StoreFull("no space is left")
        return self.keeper.keep(changes, owner)


def test_a_full_disk_is_told_to_who_starts_and_what_comes_later_waits_for_room(begin, store, clock):
    keeper = Full(store.workflows)
    engine = begin(lambda wanted: None, keeper=keeper)
    handle = engine.start(execution(), machine(("A", task()), ("B", PASS)))
    keeper.full = True
    with pytest.raises(StoreFull):
        engine.start(execution("y"), machine(("A", PASS)))
    assert store.workflows.find(ARN + "y") is None
    (call,) = engine.carry.wanted
    engine.signal(handle.id, Succeeded(call.key, {"n": 1}))
    assert keeper.refused.wait(10)
    assert not handle.done
    keeper.full = False
    until(lambda: clock.advance(1) or handle.done)
    assert handle.execution.output == '{"n":1}'
    assert engine.trouble is None
    assert types(store, handle.id).count("LambdaFunctionSucceeded") == 1


def test_closed_means_closed_and_waiters_are_told(begin):
    engine = begin(lambda wanted: None)
    handle = engine.start(execution(), machine(("A", task())))
    said = []

    def waits():
        try:
            handle.wait()
        except Closed as error:
            said.append(error)

    thread = threading.Thread(target=waits)
    thread.start()
    until(lambda: handle._live.over is not None)
    engine.close()
    engine.close()
    thread.join(10)
    assert len(said) == 1
    with pytest.raises(Closed):
        engine.start(execution("y"), machine(("A", PASS)))
    assert not [thread for thread in threading.enumerate() if thread.name == "faaslab-workflows"]


def test_a_child_of_a_fork_has_an_engine_of_its_own(begin, store):
    engine = begin(lambda wanted: None)
    handle = engine.start(execution(), machine(("A", task())))
    read, write = os.pipe()
    with pytest.warns(DeprecationWarning, match="fork") if os.sys.version_info >= (3, 12) else _nothing():
        pid = os.fork()
    if pid == 0:
        try:
            mine = engine.start(execution("child"), machine(("A", PASS)))
            os.write(write, json.dumps([engine.running(), mine.execution.status, engine.owner]).encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    running, status, owner = json.loads(os.read(read, 4096))
    os.close(read)
    os.close(write)
    assert (running, status) == ([], "SUCCEEDED")
    assert owner != engine.owner
    assert engine.running() == [handle.id]


def _nothing():
    import contextlib

    return contextlib.nullcontext()


def test_what_is_not_known_is_said_so(begin):
    engine = begin()
    with pytest.raises(NotFound):
        engine.wait(ARN + "nobody", 0)
    with pytest.raises(Conflict):
        engine.redrive(ARN + "nobody")
    assert not engine.signal(ARN + "nobody", Stop())
    assert engine.standing(ARN + "nobody") is None


def test_a_large_payload_goes_to_a_blob_and_comes_back_whole(begin, store):
    engine = begin(echo)
    text = json.dumps({"long": "é" * 70_000}, ensure_ascii=False)
    handle = engine.start(execution(text=text), machine(("A", task()), ("B", PASS)))
    ended = handle.wait(10)
    assert json.loads(ended.output) == json.loads(text)
    found = store.workflows.find(handle.id)
    assert (found.input, json.loads(found.output)) == (text, json.loads(text))
    started = store.workflows.history(handle.id)[0]
    assert json.loads(started.details["input"]) == json.loads(text)
    row = store.connect().execute("SELECT input, input_blob FROM workflow_executions").fetchone()
    assert row[0] is None
    assert store.blobs.has(row[1])


def test_carry_is_told_nothing_of_submitted_calls_twice(begin):
    engine = begin()
    engine.start(execution(), machine(("T", TOKEN)))
    until(lambda: engine.pending(ARN + "x"))
    (call,) = engine.pending(ARN + "x").values()
    assert isinstance(call, Call)
    engine.signal(ARN + "x", Submitted(call.key, {}))
    assert len(engine.carry.wanted) == 1
    assert isinstance(engine.carry, Carry)


def test_one_that_cannot_be_kept_holds_up_no_other(begin, store):
    class Picky:
        def __getattr__(self, name):
            return getattr(store.workflows, name)

        def keep(self, changes, owner):
            if any(c.execution.name == "bad" and c.beginning is None and not c.final for c in changes):
                raise RuntimeError("never")
            return store.workflows.keep(changes, owner)

    engine = begin(lambda wanted: None, keeper=Picky())
    handles = [engine.start(execution(name), machine(("A", task()))) for name in ("bad", "good", "better")]
    engine._turns._lock.acquire()  # so that all are told in one turn
    threads = [
        threading.Thread(target=engine.signal, args=(handle.id, Succeeded(call.key, 1)))
        for handle, call in zip(handles, engine.carry.wanted, strict=True)
    ]
    for thread in threads:
        thread.start()
    engine._turns._lock.release()
    for thread in threads:
        thread.join()
    assert [handle.wait().status for handle in handles[1:]] == ["SUCCEEDED"] * 2
    ended = handles[0].wait()
    assert (ended.status, ended.error.error) == ("FAILED", "States.Runtime")
    assert ended.error.cause == "what happened cannot be kept: RuntimeError: never"
    assert types(store, ended.id)[-2:] == ["LambdaFunctionStarted", "ExecutionFailed"]
    assert "never" in str(engine.last_error)
    with pytest.raises(Conflict):
        engine.redrive(ended.id)


class Broken(Full):
    """A keeper whose disk cannot take one execution, or none, for a while."""

    names = ()

    def keep(self, changes, owner):
        if any(change.execution.name in self.names for change in changes):
            self.refused.set()
            raise StoreError("disk I/O error")
        return self.keeper.keep(changes, owner)


@pytest.mark.parametrize("broken", [("x0",), tuple(f"x{number}" for number in range(9))])
def test_what_a_disk_could_not_take_is_kept_once_it_can(begin, store, clock, broken):
    keeper = Broken(store.workflows)
    engine = begin(lambda wanted: None, keeper=keeper)
    handles = [engine.start(execution(f"x{n}"), machine(("A", task()), ("B", task()))) for n in range(9)]
    keeper.names = broken
    for handle, call in zip(handles, list(engine.carry.wanted), strict=True):
        engine.signal(handle.id, Succeeded(call.key, {"n": 1}))
    assert keeper.refused.wait(10)
    until(lambda: clock.advance(0.05) or len(engine.carry.wanted) == 18 - len(broken))
    assert "disk I/O error" in str(engine.trouble)
    keeper.names = ()
    until(lambda: clock.advance(1) or len(engine.carry.wanted) == 18)
    until(lambda: engine.trouble is None)
    for handle in handles:
        (key,) = engine.pending(handle.id)
        engine.signal(handle.id, Succeeded(key, {"n": 2}))
    assert [handle.wait(20).output for handle in handles] == ['{"n":2}'] * 9
    assert types(store, handles[0].id).count("LambdaFunctionSucceeded") == 2


def test_what_could_not_be_kept_is_of_the_next_engine_after_the_close(begin, store):
    keeper = Broken(store.workflows)
    engine = begin(lambda wanted: None, keeper=keeper)
    handle = engine.start(execution("x0"), machine(("A", task())))
    keeper.names = ("x0",)
    engine.signal(handle.id, Succeeded(engine.carry.wanted[0].key, {"n": 1}))
    assert keeper.refused.wait(10)
    engine.close()
    second = begin(echo)
    assert second.resume() == 1
    assert second.wait(handle.id).status == "SUCCEEDED"


def test_an_engine_closes_while_an_execution_goes_on_by_itself(store):
    loop = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Choice",
        "Choices": [{"Variable": "$.x", "NumericEquals": 1, "Next": "A"}], "Default": "Z"},
        "Z": {"Type": "Succeed"}}}  # fmt: skip
    engine = Engine(store.workflows, Carry(), clock=SYSTEM, owner="me")
    handle = engine.start(execution(text='{"x":1}', type="EXPRESS"), loop)
    closing = threading.Thread(target=engine.close, daemon=True)
    closing.start()
    closing.join(60)
    assert not closing.is_alive()
    assert store.workflows.find(handle.id).status == "RUNNING"
    last = store.workflows.history(handle.id, limit=1, reverse=True)[0].id
    with Engine(store.workflows, Carry(), clock=SYSTEM, owner="next") as another:
        assert another.resume() == 1
        until(lambda: store.workflows.history(handle.id, limit=1, reverse=True)[0].id > last)


class Interrupted(Full):
    """A keeper that is interrupted once, when all is kept."""

    def keep(self, changes, owner):
        outcome = self.keeper.keep(changes, owner)
        if not self.refused.is_set():
            self.refused.set()
            raise KeyboardInterrupt
        return outcome


@pytest.mark.parametrize("where", ["keep", "do"])
def test_what_was_begun_when_an_interrupt_came_goes_on(begin, store, clock, where):
    calls = []

    def answer(wanted):
        calls.append(wanted)
        if where == "do" and len(calls) == 1:
            raise KeyboardInterrupt
        return echo(wanted)

    engine = begin(answer, keeper=Interrupted(store.workflows) if where == "keep" else None)
    with pytest.raises(KeyboardInterrupt):
        engine.start(execution(text='{"n":1}'), machine(("A", task())))
    until(lambda: clock.advance(0.1) or engine.standing(ARN + "x").status == "SUCCEEDED")


def test_an_error_of_our_own_in_a_turn_ends_neither_the_thread_nor_an_execution(begin, store, clock):
    engine = begin(lambda wanted: None)
    handle = engine.start(execution(), machine(("A", task())))
    told, failed = engine._turns._told, threading.Event()

    def wrong(*arguments):
        if not failed.is_set():
            failed.set()
            raise ZeroDivisionError
        return told(*arguments)

    engine._turns._told = wrong
    engine.signal(handle.id, Succeeded(engine.carry.wanted[0].key, {"n": 1}))
    assert failed.wait(10)
    until(lambda: clock.advance(1) or len(engine.carry.wanted) == 2)
    engine.signal(handle.id, Succeeded(engine.carry.wanted[1].key, {"n": 2}))
    until(lambda: engine.standing(handle.id).output == '{"n":2}')
    assert isinstance(engine.last_error, ZeroDivisionError)


def test_what_is_raised_by_those_who_are_told_of_an_end_harms_nobody(begin):
    engine = begin(echo)
    engine.carry.ended = lambda execution: 1 / 0
    assert engine.start(execution(), machine(("A", task()))).wait().status == "SUCCEEDED"
    assert engine.start(execution("y"), machine(("A", task()))).wait().status == "SUCCEEDED"
    assert "division" in str(engine.last_error)


def test_who_waits_for_an_execution_has_it_whole_and_all_others_with_stars(begin):
    engine = begin()
    given = '{"token":"hunter2-very-secret"}'
    handle = engine.start(hiding(execution(text=given), ("hunter2-very-secret",)), machine(("W", wait(60))))
    assert engine.whole(handle.id).input == given
    assert engine.standing(handle.id).input == handle.execution.input == '{"token":"****"}'
