"""Executions that another engine left, or that another process speaks to."""

import json
import threading
from datetime import timedelta

import pytest

from faaslab.clock import SteppedClock
from faaslab.errors import Conflict
from faaslab.store import Store
from faaslab.workflow.effects import Continue, Failed, Redrive, Stop, Submitted, Succeeded
from faaslab.workflow.engine import Engine, packed, unpacked
from faaslab.workflow.engine.interpreting import interpreted
from tests.workflow.engine.conftest import moved, types, until
from tests.workflow.engine.shop import ARN, PASS, TOKEN, Carry, echo, execution, machine, task, wait

TWO = machine(("A", task()), ("W", wait(60)), ("B", task()))


def answers(engine, call, output):
    engine.signal(ARN + "x", Succeeded(call.key, output))


def test_what_an_engine_gives_up_another_takes_up_and_no_recorded_task_runs_again(begin, clock, store):
    first = begin(echo)
    handle = first.start(execution(text='{"n":1}', clock=clock), TWO)
    until(lambda: "WaitStateEntered" in types(store, handle.id))
    first.close()
    second = begin(echo)
    assert second.resume() == 1
    assert second.resume() == 0
    ended = moved(clock, second.handle(handle.id))
    assert ended.output == '{"n":1}'
    assert len(second.carry.wanted) == 1
    assert ended.statistics.total_states == 3
    history = store.workflows.history(handle.id)
    assert [event.id for event in history] == list(range(1, len(history) + 1))
    assert (ended.ended_at - ended.started_at).total_seconds() == pytest.approx(60, abs=5)


def test_a_call_without_an_answer_is_made_again(begin, store):
    first = begin(lambda wanted: None)
    handle = first.start(execution(text='{"n":1}'), machine(("A", task())))
    first.close()
    second = begin(echo)
    second.resume()
    assert second.wait(handle.id).output == '{"n":1}'
    assert second.carry.wanted[0].key == first.carry.wanted[0].key
    assert types(store, handle.id).count("LambdaFunctionScheduled") == 1


def test_a_call_that_was_taken_is_not_begun_again_and_who_carries_out_is_told(begin):
    first = begin()
    handle = first.start(execution(), machine(("T", TOKEN)))
    (call,) = first.carry.wanted
    until(lambda: first._turns.find(handle.id).told)
    first.close()
    second = begin()
    second.resume()
    assert second.carry.told == [(Submitted(call.key, {}),)]
    second.answer(call.token, lambda key: Succeeded(key, {"late": 1}))
    assert second.wait(handle.id).output == '{"late":1}'


def test_timers_that_are_overdue_fire_at_once(begin, clock):
    first = begin()
    handle = first.start(execution(clock=clock), machine(("W", wait(60))))
    first.close()
    clock.advance(3600)
    second = begin()
    second.resume()
    ended = second.wait(handle.id)
    assert (ended.ended_at - ended.started_at).total_seconds() == 3600


def test_what_was_answered_before_the_close_is_kept(begin, store):
    first = begin(lambda wanted: None)
    handle = first.start(execution(), machine(("A", task()), ("B", task())))
    (call,) = first.carry.wanted
    answers(first, call, {"kept": 1})
    first.close()
    assert "LambdaFunctionSucceeded" in types(store, handle.id)
    answers(first, call, {"kept": 2})  # after the close: left for the next one, which has no use for it
    second = begin(echo)
    second.resume()
    assert second.wait(handle.id).output == '{"kept":1}'
    assert store.workflows._state.one("SELECT count(*) FROM workflow_letters")[0] == 0


def test_who_is_alive_keeps_what_it_has_and_who_is_gone_does_not(begin):
    first = begin(lambda wanted: None)
    first.start(execution(), machine(("A", task())))
    second = begin(echo, is_gone=lambda owner: False)
    assert second.resume() == 0
    third = begin(echo, is_gone=lambda owner: owner == first.owner)
    assert third.resume() == 1


class Silent:
    """A keeper whose engine says once that it is there, and hangs then."""

    def __init__(self, keeper):
        self.keeper = keeper
        self.said = threading.Event()

    def __getattr__(self, name):
        return getattr(self.keeper, name)

    def alive(self, owner, until):
        if not self.said.is_set():
            self.keeper.alive(owner, until)
            self.said.set()


