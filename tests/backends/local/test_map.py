import threading

import pytest

from faaslab.backends.stopping import Stopping
from faaslab.errors import Closed
from faaslab.model.execution import ExecutionStatus
from tests.backends.local.defining import REQUEST, eventually, state_of


def mapped(backend, function, payloads, definer, **more):
    return backend.map(
        function, payloads, **{"request": REQUEST, "concurrency": 3, "complete": definer.complete, **more}
    )


def test_every_payload_has_one_execution_which_was_recorded_before(backend, define, definer):
    seen = []
    for index, execution in mapped(backend, define(), [b"%d" % n for n in range(100)], definer):
        assert execution in definer.recorded
        assert execution.result == index
        seen.append(index)
    assert sorted(seen) == list(range(100))
    assert len(definer.recorded) == 100
    assert len(backend.environments()) <= 3


def test_failures_are_executions_too(backend, define, definer):
    source = "import os\ndef handler(e, c):\n    if e == 1: os._exit(1)\n    return 1 / e\n"
    ended = dict(mapped(backend, define(source), [b"0", b"1", b"2"], definer))
    assert [ended[n].error and ended[n].error.type for n in range(3)] == [
        "ZeroDivisionError",
        "Runtime.ExitError",
        None,
    ]


def test_after_stop_nothing_new_is_started(backend, define, definer):
    stop = Stopping()
    source = "import time\ndef handler(e, c):\n    time.sleep(0.02)\n"
    ended = []
    for pair in mapped(backend, define(source), [b"1"] * 1000, definer, stop=stop):
        ended.append(pair)
        if len(ended) == 5:
            stop.set()
    assert 5 <= len(ended) < 1000
    assert len(definer.recorded) == len(ended)


def test_a_cancelled_map_ends_what_runs_as_cancelled_and_keeps_what_was_done(backend, define, definer):
    stop = Stopping()
    source = "import time\ndef handler(e, c):\n    time.sleep(300 * e)\n    return 'done'\n"
    ended = {}
    for index, execution in mapped(
        backend, define(source, timeout_s=600), [b"0", b"1", b"1", b"1", b"1"], definer, stop=stop
    ):
        ended[index] = execution
        if len(ended) == 1:
            stop.set()
            eventually(lambda: stop.running() == 2)
            assert stop.cancel()
    assert ended[0].result == "done"
    assert sorted(ended) == [0, 1, 2]  # the other two had not begun
    assert [ended[n].error.type for n in (1, 2)] == ["Invocation.Cancelled"] * 2
    assert all(execution in definer.recorded for execution in ended.values())
    assert stop.running() == 0
    assert backend.invoke(
        define("def handler(e, c): return 1"), b"1", request=REQUEST, complete=definer.complete
    ).ok


def test_a_map_that_was_cancelled_before_it_began_runs_nothing(backend, define, definer):
    stop = Stopping()
    stop.cancel()
    assert list(mapped(backend, define(), [b"1"] * 3, definer, stop=stop)) == []
    assert definer.recorded == []


def test_leaving_early_ends_what_still_runs(backend, define, definer):
    source = "import time\ndef handler(e, c):\n    time.sleep(100 * e)\n"
    ended = mapped(backend, define(source, timeout_s=300), [b"0", b"1", b"1", b"1"], definer)
    assert next(ended)[1].ok
    ended.close()
    assert all(environment.state != "busy" for environment in backend.environments())
    assert {execution.status for execution in definer.recorded} <= {
        ExecutionStatus.COMPLETED,
        ExecutionStatus.FAILED,
    }


def test_no_more_at_once_than_reserved(backend, define, definer):
    function = define(reserved_concurrency=2)
    ended = list(mapped(backend, function, [b"1"] * 50, definer, concurrency=8))
    assert all(execution.ok for _, execution in ended)
    assert len({execution.environment_id for _, execution in ended}) <= 2
    blocked = list(mapped(backend, define(reserved_concurrency=0), [b"1"] * 3, definer))
    assert {execution.status for _, execution in blocked} == {ExecutionStatus.THROTTLED}


def test_an_error_of_the_recorder_is_raised_and_nothing_hangs(backend, define):
    def refuse(executions):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        list(backend.map(define(), [b"1"] * 50, request=REQUEST, concurrency=4, complete=refuse))


