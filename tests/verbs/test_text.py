"""Answers as JSON for programs and as columns for people."""

import json
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from faaslab.verbs.answers import DoneAnswer, LogsAnswer, TableAnswer, TextAnswer
from faaslab.verbs.text import cell_value, documents, plain_text, rows, table

AT = datetime(2026, 11, 23, 12, 30)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None), (True, True), (np.True_, True), (np.int64(3), 3), (2.5, 2.5), (float("nan"), None),
        (np.float64("inf"), None), (pd.NaT, None), (pd.NA, None), (AT, "2026-11-23T12:30:00Z"),
        (pd.Timestamp(AT), "2026-11-23T12:30:00Z"), (AT.date(), "2026-11-23"), (timedelta(seconds=90), 90.0),
        (Decimal("0.25"), 0.25), (b"ab\xff", "ab\\xff"), ({"a": np.int64(1)}, {"a": 1}), ((1, None), [1, None]),
        (np.array([1, 2]), [1, 2]), (np.datetime64("NaT"), None),
    ],
)  # fmt: skip
def test_a_value_as_json(value, plain):
    assert cell_value(value) == plain
    json.dumps(cell_value(value), allow_nan=False)


def test_rows_are_documents_with_null_for_what_is_missing():
    df = pd.DataFrame({"n": [1, None], "s": ["a", None], "t": [AT, None]})
    assert rows(df) == [{"n": 1.0, "s": "a", "t": "2026-11-23T12:30:00Z"}, {"n": None, "s": None, "t": None}]


def test_columns_of_the_same_name_keep_their_first_place():
    df = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert table(df) == "a  a\n1  2"


def test_a_table_puts_numbers_right_and_cuts_long_texts():
    df = pd.DataFrame({"name": ["a", "longer"], "ms": [1.23456, 1000.0], "text": ["x" * 199, "a\nb"]})
    lines = table(df).split("\n")
    assert lines[0] == "name       ms  text"
    assert lines[1] == "a       1.235  " + "x" * 119 + "…"
    assert lines[2] == "longer   1000  a b"
    assert all(len(line) <= 20 for line in table(df, width=20).split("\n"))


def test_nothing_says_so():
    assert plain_text(TableAnswer(df=pd.DataFrame(), empty="nothing ran yet")) == "nothing ran yet"
    assert plain_text(LogsAnswer(df=pd.DataFrame({"message": []}))) == "no log lines"
    assert documents(TableAnswer(df=pd.DataFrame())) == []


def test_plain_answers():
    assert plain_text(TextAnswer(text="hello")) == "hello"
    assert documents(TextAnswer(text="hello")) == {"text": "hello"}
    assert documents(DoneAnswer(text="done", facts={"a": 1})) == {"a": 1}


def test_a_wide_table_loses_empty_columns_and_goes_on_below():
    df = pd.DataFrame({"id": ["a", "b"], "nothing": [None, None], "x" * 9: [1, 2], "y" * 9: [3, 4]})
    assert table(df, width=24) == (
        "id  xxxxxxxxx  yyyyyyyyy\na           1          3\nb           2          4"
    )
    assert table(df, width=14).split("\n") == [
        "id  xxxxxxxxx", "a           1", "b           2", "", "id  yyyyyyyyy", "a           3", "b           4",
    ]  # fmt: skip


def test_a_last_column_of_sentences_goes_on_below_itself():
    df = pd.DataFrame({"what": ["home", "port"], "detail": ["a process that is far away from here", "none"]})
    assert table(df, width=38).splitlines() == [
        "what  detail",
        "home  a process that is far away from",
        "      here",
        "port  none",
    ]


def test_a_long_wide_table_names_what_it_does_not_show():
    df = pd.DataFrame({"id": ["a"] * 30, "x" * 9: range(30), "y" * 9: range(30)})
    lines = table(df, width=14).split("\n")
    assert len(lines) == 32
    assert lines[1] == "a           0"
    assert table(df, width=80).split("\n")[0] == "id  xxxxxxxxx  yyyyyyyyy"
    assert table(df, width=79).count("not shown") == 0
    assert table(df, width=20).endswith("…")


def test_logs_read_as_on_lambda_and_source_ends_where_it_ends():
    line = (
        '[ERROR] ValueError: x\n\xa0\xa0File "/home/me/.cache/faaslab/code/' + "a" * 64 + '/app.py", line 1'
    )
    assert plain_text(LogsAnswer(df=pd.DataFrame({"message": [line]}))) == (
        '[ERROR] ValueError: x\n  File "/var/task/app.py", line 1'
    )
    assert plain_text(TextAnswer(text="def handler(): ...\n", language="python")) == "def handler(): ..."


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.508336e-06, "0.00000151"), (0.000109548, "0.00011"), (0.5, "0.5"), (1234.5678, "1,234.568"),
        (3000.0, "3000"), (-0.002, "-0.002"), (0.0, "0"), (9.9999e-3, "0.01"),
    ],
)  # fmt: skip
def test_small_numbers_are_written_out(value, shown):
    assert table(pd.DataFrame({"usd": [value]})).split("\n")[1].strip() == shown
