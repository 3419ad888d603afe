"""Numbered migrations of both files: each is applied once and never edited; the newest number is `NEWEST`.

The number stands in both: `PRAGMA user_version` of the state, table `faaslab_schema` of the history.
A faaslab that finds a higher number reads what it knows and refuses to write.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from faaslab.errors import StoreTooNew
from faaslab.store.schema import LATER, TABLES
from faaslab.store.views import VIEWS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path


def quoted(name: str) -> str:
    """`name` as an identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def columns_of(table: str) -> str:
    """The columns of a table of the history, quoted, with their types."""
    return ", ".join(f"{quoted(name)} {kind}" for name, kind in TABLES[table].items())


def _state_1(connection: sqlite3.Connection) -> None:
    for statement in (
        "CREATE TABLE outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body TEXT NOT NULL)",
        "CREATE TABLE marks (name TEXT PRIMARY KEY, value) WITHOUT ROWID",
        """CREATE TABLE definitions (kind TEXT, name TEXT, revision_id TEXT NOT NULL, version TEXT,
           body TEXT NOT NULL, PRIMARY KEY (kind, name)) WITHOUT ROWID""",
        """CREATE TABLE versions (kind TEXT, name TEXT, version TEXT, body TEXT NOT NULL,
           PRIMARY KEY (kind, name, version)) WITHOUT ROWID""",
        """CREATE TABLE leases (name TEXT PRIMARY KEY, owner TEXT, epoch INTEGER NOT NULL,
           until REAL NOT NULL, address TEXT) WITHOUT ROWID""",
        """CREATE TABLE queue (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL,
           queue TEXT NOT NULL, body TEXT NOT NULL, due REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
           owner TEXT, token INTEGER NOT NULL DEFAULT 0, until REAL)""",
        "CREATE INDEX queue_due ON queue (queue, due)",
        """CREATE TABLE timers (name TEXT PRIMARY KEY, due REAL NOT NULL, body TEXT NOT NULL,
           owner TEXT, token INTEGER NOT NULL DEFAULT 0, until REAL) WITHOUT ROWID""",
        "CREATE INDEX timers_due ON timers (due)",
        "INSERT INTO marks VALUES ('id', lower(hex(randomblob(16)))), ('generation', 0), ('merging', 0)",
    ):
        connection.execute(statement)


def _state_2(_: sqlite3.Connection) -> None:
    """Nothing in the file: rows of the outbox may share their beginning now; an older one would lose them."""


def _history_1(run: Callable[[str], Any]) -> None:
    for table, columns in TABLES.items():
        first = (f"{quoted(name)} {kind}" for name, kind in columns.items() if (table, name) not in LATER)
        run(f"CREATE TABLE {quoted(table)} ({', '.join(first)})")
    run("CREATE TABLE faaslab_merged (state VARCHAR, upto BIGINT)")
    run("CREATE TABLE faaslab_schema (number INTEGER)")
    run("INSERT INTO faaslab_schema VALUES (0)")


def _state_3(connection: sqlite3.Connection) -> None:
    # Few entries are held at once, and who holds them is asked every second, of queues of any length.
    connection.execute("CREATE INDEX queue_held ON queue (owner, queue, due, until) WHERE owner IS NOT NULL")


def _state_4(connection: sqlite3.Connection) -> None:
    # What a holder says of itself beside its address, as a JSON object.
    connection.execute("ALTER TABLE leases ADD COLUMN notes TEXT NOT NULL DEFAULT '{}'")


def _state_5(connection: sqlite3.Connection) -> None:
    """Until here a function's version was the number of its definition, also once it was published.

    What is published keeps its number; the next one is above the highest.
    """
    for table in ("definitions", "versions"):
        connection.execute(
            f"UPDATE {table} SET body = json_set(body, '$.definition', CAST(version AS INTEGER), "
            "'$.version', '$LATEST') WHERE kind = 'function'"
        )
    connection.execute(
        "UPDATE definitions SET body = json_set(body, '$.definition', CAST(version AS INTEGER)) "
        "WHERE kind = 'published_version'"
    )
    connection.execute(
        "INSERT OR REPLACE INTO marks SELECT 'version:published_version:' || "
        "substr(name, 1, instr(name, ':') - 1), max(CAST(version AS INTEGER)) "
        "FROM definitions WHERE kind = 'published_version' GROUP BY 1"
    )
    numbers = connection.execute("SELECT seq FROM outbox WHERE body LIKE '%executions%'").fetchall()
    for number in numbers:
        (body,) = connection.execute("SELECT body FROM outbox WHERE seq = ?", number).fetchone()
        lines = [_with_definition(line) for line in body.split("\n")]
        connection.execute("UPDATE outbox SET body = ? WHERE seq = ?", ("\n".join(lines), *number))


