"""A distributed Map reads its items from the real embedded S3 and writes its results there."""

import dataclasses
import json
import time
import uuid
from collections import Counter

import duckdb
import pytest

from faaslab.cloud import extra
from faaslab.errors import InvalidValue, NotFound
from faaslab.store import parquet
from tests.lab.workflow_cases import machine, types

pytestmark = pytest.mark.skipif(not extra.installed(), reason="needs faaslab[cloud]")
READ = "arn:aws:states:::s3:getObject"


@pytest.fixture(scope="module")
def lab(cloud_lab):
    cloud_lab.cloud.client("s3").create_bucket(Bucket="items")
    return cloud_lab


def put(lab, key, body):
    lab.cloud.client("s3").put_object(Bucket="items", Key=key, Body=body)


def mapped(lab, given=None, **fields):
    name = f"m-{uuid.uuid4().hex[:12]}"
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        **machine(P={"Type": "Pass", "End": True}),
    }
    flow = machine(M={"Type": "Map", "Label": "All", "ItemProcessor": processor, "End": True, **fields})
    lab.workflows.create(name, flow)
    run = lab.workflows.start(name, given)
    run.wait(120)
    return run


def reader(key, **config):
    return {"Resource": READ, "Parameters": {"Bucket": "items", "Key": key}, "ReaderConfig": config}


def test_items_come_from_csv_json_lines_and_parquet(lab, tmp_path):
    put(lab, "a.csv", "n,name\n1,one\n2,two\n")
    csv = mapped(lab, ItemReader=reader("a.csv", InputType="CSV", CSVHeaderLocation="FIRST_ROW"))
    assert csv.output == [{"n": "1", "name": "one"}, {"n": "2", "name": "two"}]
    put(lab, "a.jsonl", '{"n": 1}\n{"n": 2}\n{"n": 3}\n')
    assert mapped(lab, ItemReader=reader("a.jsonl", InputType="JSONL", MaxItems=2)).output == [
        {"n": 1},
        {"n": 2},
    ]
    duckdb.sql(
        f"COPY (SELECT 1 AS n, 'ü' AS s UNION ALL SELECT 2, NULL ORDER BY n) TO '{tmp_path / 'a.parquet'}' (FORMAT parquet)"
    )
    put(lab, "a.parquet", (tmp_path / "a.parquet").read_bytes())
    assert mapped(lab, ItemReader=reader("a.parquet", InputType="PARQUET")).output == [
        {"n": 1, "s": "ü"}, {"n": 2, "s": None},
    ]  # fmt: skip


def test_items_know_the_file_that_they_are_from(lab):
    put(lab, "pairs/1.json", '{"a": 1}')
    put(lab, "pairs/2.json", "[2]")
    listing = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": "items", "Prefix": "pairs/"},
        "ReaderConfig": {"InputType": "JSON", "Transformation": "LOAD_AND_FLATTEN"},
    }
    selector = {"value.$": "$$.Map.Item.Value", "from.$": "$$.Map.Item.Source"}
    assert mapped(lab, ItemReader=listing, ItemSelector=selector).output == [
        {"value": 1, "from": "s3://items/pairs/1.json"},
        {"value": 2, "from": "s3://items/pairs/2.json"},
    ]
    assert mapped(lab, ItemReader=listing).output == [{"Key": "a", "Value": 1}, 2]
    named = {"key.$": "$$.Map.Item.Key", "from.$": "$$.Map.Item.Source"}
    assert mapped(lab, {"of": {"a": 1}}, ItemsPath="$.of", ItemSelector=named).output == [
        {"key": "a", "from": "STATE_DATA"}
    ]


def test_a_listing_is_items(lab):
    for n in range(3):
        put(lab, f"listed/{n}", "x" * n)
    listing = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": "items", "Prefix": "listed/"},
    }
    run = mapped(lab, ItemReader=listing)
    assert [(item["Key"], item["Size"]) for item in run.output] == [(f"listed/{n}", n) for n in range(3)]
    assert [kind for kind in types(run) if kind.startswith("Map")] == [
        "MapStateStarted", "MapRunStarted", "MapRunSucceeded", "MapStateSucceeded",
    ]  # fmt: skip


def test_what_cannot_be_read_fails_the_state(lab):
    error = mapped(lab, ItemReader=reader("nothing.json", InputType="JSON")).error
    assert error.error == "States.ItemReaderFailed"
    assert "s3://items/nothing.json" in error.cause
    put(lab, "wrong.parquet", b"PAR1 and nothing of it")
    assert (
        mapped(lab, ItemReader=reader("wrong.parquet", InputType="PARQUET")).error.error
        == "States.ItemReaderFailed"
    )


