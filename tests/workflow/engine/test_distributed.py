"""Children of distributed Maps: executions of their own, started once, whose ends are told to their parent."""

import json
import threading

import pytest

from faaslab.model.workflow_steps import Beginning
from faaslab.workflow.effects import Continue, Failed, MapRunState, Started, Stop, Submitted, Succeeded
from faaslab.workflow.engine.live import Live
from tests.workflow.engine.conftest import types, until
from tests.workflow.engine.shop import PASS, echo, execution, machine, task


def spread(processor, kind="STANDARD", **fields):
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    return machine(
        (
            "M",
            {
                "Type": "Map",
                "Label": "L",
                "ItemProcessor": {"ProcessorConfig": config, **processor},
                **fields,
            },
        )
    )


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_each_item_has_an_execution_of_its_own(begin, store, kind):
    engine = begin(echo)
    handle = engine.start(execution(text="[1,2,3]"), spread(machine(("A", task())), kind))
    ended = handle.wait(20)
    assert (ended.status, ended.output) == ("SUCCEEDED", "[1,2,3]")
    children = store.sql("SELECT * FROM workflow_executions WHERE map_run IS NOT NULL ORDER BY input")
    assert list(children.input) == ["1", "2", "3"]
    assert set(children.type) == {kind}
    assert set(children.parent) == {handle.id}
    assert all(":mapRun:m/L:" in arn for arn in children.map_run)
    assert "MapRunSucceeded" in types(store, handle.id)
    assert engine.carry.noted
    assert isinstance(engine.carry.noted[-1], MapRunState)
    assert engine.carry.noted[-1].status == "SUCCEEDED"
    assert (
        store.workflows._state.one("SELECT count(*) FROM workflow_executions WHERE key IS NOT NULL")[0] == 0
    )


def test_the_results_that_are_written_tell_when_each_child_ran(begin, clock):
    engine = begin(lambda wanted: Succeeded(wanted.key, {}))
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "p"}}
    flow = spread(machine(("A", PASS)), ResultWriter=writer)
    engine.start(execution(text="[1,2]", clock=clock), flow).wait(20)
    (write,) = engine.carry.wanted
    at = clock.now().isoformat(timespec="milliseconds") + "Z"
    assert [(each["StartDate"], each["StopDate"]) for each in write.results] == [(at, at)] * 2


def test_a_thousand_children_end_in_few_transactions(begin, store):
    kept = []

    class Counting:
        def __getattr__(self, name):
            return getattr(store.workflows, name)

        def keep(self, changes, owner):
            kept.append(len(changes))
            return store.workflows.keep(changes, owner)

    engine = begin(keeper=Counting())
    ended = engine.start(execution(text=json.dumps(list(range(1000)))), spread(machine(("A", PASS)))).wait(60)
    assert json.loads(ended.output) == list(range(1000))
    assert sum(kept) >= 1000
    assert len(kept) < 50


def test_thousands_of_children_hold_up_nobody_else(begin, store):
    """What was begun after them ends long before they have, and who began them was not held up."""
    both, ends = threading.Event(), []

    class Watching:
        def __getattr__(self, name):
            return getattr(store.workflows, name)

        def keep(self, changes, owner):
            if any(change.execution.parent for change in changes):
                assert both.wait(20)
            ends.extend(change.execution.id for change in changes if change.ended)
            return store.workflows.keep(changes, owner)

    engine = begin(echo, keeper=Watching())
    many = engine.start(execution("many", text=json.dumps([0] * 3000)), spread(machine(("A", PASS))))
    assert len(engine.pending(many.id)) <= 1200
    other = engine.start(execution("other"), machine(("A", task()), ("B", task())))
    few = engine.start(execution("few", text="[1]"), spread(machine(("A", PASS))))
    both.set()
    for handle in (other, few, many):
        assert handle.wait(60).status == "SUCCEEDED"
    assert ends.index(other.id) < 1500
    assert ends.index(few.id) < 1500
    assert ends.index(many.id) > 3000


def test_a_parent_that_is_starting_children_stops_at_once(begin, store):
    engine = begin()
    handle = engine.start(execution(text=json.dumps([0] * 3000)), spread(machine(("A", PASS))))
    engine.signal(handle.id, Stop())
    assert handle.wait(20).status == "ABORTED"
    until(lambda: not engine.running())
    assert store.workflows.claim("next", lambda owner: True, limit=1) == []


def test_a_stop_is_told_before_what_else_was_heard_but_not_before_the_start():
    new = Live(execution(), Beginning("", "", 0, "{}"), None)
    for signal in (Continue(), Stop()):
        new.hear(signal)
    assert [type(signal) for signal, _ in new.signals] == [Stop, Continue]
    new.signals.clear()
    for signal in (Started(), Continue(), Stop()):
        new.hear(signal)
    assert [type(signal) for signal, _ in new.signals] == [Started, Stop, Continue]


def test_children_that_ended_are_not_started_again_after_a_death(begin, store):
    done = []

    def some(wanted):
        if len(done) < 5:
            done.append(wanted.parameters)
            return echo(wanted)
        return None

    first = begin(some)
    handle = first.start(execution(text="[0,1,2,3,4,5,6,7]"), spread(machine(("A", task()))))
    until(lambda: len(first.carry.over) == 5)
    first.close()
    second = begin(echo)
    second.resume()
    assert second.wait(handle.id).output == "[0,1,2,3,4,5,6,7]"
    assert sorted(wanted.parameters for wanted in second.carry.wanted) == sorted({*range(8)} - {*done})


