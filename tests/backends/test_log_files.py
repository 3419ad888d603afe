"""Saved logs of every form become executions."""

import base64
import csv
import gzip
import io
import json
from datetime import datetime

import pytest

from faaslab.model.execution import ExecutionStatus, LogStream, Source
from tests.backends.saved_logs import (
    COLD,
    INIT,
    OTHER,
    STREAM,
    A,
    B,
    at,
    end,
    epoch,
    event,
    iso,
    read,
    report,
    start,
    written,
)


# Each form of the same cold invocation. Text forms with and without a stream; documents; one object a line.
def insights(order):
    return [
        [
            {"field": "@timestamp", "value": iso(ms).replace("T", " ")},
            {"field": "@message", "value": message + "\n"},
            {"field": "@logStream", "value": STREAM},
            {"field": "@log", "value": "111122223333:/aws/lambda/score"},
            {"field": "@ptr", "value": "x"},
        ]
        for ms, message in order(COLD)
    ]


def table():
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["@timestamp", "@message", "@logStream", "@log"])
    for ms, message in reversed(COLD):
        rows.writerow([iso(ms).replace("T", " "), message + "\n", STREAM, "1:/aws/lambda/score"])
    return out.getvalue()


SUBSCRIPTION = {
    "messageType": "DATA_MESSAGE",
    "owner": "111122223333",
    "logGroup": "/aws/lambda/score",
    "logStream": STREAM,
    "logEvents": [{"id": str(ms), "timestamp": epoch(ms), "message": m} for ms, m in COLD],
}
FORMS = {
    "s3_export": "\n".join(f"{iso(ms)}Z {m}" for ms, m in COLD),
    "tail_detailed": "\n".join(f"{iso(ms)}000+00:00 {STREAM} {m}\n" for ms, m in COLD),
    "tail_elsewhere": "\n".join(f"{iso(ms).replace('T10', 'T12')}+02:00 {STREAM} {m}" for ms, m in COLD),
    "sam_logs": "\n".join(f"{STREAM} {iso(ms)}000 {m}" for ms, m in COLD),
    "sam_logs_coloured": "\n".join(
        f"\x1b[36m{STREAM}\x1b[0m \x1b[33m{iso(ms)}000\x1b[0m {m}" for ms, m in COLD
    ),
    "awslogs": "\n".join(f"/aws/lambda/score {STREAM} {iso(ms)}Z {m}" for ms, m in COLD),
    "console_copy": "\n".join(f"{iso(ms).replace('T10', 'T12')}+02:00\t{m}" for ms, m in COLD),
    "events": json.dumps({"events": [event(ms, m) for ms, m in COLD], "searchedLogStreams": []}),
    "events_pretty": json.dumps({"events": [event(ms, m) for ms, m in COLD]}, indent=4),
    "events_list": json.dumps([event(ms, m) for ms, m in COLD]),
    "events_lines": "\n".join(json.dumps(event(ms, m)) for ms, m in COLD),
    "insights": json.dumps({"results": insights(list), "status": "Complete"}, indent=2),
    "insights_newest_first": json.dumps({"results": insights(reversed), "status": "Complete"}),
    "insights_console_json": json.dumps(
        [
            {"@timestamp": iso(ms).replace("T", " "), "@message": m, "@logStream": STREAM}
            for ms, m in reversed(COLD)
        ]
    ),
    "insights_csv": table(),
    "console_csv": "timestamp,message\n"
    + "".join(f'{epoch(ms)},"{m.replace(chr(34), chr(34) * 2)}\n"\n' for ms, m in COLD),
    "subscription": json.dumps(SUBSCRIPTION),
    "firehose": json.dumps({**SUBSCRIPTION, "logEvents": SUBSCRIPTION["logEvents"][:3]})
    + json.dumps({**SUBSCRIPTION, "logEvents": SUBSCRIPTION["logEvents"][3:]}),
    "subscription_event": json.dumps(
        {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(SUBSCRIPTION).encode())).decode()}}
    ),
    "powershell": ("\ufeff" + "\r\n".join(f"{iso(ms)}Z {m}" for ms, m in COLD)).encode("utf-16-le"),
}


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("form", FORMS)
def test_the_same_invocation_comes_out_of_every_form(form, zipped, tmp_path):
    data = FORMS[form]
    data = data if isinstance(data, bytes) else data.encode()
    path = written(tmp_path, gzip.compress(data) if zipped else data)
    executions, unreadable, reading = read(path, function="score")
    assert unreadable == []
    assert reading.undated == 0
    (found,) = executions
    assert (found.request_id, found.function, found.source) == (A, "score", Source.IMPORTED)
    assert (found.status, found.version) == (ExecutionStatus.COMPLETED, "$LATEST")
    assert (found.duration_ms, found.billed_ms, found.init_ms) == (14.97, 15, 190.1)
    assert (found.memory_mb, found.max_memory_mb, found.cold_start) == (128, 67, True)
    assert (found.started_at, found.ended_at) == (at(200), at(215))
    assert (found.runtime, found.region) == ("python3.13", "eu-west-1")
    assert [line.message for line in found.logs][:5] == [m for _, m in COLD][:5]
    assert found.logs[5].message.startswith(f"REPORT RequestId: {A}")
    assert [line.stream for line in found.logs] == [
        LogStream.PLATFORM, LogStream.PLATFORM, LogStream.FUNCTION, LogStream.FUNCTION, LogStream.PLATFORM,
        LogStream.PLATFORM,
    ]  # fmt: skip
    assert found.logs[2].level == "INFO"
    assert found.log_stream in (STREAM, None)


