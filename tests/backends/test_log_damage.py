"""What saved logs do not tell, and what cannot be read of them, is said; the rest comes in."""

import base64
import gzip
import json
import os
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.backends import log_events, log_files
from faaslab.errors import InvalidValue
from tests.backends.saved_logs import COLD, A, B, at, end, event, iso, read, report, start, written


def test_plain_reports_without_any_time(tmp_path):
    path = written(tmp_path, [report(A), report("<guid>"), report("<guid>"), report(B, "1.00", 1)])
    os.utime(path, (1_700_000_000, 1_700_000_000))
    executions, unreadable, reading = read(path)
    assert unreadable == []
    assert len({e.id for e in executions}) == 4
    assert reading.undated == 4
    assert {e.attempt for e in executions} == {1}
    assert {e.started_at for e in executions} == {datetime(2023, 11, 14, 22, 13, 20)}
    assert {(e.ended_at, e.runtime, e.region, e.version, e.function) for e in executions} == {
        (None, None, None, "", "unknown")
    }
    assert [e.id for e in read(path)[0]] == [e.id for e in executions]


def test_a_report_tells_its_start(tmp_path):
    (found,) = read(written(tmp_path, f"{iso(215)}Z {report(A)}"))[0]
    assert (found.started_at, found.ended_at) == (datetime(2026, 11, 23, 10, 0, 0, 200030), at(215))


def test_what_was_cut_off_is_none(tmp_path):
    (found,) = read(written(tmp_path, [f"REPORT RequestId: {A}\tDuration: 14.97 ms\tBilled Dura"]))[0]
    assert (found.duration_ms, found.billed_ms, found.cold_start, found.memory_mb) == (
        14.97,
        None,
        None,
        None,
    )


def test_an_invocation_without_its_report_waits_for_a_longer_log(tmp_path):
    executions, unreadable, _ = read(written(tmp_path, [f"{iso(1)}Z {start(A)}", f"{iso(2)}Z still at it"]))
    assert executions == []
    assert [(u.line, u.text) for u in unreadable] == [(1, start(A)), (2, "still at it")]
    assert {u.reason for u in unreadable} == {"the log ends before the REPORT of its invocation"}


def test_text_between_invocations_is_rejected_with_its_place(tmp_path):
    lines = [start(A), end(A), report(A), "### what is this", start(B), "mine", end(B), report(B), "nor this"]
    executions, unreadable, _ = read(written(tmp_path, lines))
    assert [len(e.logs) for e in executions] == [3, 4]
    assert [(u.path.name, u.line, u.text, u.unplaced) for u in unreadable] == [
        ("a.log", 4, "### what is this", False), ("a.log", 9, "nor this", False),
    ]  # fmt: skip


def test_bytes_that_are_no_utf8_stay(tmp_path):
    data = "\n".join([start(A), "caf\xe9", end(A), report(A)]).encode("latin-1")
    (found,) = read(written(tmp_path, data))[0]
    assert found.logs[1].message == "caf\\xe9"


def test_a_huge_line_is_kept_in_parts_and_the_rest_is_read(tmp_path):
    huge = "x" * (2 * log_events.LINE_LIMIT + 5)
    executions, unreadable, _ = read(written(tmp_path, [start(A), huge, end(A), report(A)]))
    assert len(executions) == 1
    assert "".join(u.text for u in unreadable).rstrip("\n") == huge
    assert [u.continued for u in unreadable] == [False, True, True]


