"""Looking after a store: prune, compact, backup, export, import of another store."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.clock import SYSTEM
from faaslab.errors import AlreadyExists, InvalidValue, NotFound
from faaslab.store import belongings, place, workflow_upkeep
from faaslab.store.faults import translated
from faaslab.store.migrations import quoted
from faaslab.store.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faaslab.store.blobs import Blobs
    from faaslab.store.history import History
    from faaslab.store.reading import Session
    from faaslab.store.state import State

INSTANT: dict[str, str] = {
    table: next(name for name in ("started_at", "timestamp", "delivered_at") if name in columns)
    for table, columns in TABLES.items()
}
"""Table -> the column that says when."""

_KEYS: dict[str, tuple[str, ...]] = {
    "executions": ("id",),
    "payloads": ("execution_id",),
    "logs": ("execution_id", "seq"),
    "events": ("id",),
    "deliveries": ("id",),
    "workflow_executions": ("id", "redrive_count"),
    "workflow_history": ("execution_id", "id"),
    "durable_operations": ("execution_id", "id"),
    "deployments": ("id",),
    "reports": ("id",),
}
"""What tells that a row of another store is here already; for the other tables all columns together."""

_OF_WORKFLOWS = {"workflow_executions": "id", "workflow_history": "execution_id"}
_BLOB_COLUMNS = (
    ("payloads", "payload_blob"),
    ("payloads", "result_blob"),
    ("workflow_executions", "input_blob"),
    ("workflow_executions", "output_blob"),
)

# A blob is written before the row that names it: one this young may yet be named.
_GRACE = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What `prune` took away: rows by table (only those that lost some), and blobs."""

    rows: Mapping[str, int]
    blobs: int


@dataclass(frozen=True, kw_only=True)
class Doomed:
    """What `prune` would take of a table: `rows` of its `total`, from the `oldest` to the `newest`."""

    table: str
    rows: int
    total: int
    oldest: datetime | None
    newest: datetime | None


@dataclass(frozen=True, kw_only=True)
class Compacted:
    """The size of the history before and after, in bytes."""

    before_bytes: int
    after_bytes: int


def _old(main: str, table: str, before: datetime, unended: Sequence[str]) -> tuple[str, list[Any]]:
    """`FROM … WHERE …` of the rows of a table that are older, and its parameters."""
    where = f"FROM {main}.{quoted(table)} WHERE {quoted(INSTANT[table])} < $1"
    if unended and table in _OF_WORKFLOWS:
        return f"{where} AND {_OF_WORKFLOWS[table]} NOT IN (SELECT unnest($2))", [before, list(unended)]
    return where, [before]


def doomed(history: History, state: State, now: datetime, keep: timedelta) -> tuple[Doomed, ...]:
    """What `prune` would delete of what is merged, by table (only those that have rows); changes nothing."""
    unended, _ = workflow_upkeep.unended(state, now, keep)
    found: list[Doomed] = []
    main = f"{history.quoted_alias()}.main"
    with history.shared(), history.cursor() as run:
        for table, instant in INSTANT.items():
            total = run(f"SELECT count(*) FROM {main}.{quoted(table)}").fetchone()[0]
            if table == "definitions" or not total:
                continue
            where, parameters = _old(main, table, now - keep, unended)
            when = quoted(instant)
            row = run(f"SELECT count(*), min({when}), max({when}) {where}", parameters).fetchone()
            found.append(Doomed(table=table, rows=row[0], total=total, oldest=row[1], newest=row[2]))
    return tuple(found)


