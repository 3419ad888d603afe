"""JSON values as JSONata sees them, and back: null told from undefined, numbers as JavaScript has them.

Rule: nothing handed in is changed, and what needs no change is not copied.
"""

from __future__ import annotations

import json
import math
from typing import Any

from jsonata import functions, parser, utils

from faaslab.workflow.query.jsonata_bounds import (
    DATA_LEVELS,
    MEMORY,
    TOO_DEEP,
    TOO_MUCH,
    OutOfBounds,
    make_room,
)
from faaslab.workflow.query.jsonata_plain import LONGEST, shown_number

NULL: Any = utils.Utils.NULL_VALUE
UNDEFINED: Any = None
_EXACT = 2**53


def inside(value: Any, level: int = 0) -> Any:
    """The value with every null marked as null: the library takes None for undefined."""
    if value is None:
        return NULL
    kind = type(value)
    if kind is not dict and kind is not list:
        return value
    if level >= DATA_LEVELS:
        raise OutOfBounds(TOO_DEEP)
    if level == 20:
        make_room()
    if kind is dict:
        changed: dict[str, Any] | None = None
        for key, item in value.items():
            marked = inside(item, level + 1)
            if marked is not item:
                if changed is None:
                    changed = dict(value)
                changed[key] = marked
        return value if changed is None else changed
    others: list[Any] | None = None
    for index, item in enumerate(value):
        marked = inside(item, level + 1)
        if marked is not item:
            if others is None:
                others = list(value)
            others[index] = marked
    return value if others is None else others


class _Count:
    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes = 0


def outside(value: Any) -> Any:
    """The plain JSON value of a result: lists, dicts, whole numbers without a fraction, no marks.

    As JSON.stringify has it, a function is left out of an object and is null in an array; numbers that are
    none ("Infinity", "NaN") are their names, which is what Step Functions answers. `UNDEFINED` where nothing
    is left.

    Raises:
        OutOfBounds: The value takes more memory, or nests deeper, than an expression may.

    """
    return _plain(value, _Count(), 0)


def _plain(value: Any, count: _Count, level: int) -> Any:
    kind = type(value)
    if kind is str:
        count.bytes += len(value)
        return value
    if kind is dict or kind is list or kind is utils.Utils.JList:
        return _plain_container(value, count, level)
    count.bytes += 8
    if kind is bool or value is NULL:
        return value
    if kind is int:
        return value if -LONGEST <= value < LONGEST else float(value)
    if kind is float:
        return shown_number(value)
    if value is None or is_callable(value):
        return UNDEFINED
    if isinstance(value, list):
        return _plain_container(list(value), count, level)
    if isinstance(value, dict):
        return _plain_container(dict(value), count, level)
    return str(value)


def _plain_container(value: Any, count: _Count, level: int) -> Any:
    count.bytes += 8
    if count.bytes > MEMORY:
        raise OutOfBounds(TOO_MUCH)
    if level >= DATA_LEVELS:
        raise OutOfBounds(TOO_DEEP)
    if level == 20:
        make_room()
    if type(value) is dict:
        result = value
        for key, item in value.items():
            count.bytes += len(key)
            plain = _plain(item, count, level + 1)
            if plain is item and item is not NULL and item is not UNDEFINED:
                continue
            if result is value:
                result = dict(value)
            if plain is UNDEFINED and item is not UNDEFINED:
                del result[key]
            else:
                result[key] = None if plain is NULL else plain
        return result
    items = value if type(value) is list else list(value)
    for index, item in enumerate(value):
        plain = _plain(item, count, level + 1)
        if plain is item and item is not NULL:
            continue
        if items is value:
            items = list(value)
        items[index] = None if plain is NULL or plain is UNDEFINED else plain
    if count.bytes > MEMORY:
        raise OutOfBounds(TOO_MUCH)
    return items


