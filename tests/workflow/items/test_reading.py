"""Items of Map states, read from files of S3."""

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.items import reading, separated, texts
from faaslab.workflow.items.item import Item, taken, told
from faaslab.workflow.items.separated import records
from tests.recorded import cases, needed

CASES = [case for case in cases("execution") if "ItemReader" in case["features"]]
GET = "arn:aws:states:::s3:getObject"
LIST = "arn:aws:states:::s3:listObjectsV2"


def files(**bodies):
    def fetch(operation, parameters):
        assert operation == "getObject"
        body = bodies[parameters["Key"].replace("/", "_").replace(".", "_")]
        return {"Body": body if isinstance(body, bytes) else body.encode()}

    return fetch


def given_of(items):
    return [item.given for item in items]


def read(body, **config):
    reader = {"Resource": GET, "Parameters": {"Bucket": "b", "Key": "file"}, "ReaderConfig": config}
    return given_of(reading.read_items(reader, files(file=body)))


def refused(body, **config):
    with pytest.raises(StateFailure) as failed:
        read(body, **config)
    assert failed.value.error == "States.ItemReaderFailed"
    return failed.value.cause


@needed
def test_recorded_readers():
    """Each of AWS's runs has one Map, whose children give their item back."""
    assert len(CASES) == 7
    for case in CASES:
        (state,) = [state for state in case["definition"]["States"].values() if "ItemReader" in state]
        config = dict(state["ItemReader"].get("ReaderConfig", {}))
        if isinstance(config.get("MaxItems"), str):
            config["MaxItems"] = 2  # what the expression of that case gives
        (stored,) = case["s3_objects"]
        if case["expected"]["status"] == "FAILED":
            assert refused(stored["body"], **config) == case["expected"]["cause"]
        else:
            assert read(stored["body"], **config) == case["expected"]["output"], case["id"]


CSV = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
GIVEN = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN"}


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a,b", [["a", "b"]]),
        ("a,b\r\nc,\r\n", [["a", "b"], ["c", ""]]),
        ("a\n\n\nb", [["a"], ["b"]]),
        ('"a,b",c', [["a,b", "c"]]),
        ('"a\nb",c\nd', [["a\nb", "c"], ["d"]]),
        ('"say ""hi""",x', [['say "hi"', "x"]]),
        ('""', [[""]]),
        ('"",x', [["", "x"]]),
        ('""""', [['"']]),
        ('"""a"""', [['"a"']]),
        ('{""MyKey"":""MyValue""},x', [['{"MyKey":"MyValue"}', "x"]]),
        ('""a"",x', [['"a"', "x"]]),
        ('5" pipe,x\ny', [['5" pipe', "x"], ["y"]]),
        ("a\\,b,c", [["a,b", "c"]]),
        ('a\\"b,c', [['a"b', "c"]]),
        ("a\\\\b", [["a\\b"]]),
        ("a\\nb", [["anb"]]),
        ("ends\\", [["ends"]]),
        ('"open', [["open"]]),
        (" a , b ", [[" a ", " b "]]),
    ],
)
def test_fields(text, fields):
    assert list(records(text, ",")) == fields


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), min_size=1),
            min_size=1,
        ),
        min_size=1,
    )
)
def test_what_is_quoted_is_read_back(rows):
    def quoted(field):
        return '"' + field.replace("\\", "\\\\").replace('"', '""') + '"'

    text = "\n".join(",".join(map(quoted, row)) for row in rows)
    assert list(records(text, ",")) == rows


def test_csv():
    assert read("\ufeffa,b\n1\n2,3,4\n", **CSV) == [{"a": "1", "b": ""}, {"a": "2", "b": "3"}]
    assert read("1|2\n", **GIVEN, CSVHeaders=["x", "y"], CSVDelimiter="PIPE") == [{"x": "1", "y": "2"}]
    for name, mark in {"SEMICOLON": ";", "SPACE": " ", "TAB": "\t", "COMMA": ","}.items():
        assert read(f"a{mark}b\n1{mark}2", **CSV, CSVDelimiter=name) == [{"a": "1", "b": "2"}]
    assert read("a\n1\n2\n3", **CSV, MaxItems=2) == [{"a": "1"}, {"a": "2"}]
    assert read("a\n", **CSV) == []