def test_who_has_not_said_for_long_that_it_is_there_loses_what_it_has(begin, clock, store):
    keeper = Silent(store.workflows)
    first = begin(lambda wanted: None, keeper=keeper)
    handle = first.start(execution(), machine(("A", task())))
    assert keeper.said.wait(10)
    clock.advance(1000)
    second = begin(lambda wanted: None)
    assert second.resume() == 0
    clock.advance(31)
    assert second.resume() == 1
    (late,), (call,) = first.carry.wanted, second.carry.wanted
    answers(first, late, {"late": 1})  # the sleeper wakes up
    until(lambda: first.running() == [])
    assert "LambdaFunctionSucceeded" not in types(store, handle.id)
    answers(second, call, {"in time": 1})
    assert second.wait(handle.id).output == '{"in time":1}'
    assert first.wait(handle.id).output == '{"in time":1}'


class Sleeper(SteppedClock):
    """Of a machine that may sleep: its date goes on then, its seconds do not."""

    slept = timedelta(0)

    def now(self):
        return super().now() + self.slept


def test_a_machine_that_slept_takes_nothing_from_who_lives_and_who_lives_says_so_at_once(tmp_path):
    clock = Sleeper()
    with (
        Store(tmp_path / "s.duckdb", clock=clock) as here,
        Store(tmp_path / "s.duckdb", clock=clock) as there,
    ):
        until_of = "SELECT until FROM workflow_owners"
        carry = Carry()
        with (
            Engine(here.workflows, carry, clock=clock, owner="first") as first,
            Engine(there.workflows, Carry(), clock=clock, owner="second") as second,
        ):
            carry.engine = first
            first.start(execution(clock=clock), machine(("A", task())))
            until(lambda: here.workflows._state.one(until_of))
            (said,) = here.workflows._state.one(until_of)
            clock.slept = timedelta(minutes=10)
            assert second.resume() == 0
            until(lambda: clock.advance(0.05) or here.workflows._state.one(until_of)[0] > said + 500)
            clock.advance(31)
            assert second.resume() == 0
            clock.slept = -timedelta(minutes=10)  # set back: it says so again, or it would seem to be there
            until(lambda: clock.advance(0.05) or here.workflows._state.one(until_of)[0] < said)


def test_another_process_may_stop_and_await_it(begin, store, clock):
    first = begin(lambda wanted: None)
    handle = first.start(execution(), machine(("A", task())))
    with Store(store.path, clock=clock) as elsewhere:
        second = begin(keeper=elsewhere.workflows)
        assert second.handle(handle.id).execution == handle.execution
        assert second.signal(handle.id, Stop("Enough"))
        until(lambda: clock.advance(0.05) or handle.done)
        ended = second.wait(handle.id)
        assert (ended.status, ended.error.error) == ("ABORTED", "Enough")
        assert not second.signal(handle.id, Stop())
        second.close()


def test_a_letter_that_nobody_can_read_is_thrown_away(begin, store, clock):
    engine = begin(lambda wanted: None)
    handle = engine.start(execution(), machine(("A", task())))
    state = store.workflows._state
    for text in ("", "{}", '{"v":99,"kind":"Stop"}', "[" * 10_000, '{"v":1,"kind":"Stop","error":5}'):
        assert store.workflows.post(handle.id, text)
    engine._turns._listening.look = True
    until(lambda: clock.advance(0.05) or not state.one("SELECT count(*) FROM workflow_letters")[0])
    assert not handle.done


def test_another_interpreter_that_tells_another_story_fails_it_clearly(begin, store):
    first = begin(echo)
    handle = first.start(execution(), TWO)
    until(lambda: "WaitStateEntered" in types(store, handle.id))
    first.close()
    other = machine(("Z", PASS), ("Y", wait(60)))
    second = begin(echo, interpret=lambda execution, machine, *rest: interpreted(execution, other, *rest))
    assert second.resume() == 1
    ended = second.wait(handle.id)
    assert (ended.status, ended.error.error) == ("FAILED", "States.Runtime")
    assert "another history from event #1" in ended.error.cause
    assert second.carry.wanted == []
    ids = [event.id for event in store.workflows.history(handle.id)]
    assert ids == list(range(1, len(ids) + 1))


def test_a_random_number_is_the_same_when_it_is_gone_through_again(begin, store):
    random = {"Type": "Pass", "Parameters": {"id.$": "States.UUID()"}}
    first = begin(lambda wanted: None)
    handle = first.start(execution(), machine(("R", random), ("A", task())))
    first.close()
    second = begin(echo)
    second.resume()
    ended = second.wait(handle.id)
    assert json.loads(ended.output) == first.carry.wanted[0].parameters
    assert ended.status == "SUCCEEDED"


