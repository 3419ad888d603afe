"""Batches of items, and the files of a ResultWriter."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.items.batching import batched
from faaslab.workflow.items.writing import result_files, transformed, write_results

ARN = "arn:aws:states:us-east-1:000000000000:mapRun:machine/Label:1e2f"


def test_batches():
    assert batched([1, 2, 3], {"MaxItemsPerBatch": 2}) == [{"Items": [1, 2]}, {"Items": [3]}]
    assert batched([1], {"MaxItemsPerBatch": 5, "BatchInput": {"a": None}}) == [
        {"BatchInput": {"a": None}, "Items": [1]}
    ]
    assert batched([], {"MaxItemsPerBatch": 5}) == []
    # {"Items":["aaaa","bbbb"]} has 25 bytes.
    assert batched(["aaaa", "bbbb", "c"], {"MaxInputBytesPerBatch": 25}) == [
        {"Items": ["aaaa", "bbbb"]},
        {"Items": ["c"]},
    ]
    assert batched(["aaaa", "bbbb"], {"MaxInputBytesPerBatch": 24}) == [
        {"Items": ["aaaa"]},
        {"Items": ["bbbb"]},
    ]
    assert len(batched(["x" * 100_000] * 5, {"MaxItemsPerBatch": 100})) == 3


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", True, [], float("inf")])
def test_limits_that_are_none(value):
    with pytest.raises(StateFailure, match="must be a whole number greater than 0"):
        batched([1], {"MaxItemsPerBatch": value})


@given(
    st.lists(st.text(max_size=20) | st.integers() | st.lists(st.none(), max_size=3)),
    st.none() | st.integers(1, 5),
    st.none() | st.integers(20, 200),
)
def test_no_item_is_lost_and_no_limit_is_passed(items, most, largest):
    batcher = {"MaxItemsPerBatch": most, "MaxInputBytesPerBatch": largest, "BatchInput": 1}
    batches = batched(items, batcher)
    assert [item for batch in batches for item in batch["Items"]] == items
    for batch in batches:
        assert most is None or len(batch["Items"]) <= most
        size = len(json.dumps(batch, ensure_ascii=False, separators=(",", ":")).encode())
        assert largest is None or size <= largest or len(batch["Items"]) == 1


DONE = {"Name": "one", "Status": "SUCCEEDED", "Input": "1", "Output": "[1,2]"}
BROKEN = {"Name": "two", "Status": "TIMED_OUT", "Input": "2", "Error": "States.Timeout"}
PENDING = {"Name": "three", "Status": "PENDING", "Input": "3"}


def writer(**config):
    return {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": "b", "Prefix": "out/"},
        "WriterConfig": config,
    }


def test_results_are_written_by_status():
    stored = {}
    details = write_results(
        writer(), ARN, [DONE, BROKEN, PENDING], lambda bucket, key, body: stored.update({(bucket, key): body})
    )
    assert details == {"Bucket": "b", "Key": "out/1e2f/manifest.json"}
    manifest = json.loads(stored["b", "out/1e2f/manifest.json"])
    sizes = {key: len(body) for (_, key), body in stored.items()}
    assert manifest == {
        "DestinationBucket": "b",
        "MapRunArn": ARN,
        "ResultFiles": {
            kind: [{"Key": f"out/1e2f/{kind}_0.json", "Size": sizes[f"out/1e2f/{kind}_0.json"]}]
            for kind in ("FAILED", "PENDING", "SUCCEEDED")
        },
    }
    assert list(stored)[-1] == ("b", "out/1e2f/manifest.json")
    assert json.loads(stored["b", "out/1e2f/SUCCEEDED_0.json"]) == [
        {
            "ExecutionArn": "arn:aws:states:us-east-1:000000000000:execution:machine/Label:one",
            "Input": "1",
            "InputDetails": {"Included": True},
            "Name": "one",
            "Output": "[1,2]",
            "OutputDetails": {"Included": True},
            "RedriveCount": 0,
            "RedriveStatus": "NOT_REDRIVABLE",
            "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
            "StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:machine/Label",
            "Status": "SUCCEEDED",
        }
    ]


def test_transformations():
    other = {**DONE, "Output": '{"a":null}'}
    assert transformed([DONE, other], {"Transformation": "COMPACT"}, ARN) == [[1, 2], {"a": None}]
    assert transformed([DONE, other], {"Transformation": "FLATTEN"}, ARN) == [1, 2, {"a": None}]
    (record,) = transformed([BROKEN], {"Transformation": "FLATTEN"}, ARN)
    assert record["Error"] == "States.Timeout"
    with pytest.raises(StateFailure, match="must be NONE, COMPACT or FLATTEN"):
        transformed([], {"Transformation": "x"}, ARN)


def test_json_lines_and_parts():
    _, files = result_files(writer(OutputType="JSONL", Transformation="FLATTEN"), ARN, [DONE, DONE])
    assert files[0].body == b"1\n2\n1\n2\n"
    _, files = result_files(writer(Transformation="FLATTEN"), ARN, [DONE, DONE], largest=8)
    assert [(file.key, file.body) for file in files[:-1]] == [
        ("out/1e2f/SUCCEEDED_0.json", b"[1,2,1]"),
        ("out/1e2f/SUCCEEDED_1.json", b"[2]"),
    ]


def test_no_results_are_a_manifest_alone():
    _, (manifest,) = result_files({"Arguments": {"Bucket": "b"}}, ARN, [])
    assert manifest.key == "1e2f/manifest.json"
    assert json.loads(manifest.body)["ResultFiles"] == {"FAILED": [], "PENDING": [], "SUCCEEDED": []}


def test_a_writer_without_a_bucket_is_refused():
    with pytest.raises(StateFailure, match="needs a Bucket") as failed:
        result_files({"Parameters": {}}, ARN, [])
    assert failed.value.error == "States.ResultWriterFailed"
