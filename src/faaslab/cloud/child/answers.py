"""Answers that are not moto's: to what it should not be asked, and where it fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from faaslab.cloud.child.asked import Answer

if TYPE_CHECKING:
    from faaslab.cloud.child.asked import Asked


_MOTOS_OWN = ("/moto-api", "/latest/meta-data", "/latest/api")


def refused(asked: Asked) -> Answer | None:
    """The answer to what is no service of AWS: moto's own switches, by which it could be emptied."""
    if asked.target.startswith(_MOTOS_OWN):
        return Answer(status=403, headers=(("Content-Type", "text/plain"),), body=b"not a service of AWS\n")
    return None


def failure(asked: Asked, message: str) -> Answer:
    """InternalFailure in the protocol that was asked in."""
    kind = asked.header("content-type")
    if "json" in kind or asked.header("x-amz-target"):
        body = json.dumps({"__type": "InternalFailure", "message": message}).encode()
        return Answer(
            status=500, headers=(("Content-Type", kind or "application/x-amz-json-1.1"),), body=body
        )
    text = f"<Code>InternalFailure</Code><Message>{escape(message)}</Message>"
    if "form" in kind:
        text = f"<ErrorResponse><Error>{text}</Error></ErrorResponse>"
    else:
        text = f"<Error>{text}</Error>"
    return Answer(status=500, headers=(("Content-Type", "application/xml"),), body=text.encode())
