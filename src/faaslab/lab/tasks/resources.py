"""What a Task's Resource names. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from faaslab.errors import InvalidValue

_SERVICE = re.compile(
    r"arn:aws[a-z-]*:states:[^:]*:[^:]*:(?P<sdk>aws-sdk:)?(?P<service>[A-Za-z0-9-]+):(?P<action>[A-Za-z0-9]+)"
    r"(?:\.(?P<pattern>sync:2|sync|waitForTaskToken))?"
)
_FUNCTION = re.compile(
    r"(?:arn:aws[a-z-]*:lambda:[^:]*:[^:]*:function:|[0-9]{12}:function:|function:)?"
    r"(?P<name>[A-Za-z0-9_-]{1,140})(?::(?P<qualifier>[$A-Za-z0-9_-]{1,128}))?"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """A service's operation; `sdk` through the SDK's own names, else an optimised integration."""

    service: str
    action: str
    sdk: bool = False
    pattern: Literal["", "sync", "sync:2", "waitForTaskToken"] = ""


@dataclass(frozen=True, slots=True)
class Called:
    """A function, and the version or alias of it that was asked for."""

    name: str
    qualifier: str | None = None


@lru_cache(maxsize=1024)
def service(arn: str) -> Resource:
    """The operation that an ARN of Step Functions names. Raises InvalidValue."""
    found = _SERVICE.fullmatch(arn)
    if found is None:
        raise InvalidValue(f"The resource {arn!r} is no integration of Step Functions")
    pattern = found["pattern"] or ""
    return Resource(found["service"], found["action"], sdk=bool(found["sdk"]), pattern=pattern)  # type: ignore[arg-type]


@lru_cache(maxsize=1024)
def function(text: str) -> Called:
    """The function that a name, a partial ARN or an ARN of whatever region and account stands for."""
    found = _FUNCTION.fullmatch(text)
    if found is None:
        raise InvalidValue(f"{text[:200]!r} is no function")
    return Called(found["name"], found["qualifier"])
