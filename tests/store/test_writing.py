"""What is acknowledged is kept; what cannot be kept is said; one bad row stops nothing."""

import contextlib
import json
import math
import os
import shutil
import sqlite3
import stat
import subprocess
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from faaslab.clock import SteppedClock
from faaslab.errors import InvalidValue, NotFound, RecordRejected, StoreFull
from faaslab.model.alarm import AlarmChange, AlarmState
from faaslab.model.deployment import Deployment, DeploymentStatus
from faaslab.model.event import Delivery, DeliveryStatus, Event, EventMetadata
from faaslab.model.execution import LogLine
from faaslab.model.metric import Metric
from faaslab.model.report import ReportRun, ReportStatus
from faaslab.model.workflow import (
    DurableOperation,
    HistoryEvent,
    WorkflowError,
    WorkflowExecution,
    WorkflowExecutionStatistics,
    WorkflowExecutionStatus,
)
from faaslab.store import Capture, Store
from faaslab.store.migrations import quoted
from tests.store.processes import START, execution

EVENT = HistoryEvent(
    execution_id="w", id=1, previous_id=0, type="TaskStateEntered", at=START, details={"a": [1]}
)
ENTITIES = [
    ("executions", execution("e")),
    ("metrics", Metric(at=START, namespace="n", name="m", value=1.5, dimensions={"k": "v"})),
    ("events", Event(id="ev", type="t", source="s", payload={"a": None}, timestamp=START,
                     metadata=EventMetadata(headers={"h": "1"}))),
    ("deliveries", Delivery(id="d", event_id="ev", trigger=None, target="f", attempt=1,
                            status=DeliveryStatus.DELIVERED, delivered_at=START)),
    ("workflow_executions", WorkflowExecution(
        id="w", workflow="wf", name="n", status=WorkflowExecutionStatus.FAILED, started_at=START,
        history=(EVENT,), error=WorkflowError(error="States.Timeout"),
        statistics=WorkflowExecutionStatistics(total_states=3))),
    ("workflow_history", EVENT),
    ("durable_operations", DurableOperation(execution_id="e", id="1", type="STEP", status="SUCCEEDED", started_at=START)),
    ("deployments", Deployment(id="d", target="f", target_kind="function", version="2", backend="local",
                               status=DeploymentStatus.COMPLETED, started_at=START)),
    ("alarm_history", AlarmChange(alarm="a", at=START, previous=AlarmState.OK, state=AlarmState.ALARM, reason="r")),
    ("reports", ReportRun(id="r", name="costs", notebook="costs.ipynb", parameters={"since": "2026"},
                          status=ReportStatus.COMPLETED, started_at=START, outputs=("a.html",),
                          schedule="weekly", scheduled_for=START, attempt=2, log="a.log")),
]  # fmt: skip


@pytest.mark.parametrize(("table", "entity"), ENTITIES, ids=[table for table, _ in ENTITIES])
@pytest.mark.parametrize("level", ["written", "durable"])
def test_every_entity_becomes_a_row_of_its_table(store, table, entity, level):
    store.record(entity, level=level)
    before = store.connect().execute(f"SELECT * FROM {quoted(table)}").fetchall()
    store.merge()
    after = store.connect().execute(f"SELECT * FROM {quoted(table)}").fetchall()
    assert len(before) == 1
    assert after == before
    assert store.connect().execute("SELECT count(*) FROM rejects").fetchone() == (0,)


def test_a_workflow_execution_brings_its_history(store):
    store.record(dict(ENTITIES)["workflow_executions"])
    row = store.connect().execute("SELECT execution_id, type, details FROM workflow_history").fetchone()
    assert row == ("w", "TaskStateEntered", '{"a":[1]}')


def test_json_columns_answer_paths(store):
    store.record(dict(ENTITIES)["events"])
    answer = store.connect().execute("SELECT payload->>'$.a', metadata->>'$.headers.h' FROM events")
    assert answer.fetchone() == (None, "1")


def test_many_records_of_one_call_are_one_transaction(store):
    bad = Metric(at=START, namespace="n", name="m", value=math.nan)
    with pytest.raises(RecordRejected):
        store.record(execution("e"), bad)
    assert store.connect().execute("SELECT count(*) FROM executions").fetchone() == (0,)