def _with_definition(line: str) -> str:
    """A line of the outbox; one of `executions` as `_history_2` has it."""
    table, tab, text = line.partition("\t")
    if table != "executions":
        return line
    try:
        row = json.loads(text)
        number, source = str(row["version"]), row["source"]
    except (ValueError, LookupError, TypeError):
        return line  # the merge puts it among the rejects
    if source != "local" or not number.isdecimal():
        return line
    stream, qualifier = row.get("log_stream"), row.get("qualifier")
    asked = qualifier not in (None, "$LATEST") if stream is None else f"[{number}]" in stream
    row |= {"definition": int(number), "version": number if asked else "$LATEST"}
    return f"{table}{tab}{json.dumps(row, ensure_ascii=False, separators=(',', ':'))}"


def _history_2(run: Callable[[str], Any]) -> None:
    """What an environment saw as its version stands in the name of its log stream."""
    run("ALTER TABLE executions ADD COLUMN definition INTEGER")
    run(
        "UPDATE executions SET definition = TRY_CAST(version AS INTEGER), "
        "version = CASE WHEN contains(log_stream, '[' || version || ']') "
        "OR (log_stream IS NULL AND qualifier <> '$LATEST') THEN version ELSE '$LATEST' END "
        "WHERE source = 'local' AND TRY_CAST(version AS INTEGER) IS NOT NULL"
    )


