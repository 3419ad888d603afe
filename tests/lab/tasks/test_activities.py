"""Activities: workers ask for tasks from wherever they are; a Python callable of this process is one as well."""

import asyncio
import json
import threading
import time

import pytest

from faaslab import app
from faaslab.errors import InvalidValue, NotFound, StoreBusy
from faaslab.lab.callables import CallableWorker, Handed
from faaslab.workflow.effects import Succeeded
from tests.lab.workflow_cases import machine, task, types


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("activities")
    with app.open(store=folder / "s.duckdb", cache=folder / "cache") as lab:
        yield lab


def test_an_activity_is_made_once_and_found_by_its_arn(lab):
    one = lab.workflows.activities.create("once", tags={"a": "1"})
    assert one.id == "arn:aws:states:us-east-1:000000000000:activity:once"
    assert lab.workflows.activities.create("once") == one == lab.workflows.activities.get(one.id)
    assert lab.workflows.activities.tag("once", {"b": "2"}, remove=["a"]).tags == {"b": "2"}
    lab.workflows.activities.delete(one.id)
    lab.workflows.activities.delete(one.id)
    with pytest.raises(NotFound) as refused:
        lab.workflows.activities.get_task("once", timeout_s=0)
    assert refused.value.code == "ActivityDoesNotExist"


def test_of_many_that_wait_for_a_task_one_at_a_time_asks_the_queue(lab, monkeypatch):
    activities = lab.workflows.activities
    activities.create("crowd")
    lab.workflows.create("crowd", task("activity:crowd"))
    queue, looks = lab.store.queue, []
    asked = queue.next_due
    monkeypatch.setattr(queue, "next_due", lambda name: looks.append(name) or asked(name))
    got = []
    waiting = [
        threading.Thread(target=lambda: got.append(activities.get_task("crowd", timeout_s=30)))
        for _ in range(50)
    ]
    begun = time.monotonic()
    for thread in waiting:
        thread.start()
    runs = [lab.workflows.start("crowd", n) for n in range(50)]
    for thread in waiting:
        thread.join()
    assert sorted(each.value for each in got) == list(range(50))
    for run in runs:
        lab.workflows.stop(run.arn)
    # Each looks once at first, and once for what it got; beside that one does every quarter of a second.
    of_crowd = looks.count("activity:crowd")
    assert of_crowd <= 3 * 50 + 4 * (time.monotonic() - begun) + 1


def test_a_worker_gets_the_tasks_in_their_order_and_nothing_when_there_is_none(lab):
    activities = lab.workflows.activities
    activities.create("queue")
    lab.workflows.create("queue", task("activity:queue"))
    assert activities.get_task("queue", timeout_s=0) is None
    runs = [lab.workflows.start("queue", n) for n in range(3)]
    for n, run in enumerate(runs):
        got = activities.get_task("queue", worker="me", timeout_s=10)
        assert got.value == n
        lab.workflows.send_task_success(got.token, n * 10)
        assert run.result(10) == n * 10
    started = lab.workflows.history(runs[0].arn).query("type == 'ActivityStarted'")
    assert started["details"].iloc[0] == {"workerName": "me"}


def test_a_worker_that_waits_is_woken_by_a_task(lab):
    lab.workflows.activities.create("woken")
    lab.workflows.create("woken", task("activity:woken"))
    got = []
    asking = threading.Thread(target=lambda: got.append(lab.workflows.activities.get_task("woken")))
    asking.start()
    run = lab.workflows.start("woken", {"a": 1})
    asking.join(30)
    assert got[0].input == '{"a":1}'
    run.stop()


def test_a_task_that_nobody_waits_for_any_more_is_not_handed_out(lab):
    lab.workflows.activities.create("stopped")
    lab.workflows.create("stopped", task("activity:stopped"))
    lab.workflows.start("stopped").stop()
    assert lab.workflows.activities.get_task("stopped", timeout_s=0) is None
    assert lab.store.queue.depth("activity:stopped") == 0


def test_a_task_of_an_activity_that_is_not_there_fails(lab):
    lab.workflows.create("absent", task("activity:absent"))
    run = lab.workflows.start("absent")
    assert run.wait(10).error.error == "ActivityDoesNotExist"
    assert types(run) == ["ActivityScheduled", "ActivityScheduleFailed", "ExecutionFailed"]


def test_callables_do_the_items_of_a_map_at_once(lab):
    both = threading.Barrier(4, timeout=30)

    def meet(value):
        both.wait()
        return value * 2

    lab.workflows.activity("meet", meet)
    inner = task("activity:meet")
    flow = machine(M={"Type": "Map", "ItemProcessor": inner, "End": True})
    lab.workflows.create("meeting", flow)
    assert lab.workflows.start("meeting", [1, 2, 3, 4]).result(60) == [2, 4, 6, 8]


def test_a_callable_takes_the_place_of_the_one_before_it_and_what_waits_already(lab):
    lab.workflows.activities.create("late")
    lab.workflows.create("late", task("activity:late"))
    waiting = lab.workflows.start("late", 1)
    lab.workflows.activity("late", lambda value: value + 1)
    assert waiting.result(30) == 2
    lab.workflows.activity("late", lambda value: value + 100)
    assert lab.workflows.start("late", 1).result(30) == 101


@pytest.mark.parametrize(("worker", "at_once"), [(7, 1), (print, 0), (print, "8"), (print, 1001)])
def test_a_worker_that_is_none_is_refused(lab, worker, at_once):
    with pytest.raises(InvalidValue):
        lab.workflows.activity("wrong", worker, at_once=at_once)


