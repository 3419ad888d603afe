"""Ending an invocation that runs: what becomes of it, of its environment, and of the next one."""

import concurrent.futures
import math
import os
import signal
import threading

import pytest

from faaslab.backends.local.cancelling import Cancelling, Running
from faaslab.errors import Closed
from faaslab.model.execution import ExecutionStatus
from tests.backends.local.defining import REQUEST, alive, eventually

SLOW = """
import subprocess, sys, time
def handler(event, context):
    if event == "quick":
        return "done"
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    print("child", child.pid, flush=True)
    time.sleep(100)
"""


@pytest.fixture
def submit(backend, definer):
    def call(function, payload=b"{}"):
        return backend.submit(function, payload, request=REQUEST, complete=definer.complete)

    return call


def running(backend):
    """Wait until an invocation runs in a process; its environment."""

    def found():
        return [each for each in backend.environments() if each.state == "busy" and each.pid]

    eventually(lambda: bool(found()))
    return found()[0]


@pytest.mark.parametrize("warm", [True, False])
def test_what_runs_ends_and_is_recorded_as_cancelled(warm, system, backend, define, definer, submit, invoke):
    slow = define(SLOW, timeout_s=200)
    if warm:
        assert invoke(slow, b'"quick"').ok
    future = submit(slow)
    environment = running(backend)
    taken = next(iter(backend._pools.all()))[1]
    eventually(lambda: any(line.message.startswith("child ") for line in taken.flight.lines))
    assert future.cancel()
    execution = future.result(30)
    assert execution.status is ExecutionStatus.FAILED
    assert execution.error.type == "Invocation.Cancelled"
    assert "cancelled after 0." in execution.error.message
    assert execution.duration_ms > 0
    assert execution.billed_ms == math.ceil(execution.duration_ms + (execution.init_ms or 0))
    assert execution.cold_start is not warm
    assert "Error Type: Invocation.Cancelled" in execution.logs[-1].message
    assert definer.recorded[-1] == execution
    assert future.done()
    assert not future.cancelled()
    eventually(lambda: not alive(environment.pid))
    (child,) = [line.message.split()[1] for line in execution.logs if line.message.startswith("child ")]
    if system != "sandbox":
        eventually(lambda: not alive(int(child)))
    eventually(lambda: backend.environments() == ())
    after = invoke(slow, b'"quick"')
    assert (after.ok, after.cold_start) == (True, True)
    assert "suppressed" not in after.start_method, "its environment is another, and had no failure"


def test_an_init_is_ended_as_well(backend, define, submit):
    future = submit(define("import time\ntime.sleep(9)\ndef handler(e, c): pass", timeout_s=200))
    running(backend)
    assert future.cancel()
    execution = future.result(30)
    assert execution.error.type == "Invocation.Cancelled"
    assert "cancelled during its init" in execution.error.message
    assert execution.cold_start
    assert 0 < execution.init_ms < 9000
    assert execution.billed_ms == math.ceil(execution.duration_ms + execution.init_ms)
    eventually(lambda: backend.environments() == ())


def test_before_there_is_a_process(backend, define, definer, submit, monkeypatch):
    at_it, may_go_on = threading.Event(), threading.Event()
    make = backend._invoker._make

    def slowly(pool):
        at_it.set()
        assert may_go_on.wait(30)
        return make(pool)

    monkeypatch.setattr(backend._invoker, "_make", slowly)
    future = submit(define(SLOW, timeout_s=200))
    assert at_it.wait(30)
    assert future.cancel()
    may_go_on.set()
    execution = future.result(30)
    assert "cancelled before it began" in execution.error.message
    assert not execution.cold_start
    assert execution.billed_ms == 1
    assert definer.recorded == [execution]


def test_what_waits_for_a_thread_is_cancelled_as_any_future(backend_with, define, definer):
    backend = backend_with(submit_threads=1)
    slow = define(SLOW, timeout_s=200)
    first, second = (
        backend.submit(slow, b"{}", request=REQUEST, complete=definer.complete) for _ in range(2)
    )
    running(backend)
    assert second.cancel()
    assert second.cancelled()
    with pytest.raises(concurrent.futures.CancelledError):
        second.result(0)
    assert first.cancel()
    assert first.result(30).error.type == "Invocation.Cancelled"
    assert len(definer.recorded) == 1, "what never began is not recorded"


def test_what_has_ended_is_not_cancelled(define, submit, invoke, backend):
    future = submit(define(), b"7")
    assert future.result(30).result == 7
    assert not future.cancel()
    assert not invoke(define(), b"8").cold_start, "its environment serves the next"


def test_twice_is_once(backend, define, definer, submit):
    future = submit(define(SLOW, timeout_s=200))
    running(backend)
    assert future.cancel()
    future.cancel()
    execution = future.result(30)
    assert not future.cancel()
    assert definer.recorded == [execution]


def test_others_run_on(backend, define, submit):
    echo = define("import time\ndef handler(e, c):\n    time.sleep(0.5)\n    return e", name="other")
    others = [submit(echo, b"%d" % n) for n in range(3)]
    future = submit(define(SLOW, timeout_s=200))
    assert future.cancel()
    assert [each.result(30).result for each in others] == [0, 1, 2]
    assert future.result(30).error.type == "Invocation.Cancelled"


def test_closing_ends_what_waits_and_what_runs(backend_with, define, definer):
    backend = backend_with(submit_threads=1)
    slow = define(SLOW, timeout_s=200)
    first, second = (
        backend.submit(slow, b"{}", request=REQUEST, complete=definer.complete) for _ in range(2)
    )
    running(backend)
    backend.close()
    with pytest.raises(Closed):
        first.result(30)
    with pytest.raises(concurrent.futures.CancelledError):
        second.result(30)
    assert concurrent.futures.wait([first, second], 30).not_done == set()


def test_ctrl_c_is_recorded(backend, define, definer):
    slow = define(SLOW, timeout_s=200)

    def interrupt():
        running(backend)
        taken = next(iter(backend._pools.all()))[1]
        eventually(lambda: taken.dialogue.owes_next)
        os.kill(os.getpid(), signal.SIGINT)

    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        backend.invoke(slow, b"{}", request=REQUEST, complete=definer.complete)
    other.join()
    (execution,) = definer.recorded
    assert execution.error.type == "Invocation.Cancelled"
    assert execution.billed_ms > 0
    assert backend.environments() == ()


class Environment:
    def __init__(self):
        self.ended = 0

    def cancel(self):
        self.ended += 1


def test_asked_before_and_after():
    cancelling, environment = Cancelling(), Environment()
    assert cancelling.ask()
    cancelling.drives(environment)
    assert environment.ended == 1
    assert cancelling.over()
    assert not cancelling.ask()
    assert environment.ended == 1


def test_an_error_of_ours_is_the_futures():
    future = Running()

    def broken(_):
        raise OSError("disk full")

    future.drive(broken)
    assert isinstance(future.exception(), OSError)
    assert not future.cancel()
