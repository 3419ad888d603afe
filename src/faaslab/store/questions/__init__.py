"""Named questions to the history. Each takes what runs SQL (`store.sql`, say) and a `Window`, and answers
with a small DataFrame: DuckDB does the counting. Money is not known here; GB-seconds are.
"""  # noqa: D205
