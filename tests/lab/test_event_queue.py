"""The queue of events and who works on it: other labs, other processes, the end of one, a full disk."""

import threading

import pytest

from faaslab import app
from faaslab.errors import Closed, NotFound, RecordRejected, StoreFull
from faaslab.lab.asynchronous import QUEUE
from faaslab.model.invocation import Invocation
from tests.lab.events import ECHO, FAIL, QUEUE_ARN, ask, rows, settled, until


@pytest.fixture
def lab(opened):
    return opened()


def test_what_waits_goes_on_with_whoever_opens_the_store_next(opened, clock):
    first = opened()
    first.functions.create("fail", FAIL, maximum_retry_attempts=1)
    queued = first.functions.submit("fail", invocation_type="Event")
    queued.attempted.result(60)
    settled(first)
    first.close()
    with pytest.raises(Closed, match="waits in the store"):
        queued.result(0)
    clock.advance(60)
    looking = opened(run_queue=False)
    assert looking.asynchronous.depth() == 1
    looking.close()
    second = opened()
    settled(second)
    assert [row[1:3] for row in rows(second)] == [["failed", 1], ["failed", 2]]


def test_working_on_the_queue_tells_how_many_it_ran(opened, clock):
    lab = opened(run_queue=False)
    lab.functions.create("fail", FAIL, maximum_retry_attempts=1)
    lab.functions.submit("fail", invocation_type="Event").attempted.result(60)
    settled(lab)
    lab.close()
    second = opened(run_queue=False)
    left = second.asynchronous.drain()
    assert (left.ran, left.events) == (0, 1)
    assert second.asynchronous.table()["last_error"].tolist() == ["ValueError: boom"]
    clock.advance(60)
    left = second.asynchronous.drain()
    assert (left.ran, left.events, left.next_due) == (1, 0, None)


def test_a_lab_that_looks_only_runs_its_own_events_and_no_others(opened, clock):
    other = opened(run_queue=False)
    other.functions.create("fail", FAIL, maximum_retry_attempts=1)
    other.functions.create("echo", ECHO)
    theirs = other.functions.submit("fail", invocation_type="Event")
    theirs.attempted.result(60)
    other.close()
    clock.advance(60)
    lab = opened(run_queue=False)
    assert lab.functions.submit("echo", 1, invocation_type="Event").result(60).result == 1
    assert lab.asynchronous.depth() == 1
    lab.asynchronous.run_all()
    settled(lab)
    assert lab.asynchronous.depth() == 0


def test_opening_a_copy_runs_nothing_until_it_is_asked_to(opened, clock, tmp_path, cache):
    lab = opened()
    lab.functions.create("fail", FAIL)
    lab.functions.submit("fail", invocation_type="Event").attempted.result(60)
    settled(lab)
    assert lab.asynchronous.is_used_here()
    lab.store.backup(tmp_path / "copy.duckdb")
    lab.close()
    clock.advance(60)
    with app.open(store=tmp_path / "copy.duckdb", cache=cache, clock=clock) as copy:
        assert not copy.asynchronous._pump.running
        assert copy.functions.enforced()  # this starts a backend, and runs nothing either
        assert copy.asynchronous.depth() == 1
        assert (
            copy.doctor()
            .set_index("what")
            .loc["queue", "detail"]
            .startswith("1 events were queued elsewhere")
        )
        copy.asynchronous.deliver_with("sqs", print)
        assert copy.asynchronous._only() == ()
        assert copy.asynchronous.wait(60)
        assert len(rows(copy)) == 1
        copy.asynchronous.run_all()
        settled(copy)
        assert [row[2] for row in rows(copy)] == [1, 2]
        assert not copy.asynchronous.is_used_here()


def test_closing_ends_what_runs_and_it_runs_again(opened, tmp_path):
    lab = opened()
    lab.functions.create(
        "slow", "import time\ndef handler(e, c):\n    if e: open(e, 'w')\n    time.sleep(600)", timeout_s=900
    )
    mark = tmp_path / "mark"
    queued = lab.functions.submit("slow", str(mark), invocation_type="Event")
    until(mark.exists)
    lab.close()
    with pytest.raises(Closed):
        queued.result(0)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("faaslab-queue")]
    again = opened(run_queue=False)
    (waiting,) = again.asynchronous.table().to_dict("records")
    assert (waiting["state"], waiting["attempt"]) == ("waiting", 1)
    again.asynchronous.drop(waiting["id"])
    with pytest.raises(NotFound):
        again.asynchronous.drop(waiting["id"])
    assert rows(again) == []


def test_an_event_that_is_just_being_put_is_not_missed(lab, monkeypatch):
    lab.functions.create("echo", ECHO)
    put = lab.store.queue.put

    def slowly(*given, **more):
        lab.asynchronous._look()
        return put(*given, **more)

    monkeypatch.setattr(lab.store.queue, "put", slowly)
    assert lab.functions.submit("echo", 5, invocation_type="Event").result(60).result == 5


def test_who_waits_hears_of_what_another_process_did(lab):
    lab.functions.create("echo", ECHO)
    lab.asynchronous.stop()
    queued = lab.functions.submit("echo", 5, invocation_type="Event")
    (claim,) = lab.store.queue.claim(QUEUE, "another", ttl_s=60)
    lab.functions.invoke("echo", 5, request_id=queued.request_id)
    lab.store.queue.done(claim)
    lab.asynchronous._look()
    assert queued.result(0).result == 5


