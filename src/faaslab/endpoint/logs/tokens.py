"""Tokens of pages, and event ids: where an answer ended, in a form that says nothing to its reader. Pure."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.messages import Fault

if TYPE_CHECKING:
    from faaslab.store.questions.logs import Place

_EPOCH = datetime(1970, 1, 1)
_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(at: datetime) -> int:
    """Since 1970, as CloudWatch Logs counts time."""
    return (at - _EPOCH) // _MILLISECOND


def instant(value: int | None) -> datetime | None:
    """The instant of so many milliseconds since 1970, naive and in UTC; the last there is for later ones."""
    if value is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=value)
    except OverflowError:
        return datetime.max


def event_id(place: Place) -> str:
    """56 digits that no other event has, in the order of time."""
    told = hashlib.sha256(f"{place[1]}:{place[2]}".encode()).digest()
    return f"{milliseconds(place[0]):013d}{int.from_bytes(told, 'big') % 10**43:043d}"


def written(value: Any) -> str:
    """A token for a JSON value."""
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def read(token: str) -> Any:
    """The value of a token. Raises the Fault of one that is none."""
    try:
        return json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, RecursionError):
        raise invalid() from None


def of_place(place: Place) -> str:
    """A token for a place."""
    return written([place[0].isoformat(), place[1], place[2]])


def place(token: str) -> Place:
    """The place of a token. Raises the Fault of one that is none."""
    value = read(token)
    try:
        at, execution_id, seq = value
        return datetime.fromisoformat(at).replace(tzinfo=None), str(execution_id), int(seq)
    except (ValueError, TypeError):
        raise invalid() from None


def invalid() -> Fault:
    """What a token gets that nobody gave out."""
    return Fault("InvalidParameterException", "The specified nextToken is invalid.")