def _state_6(connection: sqlite3.Connection) -> None:
    """Executions of workflows: what they were begun with, the signals that they were told, who has them."""
    for statement in (
        "CREATE TABLE workflow_machines (digest TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE workflow_executions (id TEXT PRIMARY KEY, status TEXT NOT NULL, owner TEXT,
           epoch INTEGER NOT NULL, parent TEXT, key TEXT, machine TEXT NOT NULL, seed INTEGER NOT NULL,
           context TEXT NOT NULL, started REAL NOT NULL, ended REAL, current_state TEXT, body TEXT NOT NULL,
           input_blob TEXT, output_blob TEXT)""",
        "CREATE INDEX workflow_owned ON workflow_executions (owner) WHERE status = 'RUNNING'",
        "CREATE INDEX workflow_children ON workflow_executions (parent) WHERE key IS NOT NULL",
        """CREATE TABLE workflow_steps (execution_id TEXT, number INTEGER, at TEXT NOT NULL, signal TEXT,
           signal_blob TEXT, last_event_id INTEGER NOT NULL, "check" INTEGER NOT NULL,
           PRIMARY KEY (execution_id, number)) WITHOUT ROWID""",
        """CREATE TABLE workflow_letters (number INTEGER PRIMARY KEY AUTOINCREMENT,
           execution_id TEXT NOT NULL, signal TEXT NOT NULL)""",
        "CREATE INDEX workflow_letters_to ON workflow_letters (execution_id)",
        """CREATE TABLE workflow_tokens (token TEXT PRIMARY KEY, execution_id TEXT NOT NULL,
           key TEXT NOT NULL) WITHOUT ROWID""",
        "CREATE INDEX workflow_tokens_of ON workflow_tokens (execution_id)",
        "CREATE TABLE workflow_owners (owner TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID",
    ):
        connection.execute(statement)


def _state_7(connection: sqlite3.Connection) -> None:
    """Runs of distributed Map states, as they stand."""
    connection.execute(
        """CREATE TABLE workflow_map_runs (id TEXT PRIMARY KEY, execution_id TEXT NOT NULL,
           body TEXT NOT NULL) WITHOUT ROWID"""
    )
    connection.execute("CREATE INDEX workflow_map_runs_of ON workflow_map_runs (execution_id)")


def _state_8(connection: sqlite3.Connection) -> None:
    """Invocations that run, by whatever process, and what they have written by now."""
    connection.execute(
        """CREATE TABLE running (id TEXT PRIMARY KEY, request_id TEXT NOT NULL, function TEXT NOT NULL,
           version TEXT NOT NULL, definition INTEGER, environment_id TEXT NOT NULL, started REAL NOT NULL,
           owner TEXT NOT NULL, until REAL NOT NULL, asked INTEGER NOT NULL DEFAULT 0,
           told INTEGER NOT NULL DEFAULT 0, lines INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID"""
    )
    connection.execute(
        """CREATE TABLE running_lines (execution_id TEXT NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL,
           stream TEXT NOT NULL, level TEXT, message TEXT NOT NULL, PRIMARY KEY (execution_id, seq))"""
    )


def _state_9(connection: sqlite3.Connection) -> None:
    """Executions by workflow and start, as lists have them; those of before are for the history to list."""
    connection.execute("ALTER TABLE workflow_executions ADD COLUMN listed TEXT")
    connection.execute(
        "CREATE INDEX workflow_listed ON workflow_executions (listed, started, id) WHERE listed IS NOT NULL"
    )
    connection.execute(
        "INSERT INTO marks SELECT 'workflows_listed', coalesce(max(started), 0) FROM workflow_executions"
    )


def _history_3(run: Callable[[str], Any]) -> None:
    """What tells the executions of workflows apart, and what a state took."""
    _add(run, 3)


def _history_4(run: Callable[[str], Any]) -> None:
    """When a run of a report was due, the how-manieth attempt it is, and where its log stands."""
    _add(run, 4)


def _history_5(run: Callable[[str], Any]) -> None:
    """Since when an asynchronous invocation had waited in the queue."""
    _add(run, 5)


def _add(run: Callable[[str], Any], number: int) -> None:
    """The columns that came with that migration."""
    for (table, name), since in LATER.items():
        if since == number:
            run(f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(name)} {TABLES[table][name]}")


STATE: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _state_1, _state_2, _state_3, _state_4, _state_5, _state_6, _state_7, _state_8,
    _state_9,
)  # fmt: skip
HISTORY: tuple[Callable[[Callable[[str], Any]], None], ...] = (
    _history_1, _history_2, _history_3, _history_4, _history_5,
)  # fmt: skip
NEWEST_STATE = len(STATE)
NEWEST_HISTORY = len(HISTORY)


def too_new(path: Path, found: int, known: int) -> StoreTooNew:
    """What to say when a newer faaslab made the file."""
    return StoreTooNew(
        f"{path} has the schema {found} of a newer faaslab, this one knows {known} and does not write to it",
        hint="upgrade this one (pip install -U faaslab) or give it a store of its own",
    )


def bring_state(connection: sqlite3.Connection) -> int:
    """Apply what is missing, in one transaction; the number that the file has now."""
    number = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if number >= NEWEST_STATE:
        return number
    connection.execute("BEGIN IMMEDIATE")
    try:
        number = int(connection.execute("PRAGMA user_version").fetchone()[0])
        for migration in STATE[number:]:
            migration(connection)
        number = max(number, NEWEST_STATE)
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return number


def history_numbers(run: Callable[..., Any], catalog: str, state_id: str) -> tuple[int, int]:
    """(schema number, mark of that state) of an attached history; zeros for a new file."""
    import duckdb

    main = f"{quoted(catalog)}.main"
    try:
        row = run(
            f"SELECT (SELECT max(number) FROM {main}.faaslab_schema), "
            f"(SELECT max(upto) FROM {main}.faaslab_merged WHERE state = $1)",
            [state_id],
        ).fetchone()
    except duckdb.CatalogException:
        return 0, 0
    return int(row[0] or 0), int(row[1] or 0)


def bring_history(run: Callable[..., Any], catalog: str) -> int:
    """Apply what is missing to an attached history, in one transaction; the number that it has now."""
    number, _ = history_numbers(run, catalog, "")
    if number >= NEWEST_HISTORY:
        return number
    # Views keep the text that made them: written without the catalog's name they work in any client.
    run(f"USE {quoted(catalog)}.main")
    run("BEGIN")
    try:
        for migration in HISTORY[number:]:
            migration(run)
        for name, text in VIEWS.items():
            run(f"CREATE OR REPLACE VIEW {quoted(name)} AS {text}")
        run(f"UPDATE faaslab_schema SET number = {NEWEST_HISTORY}")
        run("COMMIT")
    except BaseException:
        run("ROLLBACK")
        raise
    finally:
        run("USE memory.main")
    return NEWEST_HISTORY
