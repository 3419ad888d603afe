"""`@faaslab.function`: callable here, and for real in the open lab."""

import pytest

import faaslab
from faaslab.errors import InvalidValue

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


def test_a_wrong_option_is_named_when_it_is_defined(lab):
    wrong = faaslab.function(memory=5)(bare._function)
    with pytest.raises(InvalidValue, match="memory_mb: 5 is out of range"):
        wrong.invoke(1)
    with pytest.raises(InvalidValue, match="same option"):
        faaslab.function(memory=5, memory_mb=6)
