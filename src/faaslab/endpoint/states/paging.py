"""A list in pages: `maxResults` in, `nextToken` out. Pure.

A token says what was asked and where to go on, so that it is refused where anything else is asked.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any, TypeVar

from faaslab.endpoint.messages import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PAGE = 100
"""Items of a page when nobody says how many, and with 0."""
LARGEST = 1000

T = TypeVar("T")


def wanted(params: Mapping[str, Any]) -> int:
    """How many items are asked for."""
    return min(int(params.get("maxResults") or PAGE), LARGEST)


def place(params: Mapping[str, Any]) -> Any:
    """Where the last page ended, as it was said to `token`; None for the first. Raises InvalidToken."""
    text = params.get("nextToken")
    if text is None:
        return None
    try:
        asked, after = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, RecursionError, TypeError):
        raise invalid() from None
    if asked != _asked(params):
        raise invalid()
    return after


def token(params: Mapping[str, Any], after: Any) -> dict[str, str]:
    """`{"nextToken": …}` for what comes behind `after`."""
    text = json.dumps([_asked(params), after], separators=(",", ":"))
    return {"nextToken": base64.urlsafe_b64encode(text.encode()).decode()}


def page(
    items: Sequence[T], params: Mapping[str, Any], key: Callable[[T], Any]
) -> tuple[list[T], dict[str, str]]:
    """The items of this page, and `{"nextToken": …}` when there are more. `items` are in order of `key`."""
    after = place(params)
    if after is not None:
        try:
            items = [item for item in items if key(item) > after]
        except TypeError:
            raise invalid() from None
    most = wanted(params)
    given = list(items[:most])
    return given, token(params, key(given[-1])) if len(items) > most else {}


def _asked(params: Mapping[str, Any]) -> int:
    kept = {name: value for name, value in params.items() if name not in ("nextToken", "maxResults")}
    return zlib.crc32(json.dumps(kept, sort_keys=True, default=str).encode())


def invalid() -> Fault:
    """The `Fault` for a token that is none of ours, or of another question."""
    return Fault("InvalidToken", "Invalid Token: 'Invalid token'")
