"""What the Runtime API answers, whole and ready to be written. Pure.

Source of words and codes: aws/aws-lambda-runtime-interface-emulator, `rapi/rendering/render_error.go` and the
handlers beside it; the state names are `core/runtime_state_names.go`.
"""

from __future__ import annotations

import json

RESPONSE_LIMIT = 6 * 1024 * 1024 + 100
"""Of a buffered response, in bytes."""
STREAM_LIMIT = 200 * 1024 * 1024
"""Of a streamed one."""
_REASONS = {
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Request Entity Too Large",
    500: "Internal Server Error",
}


def rendered(status: int, body: bytes, *headers: str, content_type: str = "application/json") -> bytes:
    """A whole response; `headers` are further lines such as `Name: value`."""
    lines = [
        f"HTTP/1.1 {status} {_REASONS[status]}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def fault(status: int, error_type: str, message: str) -> bytes:
    """An error, with the keys in the order in which Lambda gives them."""
    told = {"errorMessage": message, "errorType": error_type}
    return rendered(status, json.dumps(told, separators=(",", ":")).encode())


def invalid_transition(present: str, wanted: str) -> bytes:
    """403 for a request that does not fit the runtime's state."""
    return fault(
        403,
        "InvalidStateTransition",
        f"State transition from {present} to {wanted} failed for runtime. "
        "Error: State transition is not allowed",
    )


ACCEPTED = rendered(202, b'{"status":"OK"}\n')
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PONG = rendered(200, b"pong", content_type="text/plain; charset=utf-8")
RESTORED = rendered(200, b"")
NOT_FOUND = rendered(404, b"404 page not found\n", content_type="text/plain; charset=utf-8")
NOT_ALLOWED = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n"
MALFORMED = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    b"Content-Length: 15\r\n\r\n400 Bad Request"
)
TOO_LARGE = fault(
    413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
)
TRUNCATED = fault(400, "TruncatedHTTPRequest", "HTTP request detected as truncated")
INVALID_ID = fault(400, "InvalidRequestID", "Invalid request ID")
INVALID_MODE = fault(400, "InvalidFunctionResponseMode", "Invalid function response mode")
# The states of a runtime, as Lambda names them.
STARTED = "Started"
READY = "Ready"
RUNNING = "Running"
RESTORING = "Restoring"
RESPONSE_SENT = "RuntimeResponseSentState"
RESPONSE = "InvocationResponse"
ERROR_RESPONSE = "InvocationErrorResponse"
INIT_ERROR = "InitError"
RESTORE_ERROR = "RuntimeRestoreErrorState"
