"""The clock that tests move by hand."""

import threading
from datetime import datetime, timedelta

from faaslab.clock import SteppedClock, SystemClock


def test_it_stands_still_until_it_is_moved():
    clock = SteppedClock(datetime(2026, 1, 1))
    assert clock.now() == datetime(2026, 1, 1)
    clock.advance(90)
    assert clock.now() == datetime(2026, 1, 1) + timedelta(seconds=90)
    assert clock.monotonic() == 90


def test_moving_it_wakes_those_whose_time_has_come():
    clock, event, answers = SteppedClock(), threading.Event(), []
    waiter = threading.Thread(target=lambda: answers.append(clock.wait(event, 60)))
    waiter.start()
    clock.advance(60)
    waiter.join(timeout=10)
    assert answers == [False]


def test_an_event_ends_the_wait_on_both_clocks():
    for clock in (SteppedClock(), SystemClock()):
        event = threading.Event()
        event.set()
        assert clock.wait(event, 3600) is True


def test_the_system_clock_is_naive_utc():
    assert SystemClock().now().tzinfo is None
    assert SystemClock().wait(threading.Event(), -1) is False
