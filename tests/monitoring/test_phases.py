"""The phases of one execution: out of figures and log lines, and what is said of what was not recorded."""

from dataclasses import replace
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from faaslab.backends import report_line
from faaslab.model.execution import Execution, ExecutionError, ExecutionStatus, LogLine, LogStream, Source
from faaslab.monitoring.timeline.phases import Caller, phases_of
from faaslab.monitoring.timeline.waterfall import waterfall_svg, waterfall_text

BEGIN = datetime(2026, 11, 27, 6)


def at(ms):
    return BEGIN + timedelta(milliseconds=ms)


def platform(ms, text):
    return LogLine(at=at(ms), message=text, stream=LogStream.PLATFORM)


INIT_START = report_line.init_start_line("python:3.13.v1", "arn:aws:lambda:us-east-1::runtime:x")
START = report_line.start_line("r", "$LATEST")
COLD = Execution(
    id="e1",
    function="score",
    request_id="r",
    status=ExecutionStatus.COMPLETED,
    started_at=BEGIN,
    ended_at=at(201),
    duration_ms=50.0,
    init_ms=100.0,
    billed_ms=150,
    cold_start=True,
    logs=(platform(50, INIT_START), platform(150.5, START), platform(201, "END RequestId: r")),
)
WARM = replace(
    COLD,
    init_ms=None,
    cold_start=False,
    billed_ms=50,
    ended_at=at(52),
    logs=(platform(2, START), platform(52, "END RequestId: r")),
)
IMPORTED = replace(COLD, source=Source.IMPORTED, started_at=at(150), ended_at=at(200), logs=())


def told(execution, caller=None):
    found = phases_of(execution, caller)
    rows = [
        (each.name, (each.begin - BEGIN) / timedelta(milliseconds=1), round(each.ms, 3))
        for each in found.phases
    ]
    return rows, found.unknown


@pytest.mark.parametrize(
    ("execution", "rows", "unknown"),
    [
        (
            COLD,
            [
                ("environment start", 0, 50),
                ("init", 50, 100),
                ("handler", 150.5, 50),
                ("answer and log", 200.5, 0.5),
                ("billed", 50, 150),
            ],
            (),
        ),
        (WARM, [("wait for the environment", 0, 2), ("handler", 2, 50), ("billed", 2, 50)], ()),
        (
            replace(WARM, logs=(), billed_ms=None),
            [("wait for the environment", 0, 2), ("handler", 2, 50)],
            (),
        ),
        (
            IMPORTED,
            [("init", 50, 100), ("handler", 150, 50), ("billed", 50, 150)],
            ("when it was asked for (its log begins with the environment)",),
        ),
        # A report of the time when an init was not billed.
        (
            replace(IMPORTED, billed_ms=50),
            [("init", 50, 100), ("handler", 150, 50), ("billed", 150, 50)],
            ("when it was asked for (its log begins with the environment)",),
        ),
        (
            replace(WARM, cold_start=True, start_method="spawn suppressed"),
            [("environment start", 0, 2), ("handler", 2, 50), ("billed", 2, 50)],
            ("how long its init took",),
        ),
        (replace(WARM, duration_ms=None), [], ("when its handler began, and how long it took",)),
        (
            replace(WARM, invocation_type="Event"),
            [("wait for the environment", 0, 2), ("handler", 2, 50), ("billed", 2, 50)],
            ("how long it waited in the queue",),
        ),
        (
            replace(WARM, invocation_type="Event", queued_at=at(-3_000)),
            [
                ("queue", -3_000, 3_000),
                ("wait for the environment", 0, 2),
                ("handler", 2, 50),
                ("billed", 2, 50),
            ],
            (),
        ),
        # It ran at once, or the clock was set back since.
        (
            replace(WARM, invocation_type="Event", queued_at=at(1)),
            [("wait for the environment", 0, 2), ("handler", 2, 50), ("billed", 2, 50)],
            (),
        ),
        (
            replace(WARM, status=ExecutionStatus.THROTTLED, invocation_type="Event", queued_at=at(-40)),
            [("queue", -40, 40)],
            ("nothing else: it was turned away, and nothing ran",),
        ),
        (
            replace(WARM, status=ExecutionStatus.THROTTLED),
            [],
            ("nothing else: it was turned away, and nothing ran",),
        ),
        (
            replace(
                COLD,
                init_ms=None,
                restore_ms=20.0,
                billed_restore_ms=20,
                billed_ms=70,
                logs=(),
                ended_at=at(90),
            ),
            [("environment start", 0, 20), ("restore", 20, 20), ("handler", 40, 50), ("billed", 20, 70)],
            (),
        ),
        (
            replace(WARM, trigger="arn:aws:states:us-east-1:0:execution:flow:run"),
            [("wait for the environment", 0, 2), ("handler", 2, 50), ("billed", 2, 50)],
            ("which task of the workflow called it",),
        ),
    ],
)
def test_phases(execution, rows, unknown):
    assert told(execution) == (rows, unknown)


