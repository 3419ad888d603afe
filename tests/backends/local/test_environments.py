"""Environments: one invocation at a time in each, the last used first, ended when idle, gone when closed."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from faaslab.clock import SteppedClock
from faaslab.errors import Closed
from faaslab.model.execution import ExecutionStatus
from faaslab.model.invocation import Invocation
from tests.backends.local.defining import REQUEST, alive, eventually, state_of

WAITING = """
import os, time
def handler(event, context):
    # Until as many as are expected have arrived: proof that they ran at once.
    folder = event["folder"]
    open(os.path.join(folder, context.aws_request_id), "w").close()
    until = time.time() + 20
    while len(os.listdir(folder)) < event["of"] and time.time() < until:
        time.sleep(0.002)
    return [os.getpid(), len(os.listdir(folder))]
"""


def at_once(backend, function, definer, folder, count):
    folder.mkdir()
    payload = b'{"folder": "%s", "of": %d}' % (str(folder).encode(), count)
    with ThreadPoolExecutor(count) as executor:
        calls = [
            executor.submit(backend.invoke, function, payload, request=REQUEST, complete=definer.complete)
            for _ in range(count)
        ]
        return [call.result() for call in calls]


def test_as_many_environments_as_invocations_at_once_and_the_last_used_first(
    backend, define, definer, tmp_path, invoke
):
    function = define(WAITING, timeout_s=30)
    executions = at_once(backend, function, definer, tmp_path / "a", 3)
    assert {execution.result[1] for execution in executions} == {3}
    assert len({execution.environment_id for execution in executions}) == 3
    assert len({execution.result[0] for execution in executions}) == 3
    assert all(execution.cold_start for execution in executions)
    idle = min(backend.environments(), key=lambda environment: environment.idle_s)
    one = at_once(backend, function, definer, tmp_path / "b", 1)[0]
    assert (one.environment_id, one.cold_start) == (idle.id, False)
    assert len(backend.environments()) == 3


def test_an_idle_environment_is_frozen_threads_and_children_included(define, invoke, backend):
    source = (
        "import subprocess, threading, time\n"
        "child = subprocess.Popen(['sleep', '100'])\n"
        "count = 0\n"
        "def work():\n"
        "    global count\n"
        "    while True:\n"
        "        count += 1; time.sleep(0.001)\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "def handler(event, context):\n"
        "    time.sleep(event['s']); return [count, child.pid]\n"
    )
    function = define(source)
    first, child = invoke(function, b'{"s": 0.05}').result
    (environment,) = backend.environments()
    eventually(lambda: state_of(environment.pid) == state_of(child) == "T")
    threading.Event().wait(0.3)
    second, _ = invoke(function, b'{"s": 0}').result
    assert second - first < 100, "the thread stood still for 300 ms"
    assert invoke(function, b'{"s": 0.05}').result[0] > second


def test_without_freezing_it_goes_on(define, invoke, backend_with):
    backend = backend_with(freeze=False)
    invoke(define(), on=backend)
    (environment,) = backend.environments()
    assert state_of(environment.pid) != "T"


def test_an_environment_ends_after_its_keep_alive(define, backend_with, invoke):
    clock = SteppedClock()
    backend = backend_with(clock=clock, keep_alive_s=60)
    function = define()
    invoke(function, on=backend)
    (environment,) = backend.environments()
    clock.advance(59)
    assert not invoke(function, on=backend).cold_start
    clock.advance(59)
    assert backend.environments()[0].idle_s == 59
    clock.advance(2)
    eventually(lambda: not backend.environments())
    eventually(lambda: not alive(environment.pid))
    assert invoke(function, on=backend).cold_start


@pytest.mark.parametrize(
    "change",
    [
        {"version": "2"},
        {"definition": 2},
        {"memory_mb": 256},
        {"environment": {"A": "1"}},
        {"source": "def handler(e, c):\n    return 2\n"},
    ],
)
def test_a_function_that_changed_gets_a_new_environment(change, define, invoke):
    first = invoke(define())
    changed = invoke(define(**change))
    assert changed.cold_start
    assert changed.environment_id != first.environment_id
    assert not invoke(define()).cold_start, "the same definition again is the same"


def test_retire_ends_idle_environments_now_and_busy_ones_afterwards(
    backend, define, invoke, definer, tmp_path
):
    function, other = define(), define(name="other")
    invoke(other)
    invoke(function)
    started = tmp_path / "started"
    slow = define(
        f"import pathlib, time\ndef handler(e, c):\n    pathlib.Path({str(started)!r}).touch()\n    time.sleep(0.4)\n    return 'whole'\n"
    )
    future = backend.submit(slow, b"{}", request=REQUEST, complete=definer.complete)
    eventually(started.exists)
    backend.retire("probe")
    assert future.result().result == "whole"
    eventually(lambda: [each.function for each in backend.environments()] == ["other"])
    assert invoke(function).cold_start


def test_reserved_concurrency_of_zero_blocks(define, invoke, backend, definer):
    execution = invoke(define(reserved_concurrency=0), b'{"x": 1}')
    assert execution.status is ExecutionStatus.THROTTLED
    assert (execution.error.type, execution.error.message) == ("TooManyRequestsException", "Rate Exceeded.")
    assert execution.result["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert execution.payload == {"x": 1}
    assert execution.duration_ms is execution.billed_ms is execution.cold_start is None
    assert definer.recorded == [execution]
    assert backend.environments() == ()


def test_more_than_reserved_is_throttled_and_others_are_not(define, backend, definer, invoke, tmp_path):
    started = tmp_path / "started"
    source = (
        f"import pathlib, time\ndef handler(e, c):\n    pathlib.Path({str(started)!r}).touch()\n"
        "    time.sleep(e.get('s', 0))\n"
    )
    function = define(source, reserved_concurrency=1)
    future = backend.submit(function, b'{"s": 0.5}', request=REQUEST, complete=definer.complete)
    eventually(started.exists)
    assert invoke(define(source, reserved_concurrency=1, version="2")).status is ExecutionStatus.THROTTLED
    assert invoke(define(name="other")).ok
    assert future.result().ok
    assert invoke(function).ok


def test_the_backends_own_limit_throttles_and_makes_room(define, backend_with, definer, invoke, tmp_path):
    backend = backend_with(concurrency=1)
    invoke(define(name="a"), on=backend)
    invoke(define(name="b"), on=backend)
    assert [each.function for each in backend.environments()] == ["b"], "a's idle one made room"
    started = tmp_path / "started"
    slow = define(
        f"import pathlib, time\ndef handler(e, c):\n    pathlib.Path({str(started)!r}).touch()\n    time.sleep(0.4)\n"
    )
    future = backend.submit(slow, b"{}", request=REQUEST, complete=definer.complete)
    eventually(started.exists)
    throttled = invoke(define(name="b"), on=backend)
    assert throttled.result["Reason"] == "ConcurrentInvocationLimitExceeded"
    assert future.result().ok


def test_a_process_that_was_killed_while_idle_is_replaced(define, invoke, backend):
    function = define()
    invoke(function)
    (environment,) = backend.environments()
    os.kill(environment.pid, 9)
    eventually(lambda: not alive(environment.pid))
    again = invoke(function)
    assert again.ok
    assert again.cold_start


def test_each_environment_has_its_own_tmp_which_goes_with_it(define, invoke, backend):
    source = "import os, tempfile\ndef handler(e, c):\n    return [tempfile.mkdtemp(), os.getcwd(), os.environ['LAMBDA_TASK_ROOT']]\n"
    folder, cwd, root = invoke(define(source)).result
    assert os.path.isdir(folder)
    assert cwd == root
    assert os.stat(os.path.dirname(folder)).st_mode & 0o777 == 0o700
    backend.close()
    assert not os.path.exists(os.path.dirname(folder))


def test_completion_comes_before_the_answer_and_its_error_goes_to_the_caller(define, backend):
    function = define()

    def refuse(executions):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        backend.invoke(function, b"{}", request=REQUEST, complete=refuse)
    kept = []
    execution = backend.invoke(function, b"{}", request=REQUEST, complete=kept.extend)
    assert kept == [execution]
    assert not execution.cold_start, "the environment was not lost"


def test_submit_gives_a_future(define, backend, definer):
    futures = [
        backend.submit(
            define(), b"%d" % n, request=Invocation(invocation_type="Event"), complete=definer.complete
        )
        for n in range(5)
    ]
    assert [future.result().result for future in futures] == [0, 1, 2, 3, 4]
    assert len(definer.recorded) == 5


def test_close_leaves_no_thread_and_no_process(define, backend_with, definer, tmp_path):
    before = set(threading.enumerate())
    backend = backend_with()
    started = tmp_path / "started"
    slow = define(
        f"import pathlib, time\ndef handler(e, c):\n    pathlib.Path({str(started)!r}).touch()\n    time.sleep(60)\n",
        timeout_s=100,
    )
    backend.invoke(define(), b"{}", request=REQUEST, complete=definer.complete)
    list(backend.map(define(), [b"1"] * 9, request=REQUEST, concurrency=2, complete=definer.complete))
    running = backend.submit(slow, b"{}", request=REQUEST, complete=definer.complete)
    eventually(started.exists)
    pids = [environment.pid for environment in backend.environments()]
    assert len(pids) >= 2
    assert all(map(alive, pids))
    backend.close()
    backend.close()
    assert not any(map(alive, pids))
    assert set(threading.enumerate()) <= before
    with pytest.raises(Closed):
        running.result()
    with pytest.raises(Closed):
        backend.invoke(define(), b"{}", request=REQUEST, complete=definer.complete)
    assert not list((tmp_path / "cache" / "tmp").iterdir())


def test_a_backend_that_did_nothing_started_nothing(backend_with, tmp_path):
    before = set(threading.enumerate())
    backend_with().close()
    assert set(threading.enumerate()) == before
    assert not (tmp_path / "cache").exists()


def test_what_is_enforced_is_told(backend):
    told = backend.enforced()
    assert {"memory", "timeout", "concurrency", "ephemeral storage", "cpu"} <= told.keys()


def test_quick_and_slow_ones_in_turns_have_their_own_answers(invoke, define):
    # Whoever waits does so awake after a quick one, and asleep after a slow one.
    source = (
        "import time\n"
        "def handler(e, c):\n"
        "    time.sleep(0.01 * (e % 7 == 3))\n"
        "    if e % 7 == 5: raise ValueError(e)\n"
        "    return e\n"
    )
    function = define(source)
    for n in range(42):
        execution = invoke(function, b"%d" % n)
        if n % 7 == 5:
            assert execution.error.message == str(n)
        else:
            assert execution.result == n
        assert execution.duration_ms >= (10 if n % 7 == 3 else 0)
        assert execution.cold_start is (n == 0)