def test_tasks_that_wait_for_a_callable_are_done_by_the_one_that_takes_its_place(lab):
    begun, go_on = threading.Semaphore(0), threading.Event()

    def old(value):
        begun.release()
        go_on.wait(30)
        return f"old {value}"

    lab.workflows.activity("replaced", old, at_once=1)
    lab.workflows.create("replaced", task("activity:replaced"))
    runs = [lab.workflows.start("replaced", n) for n in range(4)]
    assert begun.acquire(timeout=30)
    lab.workflows.activity("replaced", lambda value: f"new {value}")
    assert sorted(run.result(30) for run in runs[1:]) == ["new 1", "new 2", "new 3"]
    go_on.set()
    assert runs[0].result(30) == "old 0"


def test_a_callable_takes_no_more_tasks_than_it_can_begin(lab):
    begun, go_on = threading.Semaphore(0), threading.Event()

    def work(value):
        begun.release()
        go_on.wait(30)
        return value

    lab.workflows.activities.create("modest")
    lab.workflows.create("modest", task("activity:modest"))
    runs = [lab.workflows.start("modest", n) for n in range(2)]
    lab.workflows.activity("modest", work, at_once=1)
    assert begun.acquire(timeout=30)
    other = lab.workflows.activities.get_task("modest", timeout_s=0)
    assert other.value == 1
    lab.workflows.send_task_success(other.token, "other")
    go_on.set()
    assert [run.result(30) for run in runs] == [0, "other"]


def test_an_answer_is_told_again_when_the_store_is_busy(lab, monkeypatch):
    answer, tried = lab.workflows.activities.answer, []

    def busy(token, make):
        if isinstance(make("k"), Succeeded) and not tried:
            tried.append(token)
            raise StoreBusy("busy", pid=1)
        return answer(token, make)

    lab.workflows.activities.create("busy")
    lab.workflows.create("busy", task("activity:busy"))
    run = lab.workflows.start("busy", 7)  # there is no worker: it goes into the queue
    monkeypatch.setattr(lab.workflows.activities, "answer", busy)
    lab.workflows.activity("busy", lambda value: value)
    assert run.result(30) == 7
    assert tried


def test_tasks_that_a_callable_has_are_done_though_its_activity_is_deleted(lab):
    begun, go_on = threading.Semaphore(0), threading.Event()

    def work(value):
        begun.release()
        go_on.wait(30)
        return value

    lab.workflows.activity("short", work, at_once=1)
    lab.workflows.create("short", task("activity:short"))
    runs = [lab.workflows.start("short", n) for n in range(3)]
    assert begun.acquire(timeout=30)
    lab.workflows.activities.delete("short")
    go_on.set()
    assert [run.result(30) for run in runs] == [0, 1, 2]


class Unspeakable(Exception):
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (SystemExit(1), "1"),
        (asyncio.CancelledError(), ""),
        (KeyboardInterrupt("x"), "x"),
        (Unspeakable(), "<unprintable Unspeakable>"),
    ],
)
def test_whatever_ends_a_callable_fails_its_task(lab, error, message):
    def work(value):
        raise error

    lab.workflows.activity("ends", work)
    lab.workflows.create("ends", task("activity:ends"))
    ended = lab.workflows.start("ends").wait(30)
    assert ended.error.error == type(error).__name__
    assert json.loads(ended.error.cause)["errorMessage"] == message


def test_tasks_of_an_execution_that_was_stopped_do_not_begin(lab):
    begun, may_end = [], threading.Event()

    def work(value):
        begun.append(value)
        assert may_end.wait(30)

    lab.workflows.activity("ghost", work, at_once=1)
    each = task("activity:ghost")
    lab.workflows.create("ghosts", machine(M={"Type": "Map", "ItemProcessor": each, "End": True}))
    lab.workflows.create("ghost", each)
    run = lab.workflows.start("ghosts", ["stopped"] * 20)
    while not begun:
        time.sleep(0.01)
    lab.workflows.stop(run.arn)
    may_end.set()
    # Tasks are done in their order: what waits before this one would have begun by its end.
    lab.workflows.start("ghost", "last").wait(30)
    assert begun == ["stopped", "last"]


def test_a_callable_that_works_for_longer_than_the_heartbeat_is_said_to_be_at_work(lab):
    beats, enough = [], threading.Event()

    def work(value):
        assert enough.wait(30)
        return value

    def beat():
        beats.append(1)
        if len(beats) == 3:
            enough.set()

    said = []
    came = threading.Event()
    handed = Handed(
        lambda: 7,
        lambda make: (said.append(make("k")), came.set()),
        lambda: None,
        beat=beat,
        heartbeat_s=0.03,
    )
    worker = CallableWorker("beats", work, 1, lambda: None)
    assert worker.do(handed)
    assert came.wait(30)
    worker.close()
    assert said == [Succeeded("k", 7)]
    assert not [each for each in threading.enumerate() if each.name == "faaslab-activity-beats-heartbeat"]


@pytest.mark.parametrize("by", ["hand", "queue"])
def test_a_callable_may_take_longer_than_its_states_heartbeat(lab, by):
    name = f"beats-by-{by}"
    lab.workflows.activities.create(name)
    lab.workflows.create(name, task(f"activity:{name}", HeartbeatSeconds=1))
    run = lab.workflows.start(name, 3) if by == "queue" else None
    lab.workflows.activity(name, lambda value: threading.Event().wait(2.2) or value)
    run = run or lab.workflows.start(name, 3)
    assert run.result(30) == 3
