"""What is said of tasks by their tokens: that they are done, failed, or still worked on."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, NotFound
from faaslab.lab import workflow_definitions
from faaslab.lab.payloads import encode
from faaslab.lab.tasks import values
from faaslab.lab.workflow_names import coded
from faaslab.workflow.effects import Failed, Heartbeat, Succeeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.workflow.effects import Signal

    Answer = Callable[[str, Callable[[str], Signal]], bool]
    """`(token, make)` tells what waits under a token what `make` gives for its key; False for nothing."""

_MOST = 2048


def success(answer: Answer, token: str, output: Any) -> None:
    """The task is done."""
    _check(token)
    body = output if isinstance(output, bytes) else encode(output, place="output")
    try:
        value = values.parsed(body)
        workflow_definitions.check_input(body.decode(), place="output")
    except (InvalidValue, UnicodeDecodeError) as error:
        raise coded(
            InvalidValue(f"Invalid Output: {error}", place="output", hint="give JSON, or a Python value"),
            "InvalidOutput",
        ) from None
    _say(answer, token, lambda key: Succeeded(key, value))


def failure(answer: Answer, token: str, error: str | None, cause: str | None) -> None:
    """The task failed."""
    _check(token)
    workflow_definitions.check_words(error, cause)
    _say(answer, token, lambda key: Failed(key, error, cause))


def heartbeat(answer: Answer, token: str) -> None:
    """The task is still worked on."""
    _check(token)
    _say(answer, token, Heartbeat)


def _say(answer: Answer, token: str, make: Callable[[str], Signal]) -> None:
    if not answer(token, make):
        raise coded(
            NotFound(
                "task", f"{token[:12]}…", hint="it was answered before, timed out, or its execution has ended"
            ),
            "TaskTimedOut",
        )


def _check(token: Any) -> None:
    """Raise for what cannot be a token: those of this lab are Base64."""
    try:
        if not isinstance(token, str) or not 1 <= len(token) <= _MOST:
            raise ValueError
        base64.b64decode(token, validate=True)
    except (ValueError, binascii.Error):
        raise coded(InvalidValue("Invalid token", place="token"), "InvalidToken") from None
