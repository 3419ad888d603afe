"""One operation that is carried out: what a handler is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from faaslab.endpoint.messages import Request
from faaslab.lab import Lab


class Theirs(Exception):
    """Raised by a handler: the request is the embedded cloud's after all, and goes there as it came."""


class Later:
    """What a handler gives whose answer may come later: `look` gives it, or None for not yet.

    It is called from one thread after the other until it gives something, or the client is gone; the answer
    of one whose server is closed is empty. So nobody waits in a thread, and nothing is taken for nobody.
    """

    def __init__(self, look: Callable[[], Mapping[str, Any] | None]) -> None:
        self.look = look


class Asked(Protocol):
    """Asks the embedded cloud for an operation of `service`, by default of the service of the call."""

    def __call__(
        self, operation: str, params: Mapping[str, Any], /, *, service: str | None = None
    ) -> Mapping[str, Any]:
        """The parsed answer; raises the cloud's `Fault`."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A parsed and checked request for `operation` of `service` (botocore's names).

    `params` has the shapes that a boto3 client takes. `region` is the one the caller signed for; `cloud`
    asks the embedded cloud: `cloud(operation, params)` gives the parsed answer, or raises the `Fault` that
    the cloud answered with. With `service="s3"` (botocore's names) it asks another service than the call's.
    """

    lab: Lab
    service: str
    operation: str
    params: Mapping[str, Any]
    request: Request
    region: str
    request_id: str
    cloud: Asked


Handler = Callable[[Call], Mapping[str, Any] | Later | None]
"""Carries out one operation; its answer has the shapes that a boto3 client gives. It raises `Fault`."""
