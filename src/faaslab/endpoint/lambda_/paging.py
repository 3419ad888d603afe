"""A list in pages: `MaxItems` in, `NextMarker` out, which is the next request's `Marker`. Pure.

A marker is the key of the last item that was given, so that pages go on where they were although others
come and go meanwhile.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, TypeVar

from faaslab.endpoint.messages import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PAGE = 50
"""Items of one answer at most, whatever was asked for (ListFunctions)."""

T = TypeVar("T")


def page(
    items: Iterable[T],
    params: Mapping[str, Any],
    key: Callable[[T], str | int],
    *,
    longest: int = PAGE,
) -> tuple[list[T], dict[str, str]]:
    """The items of this page in the order of their keys, and `{"NextMarker": …}` when there are more."""
    ordered = sorted(items, key=key)
    if params.get("Marker"):
        after = _read(params["Marker"])
        try:
            ordered = [item for item in ordered if key(item) > after]
        except TypeError:
            raise _invalid() from None
    most = min(int(params.get("MaxItems") or longest), longest)
    given, left = ordered[:most], ordered[most:]
    return given, {"NextMarker": _written(key(given[-1]))} if left else {}


def _written(key: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def _read(marker: str) -> Any:
    try:
        return json.loads(base64.urlsafe_b64decode(marker.encode()))
    except (ValueError, RecursionError):
        raise _invalid() from None


def _invalid() -> Fault:
    return Fault("InvalidParameterValueException", "Invalid Marker", fields={"Type": "User"})
