"""Importing logs: once each, nothing lost, whoever imports at the same time."""

import json
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from faaslab.clock import SteppedClock
from faaslab.errors import InvalidValue, StoreBusy
from faaslab.lab import imports
from faaslab.lab.imports import import_logs
from faaslab.store import Store

CASES = Path(__file__).parents[2].parent / "shared" / "conformance" / "report_lines.json"


def request_id(n):
    return f"{n:08d}-7d50-4d6d-a3f1-9b4f5322f47c"


def log(count, first=0):
    lines = []
    for n in range(first, first + count):
        at = f"2026-11-23T10:{n // 60 % 60:02d}:{n % 60:02d}"
        i = request_id(n)
        lines += [
            f"{at}.000Z START RequestId: {i} Version: 3",
            f"{at}.001Z [INFO]\t{at}.001Z\t{i}\thello {n}",
            f"{at}.009Z END RequestId: {i}",
            f"{at}.009Z REPORT RequestId: {i}\tDuration: 8.50 ms\tBilled Duration: 9 ms"
            f"\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t"
            + ("Init Duration: 99.50 ms\t" if n % 10 == 0 else ""),
        ]
    return "\n".join(lines) + "\n"


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.duckdb") as store:
        yield store


def counts(store):
    row = store.sql(
        "SELECT (SELECT count(*) FROM executions) e, (SELECT count(DISTINCT id) FROM executions) d, "
        "(SELECT count(*) FROM logs) l, (SELECT count(*) FROM rejects) r"
    ).iloc[0]
    return tuple(int(row[name]) for name in "edlr")


def test_executions_and_their_lines_come_in_marked_as_imported(store, tmp_path):
    path = tmp_path / "a.log"
    path.write_text(log(25))
    result = import_logs(store, [path], function="score", region="eu-west-1")
    assert (result.files, result.executions, result.logs, result.already_known) == (1, 25, 100, 0)
    assert (result.rejected, result.unplaced, result.undated, result.unnamed) == (0, 0, 0, 0)
    assert result.reject_file is None
    assert counts(store) == (25, 25, 100, 0)
    rows = store.sql(
        "SELECT source, function, region, version, count(*) n, sum(cold_start::INT) c, min(started_at) s "
        "FROM executions GROUP BY ALL"
    )
    assert rows[["source", "function", "region", "version", "n", "c"]].values.tolist() == [
        ["imported", "score", "eu-west-1", "3", 25, 3]
    ]
    assert str(rows["s"][0]) == "2026-11-23 10:00:00"


def test_the_same_again_adds_nothing(store, tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 7)
    path = tmp_path / "a.log"
    path.write_text("not a log line\n" + log(40))
    first = import_logs(store, [path], function="score")
    before = counts(store)
    assert before == (40, 40, 160, 1)
    again = import_logs(store, [path], function="score")
    assert (again.executions, again.logs, again.already_known) == (0, 0, 40)
    assert again.rejected == first.rejected == 1
    assert counts(store) == before
    moved = tmp_path / "copy.log"
    moved.write_text(log(40) + log(5, first=40))
    third = import_logs(store, [moved, path], function="score")
    assert (third.executions, third.already_known) == (5, 80)
    store.merge()
    assert counts(store) == (45, 45, 180, 1)


def test_what_cannot_be_read_is_counted_kept_and_reported(store, tmp_path):
    path = tmp_path / "a.log"
    path.write_text(
        log(3) + "### torn\n" + log(3, first=3) + "\ud800bad\n".encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        + f"2026-11-23T11:00:00.000Z START RequestId: {request_id(99)} Version: 3\n"
    )  # fmt: skip
    result = import_logs(store, [path], function="score")
    assert (result.executions, result.rejected, result.unplaced) == (6, 2, 1)
    assert result.reject_file.parent == tmp_path / "s.duckdb.rejects"
    kept = [json.loads(line) for line in result.reject_file.read_text().splitlines()]
    assert [(entry["line"], entry["reason"]) for entry in kept] == [
        (13, "stands outside of any invocation"),
        (26, "stands outside of any invocation"),
        (27, "the log ends before the REPORT of its invocation"),
    ]
    assert kept[0]["text"] == "### torn"
    assert [file.name for file in result.reject_file.parent.iterdir()] == [result.reject_file.name]
    rows = store.sql("SELECT kind, error, body FROM rejects ORDER BY error")
    assert rows["body"][0] == "### torn"
    assert rows["error"][0] == "a.log:13: stands outside of any invocation"
    assert set(rows["kind"]) == {"import"}


@pytest.mark.skipif(not CASES.exists(), reason="the recorded lines stand beside the repository, not in it")
def test_all_recorded_reports_become_executions(store, tmp_path):
    lines = [case["line"] for case in json.loads(CASES.read_text())["lines"]]
    path = tmp_path / "real.log"
    path.write_text("\n".join(lines))
    result = import_logs(store, [path], function="score")
    reports = [line for line in lines if line.startswith("REPORT") or "platform.report" in line]
    assert (result.executions, result.rejected) == (len(reports), 0)
    assert result.undated > 0
    assert counts(store)[0] == len(reports)


