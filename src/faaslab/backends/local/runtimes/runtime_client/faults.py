"""What went wrong, as the Runtime API is told: error types, error payloads, the cause for X-Ray.

Rule: types and messages are Lambda's; people and programs compare them.
"""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

_OWN_FOLDER = os.path.dirname(__file__) + os.sep  # noqa: PTH120 - pathlib would have to be imported
_CAUSE_BYTES = 1024 * 1024
Frame = tuple[str, int, str, "str | None"]
"""(file, line number, function, text)."""


class Fault(Exception):
    """Something that Lambda has a `Runtime.` type for."""

    def __init__(self, kind: str, message: str, stack: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = "Runtime." + kind
        self.message = message
        self.stack = stack or []


def payload(kind: str, message: str, stack: list[str], request_id: str = "") -> dict[str, Any]:
    """The error payload; the order of its keys is Lambda's."""
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": stack}


def of_fault(fault: Fault, request_id: str = "") -> dict[str, Any]:
    """The payload of a fault."""
    return payload(fault.kind, fault.message, fault.stack, request_id)


def of_exception(error: BaseException, request_id: str = "") -> dict[str, Any]:
    """The payload of what a function raised, without the frames of this client."""
    frames = traceback.format_list(_frames(error.__traceback__))
    return payload(type(error).__name__, str(error), frames, request_id)


def cause(kind: str, message: str, error: BaseException | None = None) -> dict[str, Any]:
    """The same for the header that X-Ray reads; `error` gives its frames."""
    frames = [] if error is None else _frames(error.__traceback__)
    stack = [{"label": name, "path": file, "line": line} for file, line, name, _ in frames]
    return {
        "working_directory": os.getcwd(),  # noqa: PTH109 - as above
        "exceptions": [{"message": message, "type": kind, "stack": stack}],
        "paths": sorted({file for file, _, _, _ in frames}),
    }


def header(cause_text: str) -> str:
    """The cause as a header's value; nothing when it would be a megabyte or more."""
    return cause_text if len(cause_text.encode()) < _CAUSE_BYTES else ""


def _frames(trace: TracebackType | None) -> list[Frame]:
    found: list[Frame] = [
        (frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in traceback.extract_tb(trace)
    ]
    for index, frame in enumerate(found):
        if not frame[0].startswith(_OWN_FOLDER):
            return found[index:]
    return found