def number(value: Any) -> Any:
    """A number of the engine: a whole one is an int while a double tells it from its neighbours."""
    if type(value) is float:
        return int(value) if value.is_integer() and -_EXACT <= value <= _EXACT else value
    if type(value) is int and not -LONGEST <= value < LONGEST:
        return float(value)
    return value


def is_callable(value: Any) -> bool:
    """Whether it is a function, a lambda or a regular expression."""
    return bool(
        utils.Utils.is_function(value)
        or isinstance(value, parser.Parser.Symbol)
        or functions.Functions.is_regex(value)
    )


def is_number(value: Any) -> bool:
    """Whether it is a number of JSON: true and false are none."""
    return type(value) is int or type(value) is float


def text_of_number(value: float, digits: int = 15) -> str:
    """A number as `$string` writes it: 15 significant digits, an exponent from 1e21 on."""
    if type(value) is float and not math.isfinite(value):
        return str(shown_number(value))
    if type(value) is int and abs(value) < 10**21:
        return str(value)
    value = float(value)
    if not value.is_integer():
        value = float(f"{value:.{digits}g}")
    return _javascript(value)


def _javascript(value: float) -> str:
    """Number.prototype.toString: the shortest digits that read back, an exponent outside 1e-7 to 1e21."""
    mantissa, _, power = f"{value!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(power or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if not digits:
        return "0"
    if 0 < point <= 21:
        body = digits.ljust(point, "0") if len(digits) <= point else f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        body = "0." + "0" * -point + digits
    else:
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        body = f"{digits[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + body


def json_text(value: Any, indent: int | None = None) -> str:
    """The value as JSON.stringify writes it, `UNDEFINED`'s text being empty.

    Raises:
        OutOfBounds: The text would be longer than an expression may hold.

    """
    parts: list[str] = []
    _write(value, parts, indent, 0, _Count())
    return "".join(parts)


def _write(value: Any, parts: list[str], indent: int | None, level: int, count: _Count) -> None:
    if isinstance(value, str):
        written = json.dumps(value, ensure_ascii=False)
    elif value is NULL or value is None:
        written = "null"
    elif value is True or value is False:
        written = "true" if value else "false"
    elif is_number(value):
        written = text_of_number(value) if math.isfinite(value) else "null"
    elif isinstance(value, (dict, list)):
        _write_container(value, parts, indent, level, count)
        return
    else:
        written = '""'
    count.bytes += len(written)
    if count.bytes > MEMORY:
        raise OutOfBounds(TOO_MUCH)
    parts.append(written)


def _write_container(
    value: dict[str, Any] | list[Any], parts: list[str], indent: int | None, level: int, count: _Count
) -> None:
    if level >= DATA_LEVELS:
        raise OutOfBounds(TOO_DEEP)
    if level == 20:
        make_room()
    count.bytes += 24  # what building it takes counts as well, so that shared parts cannot multiply
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    parts.append(opening)
    between = "," if indent is None else ",\n" + " " * (indent * (level + 1))
    first = True
    for item in value.items() if isinstance(value, dict) else value:
        if first and indent is not None:
            parts.append("\n" + " " * (indent * (level + 1)))
        elif not first:
            parts.append(between)
        first = False
        count.bytes += len(between)
        if isinstance(value, dict):
            _write(item[0], parts, None, level, count)
            parts.append(":" if indent is None else ": ")
            item = item[1]  # noqa: PLW2901
        _write(item, parts, indent, level + 1, count)
    if indent is not None and not first:
        parts.append("\n" + " " * (indent * level))
    parts.append(closing)


def same(left: Any, right: Any, budget: list[int]) -> bool:
    """Whether two values are equal, deeply; `budget` has the number of comparisons left in its only place."""
    budget[0] -= 1
    if budget[0] < 0:
        raise OutOfBounds(TOO_MUCH)
    if isinstance(left, list):
        return (
            isinstance(right, list)
            and len(left) == len(right)
            and all(same(one, other, budget) for one, other in zip(left, right, strict=True))
        )
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and left.keys() == right.keys()
            and all(same(item, right[key], budget) for key, item in left.items())
        )
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)
