"""A distributed Map: which children are started, which failures are tolerated, and what comes of it all."""

import pytest

from faaslab.workflow.effects import (
    ChildEnded,
    Continue,
    Failed,
    Fired,
    Forget,
    MapRunChanged,
    MapRunState,
    More,
    ReadItems,
    Redrive,
    Stop,
    Succeeded,
    WriteResults,
)  # fmt: skip
from faaslab.workflow.interpret.map_run import CHILDREN_A_STEP as SOME
from tests.workflow.interpret.told import PASS, Told, machine

WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "p"}}
READER = {
    "Resource": "arn:aws:states:::s3:getObject",
    "ReaderConfig": {"InputType": "JSON", "MaxItemsPath": "$.most"},
    "Parameters": {"Bucket": "b", "Key.$": "$.key"},
}


def distributed(**more):
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": more.pop("kind", "STANDARD")},
        "StartAt": "I",
        "States": {"I": PASS},
    }
    return {"Type": "Map", "ItemProcessor": processor, **more}


def told(given, **more):
    return Told(machine(distributed(**more)), given).begun()


def end(run, at, *outcomes):
    """End children: each outcome is (number, output) or (number, None) for a failure."""
    for number, output in outcomes:
        key = run.children[number].key
        if output is None:
            run.tell(ChildEnded(key, "FAILED", None, "E", "why"), at)
        else:
            run.tell(ChildEnded(key, "SUCCEEDED", output), at)
    return run


def counts(run):
    return run.asked(MapRunState)[-1]


def test_children_are_started_for_the_items_and_their_outputs_are_in_that_order():
    run = told(["x", "y"], MaxConcurrency=1)
    assert [child.input for child in run.children] == ["x"]
    end(run, 1, (0, "X"))
    end(run, 2, (1, "Y"))
    assert run.ended.output == ["X", "Y"]
    assert run.types[1:] == [
        "MapStateEntered", "MapStateStarted", "MapRunStarted", "MapRunSucceeded", "MapStateSucceeded",
        "MapStateExited", "ExecutionSucceeded",
    ]  # fmt: skip
    first, second = run.children
    assert first.map_run_arn == second.map_run_arn == run.details("MapRunStarted")[0]["mapRunArn"]
    assert first.map_run_arn.startswith("arn:aws:states:us-east-1:000000000000:mapRun:machine/")
    assert first.name != second.name
    assert second.item_context == {"Map": {"Item": {"Index": 1, "Value": "y", "Source": "STATE_DATA"}}}


PAIRS = [{"Key": "a", "Value": 1}, {"Key": "b", "Value": {"x": 2}}]
TOLD_PAIRS = [
    {"i": 0, "k": "a", "v": 1, "s": "STATE_DATA"},
    {"i": 1, "k": "b", "v": {"x": 2}, "s": "STATE_DATA"},
]
IN_JSONPATH = {f"{name[0].lower()}.$": f"$$.Map.Item.{name}" for name in ("Index", "Key", "Value", "Source")}
IN_JSONATA = {
    name[0].lower(): f"{{% $states.context.Map.Item.{name} %}}"
    for name in ("Index", "Key", "Value", "Source")
}


def test_a_distributed_map_goes_through_the_pairs_of_an_object():
    given = {"of": {"a": 1, "b": {"x": 2}}}
    assert [child.input for child in told(given, ItemsPath="$.of").children] == PAIRS
    selected = told(given, ItemsPath="$.of", ItemSelector=IN_JSONPATH)
    assert [child.input for child in selected.children] == TOLD_PAIRS
    assert selected.children[1].item_context["Map"]["Item"]["Key"] == "b"
    assert selected.details("MapStateStarted")[0]["length"] == 2
    jsonata = {"QueryLanguage": "JSONata", "ItemSelector": IN_JSONATA}
    for items in ("{% $states.input.of %}", given["of"]):
        run = told(given, Items=items, **jsonata)
        assert [child.input for child in run.children] == TOLD_PAIRS
    assert [child.input for child in told(given["of"], **jsonata).children] == TOLD_PAIRS


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"ItemsPath": "$.n"}, 'Reference path "$.n" must point to array.'),
        (
            {"QueryLanguage": "JSONata", "Items": "{% $states.input.n %}"},
            "Expected 'array', but was 'number'",
        ),
        ({"QueryLanguage": "JSONata", "Items": "{% 'x' %}"}, "Expected 'array', but was 'string'"),
    ],
)
def test_what_is_neither_an_array_nor_an_object_is_no_items(fields, error):
    assert error in told({"n": 1}, **fields).ended.cause