def test_the_id_is_the_same_in_every_dated_form(tmp_path):
    ids = set()
    for form, data in FORMS.items():
        path = written(tmp_path, data, f"{form}.log")
        ids |= {execution.id for execution in read(path)[0]}
    assert len(ids) == 1


def test_json_logging(tmp_path):
    arn = "arn:aws:lambda:eu-west-1:111122223333:function:score"
    lines = [
        {
            "time": iso(0) + "Z",
            "type": "platform.initStart",
            "record": {"initializationType": "on-demand", "phase": "init", "runtimeVersion": "python:3.13.v12",
                       "functionName": "score", "functionVersion": "$LATEST"},
        },
        {"time": iso(200) + "Z", "type": "platform.start",
         "record": {"requestId": A, "functionArn": arn, "version": "$LATEST"}},
        {"timestamp": iso(201) + "Z", "level": "INFO", "message": {"a": 1}, "logger": "root", "requestId": A},
        {"timestamp": iso(202) + "Z", "level": "ERROR", "errorType": "ValueError", "errorMessage": "no",
         "requestId": A, "stackTrace": ['  File "/var/task/m.py", line 2, in handler\n    raise ValueError("no")\n']},
        {"time": iso(215) + "Z", "type": "platform.report",
         "record": {"requestId": A, "status": "error", "errorType": "ValueError",
                    "metrics": {"durationMs": 14.9721, "billedDurationMs": 205, "memorySizeMB": 128,
                                "maxMemoryUsedMB": 67, "initDurationMs": 190.104}}},
    ]  # fmt: skip
    for text in (
        "\n".join(map(json.dumps, lines)),
        json.dumps(lines),
        "".join(json.dumps(x, indent=2) for x in lines),
    ):
        executions, unreadable, _ = read(written(tmp_path, text))
        assert unreadable == []
        (found,) = executions
        assert (found.function, found.region, found.init_type) == ("score", "eu-west-1", "on-demand")
        assert (found.status, found.duration_ms, found.init_ms) == (ExecutionStatus.FAILED, 14.9721, 190.104)
        assert (found.error.type, found.error.message) == ("ValueError", "no")
        assert found.error.stack_trace == (
            '  File "/var/task/m.py", line 2, in handler', '    raise ValueError("no")',
        )  # fmt: skip
        assert [line.level for line in found.logs] == [None, None, "INFO", "ERROR", None]
        assert found.started_at == at(200)


def test_interleaved_streams_are_told_apart(tmp_path):
    events = [
        (1, STREAM, start(A)),
        (2, OTHER, start(B, "7")),
        (3, STREAM, "from a"),
        (4, OTHER, "from b"),
        (5, STREAM, end(A)),
        (6, STREAM, report(A)),
        (7, OTHER, "again b"),
        (8, OTHER, end(B)),
        (9, OTHER, report(B, "5.00", 100)),
    ]
    text = json.dumps({"events": [event(ms, m, stream) for ms, stream, m in events]})
    executions, unreadable, _ = read(written(tmp_path, text))
    assert unreadable == []
    a, b = executions
    assert [line.message for line in a.logs if line.stream is LogStream.FUNCTION] == ["from a"]
    assert [line.message for line in b.logs if line.stream is LogStream.FUNCTION] == ["from b", "again b"]
    assert (a.log_stream, b.log_stream, b.version) == (STREAM, OTHER, "7")


def test_without_streams_only_an_id_places_a_line_between_two(tmp_path):
    lines = [
        start(A), start(B), f"[INFO]\t2026-11-23T10:00:00.201Z\t{A}\tfrom a", "whose?", f"child of {B}",
        end(A), report(A), "of b", end(B), report(B),
    ]  # fmt: skip
    executions, unreadable, _ = read(written(tmp_path, lines))
    assert [[x.message for x in e.logs if x.stream is LogStream.FUNCTION] for e in executions] == [
        [lines[2]], [f"child of {B}", "of b"],
    ]  # fmt: skip
    assert [(u.line, u.text, u.unplaced) for u in unreadable] == [(4, "whose?", True)]
    assert "several invocations were running" in unreadable[0].reason


def test_a_retry_of_the_same_request_id_is_the_next_attempt(tmp_path):
    once = [start(A), "boom", end(A), report(A, "3000.00", 3000, "Status: timeout")]
    executions, unreadable, _ = read(written(tmp_path, once + once + [start(B), end(B), report(B)] + once))
    assert unreadable == []
    assert [(e.request_id, e.attempt) for e in executions if e.request_id == A] == [(A, 1), (A, 2), (A, 3)]
    assert len({e.id for e in executions}) == 4


