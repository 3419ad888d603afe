"""What goes over the wire, and an error as AWS words it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Request:
    """An HTTP request whose body is here.

    `path` is as it came, percent signs and all; `query` is decoded, in order. Names of headers are small.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Response:
    """An HTTP response; a body that is an iterator is sent piece by piece."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Iterator[bytes] = b""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A response that may come later: `look` gives it, or None for not yet, and costs little.

    It is asked again and again as long as the client waits. `nothing` is the response for one whose server
    is closed meanwhile.
    """

    look: Callable[[], Response | None]
    nothing: Response


class Fault(Exception):
    """An error that the caller gets: a code and members of its shape as the service's model has them.

    `fields` are members beside the message, by their names in the model (`Type`, `Reason`, …).
    """

    def __init__(
        self, code: str, message: str, *, status: int = 400, fields: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = dict(fields or {})
