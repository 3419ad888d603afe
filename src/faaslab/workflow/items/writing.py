"""What a ResultWriter writes: a manifest and the files it names, one kind a status.

The caller hands in `put(bucket, key, body)`, which raises `StateFailure` (`States.ResultWriterFailed`) where
S3 refuses. A result is what `WriteResults` has of a child: Name, Status, Input and Output as JSON texts,
Error and Cause; what else it has (StartDate, StopDate, RedriveCount) is written as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from faaslab.workflow.failure import StateFailure

Put = Callable[[str, str, bytes], None]
WRITER_FAILED = "States.ResultWriterFailed"
LARGEST_FILE = 5 * 1024**3


@dataclass(frozen=True, slots=True)
class File:
    """A file to put: its key in the bucket, and its bytes."""

    key: str
    body: bytes


def write_results(
    writer: Mapping[str, Any], map_run_arn: str, results: Sequence[Mapping[str, Any]], put: Put
) -> dict[str, str]:
    """Put all files, the manifest last; the ResultWriterDetails: its Bucket and Key.

    Raises:
        StateFailure: `States.ResultWriterFailed`.

    """
    bucket, files = result_files(writer, map_run_arn, results)
    for file in files:
        put(bucket, file.key, file.body)
    return {"Bucket": bucket, "Key": files[-1].key}


def result_files(
    writer: Mapping[str, Any],
    map_run_arn: str,
    results: Sequence[Mapping[str, Any]],
    largest: int = LARGEST_FILE,
) -> tuple[str, tuple[File, ...]]:
    """The bucket and the files, the manifest last.

    Keys are `PREFIX/ID/SUCCEEDED_0.json` and so on, with the identifier of the map run. A file ends at
    `largest` bytes and the next one begins.

    Raises:
        StateFailure: `States.ResultWriterFailed`: no bucket, or a WriterConfig that is none.

    """
    parameters = writer.get("Parameters", writer.get("Arguments")) or {}
    bucket = parameters.get("Bucket") if isinstance(parameters, Mapping) else None
    prefix = parameters.get("Prefix", "") if isinstance(parameters, Mapping) else ""
    if not isinstance(bucket, str) or not bucket or not isinstance(prefix, str):
        raise StateFailure(WRITER_FAILED, "ResultWriter needs a Bucket, and a Prefix that is a string.")
    config = writer.get("WriterConfig") or {}
    form = config.get("OutputType", "JSON")
    if form not in {"JSON", "JSONL"}:
        raise StateFailure(WRITER_FAILED, f"OutputType is {form!r}; it must be JSON or JSONL.")
    folder = "/".join(part for part in (prefix.strip("/"), map_run_arn.rpartition(":")[2]) if part)
    entries: dict[str, list[str]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for result in results:
        status = result.get("Status")
        kind = str(status) if status in {"SUCCEEDED", "PENDING"} else "FAILED"
        entries[kind] += (_text(entry) for entry in transformed([result], config, map_run_arn))
    files: list[File] = []
    named: dict[str, list[dict[str, Any]]] = {kind: [] for kind in entries}
    for kind, texts in entries.items():
        for number, body in enumerate(_bodies(texts, form, largest)):
            file = File(f"{folder}/{kind}_{number}.json", body)
            files.append(file)
            named[kind].append({"Key": file.key, "Size": len(body)})
    manifest = {"DestinationBucket": bucket, "MapRunArn": map_run_arn, "ResultFiles": named}
    return bucket, (*files, File(f"{folder}/manifest.json", _text(manifest).encode()))


def transformed(
    results: Sequence[Mapping[str, Any]], config: Mapping[str, Any], map_run_arn: str
) -> list[Any]:
    """The entries for results, as the Transformation says.

    NONE (the default): records of executions. COMPACT: the outputs. FLATTEN: the outputs, arrays among them
    opened. A child that did not succeed is a record always.

    Raises:
        StateFailure: `States.ResultWriterFailed`: there is no such Transformation.

    """
    how = config.get("Transformation", "NONE")
    if how not in {"NONE", "COMPACT", "FLATTEN"}:
        raise StateFailure(WRITER_FAILED, f"Transformation is {how!r}; it must be NONE, COMPACT or FLATTEN.")
    entries: list[Any] = []
    for result in results:
        if how == "NONE" or result.get("Status") != "SUCCEEDED":
            entries.append(_record(result, map_run_arn))
            continue
        output = json.loads(result.get("Output") or "null")
        if how == "FLATTEN" and isinstance(output, list):
            entries += output
        else:
            entries.append(output)
    return entries


def _record(result: Mapping[str, Any], map_run_arn: str) -> dict[str, Any]:
    """What DescribeExecution tells of a child, as Step Functions writes it to the file."""
    parts = map_run_arn.split(":")
    status = result.get("Status")
    record: dict[str, Any] = {}
    if len(parts) == 8:
        machine = ":".join((*parts[:5], "{}", parts[6]))
        record["StateMachineArn"] = machine.format("stateMachine")
        if status != "PENDING":
            record["ExecutionArn"] = f"{machine.format('execution')}:{result.get('Name')}"
    if "Input" in result:
        record["InputDetails"] = {"Included": True}
    if "Output" in result:
        record["OutputDetails"] = {"Included": True}
    if status == "SUCCEEDED":
        record["RedriveCount"] = 0
        record["RedriveStatus"] = "NOT_REDRIVABLE"
        record["RedriveStatusReason"] = "Execution is SUCCEEDED and cannot be redriven"
    for name, value in result.items():
        record[name] = _instant(value) if isinstance(value, datetime) else value
    return {name: record[name] for name in sorted(record)}


def _instant(value: datetime) -> str:
    return value.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _bodies(texts: Sequence[str], form: str, largest: int) -> Iterator[bytes]:
    """The contents of the files that hold the entries, none where there are none."""
    between, around = (b",", 2) if form == "JSON" else (b"\n", 0)
    held: list[bytes] = []
    size = around
    for text in texts:
        entry = text.encode("utf-8", "surrogatepass")
        if held and size + len(entry) + 1 > largest:
            yield _body(held, form, between)
            held, size = [], around
        held.append(entry)
        size += len(entry) + 1
    if held:
        yield _body(held, form, between)


def _body(entries: list[bytes], form: str, between: bytes) -> bytes:
    joined = between.join(entries)
    return b"[" + joined + b"]" if form == "JSON" else joined + b"\n"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
