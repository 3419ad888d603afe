"""JSON logs: what the platform says, at which level, in which form; and that our own reader understands it."""

import json

import pytest

from faaslab.backends import log_files
from faaslab.model.execution import ExecutionStatus

OWN = "import logging\nlog = logging.getLogger()\ndef handler(event, context):\n    {}\n"
ENDINGS = {
    "success": ("return 1", None, None),
    "exception": ("raise ValueError('boom')", "error", "Runtime.Unknown"),
    "exit": ("import os; os._exit(3)", "error", "Runtime.ExitError"),
    "timeout": ("import time; time.sleep(9)", "timeout", None),
    "too large": ("return 'x' * 6291557", "error", "Function.ResponseSizeTooLarge"),
}
# level: the system records of a successful and of a failed invocation, cold both
BY_LEVEL = {
    "DEBUG": (
        ["initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"],
        ["initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report"],
    ),
    "INFO": (["initStart", "start", "report"], ["initStart", "start", "runtimeDone", "report"]),
    "WARN": ([], ["runtimeDone", "report"]),
}


def records(execution):
    told = [json.loads(line.message) for line in execution.logs if line.stream == "platform"]
    assert all(list(each) == ["time", "type", "record"] for each in told)
    return [(each["type"].removeprefix("platform."), each["record"]) for each in told]


@pytest.mark.parametrize("level", BY_LEVEL)
def test_the_level_chooses_the_records(level, define, invoke):
    well, ill = BY_LEVEL[level]
    execution = invoke(define(OWN.format("return 1"), log_format="JSON", system_log_level=level))
    assert [name for name, _ in records(execution)] == well
    failed = invoke(define(OWN.format("raise OSError"), log_format="JSON", system_log_level=level))
    assert [name for name, _ in records(failed)] == ill


@pytest.mark.parametrize("name", ENDINGS)
def test_the_report_tells_the_end(name, define, invoke):
    statement, status, error_type = ENDINGS[name]
    execution = invoke(define(OWN.format(statement), log_format="JSON", timeout_s=1))
    kind, record = records(execution)[-1]
    assert kind == "report"
    assert record["requestId"] == execution.request_id
    assert record["status"] == (status or "success")
    assert record.get("errorType") == error_type
    metrics = record["metrics"]
    assert metrics == {
        "durationMs": execution.duration_ms,
        "billedDurationMs": execution.billed_ms,
        "memorySizeMB": 128,
        "maxMemoryUsedMB": execution.max_memory_mb or 0,
        "initDurationMs": execution.init_ms,
    }


def test_the_records_have_lambdas_members(define, invoke):
    execution = invoke(define(log_format="JSON", system_log_level="DEBUG", memory_mb=256))
    told = dict(records(execution))
    start = told["initStart"]
    assert start.pop("runtimeVersion").startswith("python:3.")
    assert start.pop("runtimeVersionArn").startswith("arn:aws:lambda:us-east-1::runtime:")
    assert start == {
        "initializationType": "on-demand",
        "phase": "init",
        "functionName": "probe",
        "functionVersion": "$LATEST",
        "instanceId": execution.environment_id,
        "instanceMaxMemory": 256 * 1024 * 1024,
    }
    assert told["initRuntimeDone"] == {
        "initializationType": "on-demand",
        "phase": "init",
        "status": "success",
    }
    assert told["initReport"]["metrics"] == {"durationMs": execution.init_ms}
    assert told["start"] == {
        "requestId": execution.request_id,
        "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:probe",
        "version": "$LATEST",
    }
    assert told["runtimeDone"]["metrics"] == {
        "durationMs": execution.duration_ms,
        "producedBytes": execution.result_bytes,
    }
    day = execution.started_at.strftime("%Y/%m/%d")
    assert execution.log_stream == f"{day}/probe[$LATEST]{execution.environment_id}"


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        (None, ["INFO", "WARN", "ERROR", "FATAL"]),
        ("TRACE", ["DEBUG", "INFO", "WARN", "ERROR", "FATAL"]),
        ("DEBUG", ["DEBUG", "INFO", "WARN", "ERROR", "FATAL"]),
        ("WARN", ["WARN", "ERROR", "FATAL"]),
        ("FATAL", ["FATAL"]),
    ],
)
def test_the_application_level_chooses_what_the_function_logs(level, shown, define, invoke):
    source = OWN.format("log.debug('d'); log.info('i'); log.warning('w'); log.error('e'); log.critical('c')")
    execution = invoke(define(source, log_format="JSON", application_log_level=level))
    lines = [line for line in execution.logs if line.stream == "function"]
    assert [line.level for line in lines] == shown
    for line in lines:
        told = json.loads(line.message)
        assert {"timestamp", "level", "message", "logger", "requestId"} <= told.keys()


@pytest.mark.parametrize("form", ["Text", "JSON"])
@pytest.mark.parametrize("name", ENDINGS)
def test_what_is_written_is_read_again(name, form, define, invoke, tmp_path):
    execution = invoke(define(OWN.format(ENDINGS[name][0]), log_format=form, timeout_s=1))
    file = tmp_path / "saved.log"
    lines = [f"{line.at.isoformat()}Z {execution.log_stream} {line.message}" for line in execution.logs]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    (found,) = log_files.read(file, function="probe")
    assert found.request_id == execution.request_id
    assert found.log_stream == execution.log_stream
    # Text shows two digits, and says nothing of a handler's exception.
    assert found.duration_ms == pytest.approx(execution.duration_ms, abs=0.006)
    assert found.init_ms == pytest.approx(execution.init_ms, abs=0.006)
    assert (found.billed_ms, found.memory_mb) == (execution.billed_ms, 128)
    assert found.status is (
        ExecutionStatus.COMPLETED
        if name == "success"
        else ExecutionStatus.TIMEOUT
        if name == "timeout"
        else ExecutionStatus.FAILED
    )
    if name in ("exception", "exit"):
        assert found.error.type == execution.error.type
