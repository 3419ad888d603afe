"""`@faaslab.function`: callable here, and for real in the open lab."""

import inspect

import pytest

import faaslab
from faaslab.errors import InvalidValue
from faaslab.lab import decorated

LIMIT = 10


@faaslab.function(memory=256, timeout=5, env={"STAGE": "dev"})
def staged(event, context=None):
    import os

    return [event, os.environ.get("STAGE")]


@faaslab.function
def bare(event, context):
    return event


@faaslab.function(name="captured", capture={"LIMIT": LIMIT})
def limited(event, context):
    return event < LIMIT


@faaslab.function()
def leaky(event, context):
    return LIMIT


def test_it_stays_what_it_was(monkeypatch):
    monkeypatch.delenv("STAGE", raising=False)
    assert staged(1) == [1, None]
    assert staged.__name__ == staged.name == "staged"


def test_it_runs_for_real_in_the_open_lab(lab):
    execution = staged.invoke(1)
    assert (execution.result, execution.memory_mb, execution.timeout_s) == ([1, "dev"], 256, 5)
    assert staged.invoke(2).cold_start is False
    assert staged.submit(3).result().result == [3, "dev"]
    assert staged.map([4, 5]).df["result"].tolist() == [[4, "dev"], [5, "dev"]]
    assert bare.invoke("x").result == "x"
    assert lab.functions.names() == ("bare", "staged")


def test_it_sees_what_is_captured_and_nothing_else_of_its_module(lab):
    assert limited.invoke(3).result is True
    with pytest.warns(UserWarning, match="leaky: the code uses LIMIT but nothing there defines it"):
        execution = leaky.invoke(1)
    assert execution.error.type == "NameError"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"memory": 5}, r"^memory: 5 is out of range"),
        ({"memory_mb": 5}, r"^memory_mb: 5 is out of range"),
        ({"memory": 256, "timeuot": 5}, r"no option 'timeuot' \(did you mean 'timeout'\?\)"),
        ({"memory": 5, "memory_mb": 6}, "same option"),
        ({"log_format": "xml"}, "log_format"),
    ],
)
def test_a_wrong_option_is_named_where_it_stands_and_in_the_words_that_were_written(options, told):
    with pytest.raises(InvalidValue, match=told):
        faaslab.function(**options)


def test_what_defining_takes_is_taken(lab):
    words = inspect.signature(lab.functions.define).parameters
    assert {word for word in words if word not in ("name", "code", "options")} == set(decorated._CODE)
    assert faaslab.function(retries=0, include=[], wait=True)(bare._function).invoke(1).result == 1
