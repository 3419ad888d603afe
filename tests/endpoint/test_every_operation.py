"""Every operation of Lambda against a real lab: whatever is sent, the answer is one that AWS's clients know."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import faaslab
from faaslab.endpoint.asking import Asking
from faaslab.endpoint.credentials import Scope
from faaslab.endpoint.dispatch import OURS, Dispatcher
from faaslab.endpoint.messages import Request
from tests.endpoint.wire.samples import model, operations, parts_of, sent, value

pytestmark = pytest.mark.timeout(120)
LAMBDA = [name for _, name in operations("lambda")]
SIGNED = Scope("local", "lambda", "us-east-1")
# What any operation of AWS may answer (Lambda API reference, "Common errors"), and Lambda's answer to what it
# does not understand.
COMMON = {
    "ValidationException", "SerializationException", "AccessDeniedException", "UnknownOperationException",
    "ThrottlingException", "RequestEntityTooLargeException", "InvalidRequestContentException",
}  # fmt: skip
CODE = "def handler(event, context):\n    return event"
KNOWN = {
    "FunctionName": "known",
    "LayerName": "known",
    "VersionNumber": 1,
    "Qualifier": "1",
    "Name": "prod",
    "FunctionVersion": "1",
    "Resource": "arn:aws:lambda:us-east-1:000000000000:function:known",
    "Arn": "arn:aws:lambda:us-east-1:000000000000:layer:known:1",
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with faaslab.open(tmp_path_factory.mktemp("operations") / "store.duckdb") as lab:
        yield lab


@pytest.fixture
def known(lab, tmp_path_factory):
    """A function with a version, an alias and a layer beside it, whatever the last test did to them."""
    lab.functions.create("known", CODE)
    if not lab.versions.list("known"):
        lab.versions.publish("known")
    version = lab.versions.list("known")[-1].version
    if "prod" not in [each.name for each in lab.versions.aliases("known")]:
        lab.versions.create_alias("known", "prod", version)
    return version


@pytest.fixture(scope="module")
def dispatcher(lab):
    def nothing(*_):
        raise AssertionError("the cloud was asked")

    return Dispatcher(lab, Asking(nothing))


def answered(dispatcher, request):
    return dispatcher.answer(request, OURS["lambda"], SIGNED)


def checked(operation, response):
    """The error's code, or None; fails for an answer that no client could read."""
    assert response.status < 500 or response.status == 501, response
    from botocore.parsers import create_parser

    parsed = create_parser("rest-json").parse(parts_of(operation, response), operation.output_shape)
    if response.status < 300:
        return None
    code = parsed["Error"]["Code"]
    assert code in COMMON | {shape.name for shape in operation.error_shapes}, parsed["Error"]
    assert parsed["Error"]["Message"]
    return code


@pytest.mark.parametrize("full", [False, True], ids=["least", "full"])
@pytest.mark.parametrize("name", LAMBDA)
def test_what_nobody_has_is_not_found(dispatcher, name, full):
    operation = model("lambda").operation_model(name)
    params = value(operation.input_shape, full=full) if operation.input_shape else {}
    code = checked(operation, answered(dispatcher, sent(operation, params, "rest-json")))
    if "FunctionName" in params and name.startswith(("Get", "Delete", "Invoke")):
        assert code is not None


@pytest.mark.parametrize("full", [False, True], ids=["least", "full"])
@pytest.mark.parametrize("name", LAMBDA)
def test_what_is_there_is_worked_on(dispatcher, known, name, full):
    operation = model("lambda").operation_model(name)
    params = value(operation.input_shape, full=full) if operation.input_shape else {}
    there = KNOWN | {"Qualifier": known, "FunctionVersion": known}
    params |= {key: there[key] for key in params if key in there}
    for key in ("RevisionId", "CodeSha256", "Marker", "MaxItems"):
        params.pop(key, None)
    checked(operation, answered(dispatcher, sent(operation, params, "rest-json")))


@pytest.mark.parametrize("name", LAMBDA)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_bytes_get_an_answer(dispatcher, known, name, data):
    operation = model("lambda").operation_model(name)
    params = value(operation.input_shape, full=data.draw(st.booleans())) if operation.input_shape else {}
    params |= {key: KNOWN[key] for key in params if key in KNOWN}
    good = sent(operation, params, "rest-json")
    member = data.draw(st.sampled_from(sorted(operation.input_shape.members) or ["x"]))
    body = data.draw(
        st.one_of(
            st.binary(max_size=60),
            st.recursive(
                st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=20)),
                lambda inner: (
                    st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
                ),
                max_leaves=5,
            ).map(lambda drawn: _json({member: drawn})),
        )
    )
    request = Request(
        method=good.method,
        path=good.path,
        query=(*good.query, (member, data.draw(st.text(max_size=10)))),
        headers=good.headers,
        body=body,
    )
    if name in {"Invoke", "InvokeAsync", "InvokeWithResponseStream"}:
        return  # these take any bytes, and run them: they have tests of their own
    checked(operation, answered(dispatcher, request))


def _json(value):
    import json

    return json.dumps(value).encode()
