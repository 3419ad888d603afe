"""Lanes of calls: each bounded, none held up by another, and what nobody waits for any more does not begin."""

import threading

import pytest

from faaslab.errors import Closed
from faaslab.lab.tasks.workers import Workers


class Hall:
    """Deeds that note that they have begun, and end once they may."""

    def __init__(self):
        self.begun = []
        self.may_end = threading.Event()
        self._come = threading.Condition()

    def deed(self, name):
        with self._come:
            self.begun.append(name)
            self._come.notify_all()
        assert self.may_end.wait(30)

    def awaits(self, count):
        with self._come:
            assert self._come.wait_for(lambda: len(self.begun) >= count, 30), self.begun


@pytest.fixture
def hall():
    hall = Hall()
    yield hall
    hall.may_end.set()


@pytest.fixture
def workers(hall):
    workers = Workers(at_once=4, a_lane=2)
    yield workers
    hall.may_end.set()
    workers.close()


def test_a_lane_that_is_full_holds_up_no_other(workers, hall):
    for number in range(5):
        workers.submit("slow", number, hall.deed, f"slow {number}")
    workers.submit("other", "o", hall.deed, "other")
    hall.awaits(3)
    assert sorted(hall.begun) == ["other", "slow 0", "slow 1"]
    hall.may_end.set()
    hall.awaits(6)
    assert [name for name in hall.begun if name != "other"][2:] == ["slow 2", "slow 3", "slow 4"]


def test_lanes_take_turns_when_all_threads_are_at_work(workers, hall):
    for lane in ("a", "b"):
        for number in range(2):
            workers.submit(lane, (lane, number), hall.deed, lane)
    hall.awaits(4)
    order = []
    for lane in ("c", "c", "d"):
        workers.submit(lane, object(), order.append, lane)
    done = threading.Event()
    workers.submit("e", "last", done.set)
    assert order == []
    hall.may_end.set()
    assert done.wait(30)
    workers.close()
    assert sorted(order) == ["c", "c", "d"]


def test_what_is_forgotten_does_not_begin_and_what_has_begun_can_tell(workers, hall):
    for number in range(4):
        workers.submit("slow", number, hall.deed, number)
    hall.awaits(2)
    assert workers.is_wanted(0)
    workers.forget(0)
    workers.forget(2)
    assert [number for number in range(4) if workers.is_wanted(number)] == [1, 3]
    hall.may_end.set()
    hall.awaits(3)
    workers.close()
    assert sorted(hall.begun) == [0, 1, 3]


def test_one_that_is_taken_up_again_is_wanted_when_the_first_has_ended(workers, hall):
    workers.submit("a", "same", hall.deed, "first")
    hall.awaits(1)
    workers.forget("same")
    wanted = []
    again = threading.Event()

    def second():
        assert again.wait(30)
        wanted.append(workers.is_wanted("same"))

    workers.submit("a", "same", second)
    ended = threading.Event()
    workers.submit("a", "behind", ended.set)
    hall.may_end.set()
    assert ended.wait(30)
    again.set()
    workers.close()
    assert wanted == [True]


def test_a_deed_that_goes_wrong_is_said_and_the_next_one_is_done(hall, caplog):
    workers = Workers(at_once=1)
    done = threading.Event()

    def wrong():
        raise LookupError("no way")

    workers.submit("a", 1, wrong)
    workers.submit("a", 2, done.set)
    assert done.wait(30)
    workers.close()
    assert "no way" in caplog.text


def test_closed_it_takes_nothing_and_begins_nothing(hall):
    workers = Workers(at_once=1)
    workers.submit("a", 1, hall.deed, 1)
    workers.submit("a", 2, hall.deed, 2)
    hall.awaits(1)
    closing = threading.Thread(target=workers.close)
    closing.start()
    while True:
        try:
            workers.submit("b", 3, hall.deed, 3)
        except Closed:
            break
    hall.may_end.set()
    closing.join()
    assert hall.begun == [1]