def test_an_execution_that_cannot_be_stored_costs_no_other(store, tmp_path):
    path = tmp_path / "a.log"
    poison = (
        f"REPORT RequestId: {request_id(500)}\tDuration: 8.00 ms\tBilled Duration: 999999999999999 ms\t\n"
    )
    path.write_text(log(20) + poison + log(20, first=20))
    result = import_logs(store, [path], function="score")
    assert result.executions + result.rejected == 41
    assert result.executions >= 40
    store.merge()
    assert counts(store)[0] >= 40


def test_two_processes_importing_the_same_file_at_once(tmp_path):
    path = tmp_path / "a.log"
    path.write_text(log(3000))
    code = (
        "import sys\nfrom faaslab.store import Store\nfrom faaslab.lab.imports import import_logs\n"
        "with Store(sys.argv[1]) as store:\n"
        "    print('ready', flush=True); sys.stdin.readline()\n"
        "    r = import_logs(store, [sys.argv[2]], function='score')\n"
        "    print(r.executions, r.already_known)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "s.duckdb"), str(path)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [tuple(map(int, process.communicate(timeout=120)[0].split())) for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert sum(new for new, _ in told) == 3000
    assert sum(known for _, known in told) == 3000
    with Store(tmp_path / "s.duckdb") as store:
        assert counts(store) == (3000, 3000, 12000, 0)


def test_an_import_waits_for_its_turn_and_says_so_when_it_is_too_long(tmp_path):
    clock = SteppedClock()
    path = tmp_path / "a.log"
    path.write_text(log(1))
    with Store(tmp_path / "s.duckdb", clock=clock) as store:
        other = store.leases.acquire("import", "somebody", ttl_s=1e9)
        done = threading.Event()
        caught = []

        def wait():
            try:
                import_logs(store, [path], function="score", clock=clock, wait_s=5)
            except StoreBusy as error:
                caught.append(error)
            done.set()

        thread = threading.Thread(target=wait)
        thread.start()
        while not done.is_set():
            clock.advance(0.5)
        thread.join()
        assert "another import" in str(caught[0])
        store.leases.release(other)
        assert import_logs(store, [path], function="score", clock=clock).executions == 1
        assert store.leases.holder("import") is None


def test_a_failing_import_leaves_no_half_reject_file_and_no_lease(store, tmp_path, monkeypatch):
    path = tmp_path / "a.log"
    path.write_text("what\n" + log(3))

    def fail(*entities, level="written"):
        raise StoreBusy("held")

    monkeypatch.setattr(store, "record", fail)
    with pytest.raises(StoreBusy):
        import_logs(store, [path], function="score")
    folder = tmp_path / "s.duckdb.rejects"
    assert not folder.exists() or list(folder.iterdir()) == []
    assert store.leases.holder("import") is None


def test_bad_paths_are_named_before_anything_is_done(store, tmp_path):
    path = tmp_path / "a.log"
    path.write_text(log(1))
    with pytest.raises(InvalidValue, match="nowhere"):
        import_logs(store, [path, tmp_path / "nowhere"], function="score")
    with pytest.raises(InvalidValue, match="no file was named"):
        import_logs(store, [])
    assert counts(store) == (0, 0, 0, 0)


def test_an_invocation_is_imported_once_its_log_is_whole(store, tmp_path):
    whole = log(2)
    path = tmp_path / "a.log"
    path.write_text(whole[: whole.rindex("2026")])
    first = import_logs(store, [path], function="score")
    assert (first.executions, first.unplaced) == (1, 3)
    path.write_text(whole)
    second = import_logs(store, [path], function="score")
    assert (second.executions, second.already_known, second.unplaced) == (1, 1, 0)
    assert counts(store) == (2, 2, 8, 0)


def test_times_with_a_zone_become_utc(store, tmp_path):
    path = tmp_path / "a.log"
    path.write_text(log(1).replace("T10:", "T12:").replace(".000Z START", ".000+02:00 START"))
    import_logs(store, [path], function="score")
    at = store.sql("SELECT started_at FROM executions")["started_at"][0]
    assert at.to_pydatetime() - timedelta(hours=10) == at.to_pydatetime().replace(hour=0)


def test_what_no_one_names_is_left_out_until_it_is_named(store, tmp_path):
    path = tmp_path / "a.log"
    path.write_text(log(4))
    first = import_logs(store, [path])
    assert (first.executions, first.unnamed, counts(store)[0]) == (0, 4, 0)
    second = import_logs(store, [path], function="score")
    assert (second.executions, second.already_known, second.unnamed) == (4, 0, 0)
    assert set(store.sql("SELECT function FROM executions").function) == {"score"}


def test_what_the_log_names_needs_no_other_name(store, tmp_path):
    path = tmp_path / "events.json"
    message = log(1).splitlines()[3].partition(" ")[2]
    event = {"id": "1", "timestamp": 1_795_255_300_000, "message": message}
    path.write_text(
        json.dumps(
            {
                "messageType": "DATA_MESSAGE",
                "logGroup": "/aws/lambda/pay",
                "logStream": "s",
                "logEvents": [event],
            }
        )
    )
    assert (import_logs(store, [path]).executions, counts(store)[0]) == (1, 1)
    assert store.sql("SELECT function FROM executions").function[0] == "pay"
