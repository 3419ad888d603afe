"""Provisioned environments: started ahead, never cold, kept, replaced; what is above spills over."""

import dataclasses
import functools
import os
import threading

import pytest

from faaslab.clock import SteppedClock
from faaslab.errors import Closed
from faaslab.model.execution import ExecutionStatus
from faaslab.model.invocation import Invocation
from tests.backends.local.defining import SANDBOX_FAULT, alive, eventually, state_of
from tests.backends.local.test_reserved import RESERVED, Held, reason

NUMBERED = Invocation(qualifier="1")


def latest(function):
    return dataclasses.replace(function, version="$LATEST")


TELLS = (
    "import os, time\n"
    "began = time.time()\n"
    "def handler(event, context):\n"
    "    return [os.getpid(), os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'],\n"
    "            os.environ['AWS_LAMBDA_FUNCTION_VERSION'], began]\n"
)


@pytest.fixture
def define(definer):
    """Functions as a qualifier leads to them."""
    return functools.partial(definer.define, version="1")


@pytest.fixture
def held(tmp_path, definer):
    held = Held(tmp_path, definer)
    begin = held.begin
    held.begin = lambda backend, function, request=NUMBERED: begin(backend, function, request)
    return held


def test_they_are_started_ahead_and_an_invocation_is_not_cold(backend, define, invoke):
    function = define(TELLS)
    told = backend.provision(function, 2).result(60)
    assert (told.requested, told.allocated, told.available, told.status, told.reason) == (
        2,
        2,
        2,
        "READY",
        None,
    )
    ready = backend.environments()
    assert {each.init_type for each in ready} == {"provisioned-concurrency"}
    eventually(lambda: {state_of(each.pid) for each in ready} == {"T"})
    execution = invoke(function, request=NUMBERED)
    pid, init_type, version, _ = execution.result
    assert pid in {each.pid for each in ready}
    assert (init_type, execution.init_type, version) == ("provisioned-concurrency",) * 2 + ("1",)
    assert (execution.cold_start, execution.init_ms) == (False, None)
    assert execution.billed_ms < 1000
    assert backend.provisioned(function).available == 2
    other = invoke(latest(function))
    assert (other.cold_start, other.init_type) == (True, "on-demand"), "$LATEST has none"


def test_what_is_above_spills_over_to_on_demand(backend, define, held, invoke):
    function = define(held.source, timeout_s=30)
    backend.provision(function, 1).result(60)
    ends = [held.begin(backend, function), held.begin(backend, function)]
    assert backend.provisioned(function).available == 0
    first, second = (end() for end in ends)
    assert (first.init_type, first.cold_start) == ("provisioned-concurrency", False)
    assert (second.init_type, second.cold_start) == ("on-demand", True)
    third = held.begin(backend, function)()
    assert third.init_type == "provisioned-concurrency", "the provisioned ones come first"


def test_what_is_provisioned_counts_in_what_is_reserved(backend, define, held, invoke):
    backend.reserve({"probe": 1})
    function = define(held.source, timeout_s=30)
    backend.provision(function, 1).result(60)
    assert reason(invoke(latest(function))) == RESERVED, (
        "all that is reserved is provisioned: $LATEST is throttled"
    )
    end = held.begin(backend, function)
    assert reason(invoke(function, request=NUMBERED)) == RESERVED
    assert end().init_type == "provisioned-concurrency"
    backend.provision(function, 0).result(60)
    assert backend.environments() == ()
    assert held.begin(backend, latest(function), Invocation())().init_type == "on-demand"


def test_what_is_provisioned_is_taken_from_what_all_share(backend_with, define, held, invoke):
    backend = backend_with(concurrency=2)
    function, other = define(held.source, timeout_s=30), define(held.source, name="other", timeout_s=30)
    backend.provision(function, 1).result(60)
    end = held.begin(backend, latest(other), Invocation())
    assert reason(invoke(latest(other), on=backend)) == "ConcurrentInvocationLimitExceeded"
    assert held.begin(backend, function)().ok
    assert end().ok


def test_no_keep_alive_ends_them(backend_with, define, invoke):
    clock = SteppedClock()
    backend = backend_with(clock=clock, keep_alive_s=60)
    function = define(TELLS)
    backend.provision(function, 1).result(60)
    invoke(function, request=NUMBERED, on=backend)
    invoke(latest(function), on=backend)
    clock.advance(61)
    eventually(lambda: [each.init_type for each in backend.environments()] == ["provisioned-concurrency"])
    assert not invoke(function, request=NUMBERED, on=backend).cold_start


