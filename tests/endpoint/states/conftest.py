import itertools
import json

import pytest

import faaslab

ROLE = "arn:aws:iam::000000000000:role/any"
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"a": 1}, "End": True}}}


@pytest.fixture(scope="package")
def lab(tmp_path_factory):
    """One lab for all tests of Step Functions' API, with its port and its cloud."""
    folder = tmp_path_factory.mktemp("states")
    with faaslab.open(folder / "store.duckdb", cache=folder / "cache", sandbox="off") as lab:
        yield lab


@pytest.fixture(scope="package")
def states(lab):
    """boto3's client."""
    return lab.cloud.client("stepfunctions")


_numbers = itertools.count()


@pytest.fixture
def name():
    """A name that no other test has."""
    return f"m{next(_numbers)}"


@pytest.fixture
def create(states, name):
    """Creates a state machine: its ARN."""

    def create(definition=PASS, called=None, **more):
        made = states.create_state_machine(
            name=called or name, definition=json.dumps(definition), roleArn=ROLE, **more
        )
        return made["stateMachineArn"]

    return create


@pytest.fixture
def refusal(states):
    """The code and message of the error that a call is refused with."""

    def refusal(operation, **params):
        with pytest.raises(states.exceptions.ClientError) as error:
            getattr(states, operation)(**params)
        told = error.value.response["Error"]
        return told["Code"], told["Message"]

    return refusal
