"""What a template imports, and who may be forked at all: tables on the pure part."""

import pytest

from faaslab.backends.local.runtimes import preloading

SOURCE = """
import os, numpy as np
import pyarrow.parquet
from collections import abc
from . import sibling
from .sibling import thing
from own.part import x
import own_too
try:
    import orjson as json
except ImportError:
    import json
if True:
    from pandas import DataFrame
else:
    import winreg
def handler(event, context):
    import late
class C:
    import inside
"""


def test_what_is_imported_at_the_top_is_learned_in_its_order():
    assert preloading.imported(SOURCE, frozenset({"own", "own_too"})) == (
        "os", "numpy", "pyarrow.parquet", "collections", "orjson", "pandas", "winreg",
    )  # fmt: skip


@pytest.mark.parametrize("source", ["def half(:", "x = '\0'", "(" * 5000])
def test_nothing_is_learned_from_what_does_not_parse(source):
    assert preloading.imported(source, frozenset()) == ()


def test_what_was_asked_for_comes_first_and_each_once_and_nothing_of_the_functions_own():
    assert preloading.modules(("pandas", "own.x"), ("os", "pandas"), frozenset({"own"})) == ("pandas", "os")


@pytest.mark.parametrize(
    ("mode", "configuration", "wanted"),
    [
        ("auto", {}, False),
        ("auto", {"preload": ("pandas",)}, True),
        ("on", {}, True),
        ("off", {"preload": ("pandas",)}, False),
        ("on", {"environment": {"STAGE": "dev"}}, True),
        ("on", {"environment": {"PYTHONPATH": "/x"}}, False),
        ("on", {"environment": {"PYTHONHASHSEED": "0"}}, False),
        ("on", {"environment": {"LD_PRELOAD": "/x.so"}}, False),
        ("on", {"environment": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}}, False),
    ],
)
def test_who_may_be_forked(define, mode, configuration, wanted):
    assert preloading.wanted(define(**configuration), mode) is wanted


def test_variables_of_the_settings_count_as_well(define):
    assert not preloading.wanted(define(), "on", {"PYTHONOPTIMIZE": "1"})
    assert preloading.wanted(define(), "on", {"STAGE": "dev"})


@pytest.mark.parametrize(
    ("names", "ships"),
    [(["app.py", "data"], False), (["lib"], True), (["x.so"], True), (["libx.so.1"], True), ([], False)],
)
def test_code_with_shared_libraries_is_told(names, ships):
    assert preloading.ships_libraries(names) is ships


def test_the_modules_that_files_would_be():
    assert preloading.own_modules(["json.py", "pandas", "fast.cpython-311-x86_64-linux-gnu.so", "readme"]) == {
        "json", "pandas", "fast", "readme",
    }  # fmt: skip
