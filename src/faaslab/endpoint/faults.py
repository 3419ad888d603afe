"""What went wrong, as AWS words it: the one table from errors of ours to faults of the wire. Pure.

Rule: what the caller did wrong is told in full, what we did wrong in a sentence. A caller who could do better
gets a 4xx, which no SDK tries again; a 5xx means that the same request may work in a moment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from faaslab import errors
from faaslab.endpoint.messages import Fault
from faaslab.model.function import function_arn

if TYPE_CHECKING:
    from faaslab.model.execution import Execution

USER: Final = {"Type": "User"}
"""The member that Lambda's errors have beside the message, when the caller is at fault."""
_SERVICE: Final = {"Type": "Service"}
_RETRY_AFTER_S = "1"
_MEMBERS: Mapping[str, str] = {
    "memory_mb": "MemorySize",
    "timeout_s": "Timeout",
    "ephemeral_storage_mb": "EphemeralStorage.Size",
    "reserved_concurrency": "ReservedConcurrentExecutions",
    "maximum_retry_attempts": "MaximumRetryAttempts",
    "maximum_event_age_s": "MaximumEventAgeInSeconds",
}
"""Where the Lambda API has another name for what is out of its range than we."""
_PLACE = re.compile(rf"\b({'|'.join(_MEMBERS)}): ")
_PAYLOAD_PLACES = ("payload", "client_context", "cognito_identity")

# How other services call what Lambda has its own names for.
_WORDS: Mapping[str, Mapping[str, str]] = {
    "invalid": {
        "lambda": "InvalidParameterValueException",
        "logs": "InvalidParameterException",
        "cloudwatch": "InvalidParameterValue",
        "": "ValidationException",
    },
    "missing": {
        "cloudwatch": "ResourceNotFound",
        "stepfunctions": "ResourceNotFound",
        "": "ResourceNotFoundException",
    },
    "taken": {"lambda": "ResourceConflictException", "": "ResourceAlreadyExistsException"},
    "changed": {
        "lambda": "PreconditionFailedException",
        "logs": "OperationAbortedException",
        "events": "ConcurrentModificationException",
        "": "ConflictException",
    },
    "conflict": {"lambda": "ResourceConflictException", "": "ConflictException"},
    "busy": {"lambda": "ServiceException", "": "ServiceUnavailable"},
    "broken": {"lambda": "ServiceException", "": "InternalFailure"},
}


def fault_of(error: Exception, *, service: str = "lambda", region: str = "us-east-1") -> Fault:
    """The fault that a caller of `service` gets for `error`; nothing of ours shows that nobody foresaw."""
    if isinstance(error, Fault):
        return error
    if service == "stepfunctions" and (code := getattr(error, "code", None)) is not None:
        # What the lab refuses of workflows says what Step Functions calls it.
        return Fault(str(code), str(error.message if isinstance(error, errors.FaaslabError) else error))
    for kind, worded in _TABLE:
        if isinstance(error, kind):
            return worded(error, service, region)
    return _internal(service)


def throttled(execution: Execution) -> Fault:
    """What an invocation gets that was turned away, with Lambda's reason."""
    told = execution.result if isinstance(execution.result, Mapping) else {}
    reason = told.get("Reason")
    more = {"Reason": reason} if isinstance(reason, str) else {}
    return Fault(
        "TooManyRequestsException",
        "Rate Exceeded.",
        status=429,
        fields={**more, **USER, "retryAfterSeconds": _RETRY_AFTER_S},
    )


def too_large(length: int, limit: int, invocation_type: str) -> Fault:
    """What an invocation gets whose payload is larger than it may be.

    AWS's own words. The service answers with the code `RequestEntityTooLargeException`, which its model does
    not have; the model's is the one that clients can catch.
    """
    return Fault(
        "RequestTooLargeException",
        f"{length} byte payload is too large for the {invocation_type} invocation type (limit {limit} bytes)",
        status=413,
        fields=USER,
    )


def not_here(service: str, operation: str) -> Fault:
    """What an operation gets that AWS has and this release does not."""
    return Fault(
        _word("invalid", service),
        f"{operation} of {service} is not there yet in faaslab.",
        status=400,
        fields=_type(service, USER),
    )


