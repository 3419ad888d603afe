"""Responses that are read while a function makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.errors import Unsupported
from faaslab.lab.payloads import encode

if TYPE_CHECKING:
    from faaslab.backends.protocol import ResponseStream
    from faaslab.lab import Lab
    from faaslab.model.function import Function
    from faaslab.model.invocation import Invocation


def stream(lab: Lab, function: Function, payload: Any, request: Invocation) -> ResponseStream:
    """Run it once; `Unsupported` where the lab's backend hands no response on before it is whole."""
    backend: Any = lab.backend
    if not hasattr(backend, "stream"):
        raise Unsupported(
            f"the backend {backend.name!r} gives a response only when it is whole",
            hint="invoke the function without streaming",
        )
    body = b"{}" if payload is None else encode(payload)
    made: ResponseStream = backend.stream(function, body, request=request, complete=lab.complete)
    return made