def test_an_item_that_was_read_names_its_file():
    selector = {"v.$": "$$.Map.Item.Value", "s.$": "$$.Map.Item.Source"}
    run = told({"key": "k", "most": 2}, ItemReader=READER, ItemSelector=selector)
    (read,) = run.asked(ReadItems)
    kept = {
        "sources": [{"source": "s3://b/k", "items": [5]}, {"source": "s3://b/k", "items": [6], "keys": ["n"]}]
    }
    run.tell(Succeeded(read.key, kept), 1)
    assert [child.input for child in run.children] == [{"v": 5, "s": "s3://b/k"}, {"v": 6, "s": "s3://b/k"}]
    assert run.children[1].item_context["Map"]["Item"]["Key"] == "n"


def test_children_may_be_express_and_speak_the_language_of_the_machine():
    run = Told(machine(distributed(kind="EXPRESS"), QueryLanguage="JSONata"), [1]).begun()
    (child,) = run.children
    assert child.type == "EXPRESS"
    assert child.processor["QueryLanguage"] == "JSONata"


def test_a_label_is_in_the_name_of_the_run():
    assert "/nightly:" in told([1], Label="nightly").children[0].map_run_arn


def test_a_map_run_of_nothing_succeeds():
    run = told([])
    assert run.ended.output == []
    assert counts(run).status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("tolerated", "failures", "fails"),
    [
        ({}, 1, True),
        ({"ToleratedFailureCount": 1}, 1, False),
        ({"ToleratedFailureCount": 1}, 2, True),
        ({"ToleratedFailurePercentage": 50}, 2, False),
        ({"ToleratedFailurePercentage": 50}, 3, True),
        ({"ToleratedFailurePercentage": 100}, 4, False),
        ({"ToleratedFailureCount": 3, "ToleratedFailurePercentage": 25}, 2, True),
        ({"ToleratedFailureCount": 3, "ToleratedFailurePercentage": 75}, 3, False),
        ({"ToleratedFailureCountPath": "$.two"}, 2, False),
        ({"ToleratedFailurePercentagePath": "$.two"}, 1, True),
    ],
)
def test_so_many_failures_are_tolerated(tolerated, failures, fails):
    run = told({"items": [1, 2, 3, 4], "two": 2}, ItemsPath="$.items", **tolerated)
    end(run, 1, *[(number, None) for number in range(failures)])
    assert (run.run.status == "FAILED") is fails
    if fails:
        assert (run.ended.error, run.ended.cause) == (
            "States.ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded",
        )  # fmt: skip
        assert run.types[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]
        assert all(Forget(child.key) in run.fresh for child in run.children[failures:])
    else:
        end(run, 2, *[(number, number) for number in range(failures, 4)])
        assert run.ended.output == list(range(failures, 4))


def test_how_the_run_stands_is_told_as_it_goes():
    run = told([1, 2, 3], MaxConcurrency=2, ToleratedFailureCount=1)
    now = counts(run)
    assert (now.status, now.max_concurrency) == ("RUNNING", 2)
    assert (now.execution_counts["pending"], now.execution_counts["running"]) == (1, 2)
    end(run, 1, (0, None), (1, "b"))
    now = counts(run).execution_counts
    assert (now["failed"], now["succeeded"], now["running"], now["total"]) == (1, 1, 1, 3)
    end(run, 2, (2, "c"))
    done = counts(run)
    assert (done.status, done.execution_counts["resultsWritten"], done.item_counts["succeeded"]) == (
        "SUCCEEDED",
        2,
        2,
    )


