"""Parallel and inline Map: what is walked at the same time, in which order it is told, and what ends with what."""

import pytest

from faaslab.workflow.effects import Call, Failed, Fired, Forget, Succeeded
from tests.workflow.interpret.told import PASS, QUEUE, Told, machine, task


def branch(*states, prefix):
    """A branch whose states are named after the prefix."""
    made = machine(*states)
    names = {name: f"{prefix}{name}" for name in made["States"]}
    return {
        "StartAt": f"{prefix}A",
        "States": {
            names[name]: {**state, **({"Next": names[state["Next"]]} if "Next" in state else {})}
            for name, state in made["States"].items()
        },
    }


def parallel(*branches, **more):
    return {
        "Type": "Parallel",
        "Branches": [branch(*states, prefix=f"{at}") for at, states in enumerate(branches)],
        **more,
    }


def mapped(*states, **more):
    return {"Type": "Map", "ItemProcessor": branch(*states, prefix="I"), **more}


WAIT = {"Type": "Wait", "Seconds": 100}
FAIL = {"Type": "Fail", "Error": "E", "Cause": "why"}


def test_branches_are_walked_in_turn_and_their_outputs_are_in_their_order():
    run = Told(machine(parallel([task(QUEUE)], [task(QUEUE)]))).begun()
    first, second = run.calls
    assert run.run.where == ("0A", "1A")
    run.tell(Succeeded(second.key, 2), 1)
    run.tell(Succeeded(first.key, 1), 2)
    assert run.ended.output == [1, 2]
    previous = {event.id: event.previous_id for event in run.events}
    succeeded, exited = run.events[-3:-1]
    assert (succeeded.type, exited.type) == ("ParallelStateSucceeded", "ParallelStateExited")
    assert previous[exited.id] == previous[succeeded.id] == succeeded.id - 1


def test_the_events_of_branches_follow_the_start_of_all():
    run = Told(machine(parallel([PASS], [PASS]))).begun()
    started = next(event.id for event in run.events if event.type == "ParallelStateStarted")
    entered = [event for event in run.events if event.type == "PassStateEntered"]
    assert [event.previous_id for event in entered] == [started, started]


def test_one_failure_ends_the_others_and_what_they_wanted_is_forgotten():
    run = Told(machine(parallel([task(QUEUE)], [task(QUEUE)], [WAIT], [PASS]))).begun()
    first, second = run.calls
    timer = next(iter(run.timers()))
    run.tell(Failed(first.key, "E", "why"), 1)
    assert run.types[-5:] == [
        "TaskFailed",
        "TaskStateAborted",
        "WaitStateAborted",
        "ParallelStateFailed",
        "ExecutionFailed",
    ]
    failed = run.events[-5].id
    assert [event.previous_id for event in run.events[-4:-1]] == [failed] * 3
    assert [event.state for event in run.events[-4:-2]] == ["1A", "2A"]
    assert {Forget(second.key), Forget(timer)} <= set(run.fresh)
    assert Forget(first.key) not in run.fresh
    assert (run.ended.error, run.ended.cause) == ("E", "why")
    assert run.tell(Succeeded(second.key, 1), 2).fresh == []


def test_what_is_open_inside_of_what_is_aborted_is_aborted_first():
    deep = mapped(parallel([task(QUEUE)]), ItemsPath="$.items")
    run = Told(machine(parallel([deep], [task(QUEUE)])), {"items": [1]}).begun()
    run.tell(Failed(run.calls[0].key, "E"), 1)
    assert run.types[-7:] == [
        "TaskFailed", "MapIterationAborted", "TaskStateAborted", "ParallelStateAborted", "MapStateAborted", "ParallelStateFailed", "ExecutionFailed",
    ]  # fmt: skip


def test_a_parallel_is_tried_again_as_a_whole():
    retry = [{"ErrorEquals": ["E"], "MaxAttempts": 1}]
    run = Told(machine(parallel([task(QUEUE)], [PASS], Retry=retry))).begun()
    run.tell(Failed(run.calls[0].key, "E"), 1)
    run.tell(Fired(next(iter(run.timers()))), 2)
    run.tell(Succeeded(run.calls[1].key, 1), 3)
    assert run.types.count("ParallelStateEntered") == 1
    assert run.types.count("ParallelStateStarted") == 2
    assert run.ended.output == [1, {}]


def test_iterations_begin_in_order_as_many_at_a_time_as_may():
    run = Told(machine(mapped(task(QUEUE), MaxConcurrency=2)), [10, 20, 30]).begun()
    assert [call.parameters for call in run.calls] == [10, 20]
    run.tell(Succeeded(run.calls[1].key, "b"), 1)
    assert [call.parameters for call in run.calls] == [10, 20, 30]
    ended = next(event for event in run.events if event.type == "MapIterationSucceeded")
    begun = [event for event in run.events if event.type == "MapIterationStarted"]
    assert dict(ended.details) == {"name": "A", "index": 1}
    assert begun[2].previous_id == ended.previous_id
    run.tell(Succeeded(run.calls[2].key, "c"), 2)
    run.tell(Succeeded(run.calls[0].key, "a"), 3)
    assert run.ended.output == ["a", "b", "c"]


def test_forty_iterations_at_a_time_are_the_most():
    run = Told(machine(mapped(task(QUEUE))), list(range(100))).begun()
    assert len(run.calls) == 40


def test_a_map_of_nothing_has_no_iterations():
    run = Told(machine(mapped(PASS)), []).begun()
    assert run.ended.output == []
    assert run.types[2:5] == ["MapStateStarted", "MapStateSucceeded", "MapStateExited"]


