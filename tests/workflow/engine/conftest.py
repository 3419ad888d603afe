"""Engines over real stores, with clocks that stand still or go."""

import time

import pytest

from faaslab.clock import SteppedClock
from faaslab.store import Store
from faaslab.workflow.engine import Engine
from tests.workflow.engine.shop import Carry


@pytest.fixture
def clock():
    return SteppedClock()


@pytest.fixture
def store(tmp_path, clock):
    with Store(tmp_path / "s.duckdb", clock=clock) as store:
        yield store


@pytest.fixture
def begin(store, clock):
    """Makes engines over the store; all are closed at the end."""
    made = []

    def begin(answer=None, *, owner=None, keeper=None, **options):
        carry = Carry(answer)
        engine = Engine(
            keeper or store.workflows, carry, clock=clock, owner=owner or f"engine{len(made)}", **options
        )
        engine.carry = carry
        carry.engine = engine
        made.append(engine)
        return engine

    yield begin
    for engine in made:
        engine.close()


def types(store, execution_id):
    return [event.type for event in store.workflows.history(execution_id)]


def until(true, seconds=20):
    """Wait in real time until it is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


def moved(clock, handle, seconds=1.0, within=400):
    """The end of an execution, while the clock is moved on as long as nothing else happens."""
    for _ in range(within):
        quiet = time.monotonic() + 0.03
        while time.monotonic() < quiet:
            if handle.done:
                return handle.execution
            time.sleep(0.001)
        clock.advance(seconds)
    raise AssertionError("it did not end")