@pytest.mark.parametrize("fields", [{"duration_ms": math.inf}, {"memory_mb": 2**40}, {"billed_ms": 2**70}])
def test_a_number_that_no_column_holds_is_refused(store, fields):
    with pytest.raises(RecordRejected):
        store.record(execution("e", **fields))


def test_what_is_no_entity_is_refused(store):
    with pytest.raises(RecordRejected, match="dict"):
        store.record({"a": 1})


def test_half_characters_do_not_lose_the_record(store):
    store.record(
        execution("e", logs=(LogLine(at=START, message="a\ud800b"), LogLine(at=START, message="😀")))
    )
    rows = store.connect().execute("SELECT message FROM logs ORDER BY seq").fetchall()
    assert rows == [("a\ufffdb",), ("😀",)]


def outbox(path: Path, kind: str, body: str) -> None:
    """Put a row there as a faulty program would."""
    connection = sqlite3.connect(f"{path}.state")
    with connection:
        connection.execute("INSERT INTO outbox (kind, body) VALUES (?, ?)", (kind, body))
    connection.close()


def poison_of_executions(**fields) -> str:
    return "executions\t" + json.dumps({"id": "poison", "started_at": "2026-01-01T00:00:00", **fields})


POISON = {
    "a lone surrogate": poison_of_executions(function="\ud800"),
    "an integer out of range": poison_of_executions(memory_mb=10**12),
    "a float that is a text": poison_of_executions(duration_ms="long"),
    "not a date": poison_of_executions(started_at="yesterday"),
    "not JSON": "executions\t{oops",
    "no such table": "nothing\t{}",
    "no line at all": "what?",
}


@pytest.mark.parametrize("body", POISON.values(), ids=POISON)
def test_a_poison_row_is_set_aside_and_the_others_go_on(store, path, body):
    good = [execution(f"good-{n}") for n in range(20)]
    store.record(*good[:7])
    store.merge()
    outbox(path, "execution", body)
    store.record(*good[7:])
    for _ in range(2):
        with store.connect() as connection:
            assert connection.execute("SELECT count(DISTINCT id), count(*) FROM executions").fetchone() == (
                20,
                20,
            )
            assert connection.execute("SELECT count(*) FROM logs").fetchone() == (60,)
            rejects = connection.execute("SELECT kind, seq, error, body FROM rejects").fetchall()
        assert len(rejects) == 1
        kind, seq, error, text = rejects[0]
        assert (kind, seq) == ("execution", 8)
        assert error
        assert text in body
        assert store.merge() in (14, 0)


def test_a_text_over_sixteen_megabytes_is_kept(store, path):
    store.record(execution("first"))
    store.merge()
    outbox(path, "execution", poison_of_executions(error_message="x" * 17_000_000))
    for _ in range(2):
        assert store.connect().execute("SELECT max(length(error_message)) FROM executions").fetchone() == (
            17_000_000,
        )
        store.merge()


def test_a_row_of_an_older_faaslab_lacks_columns(store, path):
    store.record(execution("first"))
    outbox(path, "execution", 'executions\t{"id":"old","started_at":"2026-01-01T00:00:00","unknown":1}')
    store.merge()
    assert store.connect().execute("SELECT memory_mb FROM executions WHERE id = 'old'").fetchall() == [
        (None,)
    ]


def test_what_could_not_be_read_elsewhere_is_kept_as_a_reject(store):
    store.reject("log line", "no request id", "REPORT what\ud800?", seq=17)
    store.merge()
    row = store.connect().execute("SELECT kind, seq, error, body FROM rejects").fetchone()
    assert row == ("log line", 17, "no request id", "REPORT what\ufffd?")


