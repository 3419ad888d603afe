"""A store whose folder is renamed, or whose file is replaced, while somebody has it open."""

import os
import shutil
from pathlib import Path

import pytest

from faaslab.errors import StoreMoved
from faaslab.store import Store
from tests.store.processes import execution

BIG = b'"' + b"x" * 70_000 + b'"'


def ids(store) -> list[str]:
    return [row[0] for row in store.connect().execute("SELECT id FROM executions ORDER BY id")]


def level(store, name: str) -> tuple[str, str]:
    return next((each.level, each.message) for each in store.check() if each.name == name)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def moved(folder: Path) -> Path:
    """Rename it, with another of the old name in its place; where it is now."""
    there = folder.rename(folder.parent / "there")
    folder.mkdir()
    return there / "faaslab.duckdb"


def test_what_was_answered_after_a_move_is_in_the_history_at_the_new_place(folder):
    store = Store(folder / "faaslab.duckdb")
    store.record(execution("merged"))
    store.merge()
    store.record(execution("before"))
    there = moved(folder)
    store.record(execution("after"))
    with pytest.raises(StoreMoved, match="was moved"):
        store.merge()
    with pytest.raises(StoreMoved):
        store.close()
    store.close()
    assert list(folder.iterdir()) == []
    with Store(there) as store:
        assert ids(store) == ["after", "before", "merged"]
        assert store.merge() == 2
        assert level(store, "history")[0] == "ok"


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.sql("SELECT 1"),
        lambda store: store.merge(),
        lambda store: store.compact(),
        lambda store: store.backup(store.path.with_name("copy.duckdb")),
        lambda store: store.record(execution("big", payload_body=BIG)),
        lambda store: store.queue.path,
    ],
)
def test_nothing_is_made_at_the_old_place_of_a_store_that_was_moved(folder, ask):
    store = Store(folder / "faaslab.duckdb")
    store.record(execution("before"))
    moved(folder)
    with pytest.raises(StoreMoved) as caught:
        ask(store)
    assert "move it back" in caught.value.hint
    assert list(folder.iterdir()) == []
    with pytest.raises(StoreMoved):
        store.close()


def test_a_store_that_was_moved_and_moved_back_goes_on(folder):
    with Store(folder / "faaslab.duckdb") as store:
        store.record(execution("before"))
        there = folder.rename(folder.parent / "there")
        with pytest.raises(StoreMoved):
            store.merge()
        assert level(store, "place")[0] == "error"
        there.rename(folder)
        assert store.merge()
        assert ids(store) == ["before"]


def test_another_store_at_the_old_place_is_left_alone(folder):
    store = Store(folder / "faaslab.duckdb")
    store.record(execution("mine"))
    moved(folder)
    with Store(folder / "faaslab.duckdb") as another:
        another.record(execution("of-another"))
        with pytest.raises(StoreMoved):
            store.sql("SELECT * FROM executions")
        with pytest.raises(StoreMoved):
            store.close()
        assert ids(another) == ["of-another"]


def test_a_child_of_a_fork_makes_no_new_state_where_the_store_was(folder):
    store = Store(folder / "faaslab.duckdb")
    store.record(execution("before"))
    moved(folder)
    child = os.fork()
    if not child:
        try:
            store.record(execution("in-the-child"))
        except StoreMoved:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert list(folder.iterdir()) == []
    with pytest.raises(StoreMoved):
        store.close()


def test_the_doctor_tells_of_rows_that_were_merged_into_another_file(folder):
    path = folder / "faaslab.duckdb"
    with Store(path) as store:
        store.record(*(execution(f"e-{number}") for number in range(5)))
        assert level(store, "history")[0] == "ok"  # none is merged yet
        store.merge()
        store.record(execution("waits"))
        assert level(store, "history")[0] == "ok"
    path.rename(folder / "elsewhere.duckdb")
    with Store(path) as store:
        found, message = level(store, "history")
        assert found == "error"
        assert "were merged into another file" in message
        store.import_store(folder / "elsewhere.duckdb")
        assert ids(store) == ["e-0", "e-1", "e-2", "e-3", "e-4", "waits"]


def test_an_older_state_that_was_put_back_lacks_nothing(folder):
    path, kept = folder / "faaslab.duckdb", folder / "kept"
    state = folder / "faaslab.duckdb.state"
    with Store(path) as store:
        store.record(execution("first"))
        store.merge()
    shutil.copy(state, kept)
    with Store(path) as store:
        store.record(*(execution(f"e-{number}") for number in range(5)))
        store.merge()
    for name in ("", "-wal", "-shm"):
        state.with_name(state.name + name).unlink(missing_ok=True)
    shutil.copy(kept, state)
    with Store(path) as store:
        assert level(store, "history")[0] == "ok"
        store.record(execution("new"))
        store.merge()
        assert level(store, "history")[0] == "ok"
