"""Whatever an operation of ours in Logs and CloudWatch is asked: an answer of its model, or the caller's error."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import faaslab
from faaslab.endpoint import faults
from faaslab.endpoint.call import Theirs
from faaslab.endpoint.cloudwatch import metrics
from faaslab.endpoint.logs import events, groups, queries, tail, tokens
from faaslab.endpoint.messages import Fault
from faaslab.endpoint.wire import Service, constraints
from tests.endpoint.calling import call
from tests.endpoint.wire.samples import model

pytestmark = pytest.mark.timeout(300)
LOGS = {**groups.OPERATIONS, **events.OPERATIONS, **queries.OPERATIONS, **tail.OPERATIONS}
PROTOCOLS = {"logs": "json-1.1", "cloudwatch": "smithy-rpc-v2-cbor"}
ALL = [("logs", name) for name in LOGS] + [("cloudwatch", name) for name in metrics.OPERATIONS]
TEXTS = st.sampled_from(
    ["/aws/lambda/talks", "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/talks:*", "talks", "a"]
    + [
        "2026/11/26/[$LATEST]a",
        "f/x",
        "b/",
        "Sum",
        "p99",
        "AWS/Lambda",
        "Errors",
        "FunctionName",
        "shop",
        "*",
    ]
    + [
        "{ $.a = 1 }",
        "[a, ...]",
        "%a|b%",
        "stats count(*) by bin(5m)",
        "fields @message | limit 1",
        "m1 / m1",
    ]
    + [tokens.written(each) for each in (0, -1, 2**70, "a", [], [1, 2], ["x", "y", "z"], None, {"a": 1})]
    + [
        f"f/{tokens.written(['2026-01-01T00:00:00', 'a', 2**70])}",
        tokens.written(["9999-12-31", "a", -(2**40)]),
    ]
) | st.text(max_size=12)
NUMBERS = st.sampled_from([0, 1, 2, 50, 60, 10_000, 1795694430, 1795694430000, 2**31 - 1, 2**53, 2**63 - 1])
MOMENTS = st.sampled_from(
    [datetime.min, datetime.max, datetime(1970, 1, 1), datetime(2026, 11, 26, 12), datetime(2026, 11, 27)]
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with faaslab.open(tmp_path_factory.mktemp("watching") / "store.duckdb") as lab:
        lab.functions.create("talks", "def handler(event, context):\n    print('{\"a\": 1}')")
        lab.functions.invoke("talks", {})
        yield lab


def values(shape):
    """What might stand in a request for that shape, mostly of the right kind."""
    kind = shape.type_name
    if kind == "structure":
        members = {name: values(member) for name, member in shape.members.items()}
        required = {name: members[name] for name in shape.required_members}
        optional = {name: made for name, made in members.items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if kind == "list":
        return st.lists(values(shape.member), max_size=2)
    if kind == "map":
        return st.dictionaries(values(shape.key), values(shape.value), max_size=2)
    if kind == "string":
        return st.sampled_from(shape.enum) if shape.enum else TEXTS
    if kind == "timestamp":
        return MOMENTS
    if kind == "boolean":
        return st.booleans()
    return NUMBERS if kind in ("integer", "long") else st.floats(allow_nan=False)


def nobody(operation, params):
    """A cloud in which nothing is."""
    raise Fault("ResourceNotFoundException", f"no {operation}")


@pytest.mark.parametrize(("service", "operation"), ALL)
def test_no_request_is_our_fault(lab, service, operation):
    handler = LOGS[operation] if service == "logs" else metrics.OPERATIONS[operation]
    wire = Service.load(service)
    shape = model(service).operation_model(operation)

    @settings(max_examples=60)
    @given(values(shape.input_shape))
    def holds(params):
        if constraints.violations(wire._shapes.operation(operation).input, params, strict_nulls=False):
            return  # the wire does not let it through
        try:
            result = handler(call(lab, operation, service=service, cloud=nobody, **params)) or {}
        except Theirs:
            return
        except Exception as error:
            if faults.fault_of(error, service=service).status >= 500:
                raise
            return
        if operation == "StartLiveTail":
            with suppress(Fault):
                next(result["responseStream"])
            result["responseStream"].close()
            return
        wire.answer(operation, result, PROTOCOLS[service], request_id="r")

    holds()


def test_moments_without_a_zone_are_in_utc():
    assert (
        tokens.milliseconds(datetime(2026, 11, 26)) == datetime(2026, 11, 26, tzinfo=UTC).timestamp() * 1000
    )
