"""Rows of a Parquet file that came as bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_AT_ONCE = 10_000


def rows(body: bytes) -> Iterator[Mapping[str, Any]]:
    """The rows, by the names of their columns. Raises InvalidValue for what is no Parquet file."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="faaslab-parquet-") as folder:
        path = Path(folder) / "items.parquet"
        path.write_bytes(body)
        with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "512MB"}) as connection:
            try:
                answer = connection.execute("SELECT * FROM read_parquet($path)", {"path": str(path)})
                names = [column[0] for column in answer.description or ()]
                while found := answer.fetchmany(_AT_ONCE):
                    for row in found:
                        yield dict(zip(names, row, strict=True))
            except duckdb.Error as error:
                raise InvalidValue(f"the Parquet file cannot be read: {error}") from None
