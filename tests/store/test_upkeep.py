"""Looking after a store: compact, backup, export, import of another, doctor."""

import dataclasses
import os
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from faaslab.errors import AlreadyExists, InvalidValue, NotFound
from faaslab.model.execution import Source
from faaslab.model.function import Function
from faaslab.model.metric import Metric
from faaslab.store import Store
from tests.store.processes import START, execution
from tests.store.test_state import FUNCTION

BIG = b'"' + b"x" * 70_000 + b'"'


@pytest.fixture
def filled(store):
    store.definitions.put(dataclasses.replace(FUNCTION, code_digest=store.blobs.put(b"code")))
    for number in (3, 1, 2):
        at = START + timedelta(days=number)
        store.record(
            execution(f"e-{number}", started_at=at, payload_body=BIG),
            Metric(at=at, namespace="n", name="m", value=number),
        )
        store.merge()
    store.record(execution("in-the-outbox"))
    return store


def contents(store) -> dict[str, list]:
    with store.connect() as connection:
        return {
            "ids": connection.execute("SELECT id FROM executions ORDER BY id").fetchall(),
            "logs": connection.execute("SELECT execution_id, seq, message FROM logs ORDER BY ALL").fetchall(),
            "metrics": connection.execute("SELECT * FROM metrics ORDER BY ALL").fetchall(),
            "definitions": connection.execute("SELECT * FROM definitions ORDER BY ALL").fetchall(),
            "payload": store.payload("e-1"),
        }


def test_compacting_keeps_everything_in_the_order_of_time(filled, path):
    before = contents(filled)
    filled.record(*(execution(f"gone-{n}", started_at=START - timedelta(days=900)) for n in range(3000)))
    filled.merge()
    filled.prune(timedelta(days=365) + (filled.clock.now() - START))
    sizes = filled.compact()
    assert sizes.after_bytes < sizes.before_bytes
    assert sizes.after_bytes == path.stat().st_size
    assert contents(filled) == before
    filled.close()
    with duckdb.connect(str(path), read_only=True) as client:
        assert client.execute("SELECT id FROM executions").fetchall()[-3:] == [("e-1",), ("e-2",), ("e-3",)]
        assert client.execute("SELECT count(*) FROM durations").fetchone() == (4,)
    assert not list(path.parent.glob("*.compacting"))


def test_a_backup_is_a_store_of_its_own(filled, tmp_path):
    (tmp_path / "safe").mkdir()
    copy = filled.backup(tmp_path / "safe" / "copy.duckdb")
    before = contents(filled)
    filled.record(execution("later"))
    with Store(copy) as backup:
        assert contents(backup) == before
        assert backup.definitions.get(Function, "resize") == filled.definitions.get(Function, "resize")
        backup.record(execution("new"))
        backup.merge()
        assert len(contents(backup)["ids"]) == len(before["ids"]) + 1
    with pytest.raises(AlreadyExists):
        filled.backup(copy)


def test_a_backup_of_a_store_that_was_never_merged(store, tmp_path):
    store.record(execution("e-1"))
    with Store(store.backup(tmp_path / "copy.duckdb")) as backup:
        assert contents(backup) == contents(store)


def test_export_writes_parquet_by_day(filled, tmp_path):
    counts = filled.export(tmp_path / "out")
    assert counts["executions"] == 4
    assert set(counts) == {"executions", "payloads", "logs", "metrics", "definitions"}
    days = sorted(folder.name for folder in (tmp_path / "out" / "executions").iterdir())
    assert days == ["day=2026-03-01", "day=2026-03-02", "day=2026-03-03", "day=2026-03-04"]
    rows = duckdb.execute(
        f"SELECT id FROM read_parquet('{tmp_path}/out/executions/*/*.parquet') WHERE day = '2026-03-02'"
    ).fetchall()
    assert rows == [("e-1",)]
    with pytest.raises(AlreadyExists):
        filled.export(tmp_path / "out")


def test_another_store_is_taken_over_once(filled, tmp_path):
    with Store(tmp_path / "other.duckdb") as other:
        other.record(execution("theirs", source=Source.AWS, payload_body=b'"' + b"y" * 70_000 + b'"'))
        other.merge()
        other.record(execution("e-1"), execution("theirs-too"))
        other.definitions.put(dataclasses.replace(FUNCTION, name="theirs"))
        other.definitions.put(dataclasses.replace(FUNCTION, description="not ours"))
    counts = filled.import_store(tmp_path / "other.duckdb")
    assert counts == {"executions": 2, "payloads": 2, "logs": 6, "definitions": 2}
    assert len(filled.payload("theirs")[0]) == 70_002
    assert filled.definitions.names(Function) == ("resize", "theirs")
    assert filled.definitions.get(Function, "resize").description == ""
    assert filled.payload("e-1")[0] == BIG
    assert filled.import_store(tmp_path / "other.duckdb") == {}
    with Store(tmp_path / "other.duckdb") as other:
        assert len(contents_of_ids(other)) == 3


def contents_of_ids(store):
    return store.connect().execute("SELECT id FROM executions").fetchall()


def test_a_bare_history_file_is_taken_over(filled, tmp_path):
    with Store(tmp_path / "other.duckdb") as other:
        other.record(execution("theirs"))
    (tmp_path / "alone").mkdir()
    shutil.copy(tmp_path / "other.duckdb", tmp_path / "alone" / "history.duckdb")
    assert filled.import_store(tmp_path / "alone" / "history.duckdb")["executions"] == 1


def test_what_cannot_be_taken_over_is_said(filled, path, tmp_path):
    with pytest.raises(NotFound):
        filled.import_store(tmp_path / "absent.duckdb")
    with pytest.raises(InvalidValue):
        filled.import_store(path)


def test_the_doctor_finds_a_healthy_store_healthy(filled):
    found = {finding.name: finding for finding in filled.check()}
    assert {finding.level for finding in found.values()} == {"ok"}
    assert set(found) == {
        "file system",
        "schema",
        "holders",
        "history",
        "outbox",
        "rejects",
        "state file",
        "home",
    }
    assert found["outbox"].message.startswith("2 rows") or found["outbox"].message.startswith("1 rows")


def test_the_doctor_names_rejects_and_the_home(filled):
    filled.reject("log line", "no request id", "?")
    filled.leases.acquire("home", "host:42", ttl_s=60, address="127.0.0.1:9001")
    found = {finding.name: finding for finding in filled.check()}
    assert found["rejects"].level == "warning"
    assert "no request id" in found["rejects"].message
    assert "127.0.0.1:9001" in found["home"].message


def test_a_lost_state_file_leaves_the_history_readable(filled, path):
    filled.merge()
    ids = contents(filled)["ids"]
    filled.close()
    for name in (f"{path}.state", f"{path}.state-wal", f"{path}.state-shm"):
        Path(name).unlink(missing_ok=True)
    with Store(path) as store:
        assert contents(store)["ids"] == ids
        assert os.path.exists(f"{path}.state")
