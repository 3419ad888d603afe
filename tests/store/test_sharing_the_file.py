"""Who else may have the file: foreign programs, the user in the same process, forks, other versions."""

import os
import sqlite3
import tempfile
import threading
from pathlib import Path

import duckdb
import pytest

from faaslab.errors import StoreBusy, StoreLocation, StoreTooNew
from faaslab.store import Store, place
from faaslab.store.holders import handles_of_this_process
from faaslab.store.locks import FileLock
from tests.store.processes import execution

COUNT = "SELECT count(*), count(DISTINCT id) FROM executions"


@pytest.fixture
def filled(store):
    store.record(*(execution(f"e-{n}") for n in range(10)))
    store.merge()
    return store


def count(store) -> tuple[int, int]:
    return store.connect().execute(COUNT).fetchone()


def test_a_foreign_writer_is_named_and_delays_only(filled, path, start):
    holder = start("hold", path, "write")
    assert holder.hear()["rows"] == 10
    filled.busy_limit_s = 0.3
    filled._history.limit_s = 0.3
    filled.record(execution("meanwhile"))
    for ask in (lambda: count(filled), filled.merge):
        with pytest.raises(StoreBusy) as raised:
            ask()
        assert raised.value.pid == holder.process.pid
        assert str(holder.process.pid) in str(raised.value)
    assert any(
        finding.level != "ok" and str(holder.process.pid) in finding.message for finding in filled.check()
    )
    holder.end()
    assert count(filled) == (11, 11)
    assert filled.merge() == 1
    assert count(filled) == (11, 11)


def test_a_foreign_writer_that_leaves_in_time_is_waited_for(filled, path, start):
    holder = start("hold", path, "write")
    holder.hear()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(count(filled)))
    asking.start()
    holder.end()
    asking.join(30)
    assert answers == [(10, 10)]


def test_a_foreign_reader_delays_merges_but_no_reads(filled, path, start):
    holder = start("hold", path, "read")
    holder.hear()
    filled.busy_limit_s = 0.3
    filled.record(execution("meanwhile"))
    assert count(filled) == (11, 11)
    with pytest.raises(StoreBusy) as raised:
        filled.merge()
    assert raised.value.pid == holder.process.pid
    assert count(filled) == (11, 11)
    holder.end()
    assert filled.merge() == 1
    assert count(filled) == (11, 11)


def locked_by_us(path: Path) -> bool:
    """Whether the kernel knows of a lock of this process on the file."""
    inode = str(path.stat().st_ino)
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return any(
        fields[1] == "POSIX" and int(fields[4]) == os.getpid() and fields[5].endswith(":" + inode)
        for fields in lines
    )


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="/proc/locks tells of locks only on Linux")
def test_the_users_own_connection_in_this_process_keeps_its_lock(filled, path, start):
    with duckdb.connect(str(path), read_only=True) as mine:
        assert locked_by_us(path)
        assert count(filled) == (10, 10)
        assert locked_by_us(path)
        filled.record(execution("meanwhile"))
        with pytest.raises(StoreBusy) as raised:
            filled.merge()
        assert raised.value.pid == os.getpid()
        assert count(filled) == (11, 11)
        assert locked_by_us(path)
        assert mine.execute(COUNT).fetchone() == (10, 10)
    assert filled.merge() == 1
    assert count(filled) == (11, 11)
    assert handles_of_this_process(path) == 0


def test_the_users_own_writing_connection_is_named(filled, path):
    filled._history.limit_s = 0.2
    with duckdb.connect(str(path)) as mine:
        mine.execute("CREATE TABLE notes (text VARCHAR)")
        with pytest.raises(StoreBusy, match="this process") as raised:
            count(filled)
        assert raised.value.pid == os.getpid()
    assert count(filled) == (10, 10)


def test_nothing_stays_open_between_two_questions(filled, path):
    with filled.connect() as connection:
        connection.execute(COUNT)
        assert handles_of_this_process(path) == 0


def test_a_fork_reads_and_writes_on_both_sides(filled, path):
    with filled.connect() as connection:
        connection.execute(COUNT)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                filled.record(execution("child"))
                ok = count(filled) == (11, 11) and connection.execute(COUNT).fetchone() == (11, 11)
                code = 0 if ok and filled.merge() == 1 else 2
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        filled.record(execution("parent"))
        assert connection.execute(COUNT).fetchone() == (12, 12)
    assert filled.merge() == 1


def test_a_fork_beside_busy_threads(filled):
    stop, faults = threading.Event(), []

    def work(name):
        number = 0
        while not stop.is_set():
            filled.record(execution(f"{name}-{number}"))
            number += 1
            if number % 5 == 0:
                found = count(filled)
                if found[0] != found[1]:
                    faults.append(found)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for n in range(3):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                filled.record(execution(f"child-{n}"))
                code = 0 if count(filled)[0] > 10 else 2
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    filled.merge()
    ids = set(filled.sql("SELECT id FROM executions").id)
    assert {"child-0", "child-1", "child-2"} <= ids


