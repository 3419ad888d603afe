"""Concurrency with real environments: reserved, shared, scaled."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from faaslab.clock import SteppedClock
from faaslab.model.execution import ExecutionStatus
from tests.backends.local.defining import REQUEST, eventually

COUNTING = """
import os, time
def handler(event, context):
    # Who is here while I am: a file for each, seen by all; until the test lets everybody go.
    mine = os.path.join(event["folder"], context.aws_request_id)
    open(mine, "w").close()
    seen = 0
    until = time.time() + 60
    while not os.path.exists(event["go"]) and time.time() < until:
        seen = max(seen, len(os.listdir(event["folder"])))
        time.sleep(0.002)
    os.remove(mine)
    return seen
"""
RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
ACCOUNT = "ConcurrentInvocationLimitExceeded"


def reason(execution):
    return execution.result["Reason"]


def test_of_200_at_once_never_more_than_5_run_and_all_200_are_recorded(backend, define, definer, tmp_path):
    folder = tmp_path / "running"
    folder.mkdir()
    function = define(COUNTING, reserved_concurrency=5, timeout_s=90)
    go = tmp_path / "go"
    payload = b'{"folder": "%s", "go": "%s"}' % (str(folder).encode(), str(go).encode())
    begin = threading.Barrier(200)

    def call():
        begin.wait()
        return backend.invoke(function, payload, request=REQUEST, complete=definer.complete)

    with ThreadPoolExecutor(200) as executor:
        futures = [executor.submit(call) for _ in range(200)]
        try:
            eventually(lambda: sum(future.done() for future in futures) == 195, 60)
            eventually(lambda: len(os.listdir(folder)) == 5, 60)
        finally:
            go.touch()
        executions = [future.result() for future in futures]
    ran = [each for each in executions if each.ok]
    throttled = [each for each in executions if each.status is ExecutionStatus.THROTTLED]
    assert (len(ran), len(throttled)) == (5, 195)
    assert max(each.result for each in ran) == 5
    assert {each.environment_id for each in ran} == {each.id for each in backend.environments()}
    assert {(reason(each), each.error.type, each.error.message) for each in throttled} == {
        (RESERVED, "TooManyRequestsException", "Rate Exceeded.")
    }
    assert {each.id for each in definer.recorded} == {each.id for each in executions}
    assert len(definer.recorded) == 200


class Held:
    """Invocations that are under way until they are let go."""

    def __init__(self, folder, definer):
        self.folder, self.definer = folder, definer
        self.number = 0
        self.source = (
            "import os, time\n"
            "def handler(event, context):\n"
            "    open(event['begun'], 'w').close()\n"
            "    until = time.time() + 20\n"
            "    while not os.path.exists(event['go']) and time.time() < until:\n"
            "        time.sleep(0.002)\n"
        )

    def begin(self, backend, function, request=REQUEST):
        self.number += 1
        begun, go = (self.folder / f"{word}{self.number}" for word in ("begun", "go"))
        payload = b'{"begun": "%s", "go": "%s"}' % (str(begun).encode(), str(go).encode())
        future = backend.submit(function, payload, request=request, complete=self.definer.complete)
        eventually(lambda: begun.exists() or future.done())

        def end():
            go.touch()
            return future.result()

        return end


@pytest.fixture
def held(tmp_path, definer):
    return Held(tmp_path, definer)


def test_what_is_reserved_nobody_else_can_use(backend_with, define, held, invoke):
    backend = backend_with(concurrency=3)
    backend.reserve({"mine": 2})
    mine, other = (
        define(held.source, name="mine", timeout_s=30),
        define(held.source, name="other", timeout_s=30),
    )
    end = held.begin(backend, other)
    throttled = invoke(other, on=backend)
    assert (throttled.status, reason(throttled)) == (ExecutionStatus.THROTTLED, ACCOUNT)
    ends = [held.begin(backend, mine), held.begin(backend, mine)]
    assert reason(invoke(mine, on=backend)) == RESERVED
    assert all(each().ok for each in (end, *ends))


def test_a_reservation_changes_while_invocations_run(backend_with, define, held, invoke):
    backend = backend_with(concurrency=3)
    function, other = define(held.source, name="f", timeout_s=30), define(name="other")
    ends = [held.begin(backend, function), held.begin(backend, function)]
    backend.reserve({"f": 2})
    assert reason(invoke(function, on=backend)) == RESERVED
    assert invoke(other, on=backend).ok, "what f runs does not count in what is shared any more"
    backend.reserve({})
    third = held.begin(backend, function)
    assert reason(invoke(other, on=backend)) == ACCOUNT
    assert all(end().ok for end in (*ends, third))
    assert invoke(other, on=backend).ok


def test_what_is_reserved_makes_no_new_environment(backend, define, invoke):
    first = invoke(define(reserved_concurrency=5))
    assert not invoke(define(reserved_concurrency=6)).cold_start
    assert first.ok
    assert reason(invoke(define(reserved_concurrency=0))) == RESERVED


def test_reserved_holds_over_all_versions(backend, define, held, invoke):
    backend.reserve({"f": 1})
    end = held.begin(backend, define(held.source, name="f", timeout_s=30))
    assert reason(invoke(define(name="f", version="2"))) == RESERVED
    assert end().ok


def test_new_environments_come_at_the_scaling_rate(backend_with, define, held, invoke):
    clock = SteppedClock()
    backend = backend_with(clock=clock, scaling_rate=2)
    function, other = define(held.source, name="f", timeout_s=30), define(name="other")
    ends = [held.begin(backend, function), held.begin(backend, function)]
    throttled = invoke(function, on=backend)
    assert (throttled.status, reason(throttled)) == (
        ExecutionStatus.THROTTLED, "FunctionInvocationRateLimitExceeded",
    )  # fmt: skip
    assert invoke(other, on=backend).ok, "the rate is each function's own"
    clock.advance(4.9)
    assert reason(invoke(function, on=backend)) == "FunctionInvocationRateLimitExceeded"
    clock.advance(0.2)
    ends.append(held.begin(backend, function))
    assert [end().status for end in ends] == ["completed"] * 3
    assert held.begin(backend, function)().ok, "warm ones are not new"
    reserved = define(held.source, name="g", reserved_concurrency=9, timeout_s=30)
    ends = [held.begin(backend, reserved), held.begin(backend, reserved)]
    assert reason(invoke(reserved, on=backend)) == "ReservedFunctionInvocationRateLimitExceeded"
    assert all(end().ok for end in ends)
