"""Machines and inputs that mean harm end by a limit, and soon."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faaslab.workflow.effects import (
    Begun,
    ChildEnded,
    Continue,
    Failed,
    Fired,
    Heartbeat,
    MapRunChanged,
    Redrive,
    Started,
    Stop,
    Submitted,
    Succeeded,
)  # fmt: skip
from tests.workflow.interpret.told import PASS, QUEUE, Told, machine, task
from tests.workflow.machines import machines

MANY = {f"k{at}.$": "$" for at in range(20_000)}
LARGE = "a" * 200_000


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Pass", "Parameters": MANY},
        {"Type": "Pass", "Assign": MANY},
        {"Type": "Pass", "Parameters": {"deep": [MANY]}},
        task(QUEUE, Parameters=MANY),
        {"Type": "Parallel", "Parameters": MANY, "Branches": [machine(PASS)]},
        {"Type": "Map", "ItemsPath": "$[0]", "ItemSelector": MANY, "ItemProcessor": machine(PASS)},
    ],
    ids=["pass", "assign", "deep", "task", "parallel", "map"],
)
def test_one_large_value_many_times_is_refused_before_it_is_written_out(state):
    run = Told(
        machine(state),
        LARGE,
    ).begun()
    assert run.ended.status == "FAILED"
    assert run.ended.error in {"States.DataLimitExceeded", "States.Runtime"}
    assert all(len(str(event.details)) < 600_000 for event in run.events)


def test_each_item_with_all_items_is_bounded_by_the_result():
    mapped = {"Type": "Map", "ItemSelector": {"all.$": "$"}, "ItemProcessor": machine(PASS)}
    run = Told(machine(mapped), [LARGE, *range(50)]).begun()
    assert run.ended.error == "States.DataLimitExceeded"


def test_a_machine_of_4000_states_is_walked_to_its_end():
    states = {f"S{at}": {"Type": "Pass", "Next": f"S{at + 1}"} for at in range(4_000)}
    states["S4000"] = PASS
    run = Told({"StartAt": "S0", "States": states}).begun()
    while run.ended is None:
        run.tell(Continue(), 0)
    assert (run.ended.status, len(run.events)) == ("SUCCEEDED", 2 + 2 * 4_001)


@pytest.mark.parametrize(
    "value", [10**400, -1, 0, 1e300, "1" * 5_000, True, None, [], 0.5, float("inf"), float("nan")]
)
@pytest.mark.parametrize("field", ["TimeoutSecondsPath", "HeartbeatSecondsPath"])
def test_numbers_of_any_kind_behind_a_path_are_taken_or_refused(field, value):
    run = Told(machine(task(QUEUE, **{field: "$.n"})), {"n": value}).begun()
    assert run.ended.error == "States.Runtime"


@pytest.mark.parametrize("value", [10**400, -1, 1e300, "soon", True, None, [], 0.5, float("inf")])
def test_a_wait_of_any_kind_behind_a_path_is_taken_or_refused(value):
    run = Told(machine({"Type": "Wait", "SecondsPath": "$.n"}), {"n": value}).begun()
    assert run.ended.error == "States.Runtime"


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_the_ends_of_time_are_instants_or_refused(text):
    run = Told(machine({"Type": "Wait", "TimestampPath": "$.t"}), {"t": text}).begun()
    assert run.ended is None or run.ended.status in {"SUCCEEDED", "FAILED"}


KEYS = st.sampled_from(
    [
        f"{kind}-{at}{more}"
        for kind in ("call", "wait", "retry", "child", "read")
        for at in range(1, 9)
        for more in ("", "/timeout", "/heartbeat")
    ]
)
SIGNALS = st.one_of(
    st.builds(Succeeded, KEYS, st.sampled_from([{}, None, [1], "x"])),
    st.builds(Failed, KEYS, st.sampled_from(["E", None, "States.Timeout", "States.Runtime"]), st.none()),
    st.builds(Submitted, KEYS, st.just({})),
    st.builds(Begun, KEYS),
    st.builds(Heartbeat, KEYS),
    st.builds(Fired, KEYS | st.just("deadline")),
    st.builds(ChildEnded, KEYS, st.sampled_from(["SUCCEEDED", "FAILED", "ABORTED"])),
    st.builds(MapRunChanged, KEYS, st.integers(0, 3)),
    st.sampled_from([Continue(), Started(), Redrive(), Stop()]),
)


@settings(max_examples=50, deadline=None)
@given(machines(), st.lists(SIGNALS, max_size=25))
def test_signals_of_any_kind_in_any_order_never_make_it_raise(definition, signals):
    run = Told(definition, {"a": 1, "b": [1, 2], "c": []}).begun()
    for at, signal in enumerate(signals):
        run.tell(signal, at)
    assert [event.id for event in run.events] == list(range(1, len(run.events) + 1))
