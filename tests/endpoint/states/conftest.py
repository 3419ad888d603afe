import itertools
import json
import threading

import pytest

import faaslab
from tests.endpoint.lambda_.defining import zipped

ROLE = "arn:aws:iam::000000000000:role/any"
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"a": 1}, "End": True}}}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """One lab a file, with its port and its cloud."""
    folder = tmp_path_factory.mktemp("states")
    with faaslab.open(folder / "store.duckdb", cache=folder / "cache", sandbox="off") as lab:
        yield lab


@pytest.fixture(scope="module")
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


CUSTOM = """class CustomException(Exception):
    message: str

    def __init__(self):
        self.message = "CustomException message"


def handler(event, context):
    raise CustomException()
"""
# What the functions of the recorded cases do, by the README beside them.
BEHAVIOURS = {
    "identity": "def handler(event, context):\n    return event\n",
    "echo_function": "def handler(event, context):\n    return event\n",
    "raise_exception": ('def handler(event, context):\n    raise Exception("Some exception was raised.")\n'),
    "raise_custom_exception": CUSTOM,
    "sleep_60": "import time\n\ndef handler(event, context):\n    time.sleep(60)\n",
    "large_output": 'def handler(event, context):\n    return b"a" * (257 * 1024)\n',
    "return_bytes": "def handler(event, context):\n    return b'\"HelloWorld!\"'\n",
    "return_decorated_input": 'def handler(event, context):\n    return f"input-event-{event}"\n',
}


@pytest.fixture(scope="module")
def functions(lab):
    """Puts functions of the lab in the place of those that a recorded case calls: its texts with other names."""
    made = {}
    guard = threading.Lock()

    def named(asked):
        with guard:
            kind = asked["behaviour"], asked["handler"]
            if kind not in made:
                made[kind] = f"recorded-{len(made)}-{asked['behaviour']}"
                file, _, handler = asked["handler"].rpartition(".")
                source = BEHAVIOURS[asked["behaviour"]].replace("def handler(", f"def {handler}(")
                code = zipped(source, name=f"{file}.py")
                lab.functions.create(made[kind], code, handler=f"{file}.{handler}", timeout_s=90)
            return made[kind]

    def functions(case, text):
        for name, asked in case.get("lambda_functions", {}).items():
            text = text.replace(name, named(asked))
        return text

    return functions