def test_a_flood_of_logs_is_cut_and_comes_back_whole(store):
    lines = tuple(LogLine(at=START, message=f"line {n}") for n in range(5_000))
    long = LogLine(at=START, message="é" * 200_000)
    store.record(execution("first"))
    store.merge()
    store.record(execution("e", logs=(*lines, long)))
    with store.connect() as connection:
        rows = connection.execute(
            "SELECT message, seq FROM logs WHERE execution_id = 'e' ORDER BY seq"
        ).fetchall()
    assert [row[0] for row in rows[:5_000]] == [line.message for line in lines]
    assert "".join(row[0] for row in rows[5_000:]) == long.message
    assert max(len(row[0]) for row in rows) == 65_536
    assert [row[1] for row in rows] == list(range(len(rows)))
    assert store.merge() >= 10  # many rows of the outbox, so that no merge holds readers up for long


@pytest.mark.parametrize(
    ("payloads", "text", "size"), [("all", '{"n": 1}', 8), ("sizes", None, 8), ("none", None, None)]
)
def test_what_is_captured_is_a_setting(path, payloads, text, size):
    with Store(path, capture=Capture(payloads=payloads)) as store:
        store.record(execution("e"))
        question = "SELECT p.payload, e.payload_bytes FROM executions e LEFT JOIN payloads p ON p.execution_id = e.id"
        assert store.connect().execute(question).fetchall() == [(text, size)]
    assert (b'"n"' in Path(f"{path}.state").read_bytes()) is False


def test_redaction_takes_away_what_pointers_name(path):
    capture = Capture(redact=("/user/email", "/users/*/email", "/list/1", "/a~1b", "/absent/x"))
    payload = {
        "user": {"email": "secret-1", "id": 1},
        "users": [{"email": "secret-2"}, {"name": "n"}, 3],
        "list": [0, "secret-3"],
        "a/b": {"deep": "secret-4"},
    }
    with Store(path, capture=capture) as store:
        store.record(
            execution(
                "e", payload_body=json.dumps(payload).encode(), result_body=b'{"user": {"email": "secret-5"}}'
            )
        )
        store.record(execution("text", payload_body=b"secret-6 is not JSON", result_body=None))
        kept, result = store.payload("e")
        assert json.loads(kept) == {
            "user": {"email": "[redacted]", "id": 1},
            "users": [{"email": "[redacted]"}, {"name": "n"}, 3],
            "list": [0, "[redacted]"],
            "a/b": "[redacted]",
        }
        assert json.loads(result) == {"user": {"email": "[redacted]"}}
        assert store.payload("text") == (None, None)
    assert b"secret-" not in Path(f"{path}.state").read_bytes() + path.read_bytes()


@pytest.mark.parametrize("settings", [{"payloads": "some"}, {"redact": ("user",)}])
def test_wrong_capture_settings_are_refused(settings):
    with pytest.raises(InvalidValue):
        Capture(**settings)


def test_blobs(store, path):
    data = b"\x00" * 100_000
    digest = store.blobs.put(data)
    assert store.blobs.put(data) == digest
    assert store.blobs.get(digest) == data
    assert store.blobs.has(digest)
    assert store.blobs.path(digest).read_bytes() == data
    assert store.blobs.digests() == [digest]
    with pytest.raises(NotFound):
        store.blobs.get("0" * 64)
    with pytest.raises(NotFound):
        store.blobs.path("../../etc/passwd")


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], capture_output=True, text=True
    ) if shutil.which("mount") else None  # fmt: skip
    if mounted is None or mounted.returncode:
        pytest.skip(f"a small tmpfs cannot be mounted here: {mounted and mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_and_nothing_is_half_written(small_disk):
    path = small_disk / "faaslab.duckdb"
    written = 0
    with Store(path) as store:
        store.record(execution("first"))
        store.merge()
        with pytest.raises(StoreFull) as raised:  # noqa: PT012
            while written < 2_000:
                store.record(execution(f"e-{written}", payload_body=b'"%s"' % (b"x" * 60_000)))
                written += 1
        assert "space" in raised.value.hint
        assert store.connect().execute("SELECT count(*) FROM executions").fetchone() == (1 + written,)
        with pytest.raises(StoreFull):
            store.blobs.put(b"y" * 8_000_000)
        assert store.blobs.digests() == []
        with pytest.raises(StoreFull):
            store.merge()
        rows = store.connect().execute("SELECT id, count(*) FROM executions GROUP BY id").fetchall()
        assert {count for _, count in rows} == {1}
        assert len(rows) == 1 + written
        assert store.connect().execute("SELECT count(*) FROM payloads").fetchone() == (1 + written,)
        # With room again everything goes on.
        subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)], check=True)
        store.record(execution("last"))
        store.merge()
        assert store.connect().execute("SELECT count(*) FROM executions").fetchone() == (2 + written,)


