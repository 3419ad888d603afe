"""The pools' counts over any sequence of what can happen to them."""

from datetime import datetime

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from faaslab.backends.local.concurrency import ColdStart
from faaslab.backends.local.pool import Pools
from faaslab.clock import SteppedClock
from faaslab.model.function import Function, FunctionConfiguration, InlineCode

LIMIT, RATE = 6, 2
AT = datetime(2026, 1, 1)
NAMES, VERSIONS = ("f", "g", "h"), ("1", "2")


class Place:
    """All that the pools need to know of an environment."""

    def __init__(self, provisioned):
        self.provisioned = provisioned
        self.runs = True
        self.idle_since = self.released_at = 0.0
        self.closed = False

    def freeze(self):
        self.runs = self.runs and not self.provisioned


def function(name, version):
    return Function(
        id=name, name=name, runtime="python3.12", handler="a.b", code=InlineCode(source=""),
        configuration=FunctionConfiguration(), version=version, created_at=AT, updated_at=AT,
    )  # fmt: skip


class Machine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.clock = SteppedClock()
        self.pools = Pools(limit=LIMIT, rate=RATE, clock=self.clock)
        self.functions = {(name, version): function(name, version) for name in NAMES for version in VERSIONS}
        self.reserved = {}
        self.running = []  # (pool, place or None)
        self.started = []

    def pool(self, name, version):
        return self.pools.of(self.functions[name, version])

    @rule(name=st.sampled_from(NAMES), version=st.sampled_from(VERSIONS), comes=st.booleans())
    def arrive(self, name, version, comes):
        pool = self.pool(name, version)
        before = len(self.running)
        answer = self.pools.admit(pool)
        if isinstance(answer, str):
            assert len(self.running) == before
            return
        if isinstance(answer, ColdStart):
            self.started.append((name, self.clock.monotonic()))
            if answer.evict:
                oldest = self.pools.oldest_idle()
                if oldest is not None:
                    oldest.closed = True
            answer = None
            if comes:
                answer = Place(provisioned=False)
                self.pools.took(pool, answer)
        self.running.append((pool, answer))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), keep=st.booleans(), crashed=st.booleans())
    def leave(self, data, keep, crashed):
        pool, place = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        if place is not None:
            place.runs = not crashed
        kept = self.pools.release(pool, place, now=self.clock.monotonic(), keep=keep)
        if place is not None and not kept:
            place.closed = True

    @rule(reservations=st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2)))
    def reserve(self, reservations):
        self.reserved = reservations
        self.pools.reserve(reservations)

    @rule(name=st.sampled_from(NAMES), version=st.sampled_from(VERSIONS), wanted=st.integers(0, 3))
    def provision(self, name, version, wanted):
        pool = self.pool(name, version)
        pool.wanted = wanted
        for place in self.pools.withdraw(pool):
            place.closed = True
        while pool.provisioned < wanted:
            assert self.pools.provide(pool, Place(provisioned=True))
        assert not self.pools.provide(pool, Place(provisioned=True))

    @rule(name=st.none() | st.sampled_from(NAMES), version=st.none() | st.sampled_from(VERSIONS))
    def retire(self, name, version):
        for place in self.pools.retire(name, version if name else None):
            place.closed = True

    @rule(seconds=st.integers(1, 20))
    def wait(self, seconds):
        self.clock.advance(seconds)
        gone, _ = self.pools.expired(self.clock.monotonic(), 30)
        for place in gone:
            assert not place.provisioned
            place.closed = True

    @invariant()
    def the_counts_are_those_of_what_runs(self):
        living = self.pools.all()
        busy = [(pool, place) for pool, place, is_busy in living if is_busy]
        assert {id(place) for _, place in busy} == {id(place) for _, place in self.running if place}
        assert not [place for _, place, _ in living if place.closed]
        assert self.pools._busy == len(self.running)
        for name in NAMES:
            share = self.pools._share(name)
            mine = [place for pool, place in self.running if pool.function.name == name]
            assert share.busy == len(mine)
            assert share.on_demand == sum(place is None or not place.provisioned for place in mine)
            assert share.provisioned == sum(
                place.provisioned for pool, place, _ in living if pool.function.name == name
            )
        assert self.pools._unreserved_busy == sum(
            self.pools._share(name).on_demand for name in NAMES if self.pools._share(name).reserved is None
        )
        set_aside = sum(
            share.provisioned if share.reserved is None else share.reserved
            for share in map(self.pools._share, NAMES)
        )
        assert self.pools._unreserved == max(LIMIT - set_aside, 0)

    @invariant()
    def no_more_wait_than_are_wanted(self):
        for pool in self.pools._pools.values():
            assert pool.provisioned <= pool.wanted or not pool.ready

    @invariant()
    def no_more_run_than_may(self):
        assert len(self.running) <= LIMIT

    @invariant()
    def no_more_start_than_the_rate_allows(self):
        for name in NAMES:
            times = [at for each, at in self.started if each == name]
            for first in times:
                assert sum(first <= at <= first + 10 for at in times) <= 2 * RATE


Machine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestPools = Machine.TestCase
