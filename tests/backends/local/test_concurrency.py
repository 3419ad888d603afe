"""Who may run: every limit, one at a time and all at once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faaslab.backends.local import scaling
from faaslab.backends.local.concurrency import (
    ACCOUNT,
    COLD_START,
    EVICT_AND_COLD_START,
    RATE,
    RESERVED,
    RESERVED_RATE,
    REUSE,
    REUSE_PROVISIONED,
    ColdStart,
    Reuse,
    Throttle,
    admit,
)

NOTHING = {
    "ready": 0, "idle": 0, "busy": 0, "on_demand": 0, "provisioned": 0, "reserved": None,
    "unreserved_busy": 0, "unreserved": 10, "all_busy": 0, "all_alive": 0, "limit": 10, "may_start": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ({}, COLD_START),
        ({"idle": 1}, REUSE),
        ({"ready": 1, "idle": 1}, REUSE_PROVISIONED),
        # reserved
        ({"idle": 1, "reserved": 0}, RESERVED),
        ({"ready": 1, "reserved": 0}, RESERVED),
        ({"idle": 1, "busy": 2, "on_demand": 2, "reserved": 2}, RESERVED),
        ({"idle": 1, "busy": 1, "on_demand": 1, "reserved": 2}, REUSE),
        ({"busy": 1, "on_demand": 1, "reserved": 2, "unreserved": 0}, COLD_START),
        # the account
        ({"idle": 1, "all_busy": 10}, ACCOUNT),
        ({"ready": 1, "all_busy": 10}, ACCOUNT),
        ({"idle": 1, "unreserved_busy": 4, "unreserved": 4}, ACCOUNT),
        ({"idle": 1, "unreserved_busy": 3, "unreserved": 4}, REUSE),
        ({"idle": 1, "unreserved": 0}, ACCOUNT),
        ({"ready": 1, "unreserved": 0}, REUSE_PROVISIONED),
        # provisioned: in what is reserved
        ({"ready": 1, "reserved": 2, "provisioned": 2}, REUSE_PROVISIONED),
        ({"reserved": 2, "provisioned": 2}, RESERVED),
        ({"idle": 1, "reserved": 3, "provisioned": 2}, REUSE),
        ({"idle": 1, "busy": 1, "on_demand": 1, "reserved": 3, "provisioned": 2}, RESERVED),
        ({"ready": 1, "busy": 1, "on_demand": 1, "reserved": 3, "provisioned": 2}, REUSE_PROVISIONED),
        ({"busy": 2, "reserved": 3, "provisioned": 2}, COLD_START),
        ({"busy": 3, "on_demand": 1, "reserved": 3, "provisioned": 2}, RESERVED),
        # provisioned: spill-over without a reservation
        ({"busy": 2, "provisioned": 2, "all_busy": 2, "unreserved": 8}, COLD_START),
        # the scaling rate concerns new environments only
        ({"may_start": False}, RATE),
        ({"may_start": False, "reserved": 5}, RESERVED_RATE),
        ({"may_start": False, "idle": 1}, REUSE),
        ({"may_start": False, "ready": 1}, REUSE_PROVISIONED),
        ({"may_start": False, "all_busy": 10}, ACCOUNT),
        # memory
        ({"all_busy": 9, "all_alive": 9}, COLD_START),
        ({"all_busy": 3, "all_alive": 10}, EVICT_AND_COLD_START),
        ({"idle": 2, "all_busy": 3, "all_alive": 10}, REUSE),
    ],
)
def test_what_is_admitted(given_, expected):
    assert admit(**NOTHING | given_) == expected


class Account:
    """Functions with versions, counted as the pools count them."""

    def __init__(self, limit, reserved):
        self.limit = limit
        self.reserved = reserved  # per function; None for nothing
        self.busy = {}  # (function, version, provisioned) -> running
        self.idle = {}

    def total(self, counts, *, function=None, provisioned=None):
        return sum(
            count
            for (name, _, kind), count in counts.items()
            if function in (None, name) and provisioned in (None, kind)
        )

    def provisioned(self, function):
        return self.total(self.busy, function=function, provisioned=True) + self.total(
            self.idle, function=function, provisioned=True
        )

    def unreserved(self):
        set_aside = sum(
            self.provisioned(name) if reserved is None else reserved
            for name, reserved in enumerate(self.reserved)
        )
        return max(self.limit - set_aside, 0)

    def unreserved_busy(self):
        return sum(
            self.total(self.busy, function=name, provisioned=False)
            for name, reserved in enumerate(self.reserved)
            if reserved is None
        )

    def alive(self):
        return self.total(self.busy) + self.total(self.idle)

    def arrive(self, function, version, may_start):
        decision = admit(
            ready=self.idle.get((function, version, True), 0),
            idle=self.idle.get((function, version, False), 0),
            busy=self.total(self.busy, function=function),
            on_demand=self.total(self.busy, function=function, provisioned=False),
            provisioned=self.provisioned(function),
            reserved=self.reserved[function],
            unreserved_busy=self.unreserved_busy(),
            unreserved=self.unreserved(),
            all_busy=self.total(self.busy),
            all_alive=self.alive(),
            limit=self.limit,
            may_start=may_start,
        )
        if isinstance(decision, Reuse):
            self.idle[function, version, decision.provisioned] -= 1
        elif isinstance(decision, ColdStart) and decision.evict:
            victims = [key for key, count in self.idle.items() if count and not key[2]]
            if victims:
                self.idle[victims[0]] -= 1
        if not isinstance(decision, Throttle):
            key = (function, version, isinstance(decision, Reuse) and decision.provisioned)
            self.busy[key] = self.busy.get(key, 0) + 1
        return decision

    def leave(self, key):
        self.busy[key] -= 1
        self.idle[key] = self.idle.get(key, 0) + 1


@given(
    limit=st.integers(1, 8),
    reserved=st.lists(st.none() | st.integers(0, 3), min_size=3, max_size=3),
    provisioned=st.lists(st.integers(0, 2), min_size=6, max_size=6),
    steps=st.lists(
        st.tuples(st.sampled_from(["arrive", "leave"]), st.integers(0, 2), st.integers(0, 1), st.booleans()),
        max_size=80,
    ),
)
@settings(max_examples=300)
def test_no_sequence_of_arrivals_and_ends_exceeds_a_limit(limit, reserved, provisioned, steps):
    account = Account(limit, reserved)
    for place, count in enumerate(provisioned):
        function, version = divmod(place, 2)
        room = (
            account.unreserved() if reserved[function] is None else reserved[function]
        ) - account.provisioned(function)
        taken = min(count, max(room, 0))
        if taken and account.alive() + taken <= limit:
            account.idle[function, version, True] = taken
    for kind, function, version, flag in steps:
        if kind == "arrive":
            before = account.total(account.busy)
            decision = account.arrive(function, version, flag)
            if isinstance(decision, Throttle):
                # Nobody is turned away while there was room for him.
                mine = reserved[function]
                full = account.total(account.busy, function=function, provisioned=False)
                assert (
                    before >= limit
                    or (decision in (RATE, RESERVED_RATE) and not flag)
                    or (mine is not None and full + account.provisioned(function) >= mine)
                    or (mine is None and account.unreserved_busy() >= account.unreserved())
                )
        else:
            running = [key for key, count in account.busy.items() if count and key[0] == function]
            if running:
                account.leave(running[flag % len(running)])
        assert account.total(account.busy) <= limit
        assert account.unreserved_busy() <= max(account.unreserved(), 0)
        for name, mine in enumerate(reserved):
            if mine is not None:
                assert account.total(account.busy, function=name) <= mine
        assert all(count >= 0 for count in account.idle.values())


@pytest.mark.parametrize(
    ("left", "waited_s", "rate", "expected"),
    [
        (0.0, 0.0, 1000, False), (1.0, 0.0, 1000, True), (0.99, 0.0, 1000, False),
        (0.0, 0.009, 1000, False), (0.0, 0.011, 1000, True), (0.0, 10.1, 1, True), (0.0, 9.9, 1, False),
        (0.5, -5.0, 1000, False),
    ],
)  # fmt: skip
def test_when_there_is_room_for_a_new_environment(left, waited_s, rate, expected):
    bucket = scaling.refilled(scaling.Bucket(left, 100.0), 100.0 + waited_s, rate=rate)
    assert scaling.has_room(bucket) is expected


@given(rate=st.integers(1, 2000), waits=st.lists(st.floats(0, 3), max_size=200))
def test_never_more_start_than_the_rate_allows(rate, waits):
    now, started = 0.0, []
    bucket = scaling.full(rate, now)
    for wait in waits:
        now += wait
        bucket = scaling.refilled(bucket, now, rate=rate)
        assert 0 <= bucket.left <= rate
        if scaling.has_room(bucket):
            bucket = scaling.taken(bucket)
            started.append(now)
    for at in started:
        within = sum(at <= other <= at + 10 for other in started)
        assert within <= 2 * rate + 1, "a full bucket, and what came in meanwhile"