def test_a_running_map_run_can_be_held_to_something_else():
    run = told([1, 2, 3, 4], MaxConcurrency=1)
    arn = run.children[0].map_run_arn
    run.tell(MapRunChanged(arn, max_concurrency=3, tolerated_count=1), 1)
    assert len(run.children) == 3
    end(run, 2, (0, None))
    assert run.run.status == "RUNNING"
    assert counts(run).tolerated_count == 1


def test_items_are_read_by_others():
    run = told({"key": "items.json", "most": 7}, ItemReader=READER)
    (read,) = run.asked(ReadItems)
    assert read.reader == {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON", "MaxItems": 7},
        "Parameters": {"Bucket": "b", "Key": "items.json"},
    }
    run.tell(Succeeded(read.key, [5, 6]), 1)
    assert [child.input for child in run.children] == [5, 6]
    assert run.details("MapStateStarted") == [{"length": 0}]


@pytest.mark.parametrize(
    ("failed", "error"),
    [
        (("States.ItemReaderFailed", "no such key"), "States.ItemReaderFailed"),
        ((None, "x"), "States.ItemReaderFailed"),
    ],
)
def test_items_that_cannot_be_read_fail_the_run(failed, error):
    run = told({"key": "k", "most": 1}, ItemReader=READER)
    run.tell(Failed(run.asked(ReadItems)[0].key, *failed), 1)
    assert run.types[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]
    assert (run.ended.error, run.ended.cause) == (error, failed[1])


def test_results_are_written_by_others():
    run = told([1, 2], ResultWriter=WRITER, ToleratedFailureCount=1)
    end(run, 1, (0, None), (1, {"ok": True}))
    (write,) = run.asked(WriteResults)
    assert write.writer == WRITER
    failed, good = write.results
    assert (failed["Status"], failed["Error"], failed["Cause"], failed["Input"]) == (
        "FAILED",
        "E",
        "why",
        "1",
    )
    assert (good["Status"], good["Output"], good["Name"]) == (
        "SUCCEEDED",
        '{"ok":true}',
        run.children[1].name,
    )
    run.tell(Succeeded(write.key, {"Bucket": "b", "Key": "p/x/manifest.json"}), 2)
    assert run.ended.output == {
        "MapRunArn": write.map_run_arn,
        "ResultWriterDetails": {"Bucket": "b", "Key": "p/x/manifest.json"},
    }


def test_a_writer_without_a_place_makes_the_output_as_its_transformation_says():
    def output(how):
        run = told([1, 2], ResultWriter={"WriterConfig": {"Transformation": how}}, ToleratedFailureCount=1)
        end(run, 1, (0, None), (1, [{"ok": True}]))
        return run.ended.output

    flat, compact = output("FLATTEN"), output("COMPACT")
    assert flat[1:] == [{"ok": True}]
    assert compact[1:] == [[{"ok": True}]]
    assert flat[0]["Status"] == compact[0]["Status"] == "FAILED"  # a child that failed is a record always
    assert [record["Status"] for record in output("NONE")] == ["FAILED", "SUCCEEDED"]


def test_results_that_cannot_be_written_fail_the_run():
    run = told([1], ResultWriter=WRITER)
    end(run, 1, (0, 1))
    run.tell(Failed(run.asked(WriteResults)[0].key, None, "denied"), 2)
    assert (run.ended.error, run.ended.cause) == ("States.ResultWriterFailed", "denied")


