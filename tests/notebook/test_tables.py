"""DataFrames as tables."""

from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from faaslab.notebook.markup import page
from faaslab.notebook.tables import table
from tests.notebook.hostile import STRINGS, read


def text(df: pd.DataFrame, **options) -> str:
    return read(page(table(df, **options))).text


@pytest.mark.parametrize("hostile", STRINGS)
def test_hostile_cells_names_and_titles_stay_text(hostile):
    df = pd.DataFrame({hostile: [hostile], "status": [hostile], "id": [hostile], "o": [{hostile: hostile}]})
    read(page(table(df, title=hostile)))


def test_rows_beyond_the_limit_are_counted():
    shown = text(pd.DataFrame({"n": range(1_234)}), rows=20)
    assert "1,214 more of 1,234 rows not shown" in shown
    assert "more of" not in text(pd.DataFrame({"n": range(20)}), rows=20)


def test_nothing_says_so():
    assert text(pd.DataFrame({"n": []}), empty="no rows yet") == "no rows yet"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("n", 1_234_567, "1,234,567"),
        ("ms", 0.2834, "0.28"),
        ("p95_ms", 12_345.6, "12,346"),
        ("error_rate", 0.1478, "15 %"),
        ("cost_usd", 0.0000123456, "$0.0000123"),
        ("x", float("nan"), "–"),
        ("x", None, "–"),
        ("x", pd.NaT, "–"),
        ("cold", True, "cold"),
        ("cold", False, "warm"),
        ("done", True, "yes"),
        ("day", date(2026, 11, 23), "2026-11-23"),
        ("started_at", datetime(2026, 11, 23, 21, 5, 6, 7), "2026-11-23 21:05:06"),
        ("usd", Decimal("0.25"), "0.25"),
        ("o", {"a": [1, 2]}, '{"a": [1, 2]}'),
        ("two", "a\nb", "a b"),
    ],
)
def test_a_value_as_it_is_shown(name, value, shown):
    assert text(pd.DataFrame({name: [value]})).removeprefix(name).removeprefix(" (UTC)") == shown


def test_columns_have_their_units():
    shown = text(pd.DataFrame({"billed": [1], "memory": [2], "started_at": [datetime(2026, 1, 1)]}))
    assert shown.startswith("billed (ms)memory (MB)started_at (UTC)")


def test_columns_of_one_name_are_all_shown():
    df = pd.DataFrame([[1, "a"]], columns=["x", "x"])
    assert text(df) == "xx1a"


def test_void_columns_of_a_wide_table_are_named_below():
    df = pd.DataFrame({**{f"c{n}": [n] for n in range(8)}, "void": [None], "gone": [np.nan]})
    assert text(df).endswith("nothing in: void, gone")
    narrow = pd.DataFrame({"a": [1], "void": [None]})
    assert "void" in text(narrow)
    assert "nothing in" not in text(narrow)


def test_long_cells_are_cut():
    shown = text(pd.DataFrame({"message": ["x" * 5_000]}))
    assert len(shown) < 200
    assert shown.endswith("…")
