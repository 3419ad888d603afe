"""A history in memory with the store's own tables, for questions about rows that a test writes out."""

from datetime import datetime, timedelta

import duckdb

from faaslab.store.schema import TABLES

START = datetime(2026, 11, 16, 8, 0, 0)


class History:
    """`row(...)` adds an execution; `run` is what a question takes."""

    def __init__(self):
        self.connection = duckdb.connect(":memory:")
        self.count = 0
        for name, columns in TABLES.items():
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            self.connection.execute(f"CREATE TABLE {name} ({listed})")

    def run(self, text, params=None):
        return self.connection.execute(text, params).df() if params else self.connection.execute(text).df()

    def insert(self, table, **values):
        names = ", ".join(f'"{name}"' for name in values)
        self.connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})", list(values.values())
        )

    def row(self, at_s=0.0, *, ms=100.0, init=None, cold=None, **fields):
        """An execution that starts `at_s` seconds after START; billed as Lambda does unless told."""
        self.count += 1
        started = START + timedelta(seconds=at_s)
        values = {
            "id": f"e{self.count}",
            "function": "score",
            "version": "1",
            "source": "local",
            "region": "us-east-1",
            "runtime": "python3.13",
            "architecture": "x86_64",
            "memory_mb": 1024,
            "timeout_s": 3.0,
            "status": "completed",
            "started_at": started,
            "ended_at": None if ms is None else started + timedelta(milliseconds=ms + (init or 0)),
            "duration_ms": ms,
            "billed_ms": None if ms is None else round(ms + (init or 0)),
            "init_ms": init,
            "cold_start": init is not None if cold is None else cold,
            "max_memory_mb": 100,
            "attempt": 1,
            **fields,
        }
        self.insert("executions", **values)


def bare(**fields):
    """What an imported line without a report leaves unknown, for `row(**bare())`."""
    names = (
        "version region runtime architecture memory_mb timeout_s ended_at duration_ms billed_ms init_ms "
        "cold_start max_memory_mb attempt"
    )
    return {**dict.fromkeys(names.split()), "source": "imported", **fields}
