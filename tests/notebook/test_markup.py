"""The building blocks: whatever stands in them stays text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.notebook.markup import fold, json_block, json_text, page, pill, tag
from faaslab.notebook.style import STYLE
from tests.notebook.hostile import STRINGS, read


@given(st.text())
def test_text_stays_text_between_tags_and_in_attributes(text):
    reader = read(page(tag("div", text, title=text), fold(text, pill(text)), tag("pre", text)))
    assert reader.seen <= {"style", "div", "details", "summary", "span", "pre"}


@pytest.mark.parametrize("text", STRINGS)
def test_hostile_strings_are_shown_and_not_obeyed(text):
    reader = read(page(tag("div", text, title=text)))
    assert reader.seen == {"style", "div"}
    if text.isprintable():
        assert reader.text == text


def test_ansi_colours_are_taken_out_whole():
    assert read(page(tag("pre", "a \x1b[1;31mred\x1b[0m b"))).text == "a red b"


def test_a_page_is_no_mathematics():
    assert 'class="faas mathjax_ignore tex2jax_ignore"' in page("$x^2$")


def test_the_style_sheet_loads_nothing_and_closes_everything():
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert "<" not in STYLE
    assert STYLE.count("{") == STYLE.count("}")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(json_values)
def test_pretty_json_is_still_that_json(value):
    assert json.loads(json_text(value)) == value


@given(json_values)
def test_coloured_json_reads_as_the_pretty_one(value):
    pretty = json_text(value)
    shown = read(page(json_block(value, most=10**9))).text
    if pretty.isprintable():
        assert shown == pretty


def test_what_is_short_stays_on_a_line_and_what_is_long_does_not():
    assert json_text({"y": 0.5, "tags": ["a", "b"]}) == '{"y": 0.5, "tags": ["a", "b"]}'
    assert json_text({"a": "x" * 40, "b": [1, 2], "c": "y" * 40}).splitlines()[2] == '  "b": [1, 2],'
    assert max(map(len, json_text(list(range(500))).splitlines())) <= 76


def test_what_is_cut_is_counted():
    assert "… 5,002 more characters" in read(page(json_block("x" * 9_000))).text


@pytest.mark.parametrize("value", [b"\xff\x00 not json", b"plain"])
def test_bytes_that_are_no_json_are_shown_as_text(value):
    read(page(json_block(value)))


def test_json_that_is_nested_deeply_is_shown_too():
    value: list = []
    for _ in range(300):
        value = [value]
    assert read(page(json_block(value))).text.count("[") == 301