def test_a_redriven_execution_goes_on_where_it_failed(begin, store, clock):
    broken = begin(lambda wanted: echo(wanted) if wanted.state == "A" else Failed(wanted.key, "Broken"))
    handle = broken.start(execution(text='{"n":1}'), machine(("A", task()), ("B", task())))
    assert handle.wait().status == "FAILED"
    clock.advance(10)
    mended = begin(echo)
    again = mended.redrive(handle.id)
    ended = again.wait()
    assert (ended.status, ended.output, ended.error) == ("SUCCEEDED", '{"n":1}', None)
    assert (ended.redrive_count, ended.redriven_at) == (1, clock.now())
    assert [wanted.state for wanted in mended.carry.wanted] == ["B"]
    assert "ExecutionRedriven" in types(store, handle.id)
    durations = store.sql(
        "SELECT duration_ms FROM workflow_history WHERE type = 'TaskStateExited' ORDER BY id"
    )
    assert list(durations.duration_ms) == [0, 0]  # it lay dead for ten seconds
    of_tasks = store.sql("SELECT entered_id FROM workflow_history WHERE type LIKE 'Lambda%' ORDER BY id")
    assert list(of_tasks.entered_id) == [2, 2, 2, 7, 7, 7, 7, 7, 7]
    counted = store.sql("SELECT status, redrive_count FROM workflow_executions")
    assert counted.to_dict("records") == [{"status": "SUCCEEDED", "redrive_count": 1}]
    assert store.workflows.find(handle.id).status == "SUCCEEDED"
    with pytest.raises(Conflict, match="not redrivable"):
        mended.redrive(handle.id)


def test_one_that_cannot_go_on_ends_as_it_had(begin, store):
    """An express execution takes no redrive; whoever asks for one must not have it hang."""
    engine = begin(lambda wanted: Failed(wanted.key, "Broken"))
    handle = engine.start(execution(type="EXPRESS"), machine(("A", task())))
    assert handle.wait(10).status == "FAILED"
    ended = engine.redrive(handle.id).wait(10)
    assert (ended.status, ended.error.error) == ("FAILED", "Broken")
    assert engine.running() == []
    assert store.workflows.find(handle.id).status == "FAILED"


def test_one_that_died_while_it_was_redriven_is_redriven_by_the_next(begin, store):
    broken = begin(lambda wanted: Failed(wanted.key, "Broken"))
    handle = broken.start(execution(), machine(("A", task())))
    assert handle.wait().status == "FAILED"
    assert store.workflows.claim_ended(handle.id, "who dies now") is not None
    assert store.workflows.find(handle.id).status == "RUNNING"
    second = begin(echo, is_gone=lambda owner: True)
    assert second.resume() == 1
    assert second.wait(handle.id).status == "SUCCEEDED"


def test_what_failed_may_be_redriven_for_fourteen_days(begin, store, clock):
    engine = begin(lambda wanted: Failed(wanted.key, "Broken"))
    for name in ("old", "young"):
        engine.start(execution(name, clock=clock), machine(("A", task()))).wait()
        clock.advance(8 * 86400)
    store.prune(timedelta(days=60))
    with pytest.raises(Conflict):
        engine.redrive(ARN + "old")
    assert engine.redrive(ARN + "young").wait().redrive_count == 1
    assert store.sql("SELECT count(*) AS n FROM workflow_executions").n[0] == 2


def test_signals_are_gone_once_it_succeeded(begin, store):
    engine = begin(echo)
    engine.start(execution(), machine(("A", task()))).wait()
    for table in ("steps", "letters", "tokens"):
        assert store.workflows._state.one(f"SELECT count(*) FROM workflow_{table}")[0] == 0


def test_nothing_is_left_of_express_executions_that_fail_at_once_and_of_owners_of_long_ago(
    begin, store, clock
):
    state = store.workflows._state
    engine = begin()
    fail = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "No"}}}
    assert engine.start(execution(type="EXPRESS"), fail).wait().status == "FAILED"
    assert state.one("SELECT count(*) FROM workflow_steps") == (0,)
    with state.write(durable=False) as connection:
        connection.execute("INSERT INTO workflow_steps VALUES ('nobody', 1, '', '', NULL, 1, 1)")
    store.workflows.alive("who died", clock.now())
    clock.advance(15 * 86400)
    store.prune(timedelta(days=60))
    for table in ("steps", "owners"):
        assert state.one(f"SELECT count(*) FROM workflow_{table}") == (0,)