def test_results_are_written_with_a_manifest(lab):
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "items", "Prefix": "out"}}
    run = mapped(lab, [1, 2, 3], ResultWriter=writer)
    details = run.output["ResultWriterDetails"]
    s3 = lab.cloud.client("s3")
    manifest = json.load(s3.get_object(Bucket=details["Bucket"], Key=details["Key"])["Body"])
    (file,) = manifest["ResultFiles"]["SUCCEEDED"]
    written = json.load(s3.get_object(Bucket="items", Key=file["Key"])["Body"])
    assert [json.loads(each["Output"]) for each in written] == [1, 2, 3]
    gone = {**writer, "Parameters": {"Bucket": "no-such-bucket"}}
    assert mapped(lab, [1], ResultWriter=gone).error.error == "States.ResultWriterFailed"


def test_a_map_run_is_described_and_its_children_are_listed(lab):
    run = mapped(lab, [1, 2, 3])
    (map_run,) = lab.workflows.map_runs.list(run.arn)
    assert map_run == lab.workflows.map_runs.get(map_run.id)
    assert (map_run.status, map_run.state, map_run.execution_id) == ("SUCCEEDED", "M", run.arn)
    assert map_run.item_counts["succeeded"] == map_run.execution_counts["total"] == 3
    children = lab.workflows.executions(map_run=map_run.id)
    assert sorted(json.loads(child.output) for child in children) == [1, 2, 3]
    assert all(child.parent == run.arn for child in children)
    with pytest.raises(InvalidValue, match="not running"):
        lab.workflows.map_runs.update(map_run.id, max_concurrency=2)
    with pytest.raises(InvalidValue):
        lab.workflows.map_runs.update(map_run.id, tolerated_failure_percentage=101)
    with pytest.raises(NotFound) as refused:
        lab.workflows.map_runs.get(map_run.id + "x")
    assert refused.value.code == "ResourceNotFound"


@pytest.mark.parametrize("batcher", [None, {"MaxItemsPerBatch": 2}])
@pytest.mark.parametrize("broken", [False, True])
def test_a_map_run_whose_process_died_before_it_noted_the_end_has_ended(lab, broken, batcher):
    more = {} if batcher is None else {"ItemBatcher": batcher}
    if broken:
        failing = {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            **machine(F={"Type": "Fail", "Error": "Broken"}),
        }
        more["ItemProcessor"] = failing
    run = mapped(lab, [1, 2, 3], **more)
    (ended,) = lab.workflows.map_runs.list(run.arn)
    assert ended.status == ("FAILED" if broken else "SUCCEEDED")

    def unfinished(counts):
        zeros = dict.fromkeys(counts, 0)
        return {**zeros, "pending": counts["total"], "total": counts["total"]}

    lab.store.map_runs.put(
        dataclasses.replace(
            ended,
            status="RUNNING",
            ended_at=None,
            item_counts=unfinished(ended.item_counts),
            execution_counts=unfinished(ended.execution_counts),
        )
    )
    found = lab.workflows.map_runs.get(ended.id)
    assert found.status == ended.status
    children = Counter(child.status.value for child in lab.workflows.executions(map_run=ended.id))
    assert (found.execution_counts["succeeded"], found.execution_counts["failed"]) == (
        children["SUCCEEDED"],
        children["FAILED"],
    )
    assert found.execution_counts["total"] == ended.execution_counts["total"]
    assert (found.execution_counts["pending"], found.item_counts["pending"]) == (0, 0)
    assert found.item_counts["total"] == 3
    assert found.ended_at is not None
    assert lab.store.map_runs.get(ended.id) == found
    with pytest.raises(InvalidValue, match="not running"):
        lab.workflows.map_runs.update(ended.id, max_concurrency=2)


def test_a_map_run_that_runs_is_held_to_other_limits(lab):
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        **machine(W={"Type": "Wait", "Seconds": 3600, "End": True}),
    }
    flow = machine(
        M={"Type": "Map", "Label": "All", "MaxConcurrency": 1, "ItemProcessor": processor, "End": True}
    )
    lab.workflows.create("held", flow)
    run = lab.workflows.start("held", [1, 2, 3])
    (map_run,) = lab.workflows.map_runs.list(run.arn)
    assert (map_run.status, map_run.max_concurrency) == ("RUNNING", 1)
    assert (map_run.execution_counts["running"], map_run.execution_counts["pending"]) == (1, 2)
    lab.workflows.map_runs.update(map_run.id, max_concurrency=3)
    deadline = time.monotonic() + 30
    while len(lab.workflows.executions(map_run=map_run.id, status="RUNNING")) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    changed = lab.workflows.map_runs.get(map_run.id)
    assert (changed.max_concurrency, changed.execution_counts["running"]) == (3, 3)
    run.stop()
    for child in lab.workflows.executions(map_run=map_run.id):
        assert lab.workflows.run(child.id).wait(30).status.value == "ABORTED"


def test_rows_of_a_parquet_file_are_objects():
    with pytest.raises(InvalidValue, match="cannot be read"):
        list(parquet.rows(b"PAR1"))
