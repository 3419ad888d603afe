"""The backend of a process that ends soon: one invocation is run in the home's warm environments.

Rule: what was handed to the home is not run here as well. Where nothing was handed over (there is no home, it
does not answer, it runs functions in another way) it is run here, as everything else is.
"""

from __future__ import annotations

import base64
import dataclasses
import http.client
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

from faaslab.backends.local import LocalBackend
from faaslab.backends.local.admission import checked
from faaslab.errors import BackendError
from faaslab.model.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.backends.protocol import Complete
    from faaslab.model.execution import Execution
    from faaslab.model.function import Function

_CONNECT_S = 5.0
# Packages may have to be installed, and an environment to be started, before its own time begins.
_MORE_S = 120.0
_RECORDED = (200, 429)


class BorrowingBackend(LocalBackend):
    """`home` gives the address of a home that runs functions as this process would; None for none.

    `recorded` gives the execution that has a request id.
    """

    def __init__(
        self,
        *args: Any,
        home: Callable[[], str | None],
        recorded: Callable[[str], Execution],
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self._home = home
        self._recorded = recorded

    def invoke(
        self, function: Function, payload: bytes, *, request: Invocation, complete: Complete
    ) -> Execution:
        """Run it once, at the home if that can be. Raises `BackendError` when the home fails at it."""
        if can_be_handed_over(function, request) and (address := self._home()) is not None:
            payload = checked(payload, request)
            answer = invoked_at(address, function, payload, request)
            if answer is not None:
                execution = self._recorded(answer.request_id)
                # The history may have been told to keep less of them.
                return dataclasses.replace(execution, payload_body=payload, result_body=answer.body)
        return super().invoke(function, payload, request=request, complete=complete)


def can_be_handed_over(function: Function, request: Invocation) -> bool:
    """Whether Lambda's Invoke says all that there is to say, and no variable of this process is needed."""
    said = Invocation(
        qualifier=request.qualifier,
        client_context=request.client_context,
        tenant_id=request.tenant_id,
        trace_id=request.trace_id,
    )
    return request == said and not function.configuration.secrets


class Answer(NamedTuple):
    """What the home answered. `body` is what the function returned, or its error; None if it did not run."""

    request_id: str
    body: bytes | None


def invoked_at(address: str, function: Function, payload: bytes, request: Invocation) -> Answer | None:
    """What came of it at the home; None when the home could not be asked.

    Raises `BackendError` when it refused, or ended before it answered.
    """
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_CONNECT_S)
    with closing(connection):
        try:
            connection.connect()
        except OSError:
            return None
        connection.sock.settimeout(function.configuration.timeout_s + _MORE_S)
        target = f"/2015-03-31/functions/{quote(function.name)}/invocations"
        if request.qualifier is not None:
            target += f"?Qualifier={quote(request.qualifier, safe='')}"
        try:
            connection.request("POST", target, body=payload, headers=_headers(function, request))
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise BackendError(
                f"the home of this store ({address}) ended before it answered: {error}",
                hint="whether it ran is in the history, if it did to its end",
            ) from error
        identity = answer.getheader("x-amzn-requestid")
        if answer.status in _RECORDED and identity:
            return Answer(identity, body if answer.status == 200 else None)
        raise BackendError(f"the home of this store ({address}) could not run it: {_told(body)}")


def _headers(function: Function, request: Invocation) -> dict[str, str]:
    scope = f"local/20260101/{function.region}/lambda/aws4_request"
    headers = {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none",
        "Content-Type": "application/octet-stream",
    }
    if request.client_context is not None:
        headers["X-Amz-Client-Context"] = base64.b64encode(request.client_context.encode()).decode()
    if request.tenant_id is not None:
        headers["X-Amz-Tenant-Id"] = request.tenant_id
    if request.trace_id is not None:
        headers["X-Amzn-Trace-Id"] = request.trace_id
    return headers


def _told(body: bytes) -> str:
    try:
        said = json.loads(body)
        return str(said.get("Message") or said.get("message") or said)
    except (ValueError, AttributeError):
        return body[:200].decode("utf-8", "replace")
