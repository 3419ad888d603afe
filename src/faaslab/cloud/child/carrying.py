"""Asking moto: one request at a time, and an answer whatever moto does."""

from __future__ import annotations

import json
import sys
import traceback
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from faaslab.cloud.child.asked import Answer, through

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.cloud.child.asked import Asked
    from faaslab.cloud.child.turns import Turn


class Carrier:
    """Asks moto's application."""

    def __init__(self, app: Callable[..., Any], turn: Turn) -> None:
        self._app = app
        self._turn = turn

    def carry(self, asked: Asked) -> Answer:
        """The answer; where moto fails, the failure as AWS words one of its own, and the stack in the log."""
        with self._turn.taken():
            return self._ask(asked)

    def _ask(self, asked: Asked) -> Answer:
        try:
            return through(self._app, asked)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer
            traceback.print_exc(file=sys.stderr)
            return failure(asked, f"{type(error).__name__} in the embedded cloud: {error}")


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
