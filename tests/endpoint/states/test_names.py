import pytest

from faaslab.endpoint.messages import Fault
from faaslab.endpoint.states.names import check_name, machine, named

STATES = "arn:aws:states:us-east-1:000000000000:"


def refusal(of, *given):
    with pytest.raises(Fault) as error:
        of(*given)
    return error.value.code, error.value.message


def test_an_arn_says_what_it_names():
    found = named(f"{STATES}stateMachine:m:prod", "stateMachine")
    assert (found.name, found.qualifier, found.unqualified) == ("m", "prod", f"{STATES}stateMachine:m")
    assert machine(f"{STATES}stateMachine:m").unqualified == f"{STATES}stateMachine:m"
    child = named(f"{STATES}execution:m/Each:run", "execution")
    assert (child.name, child.label, child.qualifier) == ("m", "Each", "run")
    assert named(f"{STATES}mapRun:m/Each:1", "mapRun").qualifier == "1"


@pytest.mark.parametrize(
    ("arn", "said"),
    [
        ("not_a_valid_arn", "Invalid ARN prefix: not_a_valid_arn"),
        (f"{STATES}express:m:n:u", "Resource type not valid in this context: express"),
        (f"{STATES}stateMachine:m", "Resource type not valid in this context: stateMachine"),
        (f"{STATES}execution:m", f"Invalid ARN: {STATES}execution:m"),
        (f"{STATES}execution:m:", f"Invalid ARN: {STATES}execution:m:"),
        ("arn:aws:lambda:us-east-1:0:function:f", "Invalid ARN: arn:aws:lambda:us-east-1:0:function:f"),
        ("arn:", "Invalid ARN: arn:"),
    ],
)
def test_what_names_no_execution_is_refused(arn, said):
    assert refusal(named, arn, "execution") == ("InvalidArn", f"Invalid Arn: '{said}'")


def test_a_distributed_map_is_no_state_machine():
    code, _ = refusal(machine, f"{STATES}stateMachine:m/Each")
    assert code == "ValidationException"


@pytest.mark.parametrize("name", ["TestActivity InvalidName$", "a b", "a:b", "a/b", "a\\b", "a\x00", "a<"])
def test_names_have_no_special_characters(name):
    assert refusal(check_name, name) == ("InvalidName", f"Invalid Name: '{name}'")


@pytest.mark.parametrize("name", ["plain", "a-b_c.d", "größe", "a+b=c@d!"])
def test_other_names_are_good(name):
    check_name(name)
