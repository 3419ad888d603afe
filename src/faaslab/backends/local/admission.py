"""What a caller hands in, looked at before anything runs for it.

Rule: the caller's own mistakes are exceptions that name the place and the remedy, and nothing is recorded.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import orjson

from faaslab.backends.local.flight import check
from faaslab.backends.local.runtimes.interpreters import OWN_RUNTIME, find
from faaslab.errors import InvalidValue, Unsupported
from faaslab.model.function import ImageCode
from faaslab.model.quotas import EVENT_BYTES, REQUEST_BYTES

if TYPE_CHECKING:
    from faaslab.model.function import Function
    from faaslab.model.invocation import Invocation


def checked(payload: bytes, request: Invocation) -> bytes:
    """The payload as it is sent. Raises InvalidValue for what is too large, or no JSON."""
    limit = EVENT_BYTES if request.invocation_type == "Event" else REQUEST_BYTES
    if len(payload) > limit:
        raise InvalidValue(
            f"{len(payload)} bytes exceed the {limit} bytes of a request (RequestEntityTooLarge)",
            place="payload",
            hint="store large input somewhere and pass its address",
        )
    check(request)
    if not payload:
        return b"{}"
    try:
        # Twelve times as fast as json's, which has the last word: it also takes escaped half characters.
        orjson.loads(payload)
    except ValueError:
        _check_slowly(payload)
    return payload


def _check_slowly(payload: bytes) -> None:
    try:
        json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(
            f"Could not parse request body into json: {error}", place="payload", hint="pass JSON"
        ) from None


def check_tenant(function: Function, tenant: str | None) -> None:
    """Raise InvalidValue where a tenant is named and may not be, or is not and must be."""
    if function.configuration.tenancy is None:
        raise InvalidValue(
            "The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your "
            "request and try again.",
            place="tenant_id",
            hint="create the function with the tenancy PER_TENANT",
        )
    if tenant is None:
        raise InvalidValue(
            "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your "
            "request and try again.",
            place="tenant_id",
            hint="say whose invocation it is",
        )


def check_debuggable(function: Function, *, own_interpreter: bool) -> None:
    """Raise Unsupported for a function that this process cannot run."""
    if isinstance(function.code, ImageCode):
        raise Unsupported(
            f"{function.name!r} is a container image: this process runs Python functions",
            place="--debug",
            hint="read its log: invoke with --tail",
        )
    if not function.runtime.startswith("python"):
        raise Unsupported(
            f"{function.name!r} has the runtime {function.runtime}: this process runs Python functions",
            place="--debug",
            hint="read its log: invoke with --tail",
        )
    if function.runtime != OWN_RUNTIME and not (own_interpreter and _has_none(function.runtime)):
        raise Unsupported(
            f"{function.name!r} has the runtime {function.runtime}, and this process is {OWN_RUNTIME}",
            place="--debug",
            hint="use --attach, which debugs it in an environment of its own",
        )


def _has_none(runtime: str) -> bool:
    """Whether this machine has no interpreter for it, so that this one takes its place."""
    return find(runtime, own_interpreter=True).own
