from hypothesis import given
from hypothesis import strategies as st

from faaslab.backends.local.concurrency import ColdStart, Reuse, Throttle, admit

SOME = {"idle": 0, "function_busy": 0, "all_busy": 0, "all_alive": 0, "reserved": None, "limit": 10}
RESERVED = Throttle("ReservedFunctionConcurrentInvocationLimitExceeded")
ACCOUNT = Throttle("ConcurrentInvocationLimitExceeded")


def test_what_is_admitted():
    table = [
        ({}, ColdStart()),
        ({"idle": 1}, Reuse()),
        ({"idle": 1, "reserved": 0}, RESERVED),
        ({"idle": 1, "function_busy": 2, "reserved": 2}, RESERVED),
        ({"idle": 1, "function_busy": 1, "reserved": 2}, Reuse()),
        ({"idle": 1, "all_busy": 10}, ACCOUNT),
        ({"all_busy": 9, "all_alive": 9}, ColdStart()),
        ({"all_busy": 3, "all_alive": 10}, ColdStart(evict=True)),
        ({"idle": 2, "all_busy": 3, "all_alive": 10}, Reuse()),
    ]
    for given_, expected in table:
        assert admit(**SOME | given_) == expected, given_


@given(
    reserved=st.none() | st.integers(0, 5),
    limit=st.integers(1, 6),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 2)), max_size=60),
)
def test_no_sequence_of_arrivals_and_ends_exceeds_a_limit(reserved, limit, steps):
    busy, idle = [0, 0, 0], [0, 0, 0]
    for arrives, function in steps:
        mine = reserved if function == 0 else None
        if arrives:
            decision = admit(
                idle=idle[function],
                function_busy=busy[function],
                all_busy=sum(busy),
                all_alive=sum(busy) + sum(idle),
                reserved=mine,
                limit=limit,
            )
            if isinstance(decision, Throttle):
                assert sum(busy) == limit or busy[function] == mine
                continue
            if isinstance(decision, Reuse):
                idle[function] -= 1
            elif decision.evict:
                idle[idle.index(max(idle))] -= 1
            busy[function] += 1
        elif busy[function]:
            busy[function] -= 1
            idle[function] += 1
        assert min(idle) >= 0
        assert sum(busy) + sum(idle) <= limit
        assert reserved is None or busy[0] <= reserved
