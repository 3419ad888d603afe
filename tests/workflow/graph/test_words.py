"""Texts of a picture: measured, broken, cut, cleaned; and lengths of time."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.workflow.graph.spans import length, step_of
from faaslab.workflow.graph.words import cut, seen, shortened, width, wrapped


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Load", ("Load",)),
        ("Check whether the order is valid", ("Check whether the", "order is valid")),
        ("CheckWhetherTheOrderIsValid", ("CheckWhetherThe", "OrderIsValid")),
        ("check_whether_the_order_is_valid", ("check_whether_the_", "order_is_valid")),
        ("Check whether the order is valid and in stock", ("Check whether the", "order is valid and in…")),
    ],
)
def test_names_break_where_words_do(text, lines):
    assert wrapped(text, 13, 140) == lines


@given(st.text(), st.floats(20, 300))
def test_what_is_cut_fits(text, most):
    assert width(cut(text, 13, most), 13) <= most
    assert all(width(line, 13) <= most for line in wrapped(text, 13, most))
    assert len(wrapped(text, 13, most)) <= 2


@given(st.text())
def test_what_is_seen_is_one_line_that_xml_allows(text):
    shown = seen(text)
    assert not any(each < " " or "\ud800" <= each <= "\udfff" or each in "\ufffe\uffff" for each in shown)
    assert seen(shown) == shown


def test_heaps_of_marks_are_levelled():
    assert seen("e" + "\u0301" * 50 + "x") == "e\u0301\u0301x"


def test_short_texts_stay():
    assert shortened("abc", 3) == "abc"
    assert shortened("abcd", 3) == "ab…"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.0000012, "0 ms"),
        (0.00123, "1.23 ms"),
        (0.0123, "12.3 ms"),
        (0.2, "200 ms"),
        (0.99951, "1 s"),
        (1.254, "1.25 s"),
        (59.96, "1 min"),
        (200, "3 min 20 s"),
        (3_600, "1 h"),
        (3_599.9, "1 h"),
        (7_500, "2 h 5 min"),
        (7_199.6, "2 h"),
        (357_000, "4 d 3 h"),
        (86_400 * 2_000, "2,000 d"),
    ],
)
def test_lengths_are_in_units_that_fit(seconds, said):
    assert length(seconds) == length(timedelta(seconds=1) * seconds) == said


@given(st.floats(1e-6, 1e10), st.integers(1, 10))
def test_an_axis_has_few_marks(seconds, most):
    assert seconds / step_of(seconds, most) <= most * (1 + 1e-9)
