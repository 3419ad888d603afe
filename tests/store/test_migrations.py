"""A store of an older faaslab is brought to the newest schema and keeps what it tells."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime

import duckdb
import pytest

from faaslab.errors import AlreadyExists
from faaslab.model.function import LATEST, Function
from faaslab.model.version import PublishedVersion
from faaslab.store import Store
from faaslab.store.migrations import HISTORY, STATE

FUNCTION = {
    "id": "f", "name": "f", "runtime": "python3.12", "handler": "a.b", "code": {"kind": "inline", "source": ""},
    "created_at": "2026-01-01T00:00:00.000000Z", "updated_at": "2026-01-01T00:00:00.000000Z",
}  # fmt: skip
# version, qualifier, source, log_stream -> version, definition
RAN = [
    (("7", None, "local", "2026/01/01/f[$LATEST]0a"), (LATEST, 7)),
    (("3", "3", "local", "2026/01/01/f[3]0a"), ("3", 3)),
    (("3", "prod", "local", "2026/01/01/f[3]0a"), ("3", 3)),
    (("7", "dev", "local", "2026/01/01/f[$LATEST]0a"), (LATEST, 7)),
    (("7", None, "local", None), (LATEST, 7)),
    (("7", LATEST, "local", None), (LATEST, 7)),
    (("3", "prod", "local", None), ("3", 3)),
    (("$LATEST", None, "imported", "2026/01/01/[$LATEST]0a"), (LATEST, None)),
    (("3", None, "imported", None), ("3", None)),
    (("", None, "imported", None), ("", None)),
]


def document(version):
    return json.dumps({**FUNCTION, "version": version})


@pytest.fixture
def old(tmp_path):
    """A store as the fourth migration of its state and the first of its history left it, with an outbox."""
    path = tmp_path / "old.duckdb"
    with closing(sqlite3.connect(tmp_path / "old.duckdb.state", isolation_level=None)) as state:
        for migration in STATE[:4]:
            migration(state)
        state.execute("PRAGMA user_version = 4")
        state.execute("INSERT INTO definitions VALUES ('function', 'f', 'r', '7', ?)", (document("7"),))
        for number in ("3", "7"):
            state.execute("INSERT INTO versions VALUES ('function', 'f', ?, ?)", (number, document(number)))
        published = {"function": "f", "version": "3", "published_at": FUNCTION["created_at"]}
        state.execute(
            "INSERT INTO definitions VALUES ('published_version', 'f:3', 'p', '3', ?)",
            (json.dumps(published),),
        )
        names = ("version", "qualifier", "source", "log_stream")
        for number, (row, _) in enumerate(RAN):
            body = {"id": f"new{number}", "function": "f", "started_at": "2026-01-02T00:00:00"}
            body |= {name: value for name, value in zip(names, row, strict=True) if value is not None}
            text = f"executions\t{json.dumps(body)}\nlogs\t{json.dumps({'execution_id': body['id']})}"
            state.execute("INSERT INTO outbox (kind, body) VALUES ('execution', ?)", (text,))
        state.execute("INSERT INTO outbox (kind, body) VALUES ('execution', 'executions\tno JSON')")
    with closing(duckdb.connect(str(path))) as history:
        HISTORY[0](history.execute)
        history.execute("UPDATE faaslab_schema SET number = 1")
        for number, (row, _) in enumerate(RAN):
            history.execute(
                "INSERT INTO executions (id, function, started_at, version, qualifier, source, log_stream) "
                "VALUES (?, 'f', ?, ?, ?, ?, ?)",
                [f"old{number}", datetime(2026, 1, 1), *row],
            )
    return path


def test_what_ran_tells_its_definition_and_the_version_that_it_saw(old):
    with Store(old) as store:
        for merged in (False, True):
            if merged:
                store.merge()
            rows = (
                store.connect()
                .execute("SELECT id, version, definition FROM executions ORDER BY id")
                .fetchall()
            )
            assert {id_: tuple(told) for id_, *told in rows} == {
                f"{which}{number}": told for which in ("old", "new") for number, (_, told) in enumerate(RAN)
            }
            assert store.connect().execute("SELECT count(*) FROM rejects").fetchone() == (1,)
            assert store.connect().execute("SELECT count(definition) FROM durations").fetchone() == (0,)
            # What later versions record is not known of what ran before.
            assert store.connect().execute("SELECT count(queued_at) FROM executions").fetchone() == (0,)


def test_what_is_published_keeps_its_number_and_the_next_goes_on_from_the_highest(old):
    with Store(old) as store:
        kept = store.definitions
        present = kept.get(Function, "f")
        assert (present.version, present.definition) == (LATEST, 7)
        assert [(each.version, each.definition) for each in kept.every(Function, "f")] == [
            (LATEST, 3),
            (LATEST, 7),
        ]
        (published,) = kept.list(PublishedVersion, function="f")
        assert (published.version, published.definition) == ("3", 3)
        assert kept.highest_number(PublishedVersion, "f") == 3
        assert kept.highest_number(Function, "f") == 7
        at = present.created_at
        for number in ("3", "2"):
            with pytest.raises(AlreadyExists):
                kept.put(PublishedVersion(function="f", version=number, definition=7, published_at=at))
        kept.put(PublishedVersion(function="f", version="4", definition=7, published_at=at))
