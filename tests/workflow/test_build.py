"""Workflows written in Python compile to the definition that one would have written by hand."""

import pytest

from faaslab.errors import InvalidValue
from faaslab.workflow.build import (
    Choice,
    Fail,
    Map,
    Parallel,
    Pass,
    Succeed,
    Task,
    Wait,
    catch,
    goto,
    retry,
    when,
)


def test_a_chain():
    flow = Task("a", "score", arguments={"x": 1}, timeout_seconds=5) >> Wait("b", seconds=3) >> Succeed("c")
    assert flow.definition() == {
        "QueryLanguage": "JSONata",
        "StartAt": "a",
        "States": {
            "a": {
                "Type": "Task",
                "Resource": "score",
                "Arguments": {"x": 1},
                "TimeoutSeconds": 5,
                "Next": "b",
            },
            "b": {"Type": "Wait", "Seconds": 3, "Next": "c"},
            "c": {"Type": "Succeed"},
        },
    }


def test_one_state_is_a_machine():
    assert Pass("only", output=None).definition(comment="c", timeout_seconds=60) == {
        "Comment": "c",
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": 60,
        "StartAt": "only",
        "States": {"only": {"Type": "Pass", "End": True}},
    }


def test_both_ways_out_of_a_choice_meet_in_what_follows_it():
    flow = (
        Choice("big?", when("$states.input.n > 3", Pass("big")), otherwise=Pass("small") >> Pass("smaller"))
        >> Pass("after")
    ).definition()
    states = flow["States"]
    assert states["big?"]["Choices"] == [{"Condition": "{% $states.input.n > 3 %}", "Next": "big"}]
    assert states["big?"]["Default"] == "small"
    assert [states[name]["Next"] for name in ("big", "small", "smaller")] == ["after", "smaller", "after"]
    assert states["after"]["End"] is True


def test_a_choice_without_another_way_goes_on_with_the_next_state_and_the_last_has_no_default():
    flow = Choice("c", when({"Variable": "$.n", "IsNull": True}, Fail("f", "E", "why"))) >> Pass("next")
    states = flow.definition(query_language="JSONPath")["States"]
    assert states["c"] == {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "IsNull": True, "Next": "f"}],
        "Default": "next",
    }
    assert states["f"] == {"Type": "Fail", "Error": "E", "Cause": "why"}
    assert "Default" not in Choice("c", when("true", Succeed("s"))).definition()["States"]["c"]


def test_what_is_caught_goes_on_with_what_follows():
    flow = Task(
        "t", "score", catch=[catch("E", then=Pass("mend"), output="{% 1 %}")], retry=[retry()]
    ) >> Pass("z")
    states = flow.definition()["States"]
    assert states["t"]["Catch"] == [{"ErrorEquals": ["E"], "Output": "{% 1 %}", "Next": "mend"}]
    assert states["t"]["Retry"] == [{"ErrorEquals": ["States.ALL"]}]
    assert states["mend"]["Next"] == "z"


def test_a_loop():
    look = Task("look", "look")
    flow = look >> Choice(
        "ready?", when("$states.input.ready", Succeed("done")), otherwise=Wait("w", seconds=1) >> goto("look")
    )
    states = flow.definition()["States"]
    assert states["w"]["Next"] == "look"
    assert list(states) == ["look", "ready?", "done", "w"]


def test_maps_and_branches_hold_machines():
    flow = Map("m", Task("one", "score"), items="{% $states.input %}", max_concurrency=4) >> Parallel(
        "p", Pass("left"), Pass("right") >> Pass("righter")
    )
    states = flow.definition()["States"]
    assert states["m"]["ItemProcessor"] == {
        "ProcessorConfig": {"Mode": "INLINE"},
        "StartAt": "one",
        "States": {"one": {"Type": "Task", "Resource": "score", "End": True}},
    }
    assert (states["m"]["Items"], states["m"]["MaxConcurrency"]) == ("{% $states.input %}", 4)
    assert [branch["StartAt"] for branch in states["p"]["Branches"]] == ["left", "right"]
    far = Map("m", Pass("x"), distributed=True, execution_type="EXPRESS").definition()["States"]["m"]
    assert far["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}


def test_null_is_kept_where_it_says_something():
    state = Pass("p", result_path=None, comment=None).definition()["States"]["p"]
    assert state == {"Type": "Pass", "ResultPath": None, "End": True}


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ((Pass("a") >> Pass("a")).definition, "two states are called 'a'"),
        (lambda: Succeed("a") >> Pass("b"), "nothing comes after Succeed 'a'"),
        (lambda: goto("a") >> Pass("b"), r"nothing comes after goto\('a'\)"),
        (lambda: Pass("a") >> goto("a") >> Pass("b"), r"nothing comes after goto\('a'\)"),
        (lambda: Pass("a") >> "b", "a str is no state"),
        (lambda: Task("a", "f", catch=["E"]), "'E' is no catcher"),
    ],
)
def test_what_is_no_chain_is_told(made, said):
    with pytest.raises(InvalidValue, match=said):
        made()
