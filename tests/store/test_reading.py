"""Questions see history and outbox together, exactly once, whoever merges when."""

import os
import subprocess
import sys
import threading
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from faaslab.errors import Closed, NotFound, RequestError
from faaslab.model.execution import ExecutionError, ExecutionStatus
from faaslab.store import Store
from faaslab.store.schema import TABLES
from faaslab.store.views import VIEWS
from tests.store.processes import START, execution


@pytest.mark.parametrize("name", [*TABLES, *VIEWS])
def test_a_new_store_gives_empty_tables(store, name):
    answer = store.connect().execute(f"SELECT * FROM {name}")
    assert answer.fetchall() == []
    if name in TABLES:
        assert answer.columns == list(TABLES[name])


def test_nothing_is_made_before_it_is_needed(store, tmp_path):
    assert list(tmp_path.iterdir()) == []
    store.record(execution("e"))
    assert sorted(file.name for file in tmp_path.iterdir() if "-" not in file.name) == [
        "faaslab.duckdb.state"
    ]


def test_a_record_is_seen_at_once_before_and_after_a_merge(store):
    seen = []
    store.record(execution("first"))
    store.merge()
    with store.connect() as connection:
        for number in range(5):
            store.record(execution(f"e-{number}"))
            seen.append(connection.execute("SELECT count(*), count(DISTINCT id) FROM executions").fetchone())
            if number == 2:
                assert store.merge() == 3
                assert store.merge() == 0
    assert seen == [(n, n) for n in range(2, 7)]


def test_all_columns_survive_outbox_and_history_alike(store):
    error = ExecutionError(type="KeyError", message="'größe' \u0000 \"q\"", stack_trace=("a\n", "b"))
    store.record(
        execution(
            "e",
            status=ExecutionStatus.FAILED,
            error=error,
            billed_ms=2**60,
            cold_start=True,
            init_ms=0.1,
            queued_at=START - timedelta(seconds=2),
        )
    )
    question = "SELECT * FROM executions; "
    before = store.connect().execute(question).fetchall()
    store.merge()
    assert store.connect().execute(question).fetchall() == before
    row = dict(zip(TABLES["executions"], before[0], strict=True))
    assert row["error_message"] == "'größe' \u0000 \"q\""
    assert row["billed_ms"] == 2**60
    assert row["started_at"] == START
    assert row["queued_at"] == START - timedelta(seconds=2)
    assert row["payload_bytes"] == 8


def test_parameters_by_position_and_by_name(store):
    store.record(execution("e-1"), execution("e-2"))
    with store.connect() as connection:
        assert connection.execute("SELECT id FROM executions WHERE id = ?", ["e-2"]).fetchall() == [("e-2",)]
        assert connection.execute("SELECT id FROM executions WHERE id = $id", {"id": "e-1"}).fetchone() == (
            "e-1",
        )


def test_a_result_stays_as_it_was(store):
    store.record(execution("e-1"))
    with store.connect() as connection:
        first = connection.execute("SELECT id FROM executions ORDER BY id")
        store.record(execution("e-2"))
        store.merge()
        second = connection.execute("SELECT id FROM executions ORDER BY id")
        assert first.fetchall() == [("e-1",)]
        assert list(second.df()["id"]) == ["e-1", "e-2"]
        assert list(second.arrays()["id"]) == ["e-1", "e-2"]
        assert second.fetchone() == ("e-1",)
        assert second.fetchone() == ("e-2",)
        assert second.fetchone() is None


def test_whole_numbers_stay_whole_in_a_data_frame(store):
    frame = store.sql(
        "SELECT sum(n) AS s, max(n) AS m, sum(n * 100000000000000000::HUGEINT) AS huge FROM range(1000) r(n)"
    )
    assert frame.s.dtype == "int64"
    assert frame.m.dtype == "int64"
    assert frame.s[0] == 499_500
    assert frame.huge[0] == 499_500 * 10**17


def test_wrong_sql_is_a_request_error_and_the_next_question_works(store):
    with store.connect() as connection:
        with pytest.raises(RequestError, match="executionz"):
            connection.execute("SELECT * FROM executionz")
        with pytest.raises(RequestError):
            connection.execute("SELEC 1")
        with pytest.raises(RequestError):
            connection.execute("INSERT INTO executions (id) VALUES ('x')")
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_statements_that_are_no_questions(store):
    store.record(execution("e-1"))
    with store.connect() as connection:
        connection.execute("CREATE TEMP TABLE mine AS SELECT id FROM executions")
        assert connection.execute("SELECT * FROM mine").fetchall() == [("e-1",)]
        names = {name for (name,) in connection.execute("SHOW TABLES").fetchall()}
    assert names == {*TABLES, *VIEWS, "mine"}
    with store.connect() as another, pytest.raises(RequestError):
        another.execute("SELECT * FROM mine")