def test_many_records_are_merged_beside_the_writer(store, path):
    for start in range(0, 3000, 500):
        store.record(*(execution(f"e-{n}", logs=()) for n in range(start, start + 500)))
    store.close()
    with Store(path) as again:
        assert again.connect().execute("SELECT count(*) FROM executions").fetchone() == (3000,)
        assert again.merge() == 0


def test_what_a_burst_wrote_is_merged_in_the_pause_after_it(store, path):
    for burst in "ab":
        store.record(*(execution(f"{burst}-{n}", logs=()) for n in range(1000)))
        for thread in threading.enumerate():
            if thread.name == "faaslab-merge":
                thread.join()
        with contextlib.closing(sqlite3.connect(f"{path}.state")) as state:
            assert state.execute("SELECT count(*) FROM outbox").fetchone() == (0,)


def test_prune_takes_what_is_old_and_the_blobs_that_nothing_names(path):
    clock = SteppedClock(START)
    old, new = b'"' + b"o" * 70_000 + b'"', b'"' + b"n" * 70_000 + b'"'
    with Store(path, clock=clock) as store:
        store.record(execution("old", payload_body=old), execution("both", payload_body=new))
        clock.advance(90 * 86_400)
        store.record(execution("new", payload_body=new, started_at=START + timedelta(days=89)))
        for digest in store.blobs.digests():
            import os

            os.utime(store.blobs.path(digest), (0, datetime(2026, 1, 1).timestamp()))
        pruned = store.prune(timedelta(days=30))
        assert pruned.rows == {"executions": 2, "payloads": 2, "logs": 6}
        assert pruned.blobs == 1
        assert list(store.sql("SELECT id FROM executions").id) == ["new"]
        assert store.payload("new")[0] == new


def test_rows_that_begin_alike_share_their_beginning_in_the_outbox_and_nowhere_else(store):
    logs = tuple(LogLine(at=START, message=f"a\tb\n{number} ü", level="INFO") for number in range(1203))
    store.record(execution("e", logs=logs))
    with sqlite3.connect(store._state.path) as state:
        bodies = [body for (body,) in state.execute("SELECT body FROM outbox")]
    state.close()
    assert len(bodies) > 1
    assert sum(body.count('"execution_id"') for body in bodies) <= len(bodies) + 1
    for _ in range(2):
        found = store.sql("SELECT seq, message, execution_id, level FROM logs ORDER BY seq")
        assert found.seq.tolist() == list(range(1203))
        assert found.message.tolist() == [log.message for log in logs]
        assert {*found.execution_id} == {"e"}
        store.merge()
    assert store.sql("SELECT count(*) AS n FROM rejects").n.tolist() == [0]


def test_half_a_character_loses_no_record(store):
    store.record(execution("e", trigger="\ud800", logs=(LogLine(at=START, message="x\udfff"),)))
    trigger, started = store.connect().execute("SELECT trigger, started_at FROM executions").fetchone()
    assert (trigger, started) == ("\ufffd", START)
    assert store.sql("SELECT message FROM logs").message.tolist() == ["x\ufffd"]


def test_what_a_store_keeps_is_its_owners_alone(tmp_path):
    before = os.umask(0o022)
    try:
        with Store(tmp_path / "s.duckdb") as store:
            store.record(execution("e"))
            store.blobs.put(b"x" * 100_000)
            assert store.sql("SELECT count(*) FROM executions").iat[0, 0] == 1
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
            store.backup(tmp_path / "copy.duckdb")
            store.compact()
    finally:
        os.umask(before)
    assert {name: mode for name, mode in modes.items() if mode & 0o077 and "lock" not in name} == {}
    assert {"s.duckdb", "s.duckdb.state", "s.duckdb.blobs"} <= modes.keys()
    for name in ("s.duckdb", "copy.duckdb", "copy.duckdb.state", "copy.duckdb.blobs"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) & 0o077 == 0, name
