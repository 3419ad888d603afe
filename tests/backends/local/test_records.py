"""What an execution says: figures that were measured, lines that read like Lambda's."""

import math
import os
from datetime import datetime, timedelta

import pytest

from faaslab.backends import report_line
from faaslab.clock import SYSTEM
from faaslab.errors import InvalidValue
from faaslab.model.execution import Execution, ExecutionStatus, LogStream, Source
from faaslab.model.invocation import Invocation
from tests.backends.local.defining import OWN_RUNTIME

SLOW_INIT = (
    "import time\ntime.sleep(0.08)\ndef handler(event, context):\n    time.sleep(0.03)\n    return event\n"
)


def test_a_cold_and_a_warm_invocation(define, invoke, definer):
    function = define(SLOW_INIT)
    before = SYSTEM.now()
    cold, warm = invoke(function, b'{"x":1}'), invoke(function, b'{"x":2}')
    assert (cold.cold_start, warm.cold_start) == (True, False)
    assert cold.init_ms >= 80
    assert warm.init_ms is None
    for execution in (cold, warm):
        assert 30 <= execution.duration_ms < 3000
        assert execution.billed_ms == math.ceil(execution.duration_ms + (execution.init_ms or 0))
        assert before <= execution.started_at <= execution.ended_at <= SYSTEM.now()
        assert execution.ended_at - execution.started_at >= timedelta(milliseconds=execution.duration_ms)
        assert 5 <= execution.max_memory_mb < 128
        assert execution.status is ExecutionStatus.COMPLETED
        assert execution.source is Source.LOCAL
        assert (execution.runtime, execution.memory_mb, execution.timeout_s) == (OWN_RUNTIME, 128, 3.0)
    assert (cold.payload, cold.result, cold.result_body) == ({"x": 1}, {"x": 1}, b'{"x": 1}')
    assert (cold.payload_bytes, cold.result_bytes) == (7, 8)
    assert cold.environment_id == warm.environment_id
    assert cold.id != warm.id
    assert cold.request_id != warm.request_id
    assert definer.recorded == [cold, warm]


def test_every_field_of_an_execution_is_there(define, invoke):
    # It is built past its __init__, so a new field could be forgotten.
    execution = invoke(define())
    assert set(execution.__dict__) == set(Execution.__dataclass_fields__)
    assert execution == Execution(**execution.__dict__)


def test_the_platforms_lines(define, invoke):
    function = define(
        "import logging\nprint('loading')\ndef handler(e, c):\n    print('running')\n    logging.getLogger().error('careful')\n"
    )
    execution = invoke(function)
    lines = [line.message for line in execution.logs]
    request_id = execution.request_id
    release = OWN_RUNTIME.removeprefix("python")
    assert lines[0].startswith(f"INIT_START Runtime Version: python:{release}.v")
    assert lines[1:4] == ["loading", f"START RequestId: {request_id} Version: $LATEST", "running"]
    assert lines[4].startswith("[ERROR]\t")
    assert lines[4].endswith(f"Z\t{request_id}\tcareful")
    assert lines[5] == f"END RequestId: {request_id}"
    assert lines[6] == (
        f"REPORT RequestId: {request_id}\tDuration: {execution.duration_ms:.2f} ms\tBilled Duration: "
        f"{execution.billed_ms} ms\tMemory Size: 128 MB\tMax Memory Used: {execution.max_memory_mb} MB\t"
        f"Init Duration: {execution.init_ms:.2f} ms\t"
    )
    streams = [line.stream for line in execution.logs]
    P, F = LogStream.PLATFORM, LogStream.FUNCTION
    assert streams == [P, F, P, F, F, P, P]
    assert [line.at for line in execution.logs] == sorted(line.at for line in execution.logs)
    assert execution.logs[4].level == "ERROR"
    told = report_line.parse(lines[6])
    assert (told.request_id, told.billed_ms) == (request_id, execution.billed_ms)


def test_what_the_caller_asked_for_reaches_the_function_and_the_record(define, invoke):
    source = (
        "import os\n"
        "def handler(event, context):\n"
        "    return [context.aws_request_id, context.client_context.custom, context.invoked_function_arn,\n"
        "            os.environ['_X_AMZN_TRACE_ID'], context.function_version, context.log_stream_name]\n"
    )
    request = Invocation(
        request_id="0b5c4ae8-4f4e-4bb6-8aa3-57f5d9f6b2f9",
        qualifier="7",
        client_context='{"custom": {"a": 1}}',
        trace_id="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
        trigger="cron",
        attempt=2,
        replay_of="x",
        batch_id="b",
    )
    execution = invoke(define(source, version="7", definition=12), request=request)
    assert execution.result == [
        request.request_id,
        {"a": 1},
        "arn:aws:lambda:us-east-1:000000000000:function:probe:7",
        request.trace_id,
        "7",
        execution.log_stream,
    ]
    assert (execution.qualifier, execution.trigger, execution.attempt) == ("7", "cron", 2)
    assert (execution.replay_of, execution.batch_id, execution.trace_id) == ("x", "b", request.trace_id)
    assert (execution.version, execution.definition) == ("7", 12)
    assert any(line.message.endswith("Version: 7") for line in execution.logs)


