"""The store: what changes is in SQLite, what happened is in DuckDB; nobody else touches either."""
