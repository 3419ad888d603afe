"""What each intrinsic function makes of its arguments, with AWS's limits.

The rules are those of "Intrinsic functions for JSONPath states in Step Functions"; where AWS was seen to do
otherwise than it says (fractions, Base64, empty arrays) they are what it does.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable
from typing import Any

from faaslab.workflow.query import hash_order
from faaslab.workflow.query.values import is_number, json_text, plain_text
from faaslab.workflow.scope import Chance

MOST_CHARACTERS = 10_000  # of what is encoded, decoded or hashed
MOST_ITEMS = 1_000  # of a range
_HASHES = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}
_NO_DIGITS = re.compile(r"[^A-Za-z0-9+/]+")
# The generator of Java, whose seed is an argument.
_MULTIPLIER = 0x5DEECE66D
_STATE = (1 << 48) - 1
_Function = Callable[[list[Any], Chance], Any]


class BadArgument(Exception):
    """An argument is not what the function takes."""


def formatted(raw: str | None, given: list[Any]) -> str:
    """The template with each `{}` replaced by the next argument.

    `raw` is the template as it stands in the call, where it does: there a backslash takes the meaning from
    `'`, `{`, `}` and itself, in a text from elsewhere from the braces only.
    """
    template, *values = given
    if not isinstance(template, str):
        raise BadArgument("Invalid arguments in States.Format: the template must be a string")
    source, escapes = (template, "{}") if raw is None else (raw, "'{}\\")
    parts: list[str] = []
    place = used = 0
    while place < len(source):
        character = source[place]
        if character == "\\" and source[place + 1 : place + 2] and source[place + 1] in escapes:
            place += 1
            parts.append(source[place])
        elif source.startswith("{}", place):
            parts.append(plain_text(values[used]) if used < len(values) else "")
            used += 1
            place += 1
        elif character in "{}":
            other = {"{": "}", "}": "{"}[character]
            raise BadArgument(
                f"Invalid template in States.Format: matching '{other}' not found for '{character}'."
            )
        else:
            parts.append(character)
        place += 1
    if used != len(values):
        raise BadArgument(
            "Invalid arguments in States.Format: number of arguments do not match the occurrences of {}."
        )
    return "".join(parts)


def _number(value: Any) -> float:
    if not is_number(value) or (isinstance(value, float) and not math.isfinite(value)):
        raise BadArgument("an argument that must be a number is none")
    return float(value) if isinstance(value, float) else value


def _cut(value: Any) -> int:
    """A number without its fraction: what AWS does but in sums, where its documentation says it rounds."""
    return int(_number(value))


def _rounded(value: Any) -> int:
    """The nearest whole number, halves up, within 32 bits."""
    number = _number(value)
    below = math.floor(number)
    return _bounded(below + (number - below >= 0.5))


def _bounded(number: int) -> int:
    if not -(2**31) <= number < 2**31:
        raise BadArgument("a number does not fit into 32 bits")
    return number


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise BadArgument("an argument that must be an array is none")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadArgument("an argument that must be a string is none")
    return value


def _short(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise BadArgument(f"a string is longer than {MOST_CHARACTERS} characters")
    return text


def _string_to_json(given: list[Any], _: Chance) -> Any:
    text = _text(given[0])
    if not text.strip():
        return None
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadArgument("the string is not JSON") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _array_partition(given: list[Any], _: Chance) -> Any:
    items, size = _list(given[0]), _cut(given[1])
    if size < 1:
        raise BadArgument("the chunk size is not positive")
    return [items[at : at + size] for at in range(0, len(items), size)]


def _array_contains(given: list[Any], _: Chance) -> Any:
    """AWS compares values by what they look like as text: 5 is '5', and the order of names counts."""
    items, wanted = _list(given[0]), plain_text(given[1])
    return any(plain_text(item) == wanted for item in items)


def _array_range(given: list[Any], _: Chance) -> Any:
    first, last, step = map(_cut, given)
    if step == 0:
        raise BadArgument("the increment is zero")
    made = range(first, last + (1 if step > 0 else -1), step)
    # A range of Python counts its items without making them.
    if made and (made[-1] - first) // step + 1 > MOST_ITEMS:
        raise BadArgument(f"the range has more than {MOST_ITEMS} items")
    return list(made)


def _array_get_item(given: list[Any], _: Chance) -> Any:
    items, index = _list(given[0]), _cut(given[1])
    if not items and index >= 0:
        return None  # as AWS does, where any other index past the end is refused
    if not 0 <= index < len(items):
        raise BadArgument(f"the index {index} is not in an array of {len(items)} items")
    return items[index]


def _base64_encode(given: list[Any], _: Chance) -> Any:
    return base64.b64encode(_short(_text(given[0])).encode("utf-8", "replace")).decode("ascii")


def _base64_decode(given: list[Any], _: Chance) -> Any:
    """What is no digit of Base64 is passed over, and the first padding ends it, as on AWS."""
    written = _short(_text(given[0])).partition("=")[0].translate({ord("-"): "+", ord("_"): "/"})
    digits = "".join(_NO_DIGITS.split(written))
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("utf-8", "replace")


def _hash(given: list[Any], _: Chance) -> Any:
    data, algorithm = given
    text = _short(data if isinstance(data, str) else json_text(data))
    if not isinstance(algorithm, str) or algorithm not in _HASHES:
        raise BadArgument(f"the algorithm is none of {', '.join(_HASHES)}")
    made = hashlib.new(_HASHES[algorithm], usedforsecurity=False)
    made.update(text.encode("utf-8", "replace"))
    return made.hexdigest()


def _json_merge(given: list[Any], _: Chance) -> Any:
    left, right, deep = given
    if not isinstance(left, dict) or not isinstance(right, dict):
        raise BadArgument("the first two arguments must be JSON objects")
    if deep is True:
        raise BadArgument("only shallow merging is supported, the third argument must be false")
    return {**left, **right}


def _math_random(given: list[Any], chance: Chance) -> Any:
    start, end = _bounded(_cut(given[0])), _bounded(_cut(given[1]))
    if start >= end:
        raise BadArgument("the start number is not less than the end number")
    if len(given) == 2:
        return start + chance.getrandbits(96) % (end - start)
    state = (_cut(given[2]) ^ _MULTIPLIER) & _STATE
    bits = 0
    for _ in range(2):
        state = (state * _MULTIPLIER + 0xB) & _STATE
        bits = bits << 32 | state >> 16
    return start + bits % (end - start)


def _math_add(given: list[Any], _: Chance) -> Any:
    return _bounded(_rounded(given[0]) + _rounded(given[1]))


def _string_split(given: list[Any], _: Chance) -> Any:
    text, separators = _text(given[0]), _text(given[1])
    if not separators:
        return [text] if text else []
    # Every character of the second argument separates, and nothing comes of two in a row.
    one = text.translate(dict.fromkeys(map(ord, separators), separators[0]))
    return [part for part in one.split(separators[0]) if part]


def _uuid(_: list[Any], chance: Chance) -> Any:
    bits = chance.getrandbits(128)
    bits = bits & ~(0xF << 76) | 0x4 << 76
    digits = f"{bits & ~(0x3 << 62) | 0x2 << 62:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


BY_NAME: dict[str, _Function] = {
    "States.StringToJson": _string_to_json,
    "States.JsonToString": lambda given, _: json_text(given[0]),
    "States.Array": lambda given, _: given,
    "States.ArrayPartition": _array_partition,
    "States.ArrayContains": _array_contains,
    "States.ArrayRange": _array_range,
    "States.ArrayGetItem": _array_get_item,
    "States.ArrayLength": lambda given, _: len(_list(given[0])),
    "States.ArrayUnique": lambda given, _: hash_order.unique(_list(given[0])),
    "States.Base64Encode": _base64_encode,
    "States.Base64Decode": _base64_decode,
    "States.Hash": _hash,
    "States.JsonMerge": _json_merge,
    "States.MathRandom": _math_random,
    "States.MathAdd": _math_add,
    "States.StringSplit": _string_split,
    "States.UUID": _uuid,
}
