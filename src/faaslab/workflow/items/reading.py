"""What an ItemReader gives: a list of items, out of S3 as the caller fetches it.

The caller hands in `fetch(operation, parameters)`: `getObject` with Bucket, Key and perhaps VersionId answers
`{"Body": bytes}`, `listObjectsV2` what S3 answers (`Contents`, `IsTruncated`, `NextContinuationToken`); it
raises `StateFailure` (`States.ItemReaderFailed`) where S3 refuses. For Parquet it hands in
`parquet_rows(body)`, the rows of a file as objects. The reader is rendered: no paths, no expressions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import chain, islice
from typing import Any

from faaslab.workflow.items import documents, separated
from faaslab.workflow.items.item import Item, items_of, source_of
from faaslab.workflow.items.texts import reader_failed, text_of, unpacked

Fetch = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
Rows = Callable[[bytes], Iterable[Mapping[str, Any]]]
_MOST_PAGES = 100_000
_FIELDS = (("ETag", "Etag"), ("Key", "Key"), ("LastModified", "LastModified"), ("Size", "Size"),
           ("StorageClass", "StorageClass"))  # fmt: skip


def read_items(reader: Mapping[str, Any], fetch: Fetch, parquet_rows: Rows | None = None) -> list[Item]:
    """The items that an ItemReader names, at most `MaxItems` of them; 0 is no limit.

    Raises:
        StateFailure: `States.ItemReaderFailed` with the reason.

    """
    config = reader.get("ReaderConfig") or {}
    parameters = reader.get("Parameters", reader.get("Arguments")) or {}
    resource = str(reader.get("Resource", ""))
    if not isinstance(config, Mapping) or not isinstance(parameters, Mapping):
        raise reader_failed("ReaderConfig and the parameters of an ItemReader must be objects.")
    most = _most(config.get("MaxItems"))
    if resource.endswith(":s3:listObjectsV2"):
        listing = _listing(parameters, fetch)
        if config.get("Transformation") != "LOAD_AND_FLATTEN":
            source = source_of(reader)
            return list(islice((Item(listed(entry), source) for entry in listing), most))
        places = ((str(parameters.get("Bucket")), entry["Key"]) for entry in listing if not _is_folder(entry))
        found = (_file_items(fetch, *place, config, parquet_rows) for place in places)
        return list(islice(chain.from_iterable(found), most))
    if not resource.endswith(":s3:getObject"):
        raise reader_failed(f"The resource '{resource}' provides no items.")
    if config.get("InputType") == "PARQUET" and parameters.get("VersionId") is not None:
        raise reader_failed("VersionId is not supported for a Parquet file: leave it out.")
    body = _body(fetch("getObject", parameters))
    if config.get("ManifestType") is not None or config.get("InputType") == "MANIFEST":
        return list(islice(_manifested(body, config, fetch, parquet_rows), most))
    return list(islice(parsed(body, config, parquet_rows, source_of(reader)), most))


def parsed(
    body: bytes, config: Mapping[str, Any], parquet_rows: Rows | None = None, source: str | None = None
) -> Iterator[Item]:
    """The items of one file, as the InputType of the ReaderConfig says; gzip is unpacked.

    `source` is the address of the file.

    Raises:
        StateFailure: The file is not what the InputType says.

    """
    kind = config.get("InputType")
    if kind == "PARQUET":
        return (Item(row, source) for row in _parquet(body, parquet_rows))
    text = text_of(unpacked(body))
    if kind == "CSV":
        return (Item(row, source) for row in separated.rows(text, config))
    if kind == "JSONL":
        return (Item(line, source) for line in documents.lines_as_items(text))
    if kind == "JSON":
        pointer = config.get("ItemsPointer")
        if pointer is not None and not isinstance(pointer, str):
            raise reader_failed("ItemsPointer must be a string.")
        return items_of(documents.collection(text, pointer), source)
    raise reader_failed(f"InputType is {kind!r}; it must be one of CSV, JSON, JSONL, MANIFEST, PARQUET.")


def listed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An object of a listing as an item: Etag, Key, LastModified (seconds since 1970), Size, StorageClass."""
    item = {ours: entry[theirs] for theirs, ours in _FIELDS if entry.get(theirs) is not None}
    modified = item.get("LastModified")
    if isinstance(modified, datetime):
        item["LastModified"] = modified.replace(tzinfo=modified.tzinfo or UTC).timestamp()
    return item


