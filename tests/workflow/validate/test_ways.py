"""Where states lead: as measured on AWS (github.com/floci-io/floci, issue 2735 and pull request 2786)."""

from hypothesis import given
from hypothesis import strategies as st

from faaslab.workflow.validate import diagnostics, refusal

LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function:f"


def found(definition):
    return [(one.severity, one.code, one.message, one.location) for one in diagnostics(definition)]


def said(definition):
    return [
        f"{code}: {message} at {place}"
        for severity, code, message, place in found(definition)
        if severity == "ERROR"
    ]


def machine(state):
    return {"StartAt": "S", "States": {"S": {**state, "End": True}}}


def goes(**ways):
    return {
        "StartAt": next(iter(ways)),
        "States": {
            name: {"Type": "Pass", **({"Next": to} if to else {"End": True})} for name, to in ways.items()
        },
    }


def test_a_loop_has_no_end_and_no_place():
    assert found(goes(A="B", B="A")) == [
        ("ERROR", "MISSING_END_STATE", "Workflow has no terminal state", None)
    ]
    assert refusal(diagnostics(goes(A="B", B="A"))) == (
        "Invalid State Machine Definition: 'MISSING_END_STATE: Workflow has no terminal state at null'"
    )


def test_what_has_no_end_is_not_asked_whether_it_is_reached():
    assert [code for _, code, _, _ in found(goes(A="B", B="A", C="A"))] == ["MISSING_END_STATE"]


def test_an_end_that_is_not_reached_is_one():
    assert said(goes(A="B", B="A", C=None)) == [
        'MISSING_TRANSITION_TARGET: State "C" is not reachable. at /States/C'
    ]


def test_a_way_to_nowhere_is_told_before_the_missing_end():
    assert said(goes(A="NOPE")) == [
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: NOPE at /States/A/Next",
        "MISSING_END_STATE: Workflow has no terminal state at None",
    ]


def test_each_way_to_nowhere_has_its_place():
    definition = {
        "StartAt": "C",
        "States": {
            "C": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "X"}, {"Variable": "$.a", "IsNull": True, "Next": "T"}],
                "Default": "Y",
            },
            "T": {"Type": "Task", "Resource": LAMBDA, "Catch": [{"ErrorEquals": ["A"], "Next": "Z"}], "End": True},
        },
    }  # fmt: skip
    assert said(definition) == [
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/C/Choices[0]/Next",
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: Y at /States/C/Default",
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: Z at /States/T/Catch[0]/Next",
    ]


def test_a_start_that_is_not_there():
    assert said({"StartAt": "B", "States": {"A": {"Type": "Succeed"}}}) == [
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /StartAt",
        'MISSING_TRANSITION_TARGET: State "A" is not reachable. at /States/A',
    ]


def test_a_state_of_the_outside_is_no_target_inside():
    inside = {"StartAt": "I", "States": {"I": {"Type": "Pass", "Next": "S"}}}
    assert said(machine({"Type": "Map", "ItemProcessor": inside})) == [
        "MISSING_TRANSITION_TARGET: Missing 'Next' target: S at /States/S/ItemProcessor/States/I/Next",
        "MISSING_END_STATE: Workflow has no terminal state at /States/S/ItemProcessor",
    ]


def test_yaml_s_true_is_a_name_where_a_state_has_it():
    definition = {
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "Next": True}, "true": {"Type": "Succeed"}},
    }
    assert said(definition) == []
    assert [code for _, code, _, _ in found(definition)] == ["NAME_IS_NO_TEXT"]
    del definition["States"]["true"]
    assert "SCHEMA_VALIDATION_FAILED: Expected value of type String at /States/A/Next" in said(definition)


@given(
    st.dictionaries(
        st.sampled_from("ABCDEFGH"), st.lists(st.sampled_from("ABCDEFGHI"), max_size=3), min_size=1
    )
)
def test_a_state_is_reachable_when_a_way_leads_there(ways):
    start = next(iter(ways))
    states = {
        name: {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": True, "Next": to} for to in targets]}
        if targets
        else {"Type": "Succeed"}
        for name, targets in ways.items()
    }
    reached = {start}
    while more := {to for name in reached for to in ways[name] if to in ways} - reached:
        reached |= more
    told = said({"StartAt": start, "States": states})
    if all(ways.values()):
        assert any("MISSING_END_STATE" in one for one in told)
    else:
        unreached = {one.split('"')[1] for one in told if "not reachable" in one}
        assert unreached == set(ways) - reached
    nowhere = any(to not in ways for targets in ways.values() for to in targets)
    assert any("Missing 'Next'" in one for one in told) == nowhere
