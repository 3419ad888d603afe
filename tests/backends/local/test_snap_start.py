"""SnapStart: hooks, figures and failures of published versions."""

import dataclasses
import functools
import json
import math

import pytest

from faaslab.backends import log_files, report_line
from faaslab.model.execution import ExecutionStatus
from faaslab.model.invocation import Invocation

pytest.importorskip("snapshot_restore_py", reason="AWS's runtime client is not installed")
NUMBERED = Invocation(qualifier="1")
SOURCE = """
import os, time
from snapshot_restore_py import register_before_snapshot, register_after_restore
done = ["init"]
{before}
{after}
def handler(event, context):
    if event == "crash": os._exit(1)
    return done + [os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]]
"""
BEFORE = "@register_before_snapshot\ndef before():\n    {}"
AFTER = "@register_after_restore\ndef after():\n    {}"


@pytest.fixture
def define(definer):
    """Functions as a qualifier leads to them."""
    return functools.partial(definer.define, version="1")


@pytest.fixture
def snapping(define):
    def make(before="done.append('before')", after="done.append('after')", **configuration):
        source = SOURCE.format(before=BEFORE.format(before), after=AFTER.format(after))
        return define(source, snap_start="PublishedVersions", **{"timeout_s": 5} | configuration)

    return make


def kinds(execution):
    told = map(report_line.parse, (line.message for line in execution.logs if line.stream == "platform"))
    return [str(line.kind) for line in told if line is not None]


def test_the_hooks_of_a_published_version_run_around_the_snapshot(snapping, invoke):
    function = snapping(after="time.sleep(0.05); done.append('after')")
    first = invoke(function, request=NUMBERED)
    assert first.result == ["init", "before", "after", "snap-start"]
    assert (first.init_type, first.cold_start, first.init_ms) == ("snap-start", True, None)
    assert first.restore_ms >= 50
    assert first.billed_restore_ms == math.ceil(first.restore_ms)
    assert first.billed_ms == math.ceil(first.duration_ms + first.billed_restore_ms)
    assert kinds(first) == [
        "initStart",
        "initReport",
        "restoreStart",
        "restoreReport",
        "start",
        "end",
        "report",
    ]
    report = report_line.parse(first.logs[-1].message)
    assert (report.restore_ms, report.billed_restore_ms) == (
        pytest.approx(first.restore_ms, abs=0.006),
        first.billed_restore_ms,
    )
    warm = invoke(function, request=NUMBERED)
    assert (warm.cold_start, warm.restore_ms, warm.billed_restore_ms) == (False, None, None)


def test_the_latest_has_no_snapshot(snapping, invoke):
    execution = invoke(dataclasses.replace(snapping(), version="$LATEST"))
    assert execution.result == ["init", "on-demand"]
    assert (execution.init_type, execution.restore_ms) == ("on-demand", None)


def test_after_a_crash_it_is_restored_again(snapping, invoke):
    function = snapping()
    invoke(function, request=NUMBERED)
    assert invoke(function, b'"crash"', request=NUMBERED).error.type == "Runtime.ExitError"
    again = invoke(function, request=NUMBERED)
    assert again.result == ["init", "before", "after", "snap-start"]
    assert again.restore_ms is not None


FAILURES = {
    "before": ({"before": "raise ValueError('no')"}, "Runtime.BeforeSnapshotError", "ValueError", "no"),
    "after": ({"after": "raise OSError('gone')"}, "Runtime.AfterRestoreError", "OSError", "gone"),
    "exit before": ({"before": "os._exit(9)"}, "Runtime.ExitError", "Runtime.ExitError", "exit status 9"),
    "exit after": ({"after": "os._exit(9)"}, "Runtime.ExitError", "Runtime.ExitError", "exit status 9"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_hook_that_fails_is_the_invocations_failure(name, snapping, invoke):
    hooks, reported, kind, message = FAILURES[name]
    failed = invoke(snapping(**hooks), request=NUMBERED)
    assert failed.status is ExecutionStatus.FAILED
    assert failed.error.type == kind
    assert failed.error.message.endswith(message)
    assert failed.logs[-1].message.endswith(f"\tStatus: error\tError Type: {reported}")
    phase = "initReport" if "before" in name else "restoreReport"
    (told,) = [
        line
        for line in map(
            report_line.parse, (each.message for each in failed.logs if each.stream == "platform")
        )
        if line is not None and line.kind == phase
    ]
    assert (told.status, told.error_type) == ("error", reported)


def test_it_runs_without_hooks_as_well(define, invoke):
    execution = invoke(define(snap_start="PublishedVersions"), b"1", request=NUMBERED)
    assert execution.result == 1
    assert execution.init_type == "snap-start"


@pytest.mark.parametrize("form", ["Text", "JSON"])
def test_what_is_written_is_read_again(form, snapping, invoke, tmp_path):
    execution = invoke(snapping(log_format=form), request=NUMBERED)
    file = tmp_path / "saved.log"
    file.write_text(
        "".join(f"{line.at.isoformat()}Z {execution.log_stream} {line.message}\n" for line in execution.logs)
    )
    (found,) = log_files.read(file, function="probe")
    assert found.restore_ms == pytest.approx(execution.restore_ms, abs=0.006)
    assert (found.billed_restore_ms, found.billed_ms) == (execution.billed_restore_ms, execution.billed_ms)
    assert found.init_ms is None
    assert found.ok


def test_json_records_of_a_restore(snapping, invoke):
    execution = invoke(snapping(log_format="JSON", system_log_level="DEBUG"), request=NUMBERED)
    told = [json.loads(line.message) for line in execution.logs if line.stream == "platform"]
    assert [each["type"] for each in told] == [
        f"platform.{name}"
        for name in ("initStart", "initRuntimeDone", "initReport", "restoreStart", "restoreRuntimeDone", "restoreReport", "start", "runtimeDone", "report")
    ]  # fmt: skip
    assert told[0]["record"]["initializationType"] == "snap-start"
    assert told[5]["record"]["metrics"] == {"durationMs": execution.restore_ms}
    metrics = told[-1]["record"]["metrics"]
    assert metrics["restoreDurationMs"] == execution.restore_ms
    assert metrics["billedRestoreDurationMs"] == execution.billed_restore_ms
    assert "initDurationMs" not in metrics


@pytest.mark.parametrize(
    ("snap_start", "statuses"), [("PublishedVersions", [200, 403]), ("None", [404, 404])]
)
def test_who_restores_twice_or_without_a_snapshot_is_told_so(snap_start, statuses, define, invoke):
    from tests.backends.local.test_hostile_clients import RAW

    source = (
        "from raw_client import Client\nc = Client()\n"
        "def get():\n    c.send('GET', '/2018-06-01/runtime/restore/next')\n    return c.answer()[0]\n"
        "seen = [get(), get()]\nc.close()\n"
        "def handler(e, c): return seen\n"
    )
    function = define(source, files={"raw_client.py": RAW}, snap_start=snap_start)
    if snap_start == "None":
        assert invoke(function, request=NUMBERED).result == statuses
        return
    # The runtime client itself asks once more, and gives up.
    failed = invoke(function, request=NUMBERED)
    assert failed.error.type == "Runtime.ExitError"
    assert any("State transition from Restoring to Ready failed" in line.message for line in failed.logs)
