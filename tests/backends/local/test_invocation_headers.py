"""What an invocation carries beside its payload: to the function, into the log, and no further."""

import base64
import json
import threading

import pytest

from faaslab.errors import InvalidValue
from faaslab.model.invocation import Invocation

SEEN = """
import os
def handler(event, context):
    client = context.client_context
    return {
        "custom": client and client.custom,
        "identity": context.identity and context.identity.cognito_identity_id,
        "pool": context.identity and context.identity.cognito_identity_pool_id,
        "tenant": getattr(context, "tenant_id", None),
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
        "arn": context.invoked_function_arn,
        "pid": os.getpid(),
    }
"""


def test_what_it_carries_reaches_the_function(define, invoke):
    request = Invocation(
        client_context=json.dumps({"custom": {"k": "é"}}),
        cognito_identity='{"cognitoIdentityId": "who", "cognitoIdentityPoolId": "where"}',
        trace_id="Root=1-67890abc-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1",
    )
    execution = invoke(define(SEEN), request=request)
    seen = execution.result
    assert (seen["custom"], seen["identity"], seen["pool"]) == ({"k": "é"}, "who", "where")
    assert seen["trace"] == execution.trace_id == request.trace_id
    (line,) = [line.message for line in execution.logs if line.message.startswith("REPORT")]
    assert line.split("\n")[1] == (
        f"XRAY TraceId: 1-67890abc-0123456789abcdef01234567\tSegmentId: {execution.id[:16]}\tSampled: true\t"
    )
    after = invoke(define(SEEN)).result
    assert (after["custom"], after["identity"], after["tenant"]) == (None, None, None)


@pytest.mark.parametrize(
    ("tracing", "given", "expected"),
    [
        ("PassThrough", None, "Sampled=0"),
        ("Active", None, "Sampled=1"),
        ("Active", "Root=1-67890abc-0123456789abcdef01234567", "Sampled=1"),
        ("Active", "Root=1-67890abc-0123456789abcdef01234567;Sampled=0", "Sampled=0"),
        ("PassThrough", "Root=1-67890abc-0123456789abcdef01234567;Sampled=1", "Sampled=1"),
    ],
)
def test_active_tracing_samples(tracing, given, expected, define, invoke):
    execution = invoke(define(SEEN, tracing=tracing), request=Invocation(trace_id=given))
    assert execution.trace_id.endswith(expected)
    assert execution.result["trace"] == execution.trace_id
    xray = any("XRAY TraceId" in line.message for line in execution.logs)
    assert xray == (expected == "Sampled=1")


@pytest.mark.parametrize(
    "fields",
    [
        {"client_context": "[1]"},
        {"client_context": "{"},
        {"client_context": json.dumps({"x": "y" * 2680})},
        {"client_context": '{"a":\n1}'},
        {"request_id": "a\r\nX: y"},
        {"trace_id": "x" * 5000},
        {"cognito_identity": "7"},
        {"tenant_id": "a\nb"},
        {"qualifier": "1\r\n"},
    ],
)
def test_what_is_no_header_is_refused_by_its_name(fields, define, invoke, definer):
    for payload in (b"{}", b""):
        with pytest.raises(InvalidValue) as caught:
            invoke(define(SEEN), payload, request=Invocation(**fields))
        assert caught.value.place == next(iter(fields))
    assert definer.recorded == []


def test_the_largest_client_context_is_taken(define, invoke):
    text = json.dumps({"custom": {"x": ""}})
    text = text.replace('""', json.dumps("y" * (2685 - len(text))))
    assert len(base64.b64encode(text.encode())) == 3580
    assert invoke(define(SEEN), request=Invocation(client_context=text)).ok


def test_no_two_tenants_share_an_environment(define, invoke):
    function = define(SEEN, tenancy="PER_TENANT")
    one, two, again = (
        invoke(function, request=Invocation(tenant_id=tenant)) for tenant in ("one", "two", "one")
    )
    assert one.environment_id != two.environment_id
    assert again.environment_id == one.environment_id
    assert (one.cold_start, two.cold_start, again.cold_start) == (True, True, False)
    assert one.result["tenant"] in ("one", None), "older runtime clients do not know tenants"


def test_tenants_at_once_share_none_either(define, invoke):
    function = define(SEEN, tenancy="PER_TENANT")
    found = {}

    def one(tenant):
        found[tenant] = {
            invoke(function, request=Invocation(tenant_id=tenant)).environment_id for _ in range(5)
        }

    threads = [threading.Thread(target=one, args=(tenant,)) for tenant in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everybody = [environment for environments in found.values() for environment in environments]
    assert len(everybody) == len(set(everybody))


@pytest.mark.parametrize(("tenancy", "tenant"), [("PER_TENANT", None), (None, "somebody")])
def test_a_tenant_is_named_where_there_are_tenants_and_nowhere_else(tenancy, tenant, define, invoke):
    with pytest.raises(InvalidValue, match="tenant ID"):
        invoke(define(SEEN, tenancy=tenancy), request=Invocation(tenant_id=tenant))


def test_the_tail_of_the_log_is_the_last_four_kilobytes(define, invoke):
    execution = invoke(define("def handler(e, c):\n    print('first'); print('x' * 5000); print('last')\n"))
    tail = base64.b64decode(execution.log_tail)
    assert len(tail) == 4096
    assert b"first" not in tail
    assert b"\nlast\n" in tail
    assert tail.decode().splitlines()[-1].startswith(f"REPORT RequestId: {execution.request_id}")
    short = base64.b64decode(invoke(define()).log_tail).decode()
    assert short.startswith("INIT_START")
