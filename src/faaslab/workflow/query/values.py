"""JSON values compared and written down, however deep they are nested.

Rule: no recursion, so that a value that nests ten thousand times is a value like any other.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_encoded = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
# What Java writes otherwise, or looks like it.
_OTHERWISE = re.compile("[0-9]{8}[.][0-9]|0[.]00[0-9]|[0-9][eE][+-]?[0-9]|Infinity|NaN|[\ud800-\udfff]")
_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def _quoted(text: str) -> str:
    # Half a surrogate pair has no UTF-8; as an escape it can be kept and sent.
    return _HALF_A_PAIR.sub(lambda found: f"\\u{ord(found[0]):04x}", _encoded(text))


def is_number(value: Any) -> bool:
    """Whether it is a number of JSON, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal; numbers by what they amount to, and true is not 1."""
    todo = [(left, right)]
    while todo:
        one, other = todo.pop()
        if one is other:
            continue
        if isinstance(one, dict):
            if not isinstance(other, dict) or one.keys() != other.keys():
                return False
            todo += [(value, other[key]) for key, value in one.items()]
        elif isinstance(one, list):
            if not isinstance(other, list) or len(one) != len(other):
                return False
            todo += zip(one, other, strict=True)
        elif is_number(one) and is_number(other):
            if one != other:
                return False
        elif type(one) is not type(other) or one != other:
            return False
    return True


def nests_deeper(value: Any, levels: int) -> bool:
    """Whether arrays and objects of a JSON value stand more than `levels` deep in each other."""
    here = [value]
    for _ in range(levels):
        below: list[Any] = []
        for each in here:
            if isinstance(each, dict):
                below += [inner for inner in each.values() if isinstance(inner, (dict, list))]
            elif isinstance(each, list):
                below += [inner for inner in each if isinstance(inner, (dict, list))]
        if not below:
            return False
        here = below
    return True


def number_text(number: float) -> str:
    """A number as Java writes it, in which Step Functions is written: `1.0`, `1.0E10`, `1.5E-7`."""
    if isinstance(number, int):
        # Python refuses to write very long numbers; such a one does not come from JSON that was read.
        return str(number) if number.bit_length() < 10_000 else hex(number)
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    digits, _, exponent = f"{number!r}".partition("e")
    if not exponent:
        mantissa, _, exponent = f"{number:.16e}".partition("e")
        digits = _shortest(number, mantissa, exponent)
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"


def _shortest(number: float, mantissa: str, exponent: str) -> str:
    for places in range(1, 17):
        text = f"{number:.{places}e}".partition("e")[0]
        if float(f"{text}e{exponent}") == number:
            return text
    return mantissa


def json_text(value: Any) -> str:
    """The value as compact JSON, numbers as in `number_text`."""
    try:
        text = _encoded(value)
    except (RecursionError, ValueError):  # too deep, or a number too long for the library
        return _json_text(value)
    return text if _OTHERWISE.search(text) is None else _json_text(value)


def _json_text(value: Any) -> str:
    return _joined(value, _JSON_FORM, scalar_text)


class _Form(NamedTuple):
    """How the parts of a value are joined."""

    key: Callable[[str], str]
    between: str = ","
    keys: Callable[[Iterable[str]], Iterable[str]] = list


def _joined(value: Any, form: _Form, scalar: Callable[[Any], str]) -> str:
    parts: list[str] = []
    # What is still to be written, the next at the end: a text as it is, or a value.
    todo: list[tuple[bool, Any]] = [(False, value)]
    while todo:
        ready, item = todo.pop()
        if ready:
            parts.append(item)
        elif isinstance(item, dict):
            parts.append("{")
            todo.append((True, "}"))
            inner: list[tuple[bool, Any]] = []
            for key in form.keys(item):
                inner += [(True, f"{form.between if inner else ''}{form.key(key)}"), (False, item[key])]
            todo += reversed(inner)
        elif isinstance(item, list):
            parts.append("[")
            todo.append((True, "]"))
            inner = []
            for one in item:
                inner += [(True, form.between if inner else ""), (False, one)]
            todo += reversed(inner)
        else:
            parts.append(scalar(item))
    return "".join(parts)


def scalar_text(value: Any) -> str:
    """A value that holds no others, as JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    return _quoted(value)


def plain_text(value: Any) -> str:
    """The value as States.Format puts it into a text: a string as it is, objects and lists as in Java."""
    return _joined(value, _JAVA_FORM, _plain_scalar)


def _plain_scalar(value: Any) -> str:
    return value if isinstance(value, str) else scalar_text(value)


def canonical(value: Any) -> str:
    """A text that two values share when they are the `same`, and of one kind of number: 1 is not 1.0."""
    return _joined(value, _SORTED_FORM, scalar_text)


_JSON_FORM = _Form(lambda key: _quoted(key) + ":")
_JAVA_FORM = _Form("{}=".format, between=", ")
_SORTED_FORM = _Form(lambda key: _quoted(key) + ":", keys=sorted)
