"""Pictures of executions that the interpreter itself has made."""

from datetime import timedelta

from faaslab.workflow.effects import Failed, Redrive, Succeeded
from faaslab.workflow.graph.drawing import graph_svg
from faaslab.workflow.graph.progress import Items, Progress, status_of
from faaslab.workflow.graph.timeline import timeline
from tests.workflow.outside import Outside

from . import samples


def answers(told):
    """Answers a call by its state's name: each in turn, the last one for all that follow."""
    left = {name: list(each) for name, each in told.items()}

    def answer(call):
        queue = left.get(call.state, [{}])
        given = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(given, str):
            return [(Failed(call.key, given, "cause"), 0.5)]
        return [(Succeeded(call.key, given), 1.0)]

    return answer


ORDER = {"stock": 3, "items": [{"n": index} for index in range(7)]}


def played(told, given=ORDER):
    outside = Outside(samples.own("order"), given, answers=answers(told))
    outside.to_the_end()
    return outside


def test_an_order_that_is_sent():
    outside = played({"Validate order": [ORDER], "Reserve item": ["States.Timeout", {}]})
    progress = Progress()
    progress.feed(outside.events)
    found = progress.statuses()
    assert outside.ended.status == "SUCCEEDED"
    assert {name for name, status in found.items() if status.standing == "succeeded"} == set(found)
    assert found["Pack items"].items == Items(7, 7)
    assert (found["Reserve item"].entered, found["Reserve item"].retries) == (7, 1)
    assert found["Charge card"].duration == timedelta(seconds=1)
    assert progress.transitions["In stock?", "Fulfil"] == 1
    assert progress.transitions["Reserve item", "Label item"] == 7
    assert progress.transitions["Done", ""] == 1
    svg = graph_svg(samples.own("order"), found, transitions=progress.transitions)
    assert "7/7 ✓" in svg
    assert "running 1.5 s" in timeline(outside.events)


def test_an_order_whose_payment_is_refused():
    outside = played({"Validate order": [ORDER], "Charge card": ["PaymentDeclined"]})
    found = {name: status.standing for name, status in status_of(outside.events).items()}
    assert outside.ended.status == "FAILED"
    assert found["Charge card"] == "failed"
    assert found["Fulfil"] == "caught"
    assert found["Reject order"] == "failed"
    assert found["Pack items"] == "aborted"
    assert "running" not in found.values()


def test_a_live_view_of_what_the_interpreter_tells():
    outside = played({"Validate order": [ORDER], "Label item": ["E", {}]})
    progress, seen = Progress(), {}
    for event in outside.events:
        seen |= progress.feed([event])
    assert seen == status_of(outside.events)
    assert seen["Label item"].standing == "failed"
    assert seen["Fulfil"].standing == "caught"


def function(name):
    return f"arn:aws:lambda:us-east-1:000000000000:function:{name}"


BOTH = {
    "StartAt": "Both",
    "States": {
        "Both": {
            "Type": "Parallel",
            "End": True,
            "Branches": [
                {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": function("a"), "End": True}}},
                {
                    "StartAt": "Each",
                    "States": {
                        "Each": {
                            "Type": "Map",
                            "End": True,
                            "ItemProcessor": {
                                "StartAt": "B",
                                "States": {"B": {"Type": "Task", "Resource": function("b"), "End": True}},
                            },
                        }
                    },
                },
            ],
        }
    },
}


def test_a_redriven_execution_takes_up_what_had_not_succeeded():
    outside = Outside(BOTH, [1, 2, 3], answers=answers({"B": [{}, "E", {}]}))
    outside.to_the_end()
    progress = Progress()
    progress.feed(outside.events)
    told = len(outside.events)
    found = progress.statuses()
    assert [found[name].standing for name in ("Both", "A", "Each", "B")] == [
        "failed", "aborted", "failed", "failed",
    ]  # fmt: skip
    assert found["Each"].items == Items(3, 0, 1, 0, 2)
    outside.ended = None
    outside.tell(Redrive())
    progress.feed(outside.events[told : told + 1])
    found = progress.statuses()
    assert {status.standing for status in found.values()} == {"running"}
    assert found["Each"].items == Items(3, 0, 0, 3)
    told += 1
    outside.on()
    progress.feed(outside.events[told:])
    found = progress.statuses()
    assert {status.standing for status in found.values()} == {"succeeded"}
    assert found["Each"].items == Items(3, 3)
    assert (found["B"].entered, found["B"].ended) == (3, 3)
    assert found == status_of(outside.events)
