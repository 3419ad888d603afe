"""Parameters in papermill's words: what they mean, which one wins, and that none of them can hurt."""

import contextlib
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given as for_any
from hypothesis import strategies as st

from faaslab.errors import InvalidValue
from faaslab.reports.given import gathered, kept, mapping, pairs, value


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("True", True), ("False", False), ("None", None), ("true", True), ("null", None),
        ("3", 3), ("-3", -3), ("007", 7), ("1_000", 1000), ("1e3", 1000.0), ("0.5", 0.5),
        ('["a", 1]', ["a", 1]), ('{"a": null}', {"a": None}), ('"3"', "3"), ("[a]", "[a]"),
        ("-7d", "-7d"), ("{{ now }}", "{{ now }}"), ("", ""), ("2026-11-16", "2026-11-16"), ("none of these", "none of these"),
    ],
)  # fmt: skip
def test_a_typed_value_is_read_as_papermill_reads_it_and_json_beside(text, means):
    found = value(text, place="-p x")
    assert (found, type(found)) == (means, type(means))


def test_files_then_yaml_then_typed_then_raw_whatever_their_order():
    found = gathered(
        raw=(("a", "raw"),),
        typed=(("a", "4"), ("b", "4"), ("b", "5")),
        yaml=("a: 3\nb: 3\nc: 3", "{c: 33}"),
        files=(("one.yaml", "a: 1\nb: 1\nc: 1\nd: 1\ne: 1"), ("two.json", '{"d": 2}')),
    )
    assert found == {"a": "raw", "b": 5, "c": 33, "d": 2, "e": 1}


def test_papermill_itself_reads_the_same_from_files_and_yaml(tmp_path):
    from papermill.iorw import read_yaml_file

    text = "since: 2026-11-16\nat: 2026-11-16T07:00:00Z\nn: 3\ndeep: yes\nnames: [a, b]\nnested: {x: 1.5}\nnone: ~"
    (tmp_path / "p.yaml").write_text(text)
    assert mapping(text, place="-f") == read_yaml_file(str(tmp_path / "p.yaml"))


def test_a_raw_text_is_what_it_is():
    assert gathered(raw=(("n", "007"), ("t", "True"))) == {"n": "007", "t": "True"}
    assert gathered(raw=(("since", "-7d"),)) == {"since": '{{ "-7d" }}'}  # which stands for -7d


@pytest.mark.parametrize(
    ("text", "holds"),
    [("", {}), ("# nothing", {}), ('{\n\t"a": 1\n}', {"a": 1}), ("a: &x [1]\nb: *x", {"a": [1], "b": [1]})],
)
def test_what_yaml_and_json_hold(text, holds):
    assert mapping(text, place="-f p.yaml") == holds


BOMB = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "\n".join(
    f"{new}: &{new} [{','.join(['*' + old] * 10)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a", "-f p.yaml: holds no mapping"),
        ("text", "holds no mapping"),
        ("a: [1", "-f p.yaml, line 1, column 6: is no YAML"),
        ("a: !!python/object/apply:os.system [id]", "is no YAML: could not determine a constructor"),
        ("3: 4", "3 is no name of a parameter"),
        ("a b: 4", "'a b' is no name of a parameter"),
        ("a: .inf", "inf is no number that can be kept"),
        ("a: !!set {x}", "a value of type set"),
        ("a: !!binary aGk=", "a value of type bytes"),
        ("a: {[1]: 2}", "-f p.yaml"),
        (BOMB, "holds more than 100,000 values"),
        ("a: &a [*a]", "holds more than 30 levels"),
        ("a: " + "[" * 40 + "]" * 40, "holds more than 30 levels"),
        ("a: " + "[" * 50_000, "levels"),
        ('{"a": ' + "[" * 50_000, "levels"),
        ("a: " + "x" * 1_100_000, "longer than 1,048,576 bytes"),
    ],
)  # fmt: skip
def test_what_is_refused_says_where(text, says):
    with pytest.raises(InvalidValue) as caught:
        mapping(text, place="-f p.yaml")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"typed": (("a-b", "1"),)}, "-p: 'a-b' is no name"),
        ({"raw": (("", "1"),)}, "-r: '' is no name"),
        ({"typed": (("x", "nan"),)}, "-p x: nan is no number that can be kept (-r gives it as a text)"),
        ({"yaml": ("a: [",)}, "-y, line 1"),
    ],
)
def test_what_is_refused_names_the_option(options, says):
    with pytest.raises(InvalidValue) as caught:
        gathered(**options)
    assert says in str(caught.value)


def test_pairs():
    assert pairs(("a", "1", "b", "2")) == (("a", "1"), ("b", "2"))
    assert pairs(()) == ()


@for_any(st.text(max_size=40))
def test_any_yaml_is_read_or_refused(text):
    with contextlib.suppress(InvalidValue):
        assert isinstance(mapping(text, place="-y"), dict)


def test_values_of_python_are_kept_as_texts_where_that_is_plain():
    given = {
        "at": datetime(2026, 11, 23, 7),
        "day": date(2026, 11, 23),
        "path": Path("a/b"),
        "pair": (1, None),
    }
    assert kept(given, "-p x") == {
        "at": "2026-11-23T07:00:00",
        "day": "2026-11-23",
        "path": "a/b",
        "pair": [1, None],
    }
    with pytest.raises(InvalidValue, match="-p x: a value of type object cannot be given to a notebook"):
        kept(object(), "-p x")
