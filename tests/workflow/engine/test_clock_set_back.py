"""A clock that is set back while executions run: what they wait for comes when it would have come."""

from datetime import timedelta

import pytest

from faaslab.clock import SteppedClock
from faaslab.workflow.engine.timers import set_back
from tests.workflow.engine.conftest import moved
from tests.workflow.engine.shop import execution, machine, task, wait


class Corrected(SteppedClock):
    """One that somebody corrects."""

    def set_back(self):
        self._start -= timedelta(hours=1)


@pytest.fixture
def clock():
    return Corrected()


@pytest.mark.parametrize(
    ("state", "status"), [(wait(3), "SUCCEEDED"), (task(TimeoutSeconds=3), "FAILED")], ids=["wait", "timeout"]
)
def test_what_is_waited_for_is_not_late(begin, store, clock, state, status):
    engine = begin(lambda wanted: None)
    before = clock.now()
    handle = engine.start(execution(clock=clock), machine(("A", state)))
    clock.advance(1)
    clock.set_back()
    ended = moved(clock, handle, within=50)
    assert ended.status == status
    assert timedelta(seconds=3) <= ended.ended_at - before < timedelta(seconds=60)
    times = [event.at for event in store.workflows.history(handle.id)]
    assert times == sorted(times)


def test_what_begins_after_goes_by_the_clock(begin, clock):
    engine = begin()
    old = engine.start(execution("old", clock=clock), machine(("A", wait(100))))
    clock.set_back()
    new = engine.start(execution("new", clock=clock), machine(("A", wait(3))))
    began = clock.now()
    assert moved(clock, new, within=50).ended_at < began + timedelta(seconds=60)
    assert not old.done


def test_whoever_takes_it_up_goes_on_in_its_time(begin, clock):
    first = begin()
    handle = first.start(execution(clock=clock), machine(("A", wait(3))))
    first.close()
    clock.set_back()
    second = begin()
    assert second.resume() == 1
    assert moved(clock, second.handle(handle.id), within=50).status == "SUCCEEDED"


def test_what_is_late_by_less_than_a_second_is_left(clock):
    now = clock.now()
    assert set_back(now + timedelta(seconds=1), now) == timedelta(0)
    assert set_back(now + timedelta(seconds=2), now) == timedelta(seconds=2)
    assert set_back(now - timedelta(seconds=2), now) == timedelta(0)