def test_a_thousand_that_wait_are_taken_up_in_order(begin, clock, store):
    first = begin()
    for number in range(1000):
        first.start(execution(f"w{number}", clock=clock), machine(("W", wait(10))))
    first.close()
    second = begin()
    assert second.resume() == 1000
    clock.advance(11)
    until(lambda: not second.running())
    counts = store.sql("SELECT status, count(*) AS n FROM workflow_executions GROUP BY ALL")
    assert counts.to_dict("records") == [{"status": "SUCCEEDED", "n": 1000}]


def left_alone(begin, store, *, answered):
    """Three that an engine gave up, the first of them told a long answer that is in a blob."""
    first = begin(lambda wanted: None)
    for name in ("a", "b", "c"):
        first.start(execution(name), machine(("A", task()), ("B", task())))
    first.signal(ARN + "a", Succeeded(first.carry.wanted[0].key, answered))
    until(lambda: len(first.carry.wanted) == 4)
    first.close()
    (digest,) = store.workflows._state.one("SELECT signal_blob FROM workflow_steps WHERE signal_blob <> ''")
    return store.blobs.path(digest)


def test_what_is_gone_of_one_ends_that_one_and_holds_up_no_other(begin, store):
    left_alone(begin, store, answered="x" * 100_000).unlink()
    second = begin(echo)
    assert second.resume() == 3
    ended = [second.wait(ARN + name) for name in ("a", "b", "c")]
    assert [each.status for each in ended] == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert ended[0].error.error == "States.Runtime"
    assert "its signal 2 cannot be read" in ended[0].error.cause
    assert types(store, ARN + "a")[-1] == "ExecutionFailed"
    with pytest.raises(Conflict):
        second.redrive(ARN + "a")  # there is nothing to go on with


@pytest.mark.parametrize(
    ("statement", "cause"),
    [
        ("DELETE FROM workflow_machines", "its definition is not kept any more"),
        ("UPDATE workflow_executions SET body = '{'", "what is kept of it cannot be read"),
        ("UPDATE workflow_executions SET input_blob = 'none'", "its input is not kept any more"),
        ("UPDATE workflow_steps SET at = 'now'", "its signal 1 cannot be read"),
    ],
)
def test_an_execution_of_which_something_is_gone_fails_in_words(begin, store, statement, cause):
    first = begin(lambda wanted: None)
    first.start(execution(), machine(("A", task())))
    first.close()
    with store.workflows._state.write(durable=False) as connection:
        connection.execute(statement)
    second = begin(echo)
    assert second.resume() == 1
    ended = second.wait(ARN + "x")
    assert (ended.status, ended.error.error) == ("FAILED", "States.Runtime")
    assert cause in ended.error.cause


def test_what_cannot_be_read_now_is_held_by_nobody_and_taken_up_later(begin, store):
    path = left_alone(begin, store, answered="x" * 100_000)
    path.rename(path.with_suffix(".away"))
    path.mkdir()  # reading it is an error, and not because it is gone
    second = begin(echo)
    assert second.resume() == 2
    owner = "SELECT owner FROM workflow_executions WHERE id = ?"
    assert store.workflows._state.one(owner, (ARN + "a",))[0] is None
    path.rmdir()
    path.with_suffix(".away").rename(path)
    assert second.resume() == 1
    assert second.wait(ARN + "a").output == json.dumps("x" * 100_000)


def test_what_an_engine_claimed_and_has_not_is_taken_up_by_the_same_engine(begin, store):
    first = begin(lambda wanted: None)
    first.start(execution(), machine(("A", task())))
    first.close()
    second = begin(echo)
    assert len(store.workflows.claim(second.owner, lambda owner: False, limit=5)) == 1
    assert second.resume() == 1
    assert second.resume() == 0
    assert second.wait(ARN + "x").status == "SUCCEEDED"


@pytest.mark.parametrize("once", [True, False])
def test_a_synchronous_execution_is_not_gone_on_with_when_its_process_has_ended(begin, once):
    first = begin(lambda wanted: None)
    handle = first.start(execution(type="EXPRESS"), machine(("A", task())), once=once)
    first.close()
    second = begin(echo)
    assert second.resume() == 1
    ended = second.wait(handle.id)
    assert ended.status == ("FAILED" if once else "SUCCEEDED")
    assert len(second.carry.wanted) == (0 if once else 1)
    if once:
        assert "once at most" in ended.error.cause


def test_signals_survive_their_text():
    for signal in (
        Continue(),
        Redrive(),
        Succeeded("k", {"a": [1, None, "\ud800"]}),
        Stop("e"),
        Failed("k", None),
    ):
        assert unpacked(packed(signal)) == signal
