"""What a card says is new since the definition before."""

import dataclasses

import pytest

from faaslab.model.function import FunctionConfiguration
from faaslab.notebook.display import progress_block, view
from faaslab.verbs import FunctionCard
from faaslab.verbs.changes import also_set, changes, fallen_back
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
        (
            dataclasses.replace(OLD, role="arn", aws_only={"KMSKeyArn": "k", "Handler": "a/b.c"}),
            ("what is kept for AWS: Role, KMSKeyArn",),
        ),
    ],
)
def test_each_difference_is_said_and_no_value_that_may_be_secret(now, told):
    assert changes(OLD, now) == told


def test_the_card_of_an_updated_function_says_what_is_new():
    now = dataclasses.replace(configured(memory_mb=512, requires=("<b>",)), definition=4)
    card = view(FunctionCard(function=now, before=OLD, change="updated"))
    assert "memory 128 → 512 MB; packages +&lt;b&gt; −b&gt;=1" in card.html
    assert f"since definition {OLD.definition}" in card.html
    assert "  changed     memory 128 → 512 MB; packages +<b> −b>=1" in card.text
    assert "since definition" not in view(FunctionCard(function=now, change="updated")).html


def test_the_card_says_what_is_kept_for_aws_and_has_no_effect_here():
    now = dataclasses.replace(
        OLD, role="arn", aws_only={"VpcConfig": {"SubnetIds": ["s"]}, "Handler": "a/b.c"}
    )
    assert also_set(now) == "kept for AWS, without effect here: Role, VpcConfig"
    assert also_set(dataclasses.replace(OLD, aws_only={"Handler": "a/b.c"})) is None


def test_the_card_says_in_one_row_what_few_functions_set():
    setup = {
        "snap_start": "PublishedVersions", "tenancy": "PER_TENANT", "log_format": "JSON",
        "application_log_level": "WARN", "system_log_level": "INFO", "tracing": "Active",
        "ephemeral_storage_mb": 1024,
    }  # fmt: skip
    said = (
        "SnapStart of published versions (hooks run; each environment has its own init), tenancy PER_TENANT, "
        "logs JSON (function from WARN, platform from INFO), tracing Active, ephemeral storage 1,024 MB"
    )
    assert also_set(configured(**setup)) == said
    assert also_set(OLD) is None
    shown = view(FunctionCard(function=configured(**setup), enforced={"cpu": "not enforced", "time": "held"}))
    assert f"  also set    {said}" in shown.text
    assert "  not held    cpu" in shown.text
    assert said in shown.html
    assert "also set" not in view(FunctionCard(function=OLD)).text


def test_a_definition_says_what_it_took_back_by_leaving_it_out():
    before = dataclasses.replace(
        configured(memory_mb=512, tracing="Active"), runtime="python3.13", code_sha256="x"
    )
    assert fallen_back(before, OLD, given=("tracing",)) == (
        f"not given, so no longer set: memory 512 → 128 MB; runtime python3.13 → {OLD.runtime} "
        "(update changes only what is given)"
    )
    assert fallen_back(before, OLD, given=("tracing", "memory_mb", "runtime")) is None


@pytest.mark.parametrize(("note", "hue"), [(None, "gauge ok"), ("3 failed", "gauge warn")])
def test_a_bar_that_ended_with_failures_is_no_green_one(note, hue):
    assert hue in progress_block("map", 9, 9, 10, state="done", note=note).html
