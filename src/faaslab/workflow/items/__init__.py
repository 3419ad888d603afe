"""The items of a Map: read from files of S3, put together in batches, and what became of them written back.

`reading.read_items` drives a reader with what the caller fetches, `batching.batched` makes the inputs of
batches, `writing.write_results` the files of a ResultWriter. Rule: pure; S3 is a callable that is handed in,
and whatever a file holds gives items or a `StateFailure` with a cause.
"""
