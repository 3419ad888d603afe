"""Platform lines: every real form is read, and what is written is what AWS writes."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.backends import report_line
from faaslab.backends.report_line import LineKind, PlatformLine, parse

CASES = Path(__file__).parents[2].parent / "shared" / "conformance" / "report_lines.json"


def report(**fields) -> PlatformLine:
    return PlatformLine(kind=LineKind.REPORT, **fields)


def figures(duration, billed, memory, used, **more):
    return {"duration_ms": duration, "billed_ms": billed, "memory_mb": memory, "max_memory_mb": used, **more}


# What each of the recorded lines says, read by eye.
EXPECTED = [
    report(request_id="76269889-7d50-4d6d-a3f1-9b4f5322f47c", **figures(14.97, 15, 128, 67)),
    report(
        request_id="8101dee5-ac06-4a07-b532-6afa3ede24eb",
        **figures(8.03, 100, 1024, 75, init_ms=163.69),
        trace_id="1-5d834202-761ce1f66feedf41831bd276",
        segment_id="62ed604526bc0c1b",
        sampled=False,
    ),
    report(request_id="29505d9b-93d1-11e7-8418-5f5a64c6f12a", **figures(0.37, 100, 1024, 21)),
    report(request_id="8ae8d4ee-6500-47c6-a714-e50dec8482b9", **figures(16.04, 100, 1024, 45)),
    report(
        request_id="5009fcc8-5032-41fd-9a62-fc133fe04d67",
        **figures(2.37, 427, 1024, 95, init_ms=423.98),
        trace_id="1-6ac7d554-62c6be2f6c1bd8032dac9acf",
        segment_id="854892f93105b5ae",
        sampled=True,
    ),
    report(
        request_id="276ff3b9-1609-4ee7-a288-db3752630767",
        **figures(10935.70, 10936, 1024, 1024),
        status="error",
        error_type="Runtime.OutOfMemory",
        trace_id="1-6ac7d556-032906e375c910cf42cb849e",
        segment_id="90cbc97f4ee64a7f",
        sampled=True,
    ),
    report(
        request_id="c4c2a78d-5976-4177-91ae-64e7418b9769",
        **figures(600000.0, 600517, 1024, 1024, init_ms=516.31),
        status="timeout",
        trace_id="1-6ac7d74a-019546e11f8bb3cd382c293c",
        segment_id="f8f17b1699891cfe",
        sampled=True,
    ),
    report(
        request_id="13222b1e-f16b-4550-89df-869ab0a9806d", **figures(3000.0, 3000, 1024, 64), status="timeout"
    ),
    report(request_id="<guid>", **figures(45054.87, 45000, 1024, 278)),
    report(
        request_id="806ab12b-e660-4a4a-8d9a-eee01e457f98",
        **figures(376256.59, 376257, 10239, 10239, init_ms=551.73),
        status="error",
        error_type="Runtime.OutOfMemory",
    ),
    report(
        request_id="8c360c87-d4b7-4423-b5f3-af02be3c1763",
        **figures(2338.66, 2521, 3009, 173, restore_ms=398.97, billed_restore_ms=182),
    ),
    report(
        request_id="24addd09-6e64-49fb-b187-94ba9b60b59a",
        **figures(127.10, 154, 2048, 212, restore_ms=325.93, billed_restore_ms=26),
        trace_id="1-66d978e5-56c7378e556e94b5461da07c",
        segment_id="29c3839e6ecb5895",
        sampled=True,
    ),
    report(
        request_id="2f98d5aa-c63b-41e8-a9d2-0d2c21d7410d", **figures(13.82, 129, 512, 71, restore_ms=204.27)
    ),
    report(
        request_id="55bc566d-1e2c-11e7-93e6-6705ceb4c1cc", **figures(469.40, 500, 1024, 21, init_ms=100.99)
    ),
    report(request_id="test-request-id", **figures(100.0, 128, 256, 64, init_ms=50.0)),
    PlatformLine(kind=LineKind.RESTORE_REPORT, restore_ms=789.64),
    PlatformLine(
        kind=LineKind.INIT_REPORT,
        init_ms=154.03,
        phase="init",
        status="error",
        error_type="Runtime.ExitError",
    ),
    PlatformLine(kind=LineKind.INIT_REPORT, init_ms=10337.01, phase="init", status="timeout"),
    PlatformLine(kind=LineKind.INIT_REPORT, init_ms=3003.39, phase="invoke", status="timeout"),
    PlatformLine(
        kind=LineKind.INIT_REPORT,
        init_ms=229.22,
        phase="init",
        status="error",
        error_type="Runtime.ImportModuleError",
    ),
    PlatformLine(kind=LineKind.INIT_REPORT, init_ms=10000.07, phase="init", status="timeout"),
    PlatformLine(
        kind=LineKind.RESTORE_START,
        runtime_version="java:11.v21",
        runtime_version_arn="arn:aws:lambda:us-east-1::runtime:"
        "156ab0dc268a6b4a8dedcbcf0974795cafba2ee8760fe386062fffdbb887b971",
    ),
    PlatformLine(kind=LineKind.START, request_id="8d5958b5-559f-43f3-b278-b71dd7dd0e01", version="$LATEST"),
    report(
        request_id="459921b5-681c-4a96-beb0-81e0aa586026",
        **figures(2599.4, 2600, 128, 94, init_ms=549.04),
        status="success",
        trace_id="1-6352a70e-1e2c502e358361800241fd45",
        sampled=True,
        at=datetime(2022, 10, 21, 14, 5, 5, 766000),
    ),
    report(
        request_id="d661f7cf-9208-46b9-85b0-213b04a91065",
        **figures(147.156, 201, 512, 91, restore_ms=500.795, billed_restore_ms=53),
        status="success",
        at=datetime(2024, 2, 9, 8, 42, 44, 80000),
    ),
    report(
        request_id="b1",
        **figures(3000.0, 3000, 128, 60),
        status="timeout",
        error_type="Task.Timedout",
        at=datetime(2022, 10, 12, 0, 4, 50),
    ),
    report(
        request_id="60728812-66c3-4472-87f6-d67e98df9e2a", **figures(3392.76, 3393, 1024, 118, init_ms=973.37)
    ),
    report(
        request_id="91c92f73-37ae-4b1d-8b83-77f557113654", **figures(3666.80, 3667, 1024, 119, init_ms=960.07)
    ),
]


@pytest.mark.skipif(not CASES.exists(), reason="the recorded lines stand beside the repository, not in it")
def test_every_recorded_line_is_read_with_all_its_figures():
    lines = [case["line"] for case in json.loads(CASES.read_text())["lines"]]
    assert [parse(line) for line in lines] == EXPECTED


request_ids = st.uuids().map(str) | st.sampled_from(["<guid>", "b1", "test-request-id"])
hundredths = st.integers(0, 10**9).map(lambda n: n / 100)
statuses = st.none() | st.sampled_from(["timeout", "error", "failure"])
error_types = st.none() | st.sampled_from(["Runtime.ExitError", "Runtime.OutOfMemory", "ValueError"])


@given(
    st.fixed_dictionaries(
        {
            "request_id": request_ids,
            "duration_ms": hundredths,
            "billed_ms": st.integers(0, 10**10),
            "memory_mb": st.integers(128, 32768),
            "max_memory_mb": st.integers(0, 32768),
            "init_ms": st.none() | hundredths,
            "restore_ms": st.none() | hundredths,
            "billed_restore_ms": st.none() | st.integers(0, 10**6),
            "status": statuses,
            "error_type": error_types,
        }
    ),
    st.sampled_from(["\t", " ", "\n", " \t", "   ", "\t\n# "]),
)
def test_a_report_that_was_written_is_read_back_whatever_became_of_its_tabs(fields, between):
    text = report_line.report_line(**fields)
    assert parse(text.replace("\t", between)) == report(**fields)


@given(hundredths, st.sampled_from(["init", "invoke"]), statuses, error_types)
def test_an_init_report_that_was_written_is_read_back(init_ms, phase, status, error_type):
    fields = {"init_ms": init_ms, "phase": phase, "status": status, "error_type": error_type}
    assert parse(report_line.init_report_line(**fields)) == PlatformLine(kind=LineKind.INIT_REPORT, **fields)


def test_the_other_lines_that_are_written_are_read_back():
    assert parse(report_line.start_line("a-1", "$LATEST")) == PlatformLine(
        kind=LineKind.START, request_id="a-1", version="$LATEST"
    )
    assert parse(report_line.end_line("a-1")) == PlatformLine(kind=LineKind.END, request_id="a-1")
    assert parse(report_line.init_start_line("python:3.13.v12", "arn:aws:x")) == PlatformLine(
        kind=LineKind.INIT_START, runtime_version="python:3.13.v12", runtime_version_arn="arn:aws:x"
    )
    at = datetime(2026, 11, 23, 21, 0, 0, 5000)
    assert parse(report_line.timed_out_line(at, "a-1", 3)) == PlatformLine(
        kind=LineKind.TIMED_OUT, request_id="a-1", message="Task timed out after 3.00 seconds", at=at
    )
    assert parse(
        report_line.fault_line("a-1", "Runtime exited with error: signal: killed", "Runtime.ExitError")
    ) == PlatformLine(
        kind=LineKind.FAULT,
        request_id="a-1",
        error_type="Runtime.ExitError",
        message="Runtime exited with error: signal: killed",
    )


def test_the_text_is_exactly_the_platforms():
    """Compared with lines of real logs: a tab ends a successful report, none one with a status."""
    same = {"request_id": "i", "memory_mb": 1024, "max_memory_mb": 64}
    assert report_line.report_line(**same, duration_ms=2.9, billed_ms=114, init_ms=110.1) == (
        "REPORT RequestId: i\tDuration: 2.90 ms\tBilled Duration: 114 ms\tMemory Size: 1024 MB"
        "\tMax Memory Used: 64 MB\tInit Duration: 110.10 ms\t"
    )
    assert report_line.report_line(**same, duration_ms=3000, billed_ms=3000, status="timeout") == (
        "REPORT RequestId: i\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 1024 MB"
        "\tMax Memory Used: 64 MB\tStatus: timeout"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "hello",
        "START the engine",
        "REPORT of the day: RequestId: 4",
        "END",
        "RESTORE_START of the backup",
        "RequestId: was not given",
        '{"type": "platform.report"',
        '{"type": "function", "record": "platform.report"}',
        '{"message": "\\"platform.start\\""}',
        "[" * 100_000,
        '{"a":' * 100_000 + '"platform.x"',
        "Duration: 4 ms",
        "the job said: Task timed out after many seconds",
    ],
)
def test_what_programs_print_is_not_the_platforms(text):
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("REPORT RequestId: a", report(request_id="a")),
        ("REPORT RequestId: a\tDuration: 14.9", report(request_id="a")),
        ("REPORT RequestId: a\tDuration: 14.97 ms\tBilled Dur", report(request_id="a", duration_ms=14.97)),
        (
            "REPORT RequestId: a\tMemory Size: 128 MB\tDuration: nan ms",
            report(request_id="a", memory_mb=128),
        ),
        ("START RequestId: a", PlatformLine(kind=LineKind.START, request_id="a")),
        (
            '{"time":"x","type":"platform.report","record":{"requestId":"a","metrics":{"durationMs":true}}}',
            report(request_id="a"),
        ),
        ('{"type":"platform.report","record":{"metrics":{"durationMs":NaN,"memorySizeMB":1e400}}}', report()),
        ('{"type":"platform.report"}', report()),
        ('{"type":"platform.somethingNew","record":{}}', PlatformLine(kind=LineKind.OTHER)),
        (
            '{"type":"platform.fault","record":"RequestId: a Error: Runtime exited\\nRuntime.ExitError"}',
            PlatformLine(
                kind=LineKind.FAULT, request_id="a", error_type="Runtime.ExitError", message="Runtime exited"
            ),
        ),
        (
            "RequestId: a Process exited before completing request",
            PlatformLine(
                kind=LineKind.FAULT, request_id="a", message="Process exited before completing request"
            ),
        ),
        (
            "XRAY TraceId: 1-5\tSegmentId: 6\tSampled: false",
            PlatformLine(kind=LineKind.XRAY, trace_id="1-5", segment_id="6", sampled=False),
        ),
        (
            '{"type":"platform.initReport","record":{"phase":"init","metrics":{"durationMs":12.5}}}',
            PlatformLine(kind=LineKind.INIT_REPORT, phase="init", init_ms=12.5),
        ),
    ],
)
def test_what_a_line_does_not_tell_is_none(text, expected):
    assert parse(text) == expected


@given(st.text())
def test_no_text_makes_it_raise(text):
    for start in ("", "REPORT RequestId: ", '{"type":"platform.report","record":'):
        parse(start + text)


def test_further_parts_of_a_wrapped_report_are_known():
    assert report_line.continues("# Init Duration: 551.73 ms\tStatus: error")
    assert report_line.continues("XRAY TraceId: 1-66d978e5")
    assert not report_line.continues("Duration of the job was long")
    assert not report_line.continues("START RequestId: a Version: 1")
