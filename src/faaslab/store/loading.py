"""Rows of the outbox into typed tables of DuckDB; one bad row does not stop the others.

A batch is parsed as a whole. When that fails it is halved until the culprits stand alone; they become rows
of `rejects` with their error.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from faaslab.store.migrations import columns_of, quoted
from faaslab.store.record import reject_line
from faaslab.store.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

OutboxRow = tuple[int, str, str]
"""(seq, kind, body)"""

_STRUCTURE = {table: json.dumps([columns]) for table, columns in TABLES.items()}
_REJECT_CHARACTERS = 100_000


def create_tables(run: Callable[..., Any], schema: str) -> None:
    """A schema with an empty table for each of the history's. `schema` is quoted SQL."""
    run(f"CREATE SCHEMA {schema}")
    for table in TABLES:
        run(f"CREATE TABLE {schema}.{quoted(table)} ({columns_of(table)})")


def by_table(rows: Iterable[OutboxRow]) -> dict[str, list[str]]:
    """The lines of the bodies, by table. Raises `ValueError` for a body that is not made of such lines."""
    found: dict[str, list[str]] = {}
    for _, _, body in rows:
        for text in body.split("\n"):
            table, tab, row = text.partition("\t")
            if not tab or table not in TABLES:
                raise ValueError(f"not a line of a table of the history: {text[:60]!r}")
            found.setdefault(table, []).append(row)
    return found


def load(
    run: Callable[..., Any], schema: str, rows: Sequence[OutboxRow], now: datetime
) -> tuple[set[str], int]:
    """Insert `rows` into the tables of `schema`; (the tables that got rows, the number of rejected rows)."""
    if not rows:
        return set(), 0
    problem = _try(run, schema, rows)
    if isinstance(problem, set):
        return problem, 0
    if len(rows) > 1:
        middle = len(rows) // 2
        left, lost_left = load(run, schema, rows[:middle], now)
        right, lost_right = load(run, schema, rows[middle:], now)
        return left | right, lost_left + lost_right
    seq, kind, body = rows[0]
    padded = _padded(body)
    if padded is not None and padded != body:
        again = _try(run, schema, [(seq, kind, padded)])
        if isinstance(again, set):
            return again, 0
    reject = reject_line(kind, problem, body[:_REJECT_CHARACTERS], seq=seq, at=now)
    _insert(run, schema, {"rejects": [reject.partition("\t")[2]]})
    return {"rejects"}, 1


def _try(run: Callable[..., Any], schema: str, rows: Sequence[OutboxRow]) -> set[str] | str:
    """The tables that got rows; or, with nothing inserted, what was wrong."""
    import duckdb

    run("BEGIN")
    try:
        tables = by_table(rows)
        _insert(run, schema, tables)
        run("COMMIT")
    except (duckdb.OutOfMemoryException, duckdb.InterruptException, duckdb.FatalException):
        run("ROLLBACK")
        raise
    except (duckdb.Error, ValueError) as error:
        run("ROLLBACK")
        return str(error).partition("\n")[0][:2000]
    except BaseException:
        run("ROLLBACK")
        raise
    return set(tables)


def _insert(run: Callable[..., Any], schema: str, tables: dict[str, list[str]]) -> None:
    for table, lines in tables.items():
        run(
            f"INSERT INTO {schema}.{quoted(table)} SELECT row.* FROM "
            "(SELECT unnest(from_json_strict($1, $2)) AS row)",
            [f"[{','.join(lines)}]", _STRUCTURE[table]],
        )


def _padded(body: str) -> str | None:
    """`body` with the columns that an older faaslab did not know; None where it cannot be read."""
    lines = []
    try:
        for text in body.split("\n"):
            table, _, row = text.partition("\t")
            values = json.loads(row)
            lines.append(f"{table}\t" + json.dumps({name: values.get(name) for name in TABLES[table]}))
    except (ValueError, KeyError, AttributeError, RecursionError):
        return None
    return "\n".join(lines)