@pytest.mark.parametrize(
    "body",
    [
        {"nonsense": True, "queued_at": "soon", "invocation": "none"},
        {"function": "echo", "payload": "1", "invocation": {"attempt": "one"}, "queued_at": "2030-01-01"},
        ["a", "list"],
        None,
        7,
    ],
)
def test_an_event_that_cannot_be_read_is_kept_and_shown_with_why(lab, body):
    lab.store.queue.put(QUEUE, body, id="strange")
    lab.asynchronous.run_all()
    settled(lab)
    assert (lab.asynchronous.depth(), lab.asynchronous.unreadable()) == (0, 1)
    (row,) = lab.asynchronous.table().to_dict("records")
    assert (row["id"], row["state"], row["what"]) == ("strange", "unreadable", "event")
    assert "cannot read it" in row["last_error"]
    assert lab.doctor().set_index("what").loc["queue", "state"] == "bad"
    (kept,) = lab.store.queue.waiting("unreadable")
    assert kept.body == body
    lab.asynchronous.drop("strange")
    assert lab.asynchronous.unreadable() == 0


def test_an_event_that_another_version_could_not_read_is_run_by_one_that_can(lab, opened):
    lab.functions.create("echo", ECHO)
    entry = lab.asynchronous.entry(lab.functions.get("echo"), "5", Invocation())
    lab.store.queue.put("unreadable", entry.body, id=entry.id)
    lab.asynchronous.drain()
    assert lab.executions.get(entry.id).result == 5
    assert lab.asynchronous.table().empty


def test_a_long_run_keeps_its_claim(lab, opened, clock, tmp_path):
    source = "import time, os\ndef handler(e, c):\n    while not os.path.exists(e): time.sleep(0.01)\n"
    lab.functions.create("slow", source, timeout_s=300)
    queued = lab.functions.submit("slow", str(tmp_path / "gate"), invocation_type="Event")
    until(lambda: lab.asynchronous._pump.holds(queued.request_id))
    other = opened()
    for _ in range(4):
        (before,) = lab.store.queue.waiting(QUEUE)
        clock.advance(15)
        until(lambda: lab.store.queue.waiting(QUEUE)[0].held_until != before.held_until)
        assert not other.asynchronous._pump.holds(queued.request_id)
    (tmp_path / "gate").touch()
    assert queued.result(60).ok
    assert len(rows(lab)) == 1


def test_a_delivery_does_not_wait_for_functions_that_run_long(opened, tmp_path):
    lab = opened(queue_concurrency=1)
    source = "import time, os\ndef handler(e, c):\n    while not os.path.exists(e): time.sleep(0.01)\n"
    lab.functions.create("slow", source, timeout_s=300)
    lab.functions.create("fail", FAIL, maximum_retry_attempts=0, dead_letter_queue=QUEUE_ARN)
    lab.functions.submit("fail", invocation_type="Event").result(60)
    gate = tmp_path / "gate"
    running = [lab.functions.submit("slow", str(gate), invocation_type="Event") for _ in range(2)]
    until(lambda: any(lab.asynchronous._pump.holds(each.request_id) for each in running))
    delivered = threading.Event()
    lab.asynchronous.deliver_with("sqs", lambda message: delivered.set())
    assert delivered.wait(60)
    assert not any(each.done() for each in running)
    assert sum(lab.asynchronous._pump.holds(each.request_id) for each in running) == 1
    gate.touch()
    assert all(each.result(60).ok for each in running)


def test_what_the_history_refuses_does_not_run_for_ever(lab, monkeypatch):
    lab.functions.create("echo", ECHO)
    settle, refused = lab.store.settle, []

    def refuse(claim, *entities, **follows):
        if entities and not refused:
            refused.append(entities)
            raise RecordRejected("a number is too large")
        return settle(claim, *entities, **follows)

    monkeypatch.setattr(lab.store, "settle", refuse)
    assert lab.functions.submit("echo", 1, invocation_type="Event").result(60).result == 1
    settled(lab)
    assert (rows(lab), lab.asynchronous.depth()) == ([], 0)
    assert ask(lab, "SELECT kind, error FROM rejects") == [["execution", "a number is too large"]]


def test_a_full_disk_holds_an_event_up_and_loses_nothing(lab, clock, monkeypatch):
    lab.functions.create("echo", ECHO)
    settle, full = lab.store.settle, [True]

    def refuse(*args, **follows):
        if full:
            raise StoreFull("no space left on the device")
        return settle(*args, **follows)

    monkeypatch.setattr(lab.store, "settle", refuse)
    queued = lab.functions.submit("echo", 1, invocation_type="Event")
    assert lab.asynchronous.wait(60)
    assert isinstance(lab.asynchronous.last_error, StoreFull)
    assert not queued.done()
    assert lab.doctor().set_index("what").loc["queue", "state"] == "bad"
    full.clear()
    clock.advance(5)
    assert queued.result(60).result == 1
    settled(lab)
    assert len(rows(lab)) == 1


def test_a_lab_that_runs_functions_sees_to_what_others_queue_from_then_on(opened, clock):
    lab = opened()
    lab.functions.create("echo", ECHO)
    assert not lab.asynchronous._pump.running
    lab.functions.invoke("echo", 1)
    other = opened(run_queue=False)
    other.asynchronous.stop()
    other.functions.submit("echo", 2, invocation_type="Event")
    clock.advance(1)
    until(lambda: len(rows(other)) == 2)
    settled(lab)
