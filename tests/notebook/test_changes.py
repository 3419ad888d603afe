"""What a card says is new since the version before."""

import dataclasses

import pytest

from faaslab.model.function import FunctionConfiguration
from faaslab.notebook.changes import changes
from faaslab.notebook.display import Surroundings, progress_block, view
from faaslab.verbs import FunctionCard
from tests.notebook.samples import function

OLD = function(
    configuration=FunctionConfiguration(
        environment={"A": "1", "KEY": "old"}, secrets=("S=env:X",), requires=("b>=1",)
    )
)


def configured(**fields):
    return dataclasses.replace(OLD, configuration=dataclasses.replace(OLD.configuration, **fields))


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (OLD, ()),
        (dataclasses.replace(OLD, code_sha256="other"), ("code",)),
        (configured(memory_mb=512, timeout_s=9), ("memory 128 → 512 MB", "timeout 3 → 9 s")),
        (configured(reserved_concurrency=4), ("reserved concurrency none → 4",)),
        (configured(environment={"KEY": "hunter2", "NEW": "x"}), ("environment A, KEY, NEW",)),
        (configured(secrets=("S=env:Y", "T")), ("secrets S, T",)),
        (configured(requires=("b>=2",)), ("packages +b>=2 −b>=1",)),
        (dataclasses.replace(OLD, handler="app.run"), (f"handler {OLD.handler} → app.run",)),
        (dataclasses.replace(OLD, description="else"), ("description",)),
    ],
)
def test_each_difference_is_said_and_no_value_that_may_be_secret(now, told):
    assert changes(OLD, now) == told


def test_the_card_of_an_updated_function_says_what_is_new():
    card = FunctionCard(function=configured(memory_mb=512, requires=("<b>",)), change="updated")
    html = view(card, Surroundings(previous=OLD)).html
    assert "memory 128 → 512 MB; packages +&lt;b&gt; −b&gt;=1" in html
    assert "since version" not in view(card).html


@pytest.mark.parametrize(("note", "hue"), [(None, "gauge ok"), ("3 failed", "gauge warn")])
def test_a_bar_that_ended_with_failures_is_no_green_one(note, hue):
    assert hue in progress_block("map", 9, 9, 10, state="done", note=note).html