def _most(value: Any) -> int | None:
    if value is None or value == 0:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0 or value % 1 != 0:
        raise reader_failed(f"MaxItems is {value!r}; it must be a whole number that is not negative.")
    return int(value)


def _listing(parameters: Mapping[str, Any], fetch: Fetch) -> Iterator[Mapping[str, Any]]:
    asked = dict(parameters)
    for _ in range(_MOST_PAGES):
        page = fetch("listObjectsV2", asked)
        yield from page.get("Contents") or ()
        token = page.get("NextContinuationToken")
        if not page.get("IsTruncated") or not token:
            return
        asked["ContinuationToken"] = token
    raise reader_failed(f"The listing has more than {_MOST_PAGES:,} pages.")


def _is_folder(entry: Mapping[str, Any]) -> bool:
    """Whether an object only stands for a folder: consoles make empty ones with a slash at the end."""
    return str(entry.get("Key", "")).endswith("/") and not entry.get("Size")


def _file_items(
    fetch: Fetch, bucket: str, key: str, config: Mapping[str, Any], parquet_rows: Rows | None
) -> Iterator[Item]:
    body = _body(fetch("getObject", {"Bucket": bucket, "Key": key}))
    return parsed(body, config, parquet_rows, f"s3://{bucket}/{key}")


def _body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("Body")
    if isinstance(body, str):
        return body.encode("utf-8", "surrogateescape")
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise reader_failed("The object has no content.")
    return bytes(body)


def _manifested(
    body: bytes, config: Mapping[str, Any], fetch: Fetch, parquet_rows: Rows | None
) -> Iterator[Item]:
    kind = config.get("ManifestType", "S3_INVENTORY")
    if kind == "ATHENA_DATA":
        return _athena(text_of(unpacked(body)), config, fetch, parquet_rows)
    if kind == "S3_INVENTORY":
        return _inventory(text_of(unpacked(body)), fetch, parquet_rows)
    raise reader_failed(f"ManifestType is {kind!r}; it must be ATHENA_DATA or S3_INVENTORY.")


def _athena(text: str, config: Mapping[str, Any], fetch: Fetch, parquet_rows: Rows | None) -> Iterator[Item]:
    """The items of the files of an UNLOAD: its manifest has their addresses, one a line."""
    for line in text.splitlines():
        address = line.strip().strip('"')
        if not address:
            continue
        bucket, _, key = address.removeprefix("s3://").partition("/")
        if not address.startswith("s3://") or not bucket or not key:
            raise reader_failed(f"The manifest names '{address[:200]}', which is no address in S3.")
        yield from _file_items(fetch, bucket, key, config, parquet_rows)


def _inventory(text: str, fetch: Fetch, parquet_rows: Rows | None) -> Iterator[Item]:
    """The objects of an S3 inventory: its manifest.json names the files and their columns."""
    found = documents.collection(text)
    manifest = found if isinstance(found, dict) else {}
    bucket = str(manifest.get("destinationBucket", "")).rpartition(":")[2]
    files = manifest.get("files")
    layout = manifest.get("fileFormat")
    schema = manifest.get("fileSchema")
    if not bucket or not isinstance(files, list):
        raise reader_failed("The manifest is none of an S3 inventory: it has no destinationBucket or files.")
    if layout not in {"CSV", "Parquet"}:
        raise reader_failed(f"The inventory has the format {layout!r}; CSV and Parquet are read.")
    config: dict[str, Any] = {"InputType": "PARQUET"}
    if layout == "CSV":
        headers = [name.strip() for name in str(schema or "").split(",")]
        config = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": headers}
    for entry in files:
        key = entry.get("key") if isinstance(entry, dict) else None
        if not isinstance(key, str):
            raise reader_failed("The manifest of the S3 inventory names a file without a key.")
        yield from _file_items(fetch, bucket, key, config, parquet_rows)


def _parquet(body: bytes, parquet_rows: Rows | None) -> Iterator[Any]:
    if parquet_rows is None:
        raise reader_failed("Parquet cannot be read here.")
    if not body.startswith(b"PAR1"):
        raise reader_failed("The file is no Parquet file.")
    return (_json_value(dict(row)) for row in parquet_rows(body))


def _json_value(value: Any) -> Any:
    """A value of a column as JSON has it: times as ISO 8601, decimals as numbers, bytes as text."""
    if isinstance(value, Mapping):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        return _json_value(float(value)) if value != value.to_integral_value() else int(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    return str(value)
