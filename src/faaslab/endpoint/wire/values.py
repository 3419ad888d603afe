"""Values as JSON and CBOR carry them, read and written by the shape they have in the model.

What has not the model's type is refused with the words that AWS's services use for it. Numbers too big for
their type become the biggest one, as they do there: a constraint refuses them then. A member that the model
does not know is passed over.
"""

from __future__ import annotations

import base64
import binascii
import math
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from faaslab.endpoint.messages import Fault
from faaslab.endpoint.wire import moments
from faaslab.endpoint.wire.shapes import WHOLE_NUMBERS, Member

if TYPE_CHECKING:
    from collections.abc import Mapping

DEEPEST = 100
"""How deep free JSON and structures that hold themselves may be nested."""
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
TRUE_WORDS = frozenset({"true", "yes", "y", "t", "1"})
FALSE_WORDS = frozenset({"false", "no", "n", "f", "0"})
UNREADABLE = "The request cannot be read: its body is not what the protocol asks for, or is nested too deeply"
UNEXPECTED_LIST = "Start of list found where not expected"
UNEXPECTED_MAP = "Start of structure or map found where not expected."


class Carrier(NamedTuple):
    """What carries values: `binary` is CBOR, else JSON; `nulls` are kept in lists and maps, to be refused."""

    binary: bool = False
    nulls: bool = False


def serialization(message: str | None = None) -> Fault:
    """The error for a body that is not of the model's types; where AWS gives a code only, a sentence too."""
    return Fault("SerializationException", message or UNREADABLE)


def read_structure(
    members: Mapping[str, Member], given: Any, carrier: Carrier, depth: int = 0
) -> dict[str, Any]:
    """The members that are there, by their names."""
    if not isinstance(given, dict):
        if isinstance(given, list):
            raise serialization(UNEXPECTED_LIST)
        raise serialization("Expected null" if depth else None)
    found = {}
    for name, member in members.items():
        value = given.get(name if carrier.binary else member.wire)
        if value is not None:
            found[name] = read(member, value, carrier, depth)
    return found


def read(member: Member, value: Any, carrier: Carrier, depth: int = 0) -> Any:
    """A value that is not null, as a boto3 client takes it."""
    shape = member.shape
    kind = shape.kind
    if depth > DEEPEST:
        raise serialization()
    if kind == "string":
        return value if isinstance(value, str) else _refuse(value, "a String")
    if kind == "structure":
        return read_structure(shape.members, value, carrier, depth + 1)
    if kind == "list":
        if not isinstance(value, list):
            raise serialization(UNEXPECTED_MAP if isinstance(value, dict) else "Expected list or null")
        element = shape.element
        assert element is not None
        return [
            each if each is None else read(element, each, carrier, depth + 1)
            for each in value
            if each is not None or carrier.nulls
        ]
    if kind == "map":
        if not isinstance(value, dict):
            raise serialization(UNEXPECTED_LIST if isinstance(value, list) else "Expected map or null")
        element = shape.element
        assert element is not None
        return {
            _key(key): each if each is None else read(element, each, carrier, depth + 1)
            for key, each in value.items()
            if each is not None or carrier.nulls
        }
    if kind in WHOLE_NUMBERS:
        return _whole_number(kind, value)
    if kind == "boolean":
        return _boolean(value)
    if kind == "timestamp":
        return _timestamp(member, value, binary=carrier.binary)
    if kind == "blob":
        return _blob(value, binary=carrier.binary)
    if kind == "document":
        return _document(value, depth)
    return _number(value)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else _refuse(key, "a String")


def _whole_number(kind: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(value, "a Long" if kind == "long" else "an Integer")
    if isinstance(value, float):
        if not math.isfinite(value):
            _refuse(value, "a Long" if kind == "long" else "an Integer")
        value = int(value)
    limit: int = 1 << (WHOLE_NUMBERS[kind] - 1)
    number: int = value
    return max(-limit, min(limit - 1, number))


def _number(value: Any) -> float:
    if isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(value, "a Double")
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in TRUE_WORDS | FALSE_WORDS:
        return value.lower() in TRUE_WORDS
    return _refuse(value, "a Boolean")


def _timestamp(member: Member, value: Any, *, binary: bool) -> datetime:
    style = member.timestamp_format or "unixtimestamp"
    try:
        if isinstance(value, datetime):
            return value
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and (binary or style == "unixtimestamp")
        ):
            return moments.from_seconds(value)
        if isinstance(value, str) and style != "unixtimestamp" and not binary:
            return moments.from_text(value, style)
    except (ValueError, OverflowError, TypeError):
        raise serialization(f"{_token(value)} can not be converted to milliseconds since epoch") from None
    if isinstance(value, list | dict):
        raise serialization(UNEXPECTED_LIST if isinstance(value, list) else UNEXPECTED_MAP)
    raise serialization(f"{_token(value)} can not be converted to milliseconds since epoch")


def _blob(value: Any, *, binary: bool) -> bytes:
    if binary and isinstance(value, bytes):
        return value
    if binary or not isinstance(value, str):
        return _refuse(value, "a Blob")
    return unbase64(value)


def unbase64(text: str) -> bytes:
    """The bytes of a blob in a text."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise serialization("Blob value is not valid Base64") from None


def _document(value: Any, depth: int) -> Any:
    waiting = [(value, depth)]
    while waiting:
        each, level = waiting.pop()
        if level > DEEPEST:
            raise serialization()
        if isinstance(each, dict):
            waiting += [(one, level + 1) for one in each.values()]
        elif isinstance(each, list):
            waiting += [(one, level + 1) for one in each]
    return value


def _token(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    return "STRING_VALUE" if isinstance(value, str | bytes) else "NUMBER_VALUE"


def _refuse(value: Any, wanted: str) -> NoReturn:
    if isinstance(value, list):
        raise serialization(UNEXPECTED_LIST)
    if isinstance(value, dict):
        raise serialization(UNEXPECTED_MAP)
    raise serialization(f"{_token(value)} can not be converted to {wanted}")


def write_structure(
    members: Mapping[str, Member], given: Mapping[str, Any], *, binary: bool = False
) -> dict[str, Any]:
    """A structure ready for JSON, or for CBOR; what is None or not of the model is left out."""
    found = {}
    for name, member in members.items():
        value = given.get(name)
        if value is not None:
            found[name if binary else member.wire] = write(member, value, binary=binary)
    return found


def write(member: Member, value: Any, *, binary: bool = False) -> Any:
    """A value ready for JSON, or for CBOR."""
    kind = member.shape.kind
    if value is None or kind == "document":
        return value
    if kind == "structure":
        return write_structure(member.shape.members, value, binary=binary)
    if kind == "list":
        element = member.shape.element
        assert element is not None
        return [write(element, each, binary=binary) for each in value]
    if kind == "map":
        element = member.shape.element
        assert element is not None
        return {str(key): write(element, each, binary=binary) for key, each in value.items()}
    if kind == "blob":
        data = value.encode() if isinstance(value, str) else bytes(value)
        return data if binary else base64.b64encode(data).decode("ascii")
    if isinstance(value, Decimal):
        value = float(value)
    if binary:
        return value
    if isinstance(value, datetime):
        style = member.timestamp_format or "unixtimestamp"
        return moments.to_seconds(value) if style == "unixtimestamp" else moments.to_text(value, style)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
