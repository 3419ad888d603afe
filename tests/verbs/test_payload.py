"""What stands after -p and after map NAME."""

import pytest

from faaslab.errors import InvalidValue, NotFound, RequestError
from faaslab.verbs.payload import inputs, named, payload
from tests.verbs.faces import KeptFace


def test_every_form_of_a_payload(tmp_path):
    path = tmp_path / "e.json"
    path.write_text('\ufeff{"a": 1}', "utf-8")
    face = KeptFace(stdin=b"[1, 2]", event={"x": object})
    assert payload(None, face) == {}
    assert payload('{"x": [1, null]}', face) == {"x": [1, None]}
    assert payload("-5", face) == -5
    assert payload("{event}", face) == {"x": object}
    assert payload("{}", face) == {}
    assert payload(f"@{path}", face) == {"a": 1}
    assert payload("-", face) == [1, 2]
    assert payload("sample:sqs", face)["Records"][0]["eventSource"] == "aws:sqs"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"x": }', "-p: not JSON at line 1 column 7, near '{\"x\": }'"),
        ("{x: 4}", "put JSON between single quotes"),
        ("[{x:1},{x:2}]", "put JSON between single quotes: '[{"),
        ("event", "{event} is the variable of that name"),
        ("NaN", "NaN is not JSON"),
        ("", "not JSON at line 1 column 1"),
        ("[" * 100_000, "nested too deeply"),
        ("@/no/such/file", "cannot read '/no/such/file'"),
        (
            "-",
            "standard input: not UTF-8 at byte 1: Could not parse request body into json: Invalid UTF-8 start byte 0xff",
        ),
        (
            '{"k":"\udcff"}',
            "-p: not UTF-8 at byte 6: Could not parse request body into json: Invalid UTF-8 start byte 0xff",
        ),
        ('{"k":"\ud800"}', "half a character"),
        ("@/dev/zero", "-p: cannot read '/dev/zero': a device, a pipe or a socket is no regular file"),
        ("sample:sq", "no sample event is named 'sq' (did you mean 'sqs'?)"),
        ("sample:", "there are: alarm, api, cognito, "),
        ("@/", "cannot read '/': Is a directory"),
    ],
)
def test_what_is_no_json_is_named_by_its_place(text, said):
    with pytest.raises(RequestError) as caught:
        payload(text, KeptFace(stdin=b"a\xff"))
    assert said in str(caught.value)


def test_no_more_is_read_than_lambda_takes(tmp_path):
    large = tmp_path / "large.json"
    large.write_bytes(b"[" + b" " * 6_300_000 + b"]")
    with pytest.raises(InvalidValue, match="has more than 6,295,552 bytes"):
        payload(f"@{large}", KeptFace())
    with pytest.raises(InvalidValue, match=r"standard input: has more than 6,295,552 bytes"):
        payload("-", KeptFace(stdin=large.read_bytes()))
    assert inputs(str(large), KeptFace()) == []


def test_one_object_is_no_collection():
    with pytest.raises(InvalidValue, match="one object is no collection of inputs"):
        inputs('{"a": 1}', KeptFace())


def test_an_unknown_variable_is_named_with_the_nearest():
    with pytest.raises(NotFound, match="did you mean 'event'"):
        payload("{evnt}", KeptFace(event=1))


def test_every_form_of_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_text("[1, 2]")
    (tmp_path / "one.json").write_text('{"a":\n 1}')
    (tmp_path / "lines.jsonl").write_text('{"a": 1}\n\n{"a": 2}\n')
    (tmp_path / "empty.jsonl").write_text("\n")
    face = KeptFace(df=[7], stdin=b"1\n2\n")
    assert inputs("df", face) == [7]
    assert inputs("{df}", face) == [7]
    assert inputs("range(2, 5)", face) == range(2, 5)
    assert inputs("[1, 2]", face) == [1, 2]
    assert inputs("a.json", face) == [1, 2]
    assert inputs("@a.json", face) == [1, 2]
    assert inputs("one.json", face) == [{"a": 1}]
    assert inputs("lines.jsonl", face) == [{"a": 1}, {"a": 2}]
    assert inputs("empty.jsonl", face) == []
    assert inputs("-", face) == [1, 2]


def test_a_bad_line_is_named_by_its_number(tmp_path):
    (tmp_path / "lines.jsonl").write_text('{"a": 1}\n{"a": \n')
    with pytest.raises(InvalidValue, match="lines.jsonl, line 2: not JSON at line 1"):
        inputs(str(tmp_path / "lines.jsonl"), KeptFace())


def test_a_missing_file_is_said():
    with pytest.raises(InvalidValue, match="cannot read 'nothing.json'"):
        inputs("nothing.json", KeptFace())
    with pytest.raises(InvalidValue, match="give an expression a name first"):
        inputs("df.head(3)", KeptFace())


def test_an_execution_is_named_by_its_id_or_by_a_variable():
    class Recorded:
        id = "0a1b2c3d"

    face = KeptFace(failed=Recorded(), first="9f8e7d6c", number=7)
    assert named("0a1b", face, place="ID") == "0a1b"
    assert named("{failed}", face, place="ID") == "0a1b2c3d"
    assert named("{first}", face, place="ID") == "9f8e7d6c"
    with pytest.raises(InvalidValue, match="ID: number is neither an execution nor an id"):
        named("{number}", face, place="ID")
    with pytest.raises(NotFound, match="did you mean 'first'"):
        named("{frist}", face, place="ID")