@pytest.mark.parametrize(
    ("body", "config", "cause"),
    [
        ("a,a\n", CSV, "CSV headers cannot contain duplicates."),
        ("", CSV, "The CSV file is empty: it has no row of headers."),
        ("a", GIVEN, "CSVHeaders must be a list of strings when CSVHeaderLocation is GIVEN."),
        ("a", {**CSV, "CSVDelimiter": "X"}, "CSVDelimiter is 'X'; it must be one of COMMA, PIPE, SEMICOLON, SPACE, TAB."),
        ("a", {**CSV, "CSVDelimiter": []}, "CSVDelimiter is []; it must be one of COMMA, PIPE, SEMICOLON, SPACE, TAB."),
        ("x" * 11_000, CSV, "The CSV headers are larger than 10 KiB."),
        ("1", {"InputType": "JSON"}, "Attempting to map over non-iterable node."),
        ('"text"', {"InputType": "JSON"}, "Attempting to map over non-iterable node."),
        ("[NaN]", {"InputType": "JSON"}, "The file is no valid JSON: NaN is no JSON."),
        ("[" * 200_000, {"InputType": "JSON"}, "The file is no valid JSON: it nests too deeply."),
        ('{"a": 1}', {"InputType": "JSON", "ItemsPointer": "/b"}, "ItemsPointer '/b' leads to nothing in the file."),
        ('{"a": 1}', {"InputType": "JSON", "ItemsPointer": "a"}, "ItemsPointer 'a' is no JSON pointer: it must begin with '/'."),
        (b"\xff\xfea\0", CSV, "The file is not UTF-8: invalid byte at position 0."),
        (b"a\0b", CSV, "The file is no text: it has a NUL character at position 1."),
        (b"\x1f\x8bnothing", CSV, "The file is no valid gzip file: Error -3 while decompressing data: unknown compression method."),
        (gzip.compress(b"a\n1")[:-9], CSV, "The gzip file ends too early."),
        (b"\x28\xb5\x2f\xfd", CSV, "The file is compressed with zstd, which is not read here: use gzip."),
        ("a", {}, "InputType is None; it must be one of CSV, JSON, JSONL, MANIFEST, PARQUET."),
        ("[1]", {"InputType": "JSON", "MaxItems": -1}, "MaxItems is -1; it must be a whole number that is not negative."),
        ("[1]", {"InputType": "JSON", "MaxItems": "2"}, "MaxItems is '2'; it must be a whole number that is not negative."),
        (b"x", {"InputType": "PARQUET"}, "Parquet cannot be read here."),
    ],
)  # fmt: skip
def test_refusals(body, config, cause):
    assert refused(body, **config) == cause


def test_a_file_that_is_bad_in_a_line_names_it():
    assert refused('{"a": 1}\n{"a": }\n', InputType="JSONL").startswith(
        "Row 2 is no valid JSON: Expecting value"
    )


def test_a_bomb_is_not_unpacked():
    bomb = gzip.compress(b"0" * 3_000_000)
    with pytest.raises(StateFailure, match="more than 1,000,000 bytes when it is unpacked"):
        texts.unpacked(bomb, 1_000_000)
    with pytest.raises(StateFailure, match="at most 10 are read"):
        texts.unpacked(b"0" * 11, 10)


def test_a_line_without_end_is_refused(monkeypatch):
    for config in (CSV, {"InputType": "JSONL"}):
        assert "longer than 8,388,608 characters" in refused("1\n" + "x" * 9_000_000, **config)
    monkeypatch.setattr(separated, "LONGEST_LINE", 100_000)  # a row in quotes is read letter by letter
    assert "longer than 100,000" in refused('a\n"' + "x\n" * 60_000, **CSV)