def test_a_question_in_a_cte_and_a_join_finds_every_table(store):
    store.record(execution("e-1"))
    text = """WITH recent AS (SELECT id FROM executions)
              SELECT r.id, p.payload, count(l.message) FROM recent r
              JOIN payloads p ON p.execution_id = r.id JOIN "logs" l ON l.execution_id = r.id GROUP BY ALL"""
    assert store.connect().execute(text).fetchall() == [("e-1", '{"n": 1}', 3)]


def test_views_answer_by_name(store):
    store.record(
        execution("warm", architecture="x86_64", memory_mb=1024, billed_ms=1000),
        execution("cold", architecture="arm64", memory_mb=512, billed_ms=300, init_ms=200.0, cold_start=True),
        execution(
            "late", status=ExecutionStatus.TIMEOUT, error=ExecutionError(type="Sandbox.Timedout", message="m")
        ),
    )
    for _ in range(2):
        with store.connect() as connection:
            ask = lambda text: connection.execute(text).fetchall()  # noqa: E731
            assert ask("SELECT id FROM cold_starts") == [("cold",)]
            assert ask("SELECT id, error_type FROM errors") == [("late", "Sandbox.Timedout")]
            assert ask("SELECT count(*) FROM durations") == [(3,)]
            assert ask("SELECT count(*), min(kind) FROM timeline") == [(3, "execution")]
            costs = {
                row[0]: row[1:]
                for row in ask("SELECT id, duration_usd, init_usd, request_usd, usd FROM costs")
            }
        assert costs["warm"] == (
            Decimal("0.000016666700"),
            0,
            Decimal("0.0000002"),
            Decimal("0.000016866700"),
        )
        assert costs["cold"][0] == Decimal("0.000000666670")
        assert costs["cold"][1] == Decimal("0.000001333340")
        store.merge()


def test_the_file_answers_any_duckdb_client_by_the_same_names(store, path):
    store.record(execution("e-1", cold_start=True))
    store.close()
    with duckdb.connect(str(path), read_only=True) as client:
        assert client.execute("SELECT id FROM cold_starts").fetchall() == [("e-1",)]
        assert client.execute("SELECT count(*) FROM costs").fetchone() == (1,)
        assert client.execute("SELECT count(*) FROM timeline").fetchone() == (1,)


def test_the_file_has_the_storage_version_that_older_duckdb_can_open(store, path):
    store.record(execution("e-1"))
    store.close()
    header = path.read_bytes()[:4096]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 64  # 64 is the storage version of DuckDB 0.9 to 1.1


def test_payloads_come_back_byte_for_byte(store):
    odd = b'{"n": 12345678901234567890123, "f": 1.0, "u": "\\ud800", "s": "gr\xc3\xb6\xc3\x9fe"}'
    big = b'"' + b"x" * 6_000_000 + b'"'
    binary = b"\xff\xfe not text"
    store.record(execution("odd", payload_body=odd, result_body=None))
    store.record(execution("big", payload_body=big, result_body=binary))
    for _ in range(2):
        assert store.payload("odd") == (odd, None)
        assert store.payload("big") == (big, binary)
        store.merge()
    assert len(store.blobs.digests()) == 2
    with pytest.raises(NotFound):
        store.payload("none")


def test_two_threads_ask_at_once(store):
    store.record(*(execution(f"e-{n}") for n in range(300)))
    faults = []

    def ask():
        with store.connect() as connection:
            for _ in range(20):
                row = connection.execute("SELECT count(*), count(DISTINCT id) FROM executions").fetchone()
                if row[0] != row[1] or row[0] < 300:
                    faults.append(row)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(300, 330):
        store.record(execution(f"e-{n}"))
        store.merge()
    for thread in threads:
        thread.join()
    assert faults == []