def test_items_are_chosen_and_then_put_into_batches():
    run = told(
        {"items": [1, 2, 3], "all": "same"},
        ItemsPath="$.items",
        ItemSelector={"n.$": "$$.Map.Item.Value"},
        ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"with.$": "$.all"}},
        ToleratedFailurePercentage=50,
    )
    assert [child.input for child in run.children] == [
        {"BatchInput": {"with": "same"}, "Items": [{"n": 1}, {"n": 2}]},
        {"BatchInput": {"with": "same"}, "Items": [{"n": 3}]},
    ]
    end(run, 1, (0, None))
    assert counts(run).item_counts["failed"] == 2
    assert run.ended.error == "States.ExceedToleratedFailureThreshold", (
        "two of three items are more than half"
    )


def test_a_redrive_runs_the_children_again_that_did_not_succeed():
    run = told([1, 2, 3])
    end(run, 1, (0, "a"), (1, None))
    assert run.run.status == "FAILED"
    run.tell(Redrive(), 2)
    again = run.children[3:]
    assert [(child.input, child.redrive) for child in again] == [(2, 1), (3, 1)]
    assert [child.name for child in again] == [child.name for child in run.children[1:3]]
    assert run.details("MapRunRedriven") == [{"mapRunArn": again[0].map_run_arn, "redriveCount": 1}]
    end(run, 3, (3, "b"), (4, "c"))
    assert run.ended.output == ["a", "b", "c"]


def test_children_are_started_some_at_a_time_and_others_have_their_turn_between():
    run = told([0] * (2 * SOME + 10))
    assert len(run.children) == SOME
    assert run.fresh[-1] == More()
    end(run, 1, (0, 1), (1, 2), (2, 3))  # what ends meanwhile is heard, and is told in order
    for at in range(5):
        run.tell(Continue(), at)
    assert len(run.children) == 2 * SOME + 10
    end(run, 9, *[(number, number + 1) for number in range(3, 2 * SOME + 10)])
    assert run.ended.output == list(range(1, 2 * SOME + 11))
    assert counts(run).execution_counts["succeeded"] == 2 * SOME + 10


def test_children_that_are_still_to_start_when_the_run_fails_never_do():
    """What was to come to the Map does not come to the state that its failure is caught by."""
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "B"}]
    states = distributed(Catch=catch, ResultPath="$.x"), {"Type": "Wait", "Seconds": 100}
    run = Told(machine(*states), [0] * (3 * SOME)).begun()
    end(run, 1, (0, None))
    started = len(run.children)
    assert started < 3 * SOME
    for at in range(2, 6):
        end(run, at, (1, None), (2, None)).tell(Continue(), at)
    assert len(run.children) == started
    assert run.run.where == ("B",)
    (key,) = run.timers()
    run.tell(Fired(key), 200)
    assert run.run.status == "SUCCEEDED"


def test_a_redrive_starts_other_express_children_as_nothing_of_those_before_goes_on():
    run = told([1, 2, 3], kind="EXPRESS")
    end(run, 1, (0, "a"), (1, None))
    run.tell(Redrive(), 2)
    again = run.children[3:]
    assert [(child.input, child.redrive) for child in again] == [(2, 0), (3, 0)]
    assert len({child.name for child in run.children}) == 5


def test_a_stop_ends_the_children():
    run = told([1, 2])
    run.tell(Stop(), 1)
    assert all(Forget(child.key) in run.fresh for child in run.children)
    assert run.types[-3:] == ["MapRunAborted", "MapStateAborted", "ExecutionAborted"]
    assert (counts(run).status, counts(run).execution_counts["aborted"]) == ("ABORTED", 2)


def test_a_retry_is_a_map_run_of_its_own():
    run = told(
        [1],
        Retry=[
            {
                "ErrorEquals": ["States.ExceedToleratedFailureThreshold"],
                "MaxAttempts": 1,
                "IntervalSeconds": 1,
            }
        ],
    )
    end(run, 0, (0, None))
    run.tell(Fired(next(iter(run.timers()))), 1)
    assert run.children[1].map_run_arn != run.children[0].map_run_arn
    end(run, 2, (1, "a"))
    assert run.ended.output == ["a"]