def test_json():
    assert read("[1, null]", InputType="JSON") == [1, None]
    assert read('{"a": {"b/c": [[7, 8]]}}', InputType="JSON", ItemsPointer="/a/b~1c/0") == [7, 8]
    assert read('{"x": 1, "y": [2]}', InputType="JSON") == [
        {"Key": "x", "Value": 1},
        {"Key": "y", "Value": [2]},
    ]
    assert read('{"a": 1}\r\n\n  \n[2]\n', InputType="JSONL") == [{"a": 1}, [2]]
    packed = gzip.compress(b"1\n") + gzip.compress(b"2\n")
    assert read(packed, InputType="JSONL") == [1, 2]


def test_parquet_rows_become_json():
    row = {
        "at": datetime(2026, 1, 2, 3), "day": date(2026, 1, 2), "price": Decimal("1.5"), "n": Decimal(3),
        "raw": b"a", "nothing": None, "odd": float("nan"), "in": [{"x": (1, 2)}],
    }  # fmt: skip
    reader = {
        "Resource": GET,
        "Parameters": {"Bucket": "b", "Key": "file"},
        "ReaderConfig": {"InputType": "PARQUET"},
    }
    assert given_of(reading.read_items(reader, files(file=b"PAR1..."), lambda _: iter([row]))) == [
        {
            "at": "2026-01-02T03:00:00", "day": "2026-01-02", "price": 1.5, "n": 3, "raw": "a", "nothing": None,
            "odd": None, "in": [{"x": [1, 2]}],
        }
    ]  # fmt: skip
    with pytest.raises(StateFailure, match="no Parquet file"):
        reading.read_items(reader, files(file=b"x"), lambda _: [])


def listing(*pages):
    asked = []

    def fetch(operation, parameters):
        if operation == "getObject":
            return {"Body": json.dumps([parameters["Key"], parameters["Bucket"]]).encode()}
        asked.append(dict(parameters))
        return pages[len(asked) - 1]

    return fetch, asked


def entry(key, size=1):
    return {
        "Key": key,
        "ETag": '"e"',
        "LastModified": datetime(2026, 9, 12, tzinfo=UTC),
        "Size": size,
        "StorageClass": "STANDARD",
    }


def test_a_listing_is_read_to_its_end():
    fetch, asked = listing(
        {"Contents": [entry("a/"), entry("a/1")], "IsTruncated": True, "NextContinuationToken": "t"},
        {"Contents": [entry("a/2")], "IsTruncated": False},
    )
    reader = {"Resource": LIST, "Arguments": {"Bucket": "b", "Prefix": "a"}}
    items = reading.read_items(reader, fetch)
    assert {item.source for item in items} == {"s3://b"}
    found = given_of(items)
    assert [item["Key"] for item in found] == ["a/", "a/1", "a/2"]
    assert found[1] == {
        "Key": "a/1",
        "Etag": '"e"',
        "LastModified": 1789171200.0,
        "Size": 1,
        "StorageClass": "STANDARD",
    }
    assert asked == [
        {"Bucket": "b", "Prefix": "a"},
        {"Bucket": "b", "Prefix": "a", "ContinuationToken": "t"},
    ]
    assert reading.read_items(reader, listing({})[0]) == []


def test_a_listing_is_read_no_further_than_asked():
    fetch, asked = listing(
        {"Contents": [entry("1"), entry("2")], "IsTruncated": True, "NextContinuationToken": "t"}
    )
    reader = {"Resource": LIST, "Parameters": {"Bucket": "b"}, "ReaderConfig": {"MaxItems": 1}}
    assert [item.value["Key"] for item in reading.read_items(reader, fetch)] == ["1"]
    assert len(asked) == 1


def test_the_files_of_a_listing_are_loaded_and_flattened():
    fetch, _ = listing({"Contents": [entry("f/", 0), entry("f/1"), entry("f/2")]})
    reader = {
        "Resource": LIST,
        "Parameters": {"Bucket": "b"},
        "ReaderConfig": {"InputType": "JSON", "Transformation": "LOAD_AND_FLATTEN"},
    }
    assert reading.read_items(reader, fetch) == [
        Item("f/1", "s3://b/f/1"), Item("b", "s3://b/f/1"), Item("f/2", "s3://b/f/2"), Item("b", "s3://b/f/2"),
    ]  # fmt: skip


