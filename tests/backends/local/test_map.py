import threading

import pytest

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
    stop = threading.Event()
    source = "import time\ndef handler(e, c):\n    time.sleep(0.02)\n"
    ended = []
    for pair in mapped(backend, define(source), [b"1"] * 1000, definer, stop=stop):
        ended.append(pair)
        if len(ended) == 5:
            stop.set()
    assert 5 <= len(ended) < 1000
    assert len(definer.recorded) == len(ended)


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