def prune(history: History, state: State, blobs: Blobs, now: datetime, keep: timedelta) -> Pruned:
    """Delete what is older than `keep`, but no definitions; then the blobs that nothing names.

    What belongs to executions of workflows that run, or may be redriven, stays.
    """
    before = now - keep
    workflow_upkeep.prune(state, now, keep)
    unended, kept = workflow_upkeep.unended(state, now, keep)
    rows: dict[str, int] = {}
    main = f"{history.quoted_alias()}.main"
    with state.read() as connection:
        # What is not merged yet names blobs in its text. What comes after this names young ones.
        waiting = "\n".join(text for (text,) in connection.execute("SELECT body FROM outbox"))
        waiting += "\n".join(text for (text,) in connection.execute("SELECT body FROM queue"))
    with history.exclusive(limit_s=history.limit_s) as run:
        for table in INSTANT:
            if table == "definitions":
                continue
            where, parameters = _old(main, table, before, unended)
            count = run(f"SELECT count(*) {where}", parameters).fetchone()[0]
            if count:
                run(f"DELETE {where}", parameters)
                rows[table] = count
        named = kept | {
            digest
            for table, column in _BLOB_COLUMNS
            for (digest,) in run(
                f"SELECT DISTINCT {column} FROM {main}.{table} WHERE {column} IS NOT NULL"
            ).fetchall()
        }
        named |= {
            digest
            for (digest,) in run(
                "SELECT DISTINCT unnest(regexp_extract_all(CAST(details AS VARCHAR), $1, 1)) "
                f"FROM {main}.workflow_history WHERE contains(CAST(details AS VARCHAR), $2)",
                ['"blob": ?"([0-9a-f]{64})"', '"blob":'],
            ).fetchall()
        }
        named |= {
            digest
            for (digest,) in run(
                f"SELECT DISTINCT json_extract_string(body, '$.code_digest') FROM {main}.definitions"
            ).fetchall()
        }
    with state.read() as connection:
        for table in ("definitions", "versions"):
            named |= {
                digest
                for (digest,) in connection.execute(
                    f"SELECT json_extract(body, '$.code_digest') FROM {table}"
                )
            }
    gone = 0
    for digest in blobs.digests():
        path = blobs.path(digest)
        if digest not in named and digest not in waiting and _age(path) > _GRACE:
            path.unlink(missing_ok=True)
            gone += 1
    return Pruned(rows=rows, blobs=gone)


def _age(path: Path) -> timedelta:
    try:
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
    except FileNotFoundError:
        return timedelta(0)
    return SYSTEM.now() - written


def compact(history: History, state: State) -> Compacted:
    """Write the history anew, in the order of time and without gaps, and put it in the old one's place."""
    if not history.path.exists():
        return Compacted(before_bytes=0, after_bytes=0)
    before = history.path.stat().st_size
    new = history.path.with_name(history.path.name + ".compacting")
    new.unlink(missing_ok=True)
    try:
        with history.rewritten() as run:
            copy_history(run, history.alias, new, ordered=True)
            # Nobody of ours reads and no other program can: we hold it for writing.
            history.detach_for_good()
            with translated(new):
                shutil.copymode(history.path, new)
                new.replace(history.path)
    finally:
        new.unlink(missing_ok=True)
    with suppress(sqlite3.OperationalError), state.read() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        connection.execute("VACUUM")
    return Compacted(before_bytes=before, after_bytes=history.path.stat().st_size)


def copy_history(run: Callable[..., Any], alias: str, to: Path, *, ordered: bool) -> None:
    """Copy the attached history `alias` to a new file."""
    from faaslab.store.history import literal
    from faaslab.store.migrations import bring_history

    copy = f"{alias}_copy"
    run(f"ATTACH {literal(str(to))} AS {quoted(copy)} (TYPE duckdb, STORAGE_VERSION 'v1.0.0')")
    try:
        bring_history(run, copy)
        for table in (*TABLES, "faaslab_merged"):
            order = f" ORDER BY {quoted(INSTANT[table])}" if ordered and table in INSTANT else ""
            run(
                f"INSERT INTO {quoted(copy)}.main.{quoted(table)} BY NAME "
                f"SELECT * FROM {quoted(alias)}.main.{quoted(table)}{order}"
            )
    finally:
        run(f"DETACH {quoted(copy)}")


def backup(history: History, state: State, blobs: Blobs, to: Path) -> None:
    """A copy of the whole store at `to`, taken at one moment, while others go on writing."""
    place.require(to)
    beside = [to, to.with_name(to.name + ".state"), to.with_name(to.name + ".blobs")]
    for path in beside:
        if path.exists():
            raise AlreadyExists(f"{path} exists already", hint="give a path that is free")
    try:
        with history.shared(), translated(to):
            # No merge can run now, so that mark and outbox fit together.
            place.make(beside[1])
            with state.read() as connection, closing(sqlite3.connect(beside[1])) as copy:
                connection.backup(copy)
                copy.execute("UPDATE leases SET owner = NULL, until = 0, address = NULL, notes = '{}'")
                copy.commit()
            with history.cursor() as run:
                copy_history(run, history.alias, to, ordered=False)
            to.chmod(0o600)
        if blobs.folder.is_dir():
            with translated(to):
                shutil.copytree(blobs.folder, beside[2], ignore=shutil.ignore_patterns(".new-*"))
    except BaseException:
        for path in beside[:2]:
            path.unlink(missing_ok=True)
        shutil.rmtree(beside[2], ignore_errors=True)
        raise