def test_an_item_knows_its_file_and_its_name_in_an_object():
    assert reading.read_items(
        {
            "Resource": GET,
            "Arguments": {"Bucket": "b", "Key": "in/file.json"},
            "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/a"},
        },
        files(in_file_json='{"a": {"x": 1, "y": [2]}}'),
    ) == [Item(1, "s3://b/in/file.json", "x"), Item([2], "s3://b/in/file.json", "y")]
    (row,) = reading.read_items(
        {
            "Resource": GET,
            "Parameters": {"Bucket": "b", "Key": "athena.csv"},
            "ReaderConfig": {"InputType": "JSONL", "ManifestType": "ATHENA_DATA"},
        },
        files(athena_csv="s3://out/part\n", part="{}"),
    )
    assert row.source == "s3://out/part"


ITEMS = st.builds(
    Item,
    st.none() | st.integers() | st.text(),
    st.sampled_from([None, "STATE_DATA", "s3://b/1", "s3://b/2"]),
    st.none() | st.text(),
)


@given(st.lists(ITEMS))
def test_items_that_are_kept_are_taken_up_as_they_were(items):
    assert taken(json.loads(json.dumps(told(items))), "elsewhere") == items


def test_items_that_an_older_version_kept_are_taken_up():
    assert taken([1, "a"], "s3://b/k") == [Item(1, "s3://b/k"), Item("a", "s3://b/k")]
    assert taken("no list", None) is None


def test_an_older_version_of_a_parquet_file_is_not_read():
    reader = {
        "Resource": GET,
        "Parameters": {"Bucket": "b", "Key": "file", "VersionId": "1"},
        "ReaderConfig": {"InputType": "PARQUET"},
    }
    with pytest.raises(StateFailure, match="VersionId is not supported for a Parquet file"):
        reading.read_items(reader, files(file=b"PAR1"), lambda _: [])


def test_manifests():
    inventory = {
        "destinationBucket": "arn:aws:s3:::dest",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size",
        "files": [{"key": "data/1.csv.gz"}],
    }
    stored = files(
        inventory_json=json.dumps(inventory),
        data_1_csv_gz=gzip.compress(b'"b","k1","10"\n"b","k2","11"\n'),
        athena_csv="s3://out/part_1\ns3://out/part_2\n",
        part_1=gzip.compress(b'{"a":1}\n'),
        part_2=b'{"a":2}\n',
    )

    def items(key, **config):
        return given_of(
            reading.read_items(
                {"Resource": GET, "Parameters": {"Bucket": "b", "Key": key}, "ReaderConfig": config}, stored
            )
        )

    rows = [{"Bucket": "b", "Key": "k1", "Size": "10"}, {"Bucket": "b", "Key": "k2", "Size": "11"}]
    assert items("inventory.json", InputType="MANIFEST") == rows
    assert items("inventory.json", ManifestType="S3_INVENTORY", MaxItems=1) == rows[:1]
    assert items("athena.csv", ManifestType="ATHENA_DATA", InputType="JSONL") == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("body", "config", "cause"),
    [
        (
            "[]",
            {"InputType": "MANIFEST"},
            "The manifest is none of an S3 inventory: it has no destinationBucket or files.",
        ),
        (
            '{"destinationBucket": "b", "files": [], "fileFormat": "ORC"}',
            {"InputType": "MANIFEST"},
            "The inventory has the format 'ORC'; CSV and Parquet are read.",
        ),
        ("x", {"ManifestType": "OTHER"}, "ManifestType is 'OTHER'; it must be ATHENA_DATA or S3_INVENTORY."),
        (
            "http://x",
            {"ManifestType": "ATHENA_DATA", "InputType": "CSV"},
            "The manifest names 'http://x', which is no address in S3.",
        ),
    ],
)
def test_manifests_that_are_none(body, config, cause):
    assert refused(body, **config) == cause


@given(st.binary(max_size=60), st.sampled_from(["CSV", "JSON", "JSONL", "MANIFEST", "PARQUET", "X"]))
def test_any_bytes_give_items_or_a_failure(body, kind):
    config = {"InputType": kind, "CSVHeaderLocation": "FIRST_ROW"}
    try:
        items = read(body, **config)
    except StateFailure as failure:
        items = [failure.cause]
    json.dumps(items, allow_nan=False)