def test_one_connection_serves_several_threads(store):
    store.record(execution("e-1"))
    with store.connect() as connection:
        answers = []
        threads = [
            threading.Thread(
                target=lambda: answers.append(connection.execute("SELECT id FROM executions").fetchall())
            )
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [[("e-1",)]] * 6


def test_two_stores_in_one_process(tmp_path):
    with Store(tmp_path / "a.duckdb") as a, Store(tmp_path / "b.duckdb") as b:
        a.record(execution("in-a"))
        b.record(execution("in-b"))
        a.merge()
        assert list(a.sql("SELECT id FROM executions").id) == ["in-a"]
        assert list(b.sql("SELECT id FROM executions").id) == ["in-b"]


def test_a_history_that_was_deleted_is_made_anew(store, path):
    store.record(execution("e-1"))
    store.merge()
    path.unlink()
    store.record(execution("e-2"))
    assert list(store.sql("SELECT id FROM executions").id) == ["e-2"]


def test_a_state_that_was_lost_does_not_hide_new_records(path):
    with Store(path) as store:
        store.record(*(execution(f"old-{n}") for n in range(10)))
    Path(f"{path}.state").unlink()
    with Store(path) as store:
        store.record(execution("new"))
        for _ in range(2):
            assert store.connect().execute("SELECT count(*) FROM executions").fetchone() == (11,)
            store.merge()


def test_an_older_state_that_was_put_back_does_not_hide_new_records(path):
    state = Path(f"{path}.state")
    with Store(path) as store:
        store.record(execution("first"))
    old = state.read_bytes()
    with Store(path) as store:
        store.record(*(execution(f"then-{n}") for n in range(10)))
    state.write_bytes(old)
    with Store(path) as store:
        store.record(execution("new"))
        assert "new" in set(store.sql("SELECT id FROM executions").id)
        store.merge()
        ids = list(store.sql("SELECT id FROM executions").id)
        assert sorted(ids) == sorted({"first", "new", *(f"then-{n}" for n in range(10))})


def test_a_closed_store_says_so(path):
    store = Store(path)
    connection = store.connect()
    connection.execute("SELECT 1")
    store.close()
    store.close()
    with pytest.raises(Closed):
        connection.execute("SELECT 1")
    with pytest.raises(Closed):
        store.record(execution("e"))
    with pytest.raises(Closed):
        store.sql("SELECT 1")


def test_closing_interrupts_a_long_query(path):
    store = Store(path)
    store.record(execution("e-1"))
    inside, outcome = threading.Event(), []

    def ask():
        connection = store.connect()
        connection.execute("SELECT 1")
        inside.set()
        try:
            connection.execute(
                "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range < b.range"
            )
        except Exception as error:
            outcome.append(type(error))

    thread = threading.Thread(target=ask)
    thread.start()
    inside.wait(30)
    store.close()
    thread.join(30)
    assert not thread.is_alive()
    assert outcome == [Closed]


def test_the_interpreter_ends_well_with_a_thread_inside_a_query(path, start):
    process = start("leave", path)
    assert process.end() == {"leaving": True}


def test_importing_the_store_loads_no_duckdb_and_no_pandas():
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", "import faaslab.store, sys; print({'duckdb', 'pandas'} & set(sys.modules))"],
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "set()"


def test_a_view_of_the_users_own_sees_the_outbox(store):
    store.record(execution("first"))
    store.merge()
    store.record(execution("second"))
    with store.connect() as connection:
        connection.execute("CREATE OR REPLACE TABLE memory.main.seen AS SELECT id FROM executions")
        connection.execute(
            "CREATE TEMP MACRO newest() AS TABLE SELECT id FROM executions ORDER BY id DESC LIMIT 1"
        )
        assert connection.execute("SELECT * FROM newest()").fetchall() == [("second",)]
        store.record(execution("third"))
        assert connection.execute("SELECT * FROM newest()").fetchall() == [("third",)]
        assert connection.execute("SELECT count(*) FROM query_table($t)", {"t": "logs"}).fetchone() == (9,)
        assert connection.execute("SELECT count(*) FROM memory.main.seen").fetchone() == (2,)


def test_a_history_whose_writer_died_before_its_checkpoint(path, store):
    store.record(execution("first"))
    store.merge()
    code = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]);"
        "c.execute('PRAGMA disable_checkpoint_on_shutdown'); c.execute(\"SET checkpoint_threshold = '1GB'\");"
        "c.execute(\"INSERT INTO executions (id) VALUES ('in-the-log')\"); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert Path(f"{path}.wal").exists()
    store.record(execution("last"))
    for _ in range(2):
        assert set(store.sql("SELECT id FROM executions").id) == {"first", "in-the-log", "last"}
        store.merge()
    assert not Path(f"{path}.wal").exists()