def test_a_child_that_ended_just_before_the_death_is_heard_of(begin, store):
    """Its end is kept, and its parent was not told."""
    first = begin(lambda wanted: None)
    handle = first.start(execution(text="[7]"), spread(machine(("A", task()))))
    until(lambda: first.carry.wanted)
    child = next(name for name in first.running() if name != handle.id)
    first.close()
    half = begin(owner="half")
    taken = store.workflows.claim("half", lambda owner: False, limit=10)
    (one,) = [each for each in taken if each.execution.id == child]
    live = Live(one.execution, one.beginning, half._turns.make, epoch=one.epoch, new=False)
    live.replay(one)
    live.tell(echo(first.carry.wanted[0]), half._turns.now())
    store.workflows.keep([live.change()], "half")
    store.workflows.release("half")
    assert store.workflows.find(child).status == "SUCCEEDED"
    second = begin(echo)
    second.resume()
    assert second.wait(handle.id).output == "[7]"
    assert second.carry.wanted == []


def test_children_are_stopped_with_their_parent(begin, store):
    engine = begin(lambda wanted: None)
    handle = engine.start(execution(text="[1,2]"), spread(machine(("A", task()))))
    until(lambda: len(engine.carry.wanted) == 2)
    engine.signal(handle.id, Stop())
    assert handle.wait(10).status == "ABORTED"
    until(lambda: not engine.running())
    statuses = store.sql("SELECT status FROM workflow_executions").status
    assert list(statuses) == ["ABORTED"] * 3


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_a_redriven_map_run_has_its_failed_children_go_on(begin, store, kind):
    engine = begin(lambda wanted: Failed(wanted.key, "Broken") if wanted.parameters == 2 else echo(wanted))
    handle = engine.start(execution(text="[1,2,3]"), spread(machine(("A", task())), kind))
    assert handle.wait(20).status == "FAILED"
    until(lambda: not engine.running())
    mended = begin(echo)
    ended = mended.redrive(handle.id).wait(20)
    assert (ended.status, ended.output) == ("SUCCEEDED", "[1,2,3]")
    assert 2 in [wanted.parameters for wanted in mended.carry.wanted]


def test_a_child_that_cannot_be_started_fails_and_does_not_hang(begin, monkeypatch):
    from faaslab.workflow.engine import hands

    def refuses(value):
        raise RecursionError("too deep")

    engine = begin(echo)
    monkeypatch.setattr(hands, "_text", refuses)
    ended = engine.start(execution(text="[1]"), spread(machine(("A", task())))).wait(20)
    assert ended.status == "FAILED"
    assert ended.error.error == "States.ExceedToleratedFailureThreshold"


def left_behind(begin, starts, end):
    """An engine whose process is gone between the end of an execution and what was to be told of it."""
    first = begin(lambda wanted: None)
    handles = [first.start(*start) for start in starts]
    first._turns._hands._end = first._turns._hands.ended = lambda *_: None
    end(first, handles)
    first.close()


def test_children_end_with_their_parent_though_its_process_is_gone_at_that_moment(begin, store):
    def end(engine, handles):
        until(lambda: len(engine.carry.wanted) == 3)
        engine.signal(handles[0].id, Stop())
        until(lambda: handles[0].done)

    left_behind(begin, [(execution(text="[1,2,3]"), spread(machine(("A", task()))))], end)
    second = begin(lambda wanted: None)
    assert second.resume() == 3
    until(lambda: not second.running())
    children = store.sql("SELECT status FROM workflow_executions WHERE map_run IS NOT NULL")
    assert list(children.status) == ["ABORTED"] * 3


@pytest.mark.parametrize(("pattern", "status"), [(".sync:2", "ABORTED"), ("", "RUNNING")])
@pytest.mark.parametrize("how", ["stopped", "timed out"])
def test_a_nested_child_ends_with_who_waits_for_it_though_that_process_is_gone(
    begin, store, clock, pattern, status, how
):
    arn = execution("child").id
    nested = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::states:startExecution{pattern}",
        "Parameters": {"StateMachineArn": "m"},
        "TimeoutSeconds": 60,
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "W"}],
    }
    parent = machine(("S", nested), ("W", {"Type": "Wait", "Seconds": 1000}))

    def end(engine, handles):
        engine.signal(handles[1].id, Submitted(engine.carry.wanted[-1].key, {"ExecutionArn": arn}))
        until(lambda: engine._turns.find(handles[1].id).told)
        if how == "stopped":
            engine.signal(handles[1].id, Stop())
            until(lambda: handles[1].done)
        else:
            until(lambda: clock.advance(1) or "WaitStateEntered" in types(store, handles[1].id))

    starts = [(execution("child", clock=clock), machine(("A", task()))), (execution(clock=clock), parent)]
    left_behind(begin, starts, end)
    second = begin(lambda wanted: None)
    second.resume()
    if status == "ABORTED":
        until(lambda: store.workflows.find(arn).status == "ABORTED")
    assert second.standing(arn).status == status
    assert store.workflows._state.one("SELECT count(*) FROM workflow_letters") == (0,)