def export(session: Session, directory: str | os.PathLike[str]) -> dict[str, int]:
    """Write every table that has rows as Parquet, `TABLE/day=YYYY-MM-DD/*.parquet`; rows by table.

    `directory` is a folder, or an `s3://` address (DuckDB's httpfs extension must be installed for it).
    """
    target = os.fspath(directory).rstrip("/")
    remote = "://" in target
    counts: dict[str, int] = {}
    for table, instant in INSTANT.items():
        row = session.question(f"SELECT count(*) FROM {quoted(table)}", None).fetchone()
        if not row or not row[0]:
            continue
        folder = f"{target}/{table}"
        if not remote:
            with translated(Path(target)):
                if Path(folder).exists():
                    raise AlreadyExists(f"{folder} exists already", hint="export into an empty folder")
                Path(target).mkdir(parents=True, exist_ok=True)
        session.question(
            f"COPY (SELECT *, CAST({quoted(instant)} AS DATE) AS day FROM {quoted(table)}) "
            f"TO '{folder.replace(chr(39), chr(39) * 2)}' (FORMAT parquet, PARTITION_BY (day))",
            None,
        )
        counts[table] = int(row[0])
    return counts


def import_history(session: Session, into: History) -> dict[str, int]:
    """Copy the rows that `session` (of another store) sees and `into` has not; rows by table."""
    counts: dict[str, int] = {}
    main = f"{into.quoted_alias()}.main"
    with session.everything() as cursor, into.exclusive(limit_s=into.limit_s, through=cursor) as run:
        for table, columns in TABLES.items():
            keys = _KEYS.get(table, tuple(columns))
            same = " AND ".join(f"o.{quoted(key)} IS NOT DISTINCT FROM t.{quoted(key)}" for key in keys)
            names = ", ".join(map(quoted, columns))
            row = run(
                f"INSERT INTO {main}.{quoted(table)} BY NAME SELECT {names} FROM temp.main.{quoted(table)} t "
                f"WHERE NOT EXISTS (SELECT 1 FROM {main}.{quoted(table)} o WHERE {same})"
            ).fetchone()
            if row and row[0]:
                counts[table] = int(row[0])
    return counts


def import_definitions(other: State, into: State) -> None:
    """Copy what is defined in another store under a name that is free here, with all its numbers."""
    with other.read() as connection:
        rows = connection.execute("SELECT kind, name, revision_id, version, body FROM definitions").fetchall()
        versions = connection.execute("SELECT kind, name, version, body FROM versions").fetchall()
        numbers = connection.execute(
            "SELECT name, value FROM marks WHERE name LIKE ?", (f"{belongings.NUMBER_MARK}%",)
        ).fetchall()
    with into.write(durable=True) as connection:
        known = set(connection.execute("SELECT kind, name FROM definitions"))
        # What belongs to a function or a workflow comes with it, and not to another one of the same name.
        known |= {
            (kind, name)
            for kind, name, *_ in rows
            if kind in belongings.KINDS and (belongings.owner(kind), name.partition(":")[0]) in known
        }
        connection.executemany(
            "INSERT INTO definitions VALUES (?, ?, ?, ?, ?)", [row for row in rows if row[:2] not in known]
        )
        connection.executemany(
            "INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?)",
            [row for row in versions if row[:2] not in known],
        )
        here = {
            belongings.mark(belongings.PUBLISHED[kind], name)
            for kind, name in known
            if kind in belongings.PUBLISHED
        }
        connection.executemany(
            belongings.KEEP_HIGHEST, [(name, value) for name, value in numbers if name not in here]
        )
        into.next_generation(connection)


def import_blobs(other: Blobs, into: Blobs) -> int:
    """Copy the blobs that are missing here; how many."""
    missing = [digest for digest in other.digests() if not into.has(digest)]
    for digest in missing:
        into.put(other.get(digest), durable=False)
    return len(missing)


def require_another(path: Path, other: Path) -> None:
    """Raise where there is no store at `other`, or the same."""
    if not other.exists() and not other.with_name(other.name + ".state").exists():
        raise NotFound("store", str(other), hint="give the path of its .duckdb file")
    if other.absolute() == path or (path.exists() and other.exists() and path.samefile(other)):
        raise InvalidValue("a store cannot be imported into itself", place=str(other))
