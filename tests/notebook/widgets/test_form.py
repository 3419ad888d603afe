"""A form of a JSON value: its fields, what stands in them, what is entered; and both ways the same value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.errors import InvalidValue
from faaslab.lab.sample_events import sample_events
from faaslab.notebook.widgets.form import (
    ABSENT,
    Field,
    at,
    count,
    entered,
    fields_of,
    first,
    put,
    shown,
)
from faaslab.notebook.widgets.schema import Resolver
from tests.notebook.hostile import STRINGS

SCHEMA = {
    "type": "object",
    "required": ["sku", "quantity", "address"],
    "properties": {
        "sku": {"type": "string", "title": "Article", "description": "as it stands\n in the shop"},
        "quantity": {"type": "integer", "minimum": 1, "maximum": 99, "default": 2},
        "price": {"type": ["number", "null"], "minimum": 0},
        "express": {"type": "boolean"},
        "colour": {"enum": ["red", "green", 3]},
        "address": {"$ref": "#/$defs/address"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "anything": True,
    },
    "$defs": {
        "address": {
            "allOf": [
                {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
                {"properties": {"zip": {"type": "string", "maxLength": 5}}},
            ]
        }
    },
}


def flat(fields):
    return [
        each
        for field in fields
        for each in ([field, *flat(field.fields)] if field.kind == "group" else [field])
    ]


def kinds(fields):
    return {field.place: field.kind for field in flat(fields)}


def test_the_fields_of_a_value_are_those_of_its_members():
    value = {"a": 1, "b": "x", "c": True, "d": None, "e": [1], "f": {"g": 2.5, "h": {}}, "long": "x\ny"}
    assert kinds(fields_of(value)) == {
        "/a": "number",
        "/b": "text",
        "/c": "truth",
        "/d": "json",
        "/e": "json",
        "/f": "group",
        "/f/g": "number",
        "/f/h": "json",
        "/long": "long",
    }


@pytest.mark.parametrize(("value", "kind"), [([1], "json"), (4, "number"), ("x", "text"), ({}, "json")])
def test_a_value_that_has_no_members_is_one_field(value, kind):
    (field,) = fields_of(value)
    assert (field.pointer, field.kind, field.label) == ((), kind, "payload")


def test_the_fields_of_a_schema_are_there_before_their_values():
    fields = flat(fields_of({}, SCHEMA))
    assert kinds(fields_of({}, SCHEMA)) == {
        "/sku": "text",
        "/quantity": "integer",
        "/price": "number",
        "/express": "truth",
        "/colour": "choice",
        "/address": "group",
        "/address/city": "text",
        "/address/zip": "text",
        "/tags": "json",
        "/note": "text",
        "/anything": "json",
    }
    by_place = {field.place: field for field in fields}
    assert by_place["/sku"].label == "Article"
    assert by_place["/sku"].about == "as it stands in the shop"
    assert by_place["/quantity"].about == "1 to 99"
    assert by_place["/price"].about == "0 or more"
    assert by_place["/colour"].choices == ("red", "green", 3)
    assert [place for place, field in by_place.items() if field.required] == [
        "/sku",
        "/quantity",
        "/address",
        "/address/city",
    ]


def test_what_a_schema_does_not_know_or_does_not_fit_is_there_all_the_same():
    value = {"sku": 5, "colour": "blue", "address": "here", "more": 1, "express": 0, "quantity": 1.5}
    assert kinds(fields_of(value, SCHEMA)) | {"/more": "number"} == kinds(fields_of(value, SCHEMA))
    for place in ("/sku", "/colour", "/address", "/express", "/quantity"):
        assert kinds(fields_of(value, SCHEMA))[place] in ("json", "text"), place
    for field in flat(fields_of(value, SCHEMA)):
        there = at(value, field.pointer)
        assert there is ABSENT or entered(field, shown(field, there)) == there


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "#/nowhere"},
        {"properties": {"a": {"$ref": "#"}}},
        {"allOf": [{"$ref": "#"}]},
        {"properties": 5, "required": 7, "enum": "x", "type": 3, "title": 4},
        {"type": ["string", "number"]},
        {"oneOf": [{"type": "string"}, {"type": "number"}]},
    ],
)
def test_a_schema_that_says_nothing_or_leads_in_a_circle_is_no_trouble(schema):
    assert fields_of({"a": {"a": {"a": {"a": {"a": 1}}}}}, schema)
    Resolver(schema).example(schema)


def test_the_example_of_a_schema_has_what_is_required_and_what_has_a_default():
    assert Resolver(SCHEMA).example(SCHEMA) == {"sku": "", "quantity": 2, "address": {"city": ""}}
    assert Resolver({}).example({"type": "array", "minItems": 2, "items": {"const": 1}}) == [1, 1]
    assert Resolver({}).example({"type": "string", "format": "date"}) == "2026-11-16"
    assert Resolver({}).example({"oneOf": [{"const": "a"}, {"const": "b"}]}) == "a"


@pytest.mark.parametrize(
    ("kind", "required", "text", "value"),
    [
        ("text", True, "", ""),
        ("text", False, "", ABSENT),
        ("text", False, " x ", " x "),
        ("long", True, "a\nb", "a\nb"),
        ("number", True, " 4 ", 4),
        ("number", True, "-1.5e3", -1500.0),
        ("number", False, " ", ABSENT),
        ("integer", True, "12345678901234567890", 12345678901234567890),
        ("integer", True, "4.0", 4.0),
        ("json", True, '{"a": [1]}', {"a": [1]}),
        ("json", True, "null", None),
        ("json", False, "", ABSENT),
        ("truth", False, True, True),
        ("choice", False, ABSENT, ABSENT),
    ],
)
def test_what_is_entered_is_a_value(kind, required, text, value):
    field = Field(pointer=("x",), label="x", kind=kind, required=required)
    assert entered(field, text) == value or entered(field, text) is value


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("number", "abc", "x: 'abc' is not a number"),
        ("number", "true", "x: 'true' is not a number"),
        ("number", '"4"', "x: '\"4\"' is not a number"),
        ("number", "NaN", "x: NaN is not JSON"),
        ("number", "", "x: needs a number"),
        ("integer", "1.5", "x: 1.5 is not a whole number"),
        ("integer", "", "x: needs a whole number"),
        ("json", "", "x: needs JSON"),
        ("json", "{\n a}", "x: not JSON at line 2 column 2: expecting property name"),
        ("json", "[" * 100_000, "x: the JSON is nested too deeply"),
    ],
)
def test_what_is_wrong_is_said_with_the_name_of_the_field(kind, text, said):
    with pytest.raises(InvalidValue) as caught:
        entered(Field(pointer=("x",), label="x", kind=kind), text)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("value", "pointer", "new", "after"),
    [
        ({"a": 1}, ("a",), 2, {"a": 2}),
        ({"a": 1}, ("b",), 2, {"a": 1, "b": 2}),
        ({"a": 1}, ("a",), ABSENT, {}),
        ({"a": 1}, ("b",), ABSENT, {"a": 1}),
        ({}, ("a", "b"), 1, {"a": {"b": 1}}),
        ({}, ("a", "b"), ABSENT, {}),
        ({"a": {"b": 1, "c": 2}}, ("a", "b"), ABSENT, {"a": {"c": 2}}),
        ({"a": None}, ("a", "b"), 1, {"a": {"b": 1}}),
        (4, (), 5, 5),
    ],
)
def test_a_value_is_put_where_its_pointer_leads(value, pointer, new, after):
    before = json.dumps(value)
    assert put(value, pointer, new) == after
    assert json.dumps(value) == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.none() | st.just(SCHEMA))
def test_entering_what_is_shown_changes_nothing(value, schema):
    for field in flat(fields_of(value, schema)):
        there = at(value, field.pointer)
        if field.kind != "group" and there is not ABSENT:
            # An optional text that is empty is the one thing that a form cannot tell from none.
            if there == "" and not field.required:
                continue
            assert put(value, field.pointer, entered(field, shown(field, there))) == value


@pytest.mark.parametrize("sample", sample_events(), ids=lambda sample: sample.name)
def test_every_sample_has_a_form(sample):
    assert 1 <= count(first(fields_of(sample.event))) <= 60


def test_a_form_has_an_end_and_keeps_the_groups_of_what_is_in_it():
    fields = fields_of({"g": {str(n): n for n in range(5)}, "h": {"i": 1}, "j": 2})
    assert kinds(first(fields, 6)) == {"/g": "group", **{f"/g/{n}": "number" for n in range(5)}, "/h": "group", "/h/i": "number"}  # fmt: skip
    assert count(first(fields, 3)) == 3


@pytest.mark.parametrize("text", STRINGS)
def test_hostile_names_are_names(text):
    (field,) = fields_of({text: text})
    assert (field.label, field.pointer) == (text.replace("\ud800", "\ufffd"), (text,))
    shown(field, text).encode()  # a page could not be sent half a character
    assert entered(field, shown(field, text)) == text
    assert put({text: 1}, field.pointer, 2) == {text: 2}