def test_an_item_is_chosen_with_its_index_and_value():
    selector = {
        "at.$": "$$.Map.Item.Index",
        "item.$": "$$.Map.Item.Value",
        "from.$": "$$.Map.Item.Source",
        "all.$": "$.items",
    }
    run = Told(
        machine(mapped(PASS, ItemsPath="$.items", ItemSelector=selector)), {"items": ["x", "y"]}
    ).begun()
    assert run.ended.output == [
        {"at": 0, "item": "x", "from": "STATE_DATA", "all": ["x", "y"]},
        {"at": 1, "item": "y", "from": "STATE_DATA", "all": ["x", "y"]},
    ]


def test_an_inline_map_goes_through_arrays_only_and_their_items_have_no_key():
    ended = Told(machine(mapped(PASS)), {"a": 1}).begun().ended
    assert ended.cause.endswith('Reference path "$" must point to array.')
    selector = {"key.$": "$$.Map.Item.Key"}
    ended = Told(machine(mapped(PASS, ItemSelector=selector)), [1]).begun().ended
    assert "'$$.Map.Item.Key'" in ended.cause


def test_one_iteration_that_fails_ends_the_map_and_the_others():
    run = Told(
        machine(mapped(task(QUEUE), Catch=[{"ErrorEquals": ["E"], "Next": "B"}]), PASS), [1, 2, 3]
    ).begun()
    run.tell(Failed(run.calls[1].key, "E", "why"), 1)
    assert run.types[-11:] == [
        "TaskFailed", "MapIterationFailed",
        "MapIterationAborted", "TaskStateAborted", "MapIterationAborted", "TaskStateAborted",
        "MapStateFailed", "MapStateExited", "PassStateEntered", "PassStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    assert [details["index"] for details in run.details("MapIterationAborted")] == [0, 2]
    assert run.ended.output == {"Error": "E", "Cause": "why"}


def test_an_item_selector_that_fails_ends_the_iterations_under_way():
    selector = {"x.$": "$$.Map.Item.Value.x"}
    run = Told(machine(mapped(task(QUEUE), ItemSelector=selector)), [{"x": 1}, {}]).begun()
    assert run.ended.error == "States.Runtime"
    assert run.run.pending() == ()
    assert "MapIterationAborted" in run.types


@pytest.mark.parametrize(
    ("given", "path", "shown"),
    [({"a": 1}, "$.a", "$.a"), ({"a": 1}, "$$.Execution.Input", "$.Execution.Input"), (7, None, "$")],
)
def test_what_a_map_goes_through_is_an_array(given, path, shown):
    more = {} if path is None else {"ItemsPath": path}
    run = Told(machine(mapped(PASS, **more)), given).begun()
    assert run.ended.cause.endswith(f'Reference path "{shown}" must point to array.')


# -- variables


def test_variables_are_read_inside_and_those_of_inside_are_gone_outside():
    inner = {"Type": "Pass", "Assign": {"inner.$": "$outer"}, "Parameters": {"seen.$": "$outer"}}
    run = Told(
        machine(
            {"Type": "Pass", "Assign": {"outer": 1}},
            parallel([inner, {"Type": "Pass", "Parameters": {"seen.$": "$inner"}}]),
            {"Type": "Pass", "Parameters": {"gone.$": "$inner"}},
        )
    ).begun()
    assert run.details("ParallelStateExited")[0]["output"] == '[{"seen":1}]'
    assert run.ended.error == "States.Runtime"


def test_all_of_an_assign_sees_the_values_from_before():
    run = Told(
        machine(
            {"Type": "Pass", "Assign": {"a": 1, "b": 2}},
            {"Type": "Pass", "Assign": {"a.$": "$b", "b.$": "$a"}, "Parameters": {"a.$": "$a"}},
            {"Type": "Pass", "Parameters": {"a.$": "$a", "b.$": "$b"}},
        )
    ).begun()
    assert run.details("PassStateExited")[1]["output"] == '{"a":1}'
    assert run.details("PassStateExited")[1]["assignedVariables"] == {"a": "2", "b": "1"}
    assert run.ended.output == {"a": 2, "b": 1}


@pytest.mark.parametrize(("size", "status"), [(262_142, "SUCCEEDED"), (262_143, "FAILED")])
def test_an_assign_may_set_256_kib(size, status):
    states = machine(
        {"Type": "Pass", "Assign": {"v.$": "$.text"}, "OutputPath": None}, QueryLanguage="JSONPath"
    )
    run = Told(states, {"text": "a" * size}).begun()
    assert run.ended.status == status
    if status == "FAILED":
        assert run.ended.error == "States.DataLimitExceeded"


def test_all_variables_together_may_have_10_mib():
    states = {
        f"S{at}": {"Type": "Pass", "Assign": {f"v{at}": "a" * 250_000}, "Next": f"S{at + 1}"}
        for at in range(45)
    }
    states["S45"] = PASS
    run = Told({"StartAt": "S0", "States": states}).begun()
    assert run.ended.error == "States.DataLimitExceeded"
    assert run.types.count("PassStateExited") == 10 * 1024 * 1024 // 250_002


def test_deep_nesting_needs_no_deep_stack():
    inner = task(QUEUE, End=True)
    for depth in range(300):
        inner = {
            "Type": "Parallel",
            "End": True,
            "Branches": [{"StartAt": f"S{depth}", "States": {f"S{depth}": inner}}],
        }
    run = Told({"StartAt": "Top", "States": {"Top": inner}}).begun()
    assert len(run.asked(Call)) == 1
    run.tell(Succeeded(run.calls[0].key, 1), 1)
    found = run.ended.output
    for _ in range(300):
        (found,) = found
    assert found == 1