def test_files_that_overlap_give_the_same_id(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    written(folder, FORMS["s3_export"], "1.log")
    written(folder, FORMS["events"], "2.log")
    written(folder, "Permission Check Successful", "aws-logs-write-test")
    executions, unreadable, reading = read(folder)
    assert len({e.id for e in executions}) == 1
    assert unreadable == []
    assert reading.files == 2


def test_an_invocation_may_span_files(tmp_path):
    folder = tmp_path / "2026-11-23-[$LATEST]e34ea4d32b8f441c96246bbee30ff465"
    folder.mkdir()
    lines = FORMS["s3_export"].splitlines()
    written(folder, gzip.compress("\n".join(lines[:3]).encode()), "000000.gz")
    written(folder, gzip.compress("\n".join(lines[3:]).encode()), "000001.gz")
    executions, unreadable, _ = read(folder)
    assert unreadable == []
    assert len(executions[0].logs) == 6
    assert executions[0].log_stream == STREAM


PYTHON_STACK = ['  File "/var/task/m.py", line 2, in handler', '    raise ValueError("no")']


@pytest.mark.parametrize(
    ("lines", "status", "type_", "message", "stack"),
    [
        (
            ["[ERROR] ValueError: no\rTraceback (most recent call last):\r"
             + "\r".join(PYTHON_STACK).replace("  ", "\u00a0\u00a0")],
            ExecutionStatus.FAILED, "ValueError", "no", PYTHON_STACK,
        ),
        (
            ["[ERROR] ValueError: no", "Traceback (most recent call last):", *PYTHON_STACK],
            ExecutionStatus.FAILED, "ValueError", "no", PYTHON_STACK,
        ),
        (
            [f'2026-11-23T10:00:00.201Z\t{A}\tERROR\tInvoke Error \t{{"errorType":"TypeError","errorMessage":"x is","stack":["TypeError: x is","    at handler (/var/task/i.js:2:9)"]}}'],
            ExecutionStatus.FAILED, "TypeError", "x is", ["TypeError: x is", "    at handler (/var/task/i.js:2:9)"],
        ),
        (
            [f"2026-11-23T10:00:03.201Z {A} Task timed out after 3.00 seconds"],
            ExecutionStatus.TIMEOUT, "Sandbox.Timedout", f"RequestId: {A} Error: Task timed out after 3.00 seconds", [],
        ),
        (
            [f"RequestId: {A} Error: Runtime exited with error: signal: killed", "Runtime.ExitError"],
            ExecutionStatus.FAILED, "Runtime.ExitError",
            f"RequestId: {A} Error: Runtime exited with error: signal: killed", [],
        ),
        ([f"[ERROR]\t2026-11-23T10:00:00.201Z\t{A}\tlogged and went on"], ExecutionStatus.COMPLETED, None, None, []),
        (["[ERROR] Failed: printed and went on"], ExecutionStatus.COMPLETED, None, None, []),
        (
            [f"[ERROR]\t2026-11-23T10:00:00.201Z\t{A}\tcaught", "Traceback (most recent call last):", *PYTHON_STACK,
             "ValueError: no"],
            ExecutionStatus.COMPLETED, None, None, [],
        ),
    ],
)  # fmt: skip
def test_failures_in_the_words_of_the_log(lines, status, type_, message, stack, tmp_path):
    executions, unreadable, _ = read(written(tmp_path, [start(A), *lines, end(A), report(A)]))
    assert unreadable == []
    (found,) = executions
    assert found.status is status
    if type_ is None:
        assert found.error is None
    else:
        assert (found.error.type, found.error.message) == (type_, message)
        assert list(found.error.stack_trace) == stack


def test_out_of_memory_is_the_platforms_word(tmp_path):
    lines = [
        start(A),
        f"RequestId: {A} Error: Runtime exited with error: signal: killed\nRuntime.ExitError",
        end(A),
        report(A).rstrip("\t") + "\tStatus: error\tError Type: Runtime.OutOfMemory",
        "XRAY TraceId: 1-6ac7d556-032906e375c910cf42cb849e\tSegmentId: 90cbc97f4ee64a7f\tSampled: true",
    ]
    (found,) = read(written(tmp_path, lines))[0]
    assert found.error.type == "Runtime.OutOfMemory"
    assert "signal: killed" in found.error.message
    assert found.trace_id == "1-6ac7d556-032906e375c910cf42cb849e"
    assert (found.started_at, found.cold_start) == (datetime(2026, 10, 8, 17, 39, 34), False)


def test_a_failed_init_makes_it_cold_without_a_figure(tmp_path):
    lines = [
        INIT,
        "INIT_REPORT Init Duration: 229.22 ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError",
        start(A), end(A), report(A),
    ]  # fmt: skip
    (found,) = read(written(tmp_path, lines))[0]
    assert (found.cold_start, found.init_ms) == (True, None)
