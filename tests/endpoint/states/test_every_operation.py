"""Every operation of Step Functions against a real lab: whatever is sent, AWS's clients know the answer."""

import json

import pytest
from botocore.parsers import create_parser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import faaslab
from faaslab.endpoint import states
from faaslab.endpoint.asking import Asking
from faaslab.endpoint.credentials import Scope
from faaslab.endpoint.dispatch import OURS, Dispatcher
from faaslab.endpoint.messages import Fault, Held, Request
from tests.endpoint.states.conftest import PASS, ROLE
from tests.endpoint.wire.samples import model, operations, parts_of, sent, value

pytestmark = pytest.mark.timeout(120)
NAMES = [name for _, name in operations("stepfunctions")]
SIGNED = Scope("local", "states", "us-east-1")
# What any operation of AWS may answer ("Common Errors" of the Step Functions API).
COMMON = {"ValidationException", "SerializationException", "UnknownOperationException", "NotImplemented"}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
BASE = "arn:aws:states:us-east-1:000000000000:"
KNOWN = {
    "name": "known",
    "definition": json.dumps(PASS),
    "roleArn": ROLE,
    "input": "{}",
    "output": "{}",
    "stateMachineArn": f"{BASE}stateMachine:known",
    "stateMachineAliasArn": f"{BASE}stateMachine:known:prod",
    "executionArn": f"{BASE}execution:waiting:one",
    "activityArn": f"{BASE}activity:known",
    "resourceArn": f"{BASE}stateMachine:known",
    "routingConfiguration": [{"stateMachineVersionArn": f"{BASE}stateMachine:known:1", "weight": 100}],
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with faaslab.open(tmp_path_factory.mktemp("operations") / "store.duckdb") as lab:
        yield lab


@pytest.fixture
def known(lab):
    """A workflow with a version and an alias, an execution that waits, and an activity."""
    workflows = lab.workflows
    workflows.create("known", PASS, role=ROLE)
    version = workflows.versions.publish("known")
    if "prod" not in [each.name for each in workflows.versions.aliases("known")]:
        workflows.versions.create_alias("known", "prod", version.version)
    workflows.create("waiting", WAIT)
    if not workflows.executions("waiting"):
        workflows.start("waiting", name="one")
    workflows.activities.create("known")


@pytest.fixture(scope="module")
def dispatcher(lab):
    def nothing(*_):
        raise Fault("ServiceUnavailable", "There is no embedded cloud here.", status=503)

    return Dispatcher(lab, Asking(nothing))


def answered(dispatcher, request):
    response = dispatcher.answer(request, OURS["states"], SIGNED)
    if isinstance(response, Held):
        response = response.look() or response.nothing
    return response


def checked(operation, response):
    """The error's code, or None; fails for an answer that no client could read."""
    assert response.status < 500 or response.status == 501, response
    parsed = create_parser("json").parse(parts_of(operation, response), operation.output_shape)
    if response.status < 300:
        return None
    code = parsed["Error"]["Code"]
    assert code in COMMON | {shape.name for shape in operation.error_shapes}, parsed["Error"]
    assert parsed["Error"]["Message"] or code == "UnknownOperationException"
    return code


def params_of(operation, full):
    return value(operation.input_shape, full=full) if operation.input_shape else {}


def test_no_operation_is_missing():
    assert set(states.OPERATIONS) == set(NAMES)
    assert len(NAMES) == 37


@pytest.mark.parametrize("full", [False, True], ids=["least", "full"])
@pytest.mark.parametrize("name", NAMES)
def test_what_nobody_has_is_not_found(dispatcher, name, full):
    operation = model("stepfunctions").operation_model(name)
    code = checked(operation, answered(dispatcher, sent(operation, params_of(operation, full), "json")))
    if name.startswith(("Describe", "Get", "Start", "Stop", "Redrive", "Send")):
        assert code is not None


@pytest.mark.parametrize("full", [False, True], ids=["least", "full"])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_there_is_worked_on(dispatcher, known, name, full):
    operation = model("stepfunctions").operation_model(name)
    params = params_of(operation, full)
    params |= {key: KNOWN[key] for key in params if key in KNOWN}
    for key in ("nextToken", "mapRunArn"):
        if key not in operation.input_shape.required_members:
            params.pop(key, None)
    checked(operation, answered(dispatcher, sent(operation, params, "json")))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_json_gets_an_answer(dispatcher, known, name, data):
    operation = model("stepfunctions").operation_model(name)
    params = params_of(operation, data.draw(st.booleans()))
    params |= {key: KNOWN[key] for key in params if key in KNOWN}
    good = sent(operation, params, "json")
    member = data.draw(st.sampled_from(sorted(operation.input_shape.members) or ["x"]))
    anything = st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )
    text = data.draw(st.text(max_size=30) | anything.map(json.dumps))
    changed = params | {member: data.draw(anything | st.just(text))}
    body = data.draw(st.binary(max_size=60) | st.just(json.dumps(changed, default=str).encode()))
    request = Request(method=good.method, path=good.path, query=good.query, headers=good.headers, body=body)
    checked(operation, answered(dispatcher, request))
