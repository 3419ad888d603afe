import json

import pytest

from faaslab.workflow.testing.contexts import InvalidContext, given

WHOLE = {
    "Execution": {"Id": "a", "Input": [1], "Name": "n", "RoleArn": "r", "StartTime": "t", "RedriveCount": 1},
    "State": {"EnteredTime": "t", "Name": "s", "RetryCount": 0},
    "StateMachine": {"Id": "i", "Name": "n"},
    "Task": {"Token": "t"},
}


def test_what_a_context_object_has_may_be_given():
    assert given(json.dumps(WHOLE)) == WHOLE
    assert given("{}") == {}


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"Execution": {"Id": 1}}, "Execution.Id must be a string"),
        ({"State": {"RetryCount": True}}, "State.RetryCount must be a number"),
        ({"Map": {}}, "'Map' field is not supported when mocking a Context object"),
        ({"Pokedex": {}}, "Field 'Pokedex' is not allowed"),
        ({"Execution": {"pokemon": 1}}, "Field 'pokemon' is not allowed"),
        ({"Task": 1}, "Task must be an object"),
        ([], "it must be a JSON object"),
    ],
)
def test_what_it_has_not_is_refused(context, said):
    with pytest.raises(InvalidContext) as error:
        given(json.dumps(context))
    assert str(error.value) == f"Invalid Context object provided: {said}"


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_a_text_that_is_no_json_is_refused(text):
    with pytest.raises(InvalidContext, match="valid JSON"):
        given(text)