def test_a_truncated_gz_gives_what_stood_before(tmp_path):
    lines = [f"{iso(1)}Z {line}" for line in (start(A), end(A), report(A))] + [
        f"{iso(2)}Z {base64.b64encode(os.urandom(50)).decode()}" for _ in range(5000)
    ]
    data = gzip.compress("\n".join(lines).encode())
    executions, unreadable, _ = read(written(tmp_path, data[: len(data) // 2], "a.gz"))
    assert len(executions) == 1
    assert any("ends early" in u.reason for u in unreadable)
    assert len(unreadable) > 2000
    whole = gzip.compress(b"\n".join(x.encode() for x in lines[:2]) + b"\n") + gzip.compress(
        lines[2].encode()
    )
    assert len(read(written(tmp_path, whole, "two.gz"))[0]) == 1
    damaged = bytearray(data)
    damaged[len(data) // 2] ^= 255
    damaged[len(data) // 2 + 1] ^= 255
    executions, unreadable, _ = read(written(tmp_path, bytes(damaged), "b.gz"))
    assert len(executions) == 1
    assert any("damaged" in u.reason for u in unreadable)


@pytest.mark.parametrize("cut", [0.3, 0.5, 0.7, 0.95])
def test_a_document_that_is_cut_off_gives_what_stood_before(cut, tmp_path):
    events = [
        e
        for n in range(100)
        for e in (event(n, start(f"{n:08d}{A[8:]}")), event(n, report(f"{n:08d}{A[8:]}")))
    ]
    text = json.dumps({"events": events}, indent=1)
    executions, unreadable, _ = read(written(tmp_path, text[: int(len(text) * cut)]))
    assert abs(len(executions) - 100 * cut) < 3
    assert any("ends early" in u.reason or "ends before" in u.reason for u in unreadable)


def test_damage_inside_a_document_costs_only_its_event(tmp_path):
    events = [json.dumps(event(n, report(f"{n:08d}{A[8:]}"))) for n in range(10)]
    events[4] = events[4].replace('"message"', 'message"')
    executions, unreadable, _ = read(written(tmp_path, '{"events": [' + ",\n".join(events) + "]}"))
    assert len(executions) == 9
    assert len(unreadable) == 1
    assert unreadable[0].line == 5


def test_a_damaged_line_among_json_lines_is_rejected(tmp_path):
    lines = [json.dumps(event(n, report(f"{n:08d}{A[8:]}"))) for n in range(4)]
    lines[2] = lines[2][:70]
    executions, unreadable, _ = read(written(tmp_path, lines))
    assert len(executions) == 3
    assert [(u.line, u.reason, u.unplaced) for u in unreadable] == [(3, "is damaged JSON", False)]


def test_a_binary_file_is_one_complaint(tmp_path):
    executions, unreadable, _ = read(written(tmp_path, bytes(range(256)) * 20 + bytes(5000)))
    assert executions == []
    assert [u.reason for u in unreadable] == ["is a binary file, not a log"]


def test_an_empty_file_is_nothing(tmp_path):
    assert read(written(tmp_path, ""))[:2] == ([], [])


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidValue, match="nowhere: no such file"):
        log_files.read(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("aws/lambda/score/today.log", "score"), ("%2Faws%2Flambda%2Fscore.log", "score"),
        ("_aws_lambda_score.log.gz", "score"), ("score.log", "unknown"), ("aws-lambda-notes.txt", "unknown"),
    ],
)  # fmt: skip
def test_the_function_in_a_plain_path(name, function, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report(A))
    assert read(path)[0][0].function == function


def test_memory_does_not_grow_with_the_file(tmp_path):
    """Executions leave while the file is still being read."""
    path = tmp_path / "long.log"
    with path.open("w") as file:
        for n in range(3000):
            i = f"{n:08d}{A[8:]}"
            file.write(f"{start(i)}\n{end(i)}\n{report(i)}\n")
    reading = log_files.read(path)
    found = iter(reading)
    next(found)
    assert reading.events <= 4 + log_files.LOOK_AHEAD
    assert sum(1 for _ in found) == 2999


@given(st.lists(st.sampled_from([*(m for _, m in COLD), report(B), start(B), end(B), "x", "{", "[{", '{"events":[', "]"])
                | st.text(max_size=30), max_size=12))  # fmt: skip
def test_no_text_makes_it_raise_and_no_line_is_lost(tmp_path_factory, lines):
    data = "\n".join(lines).encode("utf-8", "backslashreplace")
    path = written(tmp_path_factory.mktemp("any"), data)
    executions, unreadable, _ = read(path)
    if [u.reason for u in unreadable] == ["is a binary file, not a log"]:
        assert data.count(0) * 100 > len(data)  # refused whole, with a word
        return
    kept = "\n".join([m.message for e in executions for m in e.logs] + [u.text for u in unreadable])
    for line in lines:
        for word in ("hello wörld", "printed"):
            assert word not in line or word in kept
