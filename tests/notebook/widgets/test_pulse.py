"""The one thread of what is live: it calls who wants it, when they want it, and is gone when nobody does."""

import threading

import pytest

from faaslab.clock import SteppedClock
from faaslab.notebook.widgets.pulse import Pulse


class Counter:
    def __init__(self, period_s=0.005, until=3):
        self.period_s = period_s
        self.until = until
        self.count = 0
        self.done = threading.Event()

    @property
    def beats(self):
        return self.count < self.until

    def beat(self):
        self.count += 1
        if self.count == self.until:
            self.done.set()


@pytest.fixture
def clock():
    return SteppedClock()


@pytest.fixture
def pulse():
    made = Pulse()
    yield made
    made.close()
    assert not made.running


def ended(pulse):
    for thread in threading.enumerate():
        if thread.name == "faaslab-pulse":
            thread.join(5)
    return not pulse.running


def test_there_is_no_thread_before_and_after(pulse):
    assert not pulse.running
    each = Counter()
    pulse.wake(each)
    assert each.done.wait(5)
    assert ended(pulse)
    assert each.count == 3


def test_one_that_is_woken_again_is_called_again(pulse):
    each = Counter(until=1)
    pulse.wake(each)
    assert each.done.wait(5)
    assert ended(pulse)
    each.until, each.done = 2, threading.Event()
    pulse.wake(each)
    assert each.done.wait(5)


def test_one_is_called_at_once_when_woken_although_its_time_is_far(pulse):
    slow = Counter(period_s=3600, until=2)
    pulse.wake(slow)
    pulse.wake(Counter(until=1))
    while slow.count < 1:
        threading.Event().wait(0.001)
    pulse.wake(slow)
    assert slow.done.wait(5)


def test_one_that_fails_is_left_and_told_of_and_the_others_go_on(pulse, monkeypatch):
    told = []
    monkeypatch.setattr(threading, "excepthook", lambda about: told.append(str(about.exc_value)))

    class Broken(Counter):
        def beat(self):
            super().beat()
            raise KeyError("mine")

    broken, each = Broken(until=9), Counter(until=5)
    pulse.wake(broken, each)
    assert each.done.wait(5)
    assert ended(pulse)
    assert broken.count == 1
    assert told == ["'mine'"]


def test_one_that_takes_long_is_called_less_often(clock):
    pulse = Pulse(clock)

    class Slow(Counter):
        def beat(self):
            clock.advance(2.0)
            super().beat()

    each = Slow(period_s=1.0, until=9)
    pulse._due[each] = clock.monotonic()
    assert [pulse._beaten(one) for one in pulse._ready()] == [True]
    assert pulse._due[each] == clock.monotonic() + 18.0
    quick = Counter(period_s=1.0)
    pulse._due = {quick: clock.monotonic()}
    assert [pulse._beaten(one) for one in pulse._ready()] == [True]
    assert pulse._due[quick] == clock.monotonic() + 1.0


def test_one_that_is_woken_while_it_takes_long_is_called_again_at_once(clock):
    pulse = Pulse(clock)

    class Woken(Counter):
        def beat(self):
            clock.advance(2.0)
            pulse._due[self] = clock.monotonic()
            super().beat()

    each = Woken(until=9)
    pulse._due[each] = clock.monotonic()
    pulse._beaten(*pulse._ready())
    assert pulse._due[each] == clock.monotonic()


def test_nothing_is_called_after_the_end():
    pulse = Pulse()
    each = Counter(until=10**9)
    pulse.wake(each)
    pulse.close()
    pulse.close()
    count = each.count
    pulse.wake(each)
    assert (each.count, pulse.running) == (count, False)