def raise_schema(path: Path) -> None:
    connection = sqlite3.connect(f"{path}.state")
    with connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


def test_a_state_of_a_newer_version_is_read_and_not_written(filled, path):
    raise_schema(path)
    for write in (
        lambda: filled.record(execution("e")),
        lambda: filled.record(execution("e"), execution("f")),
        lambda: filled.leases.acquire("home", "me", ttl_s=1),
    ):
        with pytest.raises(StoreTooNew) as raised:
            write()
        assert "upgrade" in raised.value.hint
    assert count(filled) == (10, 10)
    with Store(path) as another, pytest.raises(StoreTooNew):
        another.record(execution("e"))
    assert [finding.level for finding in filled.check() if finding.name == "schema"] == ["error"]


def test_a_history_of_a_newer_version_is_read_and_not_written(filled, path):
    with duckdb.connect(str(path)) as newer:
        newer.execute("UPDATE faaslab_schema SET number = 99")
        newer.execute("ALTER TABLE executions ADD COLUMN mood VARCHAR")
    filled.record(execution("waits"))
    with pytest.raises(StoreTooNew):
        filled.merge()
    assert count(filled) == (11, 11)


def test_a_duckdb_file_of_somebody_else_becomes_a_store_beside_its_tables(path):
    with duckdb.connect(str(path)) as mine:
        mine.execute("CREATE TABLE notes AS SELECT 'mine' AS text")
    with Store(path) as store:
        assert count(store) == (0, 0)
        store.record(execution("e"))
    with duckdb.connect(str(path)) as mine:
        assert mine.execute("SELECT text FROM notes").fetchall() == [("mine",)]
        assert mine.execute("SELECT id FROM executions").fetchall() == [("e",)]


def test_what_is_no_duckdb_file_is_said(path):
    path.write_bytes(b"hello" * 10_000)
    with Store(path, busy_limit_s=1) as store, pytest.raises(StoreLocation, match="not a DuckDB file"):
        store.sql("SELECT 1")
    assert list(path.parent.iterdir()) == [path]  # nothing was made beside it


def test_a_missing_folder_is_said(tmp_path):
    with Store(tmp_path / "absent" / "x.duckdb") as store:
        for act in (lambda: store.record(execution("e")), lambda: store.sql("SELECT 1")):
            with pytest.raises(StoreLocation, match="does not exist") as raised:
                act()
            assert "mkdir" in raised.value.hint


def test_a_folder_in_place_of_the_file_is_said(tmp_path):
    with Store(tmp_path) as store, pytest.raises(StoreLocation, match="is a folder"):
        store.record(execution("e"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user, whom the folder refuses")
def test_a_read_only_folder_is_said():
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        answer, child_end = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setuid(65534)
                Store(Path(name) / "x.duckdb").record(execution("e"))
            except Exception as error:
                os.write(child_end, f"{type(error).__name__}: {error}".encode())
            finally:
                os._exit(0)
        os.close(child_end)
        os.waitpid(child, 0)
        with os.fdopen(answer) as file:
            assert file.read().startswith("StoreLocation: the folder " + name + " is read-only for you")


MOUNTS = """/dev/vda / ext4 rw,relatime 0 0
nas:/export /home/me/nas nfs4 rw 0 0
//box/share /mnt/share\\040one cifs rw 0 0
C:\\134 /mnt/c 9p rw,aname=drvfs;path=C:\\,uid=1000 0 0
root / 9p rw 0 0
tmpfs /tmp tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "network"),
    [
        ("/home/me/x.duckdb", False),
        ("/home/me/nas/x.duckdb", True),
        ("/home/me/nasty/x.duckdb", False),
        ("/mnt/share one/deep/x.duckdb", True),
        ("/mnt/c/Users/x.duckdb", True),
        ("/tmp/x.duckdb", False),
    ],
)
def test_network_file_systems_are_told_apart(path, network):
    assert place.is_network(*place.file_system(Path(path), MOUNTS)) is network


def test_a_network_file_system_is_refused(tmp_path):
    mounted = f"nas:/export {tmp_path} nfs4 rw 0 0\n"
    with pytest.raises(StoreLocation, match="nfs4") as raised:
        place.require(tmp_path / "x.duckdb", mounted)
    assert "FAASLAB_STORE" in raised.value.hint


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="no folder here in which nobody can write")
def test_a_store_where_nothing_can_be_written_is_told_as_one():
    with pytest.raises(StoreLocation, match="cannot be written .*FAASLAB_STORE"):
        FileLock(Path("/sys/kernel/faaslab.locks/turn")).take(shared=True)