def test_one_that_crashes_is_replaced(backend, define, invoke):
    source = TELLS + "def crash(event, context):\n    os._exit(1)\n"
    source = source.replace("    return [", "    if event == 'crash': os._exit(1)\n    return [")
    function = define(source)
    backend.provision(function, 1).result(60)
    (before,) = backend.environments()
    assert invoke(function, b'"crash"', request=NUMBERED).error.type == "Runtime.ExitError"
    eventually(lambda: backend.provisioned(function).available == 1)
    (after,) = backend.environments()
    assert after.id != before.id
    assert not alive(before.pid)
    execution = invoke(function, request=NUMBERED)
    assert (execution.environment_id, execution.cold_start) == (after.id, False)


def test_one_that_was_killed_while_it_was_idle_still_answers(backend, define, invoke):
    function = define(TELLS)
    backend.provision(function, 1).result(60)
    (environment,) = backend.environments()
    os.kill(environment.pid, 9)
    eventually(lambda: not alive(environment.pid))
    execution = invoke(function, request=NUMBERED)
    assert execution.ok
    assert execution.cold_start, "its process was started for this invocation: that is what was seen"
    assert not invoke(function, request=NUMBERED).cold_start


def test_an_init_that_takes_longer_than_ten_seconds_has_the_time(backend_with, define, invoke):
    backend = backend_with(init_timeout_s=0.05)
    function = define("import time\ntime.sleep(0.4)\n" + TELLS)
    assert backend.provision(function, 1).result(60).status == "READY"
    assert not invoke(function, request=NUMBERED, on=backend).cold_start


@pytest.mark.parametrize(
    "source", ["raise ValueError('no')\n", "import os\nos._exit(3)\n", "import nothing_of_the_kind\n"]
)
def test_an_init_that_fails_is_told_and_on_demand_goes_on(source, backend, define, invoke):
    function = define(source)
    told = backend.provision(function, 3).result(60)
    assert (told.status, told.reason) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE")
    assert (told.requested, told.allocated, told.available) == (3, 0, 0)
    assert backend.environments() == ()
    execution = invoke(function, request=NUMBERED)
    assert (execution.status, execution.init_type) == (ExecutionStatus.FAILED, "on-demand")


def test_the_number_changes_up_and_down(backend, define, held):
    function = define(held.source, timeout_s=30)
    assert backend.provision(function, 1).result(60).allocated == 1
    end = held.begin(backend, function)
    assert backend.provision(function, 3).result(60).allocated == 3
    told = backend.provision(function, 1).result(60)
    assert (told.allocated, told.available) == (1, 0), "the idle ones end, the busy one stays"
    assert end().ok
    assert backend.provisioned(function).available == 1
    end = held.begin(backend, function)
    backend.provision(function, 0).result(60)
    assert end().ok
    eventually(lambda: backend.environments() == ())


def test_closing_while_they_start_leaves_nothing(backend_with, define, tmp_path):
    before = set(threading.enumerate())
    backend = backend_with()
    started = tmp_path / "started"
    slow = define(f"import pathlib, time\npathlib.Path({str(started)!r}).touch()\ntime.sleep(100)\n")
    future = backend.provision(slow, 3)
    eventually(started.exists)
    backend.close()
    assert future.result(10).status == "IN_PROGRESS"
    assert set(threading.enumerate()) <= before
    assert not list((tmp_path / "cache" / "tmp").iterdir())
    with pytest.raises(Closed):
        backend.provision(slow, 1)


@pytest.mark.skipif(SANDBOX_FAULT is not None, reason=str(SANDBOX_FAULT))
def test_in_a_sandbox_they_are_the_same(backend_with, define, invoke):
    backend = backend_with(sandbox="on")
    source = TELLS.replace("    return [", "    if event == 'crash': os._exit(1)\n    return [")
    function = define(source)
    assert backend.provision(function, 2).result(60).status == "READY"
    execution = invoke(function, request=NUMBERED, on=backend)
    assert (execution.init_type, execution.cold_start) == ("provisioned-concurrency", False)
    assert invoke(function, b'"crash"', request=NUMBERED, on=backend).error.type == "Runtime.ExitError"
    assert invoke(function, request=NUMBERED, on=backend).cold_start is False
    eventually(lambda: backend.provisioned(function).available == 2)