def test_environments_are_frozen_when_it_is_over(backend, define, definer):
    list(mapped(backend, define(), [b"1"] * 60, definer, concurrency=4))
    for environment in backend.environments():
        eventually(lambda: state_of(environment.pid) == "T")


def test_nothing_to_map(backend, define, definer):
    assert list(mapped(backend, define(), [], definer)) == []


def test_long_ones_run_at_once_and_short_ones_go_on_beside_them(backend, define, definer, tmp_path):
    # Each of the eight waits for the other seven: they end only if all run at the same time.
    source = (
        "import os, time\n"
        "def handler(e, c):\n"
        "    if e >= 8: return e\n"
        f"    open({str(tmp_path)!r} + f'/{{e}}', 'w').close()\n"
        f"    while len(os.listdir({str(tmp_path)!r})) < 8: time.sleep(0.01)\n"
        "    return e\n"
    )
    payloads = [b"%d" % n for n in range(8)] + [b"%d" % n for n in range(8, 60)]
    ended = list(mapped(backend, define(source, timeout_s=120), payloads, definer, concurrency=8))
    assert {index: execution.result for index, execution in ended} == {n: n for n in range(60)}


def test_what_is_slow_now_and_then_is_driven_to_its_end(backend, define, definer):
    source = (
        "import os, time\n"
        "def handler(e, c):\n"
        "    print('said', e)\n"
        "    if e % 5 == 1: time.sleep(0.02)\n"
        "    if e % 5 == 2: raise ValueError(e)\n"
        "    if e == 33: os._exit(3)\n"
        "    return 'x' * 300_000 if e % 5 == 3 else e\n"
    )
    ended = dict(mapped(backend, define(source), [b"%d" % n for n in range(50)], definer))
    for n, execution in ended.items():
        assert f"said {n}" in [log.message for log in execution.logs]
        if n == 33:
            assert execution.error.type == "Runtime.ExitError"
        elif n % 5 == 2:
            assert (execution.error.type, execution.error.message) == ("ValueError", str(n))
        else:
            assert execution.result == ("x" * 300_000 if n % 5 == 3 else n)
        assert execution.duration_ms >= (20 if n % 5 == 1 else 0)
    assert len({execution.id for execution in ended.values()}) == len(ended) == 50


def test_a_timeout_within_a_map_is_kept(backend, define, definer):
    source = "import time\ndef handler(e, c):\n    time.sleep(30 * (e == 2))\n    return e\n"
    ended = dict(mapped(backend, define(source, timeout_s=1), [b"1", b"2", b"3", b"4", b"5"], definer))
    assert [ended[n].status for n in range(5)] == [
        ExecutionStatus.COMPLETED,
        ExecutionStatus.TIMEOUT,
        *[ExecutionStatus.COMPLETED] * 3,
    ]


def test_large_payloads_go_both_ways(backend, define, definer):
    payloads = [b'"%s"' % (b"a" * size) for size in (10, 40_000, 100_000, 3_000_000) * 4]
    ended = dict(mapped(backend, define(), payloads, definer))
    assert [len(ended[n].result) for n in range(16)] == [10, 40_000, 100_000, 3_000_000] * 4


def test_others_are_served_while_a_map_runs(backend, define, definer):
    function = define()
    results = []

    def beside():
        for n in range(50):
            execution = backend.invoke(function, b"%d" % -n, request=REQUEST, complete=definer.complete)
            results.append(execution.result)

    thread = threading.Thread(target=beside)
    thread.start()
    ended = dict(mapped(backend, function, [b"%d" % n for n in range(200)], definer))
    thread.join()
    assert results == [-n for n in range(50)]
    assert [ended[n].result for n in range(200)] == list(range(200))


def test_closing_the_backend_ends_a_map(backend, define, definer):
    source = "import time\ndef handler(e, c):\n    time.sleep(100 * e)\n"
    ended = mapped(backend, define(source, timeout_s=300), [b"0", b"1", b"1"], definer)
    assert next(ended)[1].ok
    backend.close()
    with pytest.raises(Closed):
        list(ended)
