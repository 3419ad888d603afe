"""What each intrinsic function makes of its arguments, with AWS's limits.

The rules are those of "Intrinsic functions for JSONPath states in Step Functions"; how text is made of values
is as recorded executions have it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Callable
from typing import Any

from faaslab.workflow.query.values import canonical, is_number, json_text, plain_text, same
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
        raise BadArgument("The template must be a string")
    source, escapes = (template, "{}") if raw is None else (raw, "'{}\\")
    parts: list[str] = []
    place = used = 0
    while place < len(source):
        character = source[place]
        if character == "\\" and source[place + 1 : place + 2] and source[place + 1] in escapes:
            place += 1
            parts.append(source[place])
        elif character == "{" and source.startswith("{}", place):
            if used < len(values):
                parts.append(plain_text(values[used]))
            used += 1
            place += 1
        else:
            parts.append(character)
        place += 1
    if used != len(values):
        raise BadArgument(f"The template has {used} placeholders, and {len(values)} arguments were given")
    return "".join(parts)


def whole(value: Any, what: str) -> int:
    """A number as the nearest whole one, halves up, as Step Functions rounds."""
    if not is_number(value) or (isinstance(value, float) and not math.isfinite(value)):
        raise BadArgument(f"The {what} must be an integer")
    return value if isinstance(value, int) else _rounded(value)


def _rounded(value: float) -> int:
    below = math.floor(value)
    return below + (value - below >= 0.5)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise BadArgument("The argument must be an array")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadArgument("The argument must be a string")
    return value


def _short(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise BadArgument(f"The argument must not be longer than {MOST_CHARACTERS} characters")
    return text


def _string_to_json(given: list[Any], _: Chance) -> Any:
    text = _text(given[0])
    if not text.strip():
        return None
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadArgument("The argument is not valid JSON") from None


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _array_partition(given: list[Any], _: Chance) -> Any:
    items, size = _list(given[0]), whole(given[1], "chunk size")
    if size < 1:
        raise BadArgument("The chunk size must be a positive integer")
    return [items[at : at + size] for at in range(0, len(items), size)]


def _array_contains(given: list[Any], _: Chance) -> Any:
    items, wanted = _list(given[0]), given[1]
    return any(same(item, wanted) for item in items)


def _array_range(given: list[Any], _: Chance) -> Any:
    first, last, step = (whole(value, "arguments of a range") for value in given)
    if step == 0:
        raise BadArgument("The increment must not be zero")
    made = range(first, last + (1 if step > 0 else -1), step)
    # A range of Python counts its items without making them.
    if made and (made[-1] - first) // step + 1 > MOST_ITEMS:
        raise BadArgument(f"The array must not have more than {MOST_ITEMS} items")
    return list(made)


def _array_get_item(given: list[Any], _: Chance) -> Any:
    items, index = _list(given[0]), whole(given[1], "index")
    if not 0 <= index < len(items):
        raise BadArgument(f"The index {index} is out of the bounds of an array of {len(items)} items")
    return items[index]


def _array_unique(given: list[Any], _: Chance) -> Any:
    return list({canonical(item): item for item in reversed(_list(given[0]))}.values())[::-1]


def _base64_encode(given: list[Any], _: Chance) -> Any:
    return base64.b64encode(_short(_text(given[0])).encode("utf-8", "replace")).decode("ascii")


def _base64_decode(given: list[Any], _: Chance) -> Any:
    try:
        return base64.b64decode(_short(_text(given[0])), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise BadArgument("The argument is not valid Base64") from None


def _hash(given: list[Any], _: Chance) -> Any:
    data, algorithm = given
    text = _short(data if isinstance(data, str) else json_text(data))
    if not isinstance(algorithm, str) or algorithm not in _HASHES:
        raise BadArgument(f"The algorithm must be one of {', '.join(_HASHES)}")
    made = hashlib.new(_HASHES[algorithm], usedforsecurity=False)
    made.update(text.encode("utf-8", "replace"))
    return made.hexdigest()


def _json_merge(given: list[Any], _: Chance) -> Any:
    left, right, deep = given
    if not isinstance(left, dict) or not isinstance(right, dict):
        raise BadArgument("The first two arguments must be JSON objects")
    if deep is not False:
        raise BadArgument("Only shallow merging is supported: the third argument must be false")
    return {**left, **right}


def _math_random(given: list[Any], chance: Chance) -> Any:
    start, end = whole(given[0], "start number"), whole(given[1], "end number")
    if start >= end:
        raise BadArgument("The start number must be less than the end number")
    span = end - start
    if len(given) == 2:
        return start + chance.getrandbits(span.bit_length() + 64) % span
    state = (whole(given[2], "seed") ^ 0x5DEECE66D) & (1 << 48) - 1
    bits = 0
    for _ in range(span.bit_length() // 32 + 2):
        state = (state * 0x5DEECE66D + 0xB) & (1 << 48) - 1
        bits = bits << 32 | state >> 16
    return start + bits % span


def _math_add(given: list[Any], _: Chance) -> Any:
    return whole(given[0], "arguments of a sum") + whole(given[1], "arguments of a sum")


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
    "States.ArrayUnique": _array_unique,
    "States.Base64Encode": _base64_encode,
    "States.Base64Decode": _base64_decode,
    "States.Hash": _hash,
    "States.JsonMerge": _json_merge,
    "States.MathRandom": _math_random,
    "States.MathAdd": _math_add,
    "States.StringSplit": _string_split,
    "States.UUID": _uuid,
}
