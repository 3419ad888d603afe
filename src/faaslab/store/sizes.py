"""How large a row of the outbox may get."""

INLINE_BYTES = 65_536
"""A payload over this goes to a blob; a log message over this is cut into several lines."""
CHUNK_LINES = 500
CHUNK_CHARACTERS = 1_000_000
