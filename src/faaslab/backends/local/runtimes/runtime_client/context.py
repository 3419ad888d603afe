"""The second argument of a handler.

Rule: every attribute that AWS documents, under its name, also where nothing was given (then None).
https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
"""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Any, ClassVar

_TRACE_CONTEXT = ("traceparent", "tracestate", "baggage")


class _Fields:
    """An object with fixed attributes, filled from what was sent."""

    __slots__: ClassVar[tuple[str, ...]] = ()

    def __init__(self, given: dict[str, Any]) -> None:
        for name in self.__slots__:
            setattr(self, name, given.get(name))

    def __repr__(self) -> str:
        return _shown(self, self.__slots__)


class CognitoIdentity(_Fields):
    """Who called, when Amazon Cognito authenticated them."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(_Fields):
    """The application that called, as the mobile SDKs describe it."""

    __slots__ = (  # noqa: RUF023 - the order in which AWS's shows them
        "installation_id",
        "app_title",
        "app_version_name",
        "app_version_code",
        "app_package_name",
    )


class ClientContext(_Fields):
    """What the caller sent beside the event."""

    __slots__ = ("custom", "env", "client")  # noqa: RUF023 - as above

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        if self.client is not None:
            self.client = Client(self.client)

    client: Any
    custom: Any
    env: Any


class LambdaContext:
    """What a handler may know about its invocation, its function and its environment."""

    def __init__(
        self,
        request_id: str,
        *,
        deadline_ms: int,
        arn: str | None = None,
        client_context: dict[str, Any] | None = None,
        identity: dict[str, Any] | None = None,
        tenant_id: str | None = None,
    ) -> None:
        told = os.environ.get
        self.aws_request_id = request_id
        self.log_group_name = told("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = told("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = told("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = told("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = told("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = arn
        self.tenant_id = tenant_id
        self._trace_context = _taken(client_context)
        self.client_context = None if client_context is None else ClientContext(client_context)
        self.identity = CognitoIdentity(
            {
                "cognito_identity_id": (identity or {}).get("cognitoIdentityId"),
                "cognito_identity_pool_id": (identity or {}).get("cognitoIdentityPoolId"),
            }
        )
        self._deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self) -> int:
        """How long until the function's timeout; never negative."""
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def w3c(self) -> dict[str, str]:
        """The W3C trace context that came with the invocation: traceparent, tracestate, baggage."""
        return dict(self._trace_context)

    def log(self, message: object) -> None:
        """Write to the function's log, as it is."""
        for handler in logging.getLogger().handlers:
            sink = getattr(handler, "log_sink", None)
            if sink is not None:
                sink.log(str(message))
                return
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        return _shown(
            self,
            (
                "aws_request_id",
                "log_group_name",
                "log_stream_name",
                "function_name",
                "memory_limit_in_mb",
                "function_version",
                "invoked_function_arn",
                "client_context",
                "identity",
                "tenant_id",
            ),
        )


def _taken(client_context: Any) -> dict[str, str]:
    """The trace context, taken out of the client context: it is told by `w3c()` only."""
    given = client_context.pop("w3c", None) if isinstance(client_context, dict) else None
    if not isinstance(given, dict):
        return {}
    return {name: given[name] for name in _TRACE_CONTEXT if isinstance(given.get(name), str)}


def _shown(value: object, names: tuple[str, ...]) -> str:
    inside = ",".join(f"{name}={getattr(value, name)}" for name in names)
    return f"{type(value).__name__}([{inside}])"
