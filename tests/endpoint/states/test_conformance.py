"""What was recorded from AWS, asked again of the port by boto3."""

import pytest

from tests.endpoint.states.conftest import ROLE
from tests.recorded import cases, definition_text, differences, needed, parameters, unstubbed

pytestmark = [needed, pytest.mark.timeout(300)]
GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:{}:*"


def test_the_recorded_cases_are_all_there():
    counts = {"create_error": 13, "validate": 10, "variable_references": 7, "test_state": 127}
    assert {name: len(cases(name)) for name in counts} == counts


def logging(case):
    """What the recorder asked for, which the cases do not tell; their names do."""
    deleted = {"cloudWatchLogsLogGroup": {"logGroupArn": GROUP.format("gone")}}
    configurations = {
        "logging_configuration0": {"level": "ALL"},
        "logging_configuration1": {"level": "ALL", "destinations": []},
        "logging_configuration2": {"level": "ALL", "destinations": [{}]},
        "test_deleted_log_group": {"level": "ALL", "destinations": [deleted]},
        "test_multiple_destinations": {"level": "ALL", "destinations": [deleted, deleted]},
    }
    found = [asked for part, asked in configurations.items() if part in case["id"]]
    return {"loggingConfiguration": found[0]} if found else {}


@pytest.mark.parametrize("case", parameters("create_error"))
def test_creating_is_refused_as_recorded(states, name, case):
    kind = "EXPRESS" if "express" in case["id"] else "STANDARD"
    described = {"versionDescription": "x"} if "version_description" in case["id"] else {}
    with pytest.raises(states.exceptions.ClientError) as error:
        states.create_state_machine(
            name=name, definition=definition_text(case), roleArn=ROLE, type=kind, **logging(case), **described
        )
    told, expected = error.value.response["Error"], case["expected"]
    message = expected["message"].partition(" operation: ")[2] or expected["message"]
    assert told["Code"] == expected["error_code"]
    assert differences(message, told["Message"], case["replacements"]) == []


@pytest.mark.parametrize("case", parameters("validate"))
def test_a_definition_is_checked_as_recorded(states, case):
    asked = {key: value for key, value in case.get("args", {}).items() if key != "definition"}
    kind = {"type": case["type"]} if case.get("type") else {}
    answer = states.validate_state_machine_definition(definition=definition_text(case), **(kind | asked))
    del answer["ResponseMetadata"]
    assert differences(case["expected"]["response"], answer, case["replacements"]) == []


@pytest.mark.parametrize("case", parameters("variable_references"))
def test_variables_are_told_as_recorded(states, name, case):
    made = states.create_state_machine(name=name, definition=definition_text(case), roleArn=ROLE)
    answer = states.describe_state_machine(stateMachineArn=made["stateMachineArn"])
    del answer["ResponseMetadata"]
    assert differences(case["expected"]["response"], answer, case["replacements"]) == []


# -- TestState

# The recorder gave a role wherever the answers do not show that there was none.
WITHOUT_A_ROLE = ("no_role_arn", "test_state_with_variables")


@pytest.mark.parametrize("case", parameters("test_state"))
def test_a_state_is_tried_as_recorded(states, functions, case):
    asked = {"definition": functions(case, definition_text(case)), **unstubbed(case["args"])}
    if not any(part in case["id"] for part in WITHOUT_A_ROLE):
        asked["roleArn"] = ROLE
    if "input_text" in case:
        asked["input"] = functions(case, case["input_text"])
    expected = case["expected"]["response"]
    if "exception_typename" in expected:
        with pytest.raises(Exception) as raised:
            states.test_state(**asked)
        error = raised.value
        told = error.response["Error"]["Code"] if hasattr(error, "response") else type(error).__name__
        assert (told, str(error)) == (expected["exception_typename"], expected["exception_value"])
    elif "Error" in expected:
        with pytest.raises(states.exceptions.ClientError) as raised:
            states.test_state(**asked)
        told = raised.value.response["Error"]
        assert (told["Code"], told["Message"]) == (expected["Error"]["Code"], expected["Error"]["Message"])
    else:
        answer = states.test_state(**asked)
        del answer["ResponseMetadata"]
        assert differences(expected, answer, case["replacements"]) == []