def _word(what: str, service: str) -> str:
    words = _WORDS[what]
    return words.get(service, words[""])


def _type(service: str, kind: Mapping[str, str]) -> Mapping[str, str]:
    return kind if service == "lambda" else {}


def _internal(service: str) -> Fault:
    return Fault(
        _word("broken", service),
        "The service encountered an internal error.",
        status=500,
        fields=_type(service, _SERVICE),
    )


def _missing(error: Any, service: str, region: str) -> Fault:
    message = str(error.message)
    if service == "lambda":
        kind, _, of = error.kind.partition(" of ")
        if error.kind == "function":
            message = f"Function not found: {function_arn(error.name, region)}"
        elif of and kind in ("version", "published version", "alias"):
            message = f"Function not found: {function_arn(of, region)}:{error.name}"
    return Fault(_word("missing", service), message, status=404, fields=_type(service, USER))


def _taken(error: Any, service: str, _region: str) -> Fault:
    return Fault(_word("taken", service), error.message, status=409, fields=_type(service, USER))


def _conflict(error: Any, service: str, _region: str) -> Fault:
    if error.place == "revision_id":
        status = 412 if service == "lambda" else 409
        return Fault(_word("changed", service), error.message, status=status, fields=_type(service, USER))
    return Fault(_word("conflict", service), error.message, status=409, fields=_type(service, USER))


def _invalid(error: Any, service: str, _region: str) -> Fault:
    if service == "lambda" and error.place in _PAYLOAD_PLACES:
        said = error.message.removeprefix("Could not parse request body into json: ")
        if said != error.message:
            said = f"Could not parse request body into json: Could not parse payload into json: {said}"
        return Fault("InvalidRequestContentException", said, fields=USER)
    said = error.message
    if service == "lambda" and error.place in _MEMBERS and " is out of range: " in said:
        said = _PLACE.sub(lambda found: f"{_MEMBERS[found[1]]}: ", f"{error.place}: {said}")
    return Fault(_word("invalid", service), said, fields=_type(service, USER))


def _refused(error: Any, service: str, _region: str) -> Fault:
    """It cannot be done here: the remedy is in the hint, so that is told as well."""
    return Fault(_word("invalid", service), str(error), fields=_type(service, USER))


def _recursive(error: Any, _service: str, _region: str) -> Fault:
    return Fault("RecursiveInvocationException", error.message, fields=USER)


def _not_installed(error: Any, _service: str, _region: str) -> Fault:
    # No SDK tries a 501 again: waiting installs nothing.
    return Fault("NotImplemented", str(error), status=501)


def _no_runtime(error: Any, service: str, _region: str) -> Fault:
    if service != "lambda":
        return _internal(service)
    return Fault("InvalidRuntimeException", str(error), status=502, fields=USER)


def _not_prepared(error: Any, service: str, _region: str) -> Fault:
    return Fault(_word("conflict", service), str(error), status=409, fields=_type(service, USER))


def _busy(error: Any, service: str, _region: str) -> Fault:
    return Fault(_word("busy", service), str(error), status=503, fields=_type(service, _SERVICE))


def _broken(error: Any, service: str, _region: str) -> Fault:
    return Fault(_word("broken", service), str(error), status=500, fields=_type(service, _SERVICE))


# The first that fits holds, so what is special stands before what is general.
_TABLE: tuple[tuple[type[Exception], Callable[[Any, str, str], Fault]], ...] = (
    (errors.NotFound, _missing),
    (errors.AlreadyExists, _taken),
    (errors.Conflict, _conflict),
    (errors.RecursiveInvocation, _recursive),
    (errors.MissingExtra, _not_installed),
    (errors.Unsupported, _refused),
    (errors.RequestError, _invalid),
    (errors.RuntimeNotFound, _no_runtime),
    (errors.RequirementsFailed, _not_prepared),
    (errors.StoreBusy, _busy),
    (errors.Closed, _busy),
    (errors.FaaslabError, _broken),
)
