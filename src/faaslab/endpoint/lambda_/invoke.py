"""Invoke in its three ways, and with a response that is read while it is made.

Rule: bytes go through as they are. What a function answered is what its caller gets, number for number, and
so is the error payload that Lambda's supervisor writes; nothing is parsed and written again.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from typing import TYPE_CHECKING, Any

from faaslab.backends.local import admission
from faaslab.endpoint import faults
from faaslab.endpoint.lambda_.names import Named, named, not_found
from faaslab.endpoint.messages import Fault
from faaslab.errors import NotFound
from faaslab.model.execution import ExecutionStatus
from faaslab.model.quotas import EVENT_BYTES, REQUEST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faaslab.backends.protocol import ResponseStream
    from faaslab.endpoint.call import Call, Handler
    from faaslab.model.execution import Execution

LOG = logging.getLogger(__name__)
_THROTTLED = ExecutionStatus.THROTTLED
# A header in another form begins a trace of its own, as it does on AWS.
_TRACE = re.compile(r"(?=.*\bRoot=1-[0-9a-f]{8}-[0-9a-f]{24})[\x20-\x7e]{1,1024}")
_LIMITS = {"Event": EVENT_BYTES}


def invoke(call: Call) -> Mapping[str, Any]:
    """Run a function and wait (200), queue an event for it (202), or only look whether it could (204)."""
    params, target = call.params, named(call)
    kind = params.get("InvocationType") or "RequestResponse"
    payload = _payload(params.get("Payload"), kind)
    functions = call.lab.functions
    try:
        if kind == "RequestResponse":
            execution = functions.invoke(
                target.function, payload, qualifier=target.qualifier, **_fields(call)
            )
        elif kind == "Event":
            _queue(call, target, payload)
            return {"StatusCode": 202, "Payload": b""}
        else:
            _look(call, target, payload)
            return {"StatusCode": 204, "Payload": b""}
    except NotFound as error:
        raise _absent(error, call, target) from None
    if execution.status is _THROTTLED:
        raise faults.throttled(execution)
    answer: dict[str, Any] = {
        "StatusCode": 200,
        "ExecutedVersion": execution.version,
        "Payload": execution.answer,
    }
    if not execution.ok:
        answer["FunctionError"] = "Unhandled"
    if params.get("LogType") == "Tail":
        answer["LogResult"] = execution.log_tail
    return answer


def invoke_async(call: Call) -> Mapping[str, Any]:
    """What `Invoke` with the type Event took the place of."""
    target, payload = named(call), _payload(call.params.get("InvokeArgs"), "Event")
    try:
        _queue(call, target, payload)
    except NotFound as error:
        raise _absent(error, call, target) from None
    return {"Status": 202}


def invoke_with_response_stream(call: Call) -> Mapping[str, Any]:
    """Run a function and hand its response on piece by piece; what went wrong is told in the last event."""
    params, target = call.params, named(call)
    payload = _payload(params.get("Payload"), "RequestResponse")
    tail = params.get("LogType") == "Tail"
    try:
        if params.get("InvocationType") == "DryRun":
            _look(call, target, payload)
            return {"StatusCode": 204, "EventStream": iter(())}
        stream = call.lab.functions.stream(
            target.function, payload, qualifier=target.qualifier, **_fields(call)
        )
        first = next(stream, None)
        if first is None and stream.execution.status is _THROTTLED:
            raise faults.throttled(stream.execution)
    except NotFound as error:
        raise _absent(error, call, target) from None
    events = _events(stream, first, tail=tail)
    next(events)
    # The member ResponseStreamContentType is the header that says that events come, as on AWS.
    return {"StatusCode": 200, "ExecutedVersion": stream.version, "EventStream": events}


def _events(
    stream: ResponseStream, piece: bytes | None, *, tail: bool
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The events of a response. The first is none: a generator that has begun lets go of what it holds.

    Whoever reads them may go away at any moment; then the function runs on, without a reader.
    """
    try:
        yield "", {}
        try:
            while piece is not None:
                yield "PayloadChunk", {"Payload": piece}
                piece = next(stream, None)
            execution = stream.execution
        except Exception as error:
            fault = faults.fault_of(error)
            LOG.error("a response broke off: %s", fault.message, exc_info=error)  # noqa: TRY400
            yield "InvokeComplete", {"ErrorCode": fault.code, "ErrorDetails": fault.message}
            return
        yield "InvokeComplete", _completed(execution, tail=tail)
    finally:
        stream.close()


def _completed(execution: Execution, *, tail: bool) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if not execution.ok:
        body = execution.answer
        told |= {"ErrorCode": "Unhandled", "ErrorDetails": body.decode("utf-8", "replace")}
    if tail:
        told["LogResult"] = execution.log_tail
    return told


# -- what was asked for


def _queue(call: Call, target: Named, payload: bytes) -> None:
    """Hand an event over: it is on the disk when this returns."""
    functions = call.lab.functions
    functions.submit(
        target.function, payload, qualifier=target.qualifier, invocation_type="Event", **_fields(call)
    )


def _look(call: Call, target: Named, payload: bytes) -> None:
    """Raise what an invocation would be refused for, and run nothing."""
    function, request = call.lab.functions.prepared(target.function, target.qualifier, **_fields(call))
    admission.checked(payload, request)
    if function.configuration.tenancy is not None or request.tenant_id is not None:
        admission.check_tenant(function, request.tenant_id)


def _payload(body: Any, invocation_type: str) -> bytes:
    """The body within its limit; nothing stands for `{}`."""
    payload: bytes = b"" if body is None else body
    limit = _LIMITS.get(invocation_type, REQUEST_BYTES)
    if len(payload) > limit:
        raise faults.too_large(len(payload), limit, invocation_type)
    return payload


def _fields(call: Call) -> dict[str, Any]:
    """What goes along with the payload. The execution has the id of the request that asked for it."""
    params, fields = call.params, {"request_id": call.request_id}
    if "ClientContext" in params:
        fields["client_context"] = _client_context(params["ClientContext"])
    if "TenantId" in params:
        fields["tenant_id"] = params["TenantId"]
    trace = call.request.headers.get("x-amzn-trace-id")
    if trace is not None and _TRACE.fullmatch(trace):
        fields["trace_id"] = trace
    return fields


def _client_context(text: str) -> str:
    """The JSON text that was sent in Base64, in one line as a header must be."""
    try:
        decoded = base64.b64decode(text, validate=True).decode()
        return decoded if decoded.isprintable() else json.dumps(json.loads(decoded))
    except (binascii.Error, ValueError, RecursionError):
        raise Fault(
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
            fields=faults.USER,
        ) from None


def _absent(error: NotFound, call: Call, target: Named) -> Exception:
    """A function, version or alias that is not there, by the ARN that was asked for; else as it is."""
    if error.kind.partition(" of ")[0] in ("function", "version", "published version", "alias"):
        return not_found(target.arn(call.lab.region))
    return error


OPERATIONS: dict[str, Handler] = {
    "Invoke": invoke,
    "InvokeAsync": invoke_async,
    "InvokeWithResponseStream": invoke_with_response_stream,
}