def test_the_remaining_time_is_the_functions(define, invoke):
    source = "def handler(event, context):\n    return context.get_remaining_time_in_millis()\n"
    assert 1000 < invoke(define(source, timeout_s=2)).result <= 2000


def test_a_caller_cannot_smuggle_headers(define, invoke):
    with pytest.raises(InvalidValue, match="trace_id"):
        invoke(define(), request=Invocation(trace_id="a\r\nLambda-Runtime-Deadline-Ms: 1"))


def test_a_flood_of_logs_is_cut_and_says_so(define, invoke, backend_with):
    backend = backend_with(log_limit_bytes=100_000)
    source = "def handler(e, c):\n    for _ in range(3000):\n        print('x' * 999)\n    return 1\n"
    execution = invoke(define(source), on=backend)
    assert execution.result == 1
    kept = sum(len(line.message) for line in execution.logs if line.stream is LogStream.FUNCTION)
    note = next(line for line in execution.logs if line.level == "WARN" and line.stream is LogStream.PLATFORM)
    assert kept <= 100_000
    assert f"{3000 * 999 - kept} bytes" in note.message


@pytest.mark.parametrize("payload", [b"{", b"nope", b"\xff"])
def test_a_payload_that_is_not_json_runs_nothing(payload, define, invoke, definer):
    with pytest.raises(InvalidValue, match="Could not parse request body into json"):
        invoke(define(), payload)
    assert definer.recorded == []


def test_the_request_limits(define, invoke):
    function = define("def handler(event, context):\n    return len(event)\n")
    assert invoke(function, b'"' + b"x" * (6 * 1024 * 1024 - 2) + b'"').result == 6 * 1024 * 1024 - 2
    with pytest.raises(InvalidValue, match="6291456 bytes"):
        invoke(function, b'"' + b"x" * (6 * 1024 * 1024 - 1) + b'"')
    with pytest.raises(InvalidValue, match="1048576 bytes"):
        invoke(function, b"1" * 1_048_577, request=Invocation(invocation_type="Event"))


def test_a_response_just_within_the_limit_is_whole(define, invoke):
    execution = invoke(define("def handler(event, context):\n    return 'x' * 6291554\n", memory_mb=256))
    assert execution.ok, execution.error
    assert execution.result_bytes == 6_291_556


def test_an_empty_payload_is_an_empty_object(define, invoke):
    assert invoke(define(), b"").result == {}


SECRET = "import os\ndef handler(e, c):\n    v = os.environ['TOKEN']\n    print('t', v)\n    if e: raise ValueError(v)\n    return {'v': v, 'seen': 'PARENT_SECRET' in os.environ}\n"


def test_secrets_reach_the_function_and_nothing_else(define, invoke, backend_with):
    backend = backend_with(resolve_secret={"prod/token": "s3cr3t-value"}.__getitem__)
    function = define(SECRET, secrets=("TOKEN=prod/token",))
    fine, failed = invoke(function, on=backend), invoke(function, b'{"x": 1}', on=backend)
    assert fine.result == {"v": "****", "seen": False}
    assert failed.error.message == "****"
    assert "s3cr3t" not in repr((fine, failed))
    assert any(line.message == "t ****" for line in fine.logs)


def test_nothing_of_the_parent_is_seen(define, invoke, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("SOME_TOKEN", "x")
    seen = invoke(
        define(
            "import os\ndef handler(e, c):\n    return dict(os.environ) | {'home': os.path.expanduser('~')}\n"
        )
    ).result
    assert "SOME_TOKEN" not in seen
    assert seen["AWS_ACCESS_KEY_ID"] != "AKIAREAL"
    assert seen["home"] != os.path.expanduser("~")


def test_json_logging(define, invoke):
    source = "import logging\ndef handler(e, c):\n    logging.getLogger().warning('careful')\n"
    execution = invoke(define(source, log_format="JSON"))
    line = next(line for line in execution.logs if "careful" in line.message)
    assert '"requestId": "' + execution.request_id in line.message
    assert line.level == "WARN"


def test_stepped_time_is_what_is_recorded(define, backend_with, definer):
    from faaslab.clock import SteppedClock

    clock = SteppedClock(datetime(2030, 1, 1))
    execution = backend_with(clock=clock).invoke(
        define(), b"{}", request=Invocation(), complete=definer.complete
    )
    assert execution.started_at == datetime(2030, 1, 1)
    assert execution.duration_ms > 0