def test_what_extensions_took_where_the_log_tells_when_the_runtime_was_done():
    lines = (
        platform(2, START),
        platform(32, '{"time":"x","type":"platform.runtimeDone","record":{"requestId":"r","status":"success",'
                     '"metrics":{"durationMs":30.0,"producedBytes":1}}}'),
    )  # fmt: skip
    extension = platform(1, "EXTENSION\tName: scribe\tState: Ready\tEvents: [INVOKE]")
    rows, unknown = told(replace(WARM, logs=(extension, *lines)))
    assert rows[1:3] == [("handler", 2, 30), ("extensions", 32, 20)]
    assert unknown == ()
    rows, unknown = told(replace(WARM, logs=(extension, lines[0])))
    assert rows[1] == ("handler", 2, 50)
    assert unknown == ("how long the extensions took after the handler (it is within the handler's time)",)
    found = phases_of(replace(COLD, logs=(extension, *COLD.logs)))
    assert found.phases[1].note == "extensions: scribe (ready)"


def test_an_init_that_failed_is_a_phase_of_its_own():
    line = report_line.init_report_line(
        init_ms=40.0, phase="init", status="error", error_type="Runtime.ImportModuleError"
    )
    failed = replace(
        WARM,
        status=ExecutionStatus.FAILED,
        error=ExecutionError(type="Runtime.ImportModuleError", message="no module"),
        cold_start=True,
        ended_at=at(100),
        logs=(platform(45, line), platform(50, START)),
    )
    found = phases_of(failed)
    assert [(each.name, each.note) for each in found.phases[:3]] == [
        ("environment start", "preparing and choosing an environment; not billed"),
        ("init, failed", "error, Runtime.ImportModuleError"),
        ("handler", "failed: Runtime.ImportModuleError"),
    ]


def test_the_task_that_called_it_is_around_it():
    task = Caller(workflow="etl", run="daily", state="Load", scheduled=at(-5), entered=at(-6), ended=at(60))
    rows, unknown = told(WARM, task)
    assert rows[:2] == [("state Load", -6, 66), ("task", -5, 65)]
    assert unknown == ()


def test_a_long_wait_in_the_queue_is_folded_and_leaves_room_for_the_rest():
    found = phases_of(replace(WARM, invocation_type="Event", attempt=2, queued_at=at(-60_000)))
    assert found.phases[0].note == "attempt 2, since it was put back into the queue"
    svg = waterfall_svg(found, title="t")
    assert "1 min 0 s in the queue" in svg or "60.0 s in the queue" in svg or "in the queue</title>" in svg
    queue, _, handler, _ = waterfall_text(found).splitlines()
    assert handler.count("█") > 35
    assert queue.count("·") < 10
    alone = replace(WARM, status=ExecutionStatus.THROTTLED, invocation_type="Event", queued_at=at(-60_000))
    assert waterfall_text(phases_of(alone)).splitlines()[0].count("·") == 48


HOSTILE = "</title><script>alert(1)</script>\x00\u202e"


@pytest.mark.parametrize(
    "execution",
    [
        COLD,
        replace(COLD, function=HOSTILE, error=ExecutionError(type=HOSTILE, message=HOSTILE)),
        replace(COLD, status=ExecutionStatus.THROTTLED),
        replace(WARM, duration_ms=0.0, ended_at=BEGIN, billed_ms=None, logs=()),
    ],
)
def test_the_picture_is_xml_and_says_all_in_words(execution):
    task = Caller(workflow=HOSTILE, run=HOSTILE, state=HOSTILE, scheduled=at(-900_000))
    for found in (phases_of(execution), phases_of(execution, task)):
        svg = waterfall_svg(found, title=HOSTILE, failed=True)
        root = ET.fromstring(svg)
        assert not [each for each in root.iter() if each.tag.endswith("script")]
        about = next(each.text for each in root.iter() if each.tag.endswith("desc"))
        for each in found.unknown:
            assert f"not recorded: {each}" in about
            assert f"not recorded: {each}" in waterfall_text(found)


def test_in_characters():
    lines = waterfall_text(phases_of(COLD)).splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "environment start",
        "init",
        "handler",
        "answer and log",
        "billed",
    ]
    assert "░░" in lines[0]
    assert "▒▒▒▒" in lines[1]
    assert "100 ms" in lines[1]
    assert "█" in lines[2]
