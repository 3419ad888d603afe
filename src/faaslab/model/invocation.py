"""What a caller asks for beside the payload when a function is invoked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """The parameters of one invocation (Lambda's Invoke, and where it came from)."""

    invocation_type: Literal["RequestResponse", "Event", "DryRun"] = "RequestResponse"
    request_id: str | None = None
    """Given for the retries of an asynchronous invocation; else the backend makes one."""
    qualifier: str | None = None
    """A version's number, an alias or `$LATEST`, as it was given."""
    trigger: str | None = None
    client_context: str | None = None
    """JSON text, already base64-decoded."""
    cognito_identity: str | None = None
    """JSON text with `cognitoIdentityId` and `cognitoIdentityPoolId`."""
    tenant_id: str | None = None
    """Whose invocation it is, for a function that isolates tenants."""
    trace_id: str | None = None
    attempt: int = 1
    replay_of: str | None = None
    batch_id: str | None = None
    queued_at: datetime | None = None
    """Since when this attempt waits in the queue of events (naive UTC); None for what is not queued."""
    hide: tuple[str, ...] = field(default=(), repr=False)
    """Values of other functions' secrets that the payload has: they are hidden in what is recorded of it."""
