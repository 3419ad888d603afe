"""Lines of the outbox into typed tables of DuckDB; one bad line does not stop the others.

A batch is parsed as a whole. When that fails it is halved until the culprits stand alone; they become lines
of `rejects` with their error. Nothing is written to a disk for it.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.store.migrations import columns_of, quoted
from faaslab.store.record import reject_line, without_surrogates
from faaslab.store.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

OutboxRow = tuple[int, str, str]
"""(seq, kind, body)"""

_COLUMNS = {
    table: "{" + ", ".join(f"{quoted(name)}: '{kind}'" for name, kind in columns.items()) + "}"
    for table, columns in TABLES.items()
}
_NUMBER = "_seq"
_REJECT_CHARACTERS = 100_000


class Line(NamedTuple):
    """One row of a table as JSON, and the row of the outbox that it came in."""

    seq: int
    kind: str
    text: str


def create_tables(run: Callable[..., Any], schema: str, *, numbered: bool) -> None:
    """A schema with an empty table for each of the history's. `schema` is quoted SQL.

    `numbered` tables have a first column `_seq`: the row of the outbox that a row came in.
    """
    first = f"{_NUMBER} BIGINT, " if numbered else ""
    run(
        f"CREATE SCHEMA {schema}; "
        + "; ".join(f"CREATE TABLE {schema}.{quoted(table)} ({first}{columns_of(table)})" for table in TABLES)
    )


def by_table(rows: Iterable[OutboxRow], now: datetime) -> dict[str, list[Line]]:
    """The lines of the bodies, by table; what is not such a line becomes one of `rejects`."""
    found: dict[str, list[Line]] = {}
    for seq, kind, body in rows:
        for text in body.split("\n"):
            table, tab, row = text.partition("\t")
            if tab and table in TABLES:
                start, *rest = row.split("\t")
                rows_of_line = [f"{start},{end}" for end in rest] or [start]
                found.setdefault(table, []).extend(Line(seq, kind, each) for each in rows_of_line)
            else:
                lost = rejected(Line(seq, kind, text), "not a line of a table of the history", now)
                found.setdefault("rejects", []).append(lost)
    return found


def rejected(line: Line, error: str, now: datetime) -> Line:
    """The line of `rejects` for a line that cannot be stored."""
    body = without_surrogates(line.text[:_REJECT_CHARACTERS])
    text = reject_line(line.kind, error, body, seq=line.seq, at=now)
    return Line(line.seq, "reject", text.partition("\t")[2])


def load(insert: Insert, table: str, lines: Sequence[Line], now: datetime) -> list[Line]:
    """Insert `lines` into a table; the lines of `rejects` that there must be for it."""
    if not lines:
        return []
    problem = insert(table, lines)
    if problem is None:
        return []
    if len(lines) > 1:
        middle = len(lines) // 2
        left = load(insert, table, lines[:middle], now)
        return left + load(insert, table, lines[middle:], now)
    if table == "rejects":
        # Its text is ours and plain; should it ever fail, the bare fact is kept.
        bare = rejected(Line(lines[0].seq, lines[0].kind, ""), "unreadable", now)
        insert(table, [bare])
        return []
    return [rejected(lines[0], problem, now)]


class Insert:
    """Inserts lines into the tables of one schema, by one typed `read_json` for each call."""

    def __init__(self, run: Callable[..., Any], schema: str, *, numbered: bool) -> None:
        self._run = run
        self._schema = schema
        self._numbered = numbered

    def __call__(self, table: str, lines: Sequence[Line]) -> str | None:
        """None when they were inserted; with nothing inserted, what was wrong."""
        import duckdb

        if self._numbered:
            texts = [f'{{"{_NUMBER}":{line.seq},{line.text[1:]}' for line in lines]
            columns = f"{{{_NUMBER}: 'BIGINT', {_COLUMNS[table][1:]}"
        else:
            texts, columns = [line.text for line in lines], _COLUMNS[table]
        try:
            data = "\n".join(texts).encode()
        except UnicodeEncodeError as error:
            return f"not UTF-8: {error.reason}"
        longest = max(map(len, texts)) * 4 + 1024
        with _as_file(data) as name:
            try:
                self._run(
                    f"INSERT INTO {self._schema}.{quoted(table)} SELECT * FROM read_json('{name}', "
                    f"format = 'newline_delimited', columns = {columns}, "
                    f"maximum_object_size = {max(longest, 1_048_576)})"
                )
            except (duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.FatalException):
                raise
            except duckdb.Error as error:
                return str(error).partition("\n")[0].replace(name, "the outbox")[:2000]
        return None


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """A name under which DuckDB can read `data`: in memory on Linux, else a temporary file."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("faaslab-outbox"), "wb") as file:
            file.write(data)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
        return
    handle, name = tempfile.mkstemp(prefix="faaslab-", suffix=".json")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        yield name.replace("'", "''")
    finally:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108
