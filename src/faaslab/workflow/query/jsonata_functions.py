"""The functions of JSONata in Step Functions: its own six, the library's, and those of it that are mended.

Rule: a function takes engine values and gives one; `None` is undefined. What is random or of the clock comes
from the evaluation. `$eval` is left out, as Step Functions has `$parse` in its place.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from jsonata import functions, jexception, jsonata, signature, utils

from faaslab.workflow.query import jsonata_strings
from faaslab.workflow.query.jsonata_bounds import MEMORY, TOO_MUCH, OutOfBounds, held
from faaslab.workflow.query.jsonata_values import (
    NULL,
    inside,
    is_number,
    json_text,
    number,
    text_of_number,
)

if TYPE_CHECKING:
    from collections.abc import Callable

JException = jexception.JException
Jsonata = jsonata.Jsonata
JList = utils.Utils.JList
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PICTURE = 1000
_NUMERAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_PREFIXED = re.compile(r"0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+", re.ASCII)
_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def regular_expression(pattern: str, flags: Any) -> re.Pattern[str]:
    """A regular expression literal, compiled.

    Raises:
        JException: It is none that Python knows.

    """
    chosen = (re.IGNORECASE if flags.case_insensitive else 0) | (re.MULTILINE if flags.multiline else 0)
    try:
        return re.compile(pattern, chosen)
    except (re.error, OverflowError, RecursionError) as wrong:
        raise JException("D3137", -1, f"Invalid regular expression: /{pattern}/: {wrong}") from wrong


def _evaluation() -> Any:
    return Jsonata.CURRENT.jsonata


def string(value: Any, prettify: Any = None) -> Any:
    """`$string`: JSON text, a string as it is, a function as the empty string."""
    if isinstance(value, JList) and value.outer_wrapper:
        value = value[0]
    if value is None or isinstance(value, str):
        return value
    if is_number(value):
        if isinstance(value, float) and not math.isfinite(value):
            raise JException("D3001", -1, value)
        return text_of_number(value)
    if not isinstance(value, (dict, list, bool)) and value is not NULL:
        return ""
    return json_text(value, 2 if prettify is True else None)


def _number(value: Any) -> Any:
    if value is None or is_number(value):
        return value
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        if _NUMERAL.fullmatch(value) and len(value) <= 1000 and math.isfinite(float(value)):
            return float(value)
        if _PREFIXED.fullmatch(value) and len(value) <= 250:
            return float(int(value, 0))
    raise JException("D3030", -1, value)


def _sorted(array: Any, comparator: Any) -> Any:
    if array is None or len(array) <= 1:
        return array
    if comparator is None:
        if not (all(is_number(item) for item in array) or all(isinstance(item, str) for item in array)):
            raise JException("D3070", -1)
        return sorted(array)
    return _merge_sorted(
        list(array), lambda one, other: _truth(jsonata_strings.applied(comparator, one, other))
    )


def _merge_sorted(items: list[Any], after: Callable[[Any, Any], bool]) -> list[Any]:
    """Sorted as JSONata sorts: by merging, stable, asking only whether one comes after the other."""
    if len(items) <= 1:
        return items
    middle = len(items) // 2
    left, right = _merge_sorted(items[:middle], after), _merge_sorted(items[middle:], after)
    merged, one, other = [], 0, 0
    while one < len(left) and other < len(right):
        if after(left[one], right[other]):
            merged.append(right[other])
            other += 1
        else:
            merged.append(left[one])
            one += 1
    return merged + left[one:] + right[other:]


def _truth(value: Any) -> bool:
    return bool(functions.Functions.to_boolean(value))


def _distinct(array: Any) -> Any:
    if not isinstance(array, list) or len(array) <= 1:
        return array
    found: dict[Any, Any] = {}
    size = 0
    for item in array:
        key = (type(item) is bool, item) if not isinstance(item, (dict, list)) else _sorted_text(item)
        size += len(key) if isinstance(key, str) else 8
        if size > 4 * MEMORY:
            raise OutOfBounds(TOO_MUCH)
        found.setdefault(key, item)
    return (
        utils.Utils.create_sequence_from_iter(found.values())
        if isinstance(array, JList)
        else list(found.values())
    )


def _sorted_text(value: Any) -> str:
    def ordered(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: ordered(item[key]) for key in sorted(item)}
        return [ordered(one) for one in item] if isinstance(item, list) else item

    json_text(value)  # holds it to the bounds first
    return json_text(ordered(value))


def _spread(value: Any) -> Any:
    if isinstance(value, dict):
        return utils.Utils.create_sequence_from_iter({key: item} for key, item in value.items())
    if not isinstance(value, list):
        return value
    together = utils.Utils.create_sequence()
    for item in value:
        spread = _spread(item)
        together.extend(spread) if isinstance(spread, list) else together.append(spread)
    return together


def _shuffle(array: Any) -> Any:
    if array is None or len(array) <= 1:
        return array
    result = list(array)
    chance = _evaluation().chance
    for last in range(len(result) - 1, 0, -1):
        other = int(chance.random() * (last + 1))
        result[last], result[other] = result[other], result[last]
    return result


def _clone(value: Any) -> Any:
    return value


def _to_millis(timestamp: Any, picture: Any) -> Any:
    if timestamp is None:
        return None
    if picture is not None:
        held(len(picture), MEMORY // _PICTURE)
        return functions.Functions.datetime_to_millis(timestamp, picture)
    form = "%Y" if len(timestamp) == 4 and timestamp.isascii() and timestamp.isdigit() else None
    try:
        moment = datetime.strptime(timestamp, form) if form else datetime.fromisoformat(timestamp)
    except ValueError as wrong:
        raise JException("D3110", -1, timestamp) from wrong
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _from_millis(millis: Any, picture: Any, zone: Any) -> Any:
    if millis is None:
        return None
    held(len(picture or ""), MEMORY // _PICTURE)
    return functions.Functions.datetime_from_millis(math.floor(millis), picture, zone)


def _format_number(value: Any, picture: Any, options: Any) -> Any:
    held(len(picture), MEMORY // _PICTURE)
    return None if value is None else functions.Functions.format_number(value, picture, options)


def _parse_integer(text: Any, picture: Any) -> Any:
    """Step Functions answers NaN where the picture cannot read the text."""
    if text is None:
        return None
    held(len(picture), MEMORY // _PICTURE)
    held(len(text), MEMORY // _PICTURE)
    found = functions.Functions.parse_integer(text, picture)
    return math.nan if found is None else found


def _format_integer(value: Any, picture: Any) -> Any:
    if value is None:
        return None
    held(len(picture), MEMORY // _PICTURE)
    if picture[:1] in "iI" and picture[:1]:
        held(int(abs(value)) // 1000)
    return functions.Functions.format_integer(value, picture)


# -- what Step Functions adds; the errors are its own


def _unfit(name: str, index: int) -> NoReturn:
    raise JException("T0410", -1, index, name)


def _whole(value: Any, name: str, index: int) -> int:
    if not is_number(value) or not math.isfinite(value):
        _unfit(name, index)
    return int(value)


def _parse(text: Any) -> Any:
    """`$parse`: the JSON value of a text; two texts, or a key twice, are none."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError
        return found

    def refused(_: str) -> NoReturn:
        raise ValueError

    if text is None:
        return None
    if not isinstance(text, str):
        _unfit("parse", 1)
    try:
        return inside(json.loads(text, object_pairs_hook=unique, parse_constant=refused))
    except (ValueError, RecursionError) as wrong:
        raise JException("D3137", -1, "Invalid JSON") from wrong


def _partition(array: Any, size: Any) -> Any:
    if array is None or array == []:
        return None
    if not isinstance(array, list):
        raise JException("T0412", -1, 1, "partition")
    if size is None:
        return [array]
    each = _whole(size, "partition", 2)
    if each < 0:
        raise JException("D3137", -1, "Second argument must be zero or greater")
    return [array[begin : begin + each] for begin in range(0, len(array), each)] if each else None


def _range(start: Any, end: Any, step: Any) -> Any:
    first, last = _whole(start, "range", 1), _whole(end, "range", 2)
    if step is None:
        return None
    by = _whole(step, "range", 3)
    if by == 0 or (by > 0 and first > last) or (by < 0 and first < last):
        return None
    numbers = range(first, last + (1 if by > 0 else -1), by)
    count = (last - first) // by + 1
    held(count, 8)
    return utils.Utils.create_sequence_from_iter(numbers)


def _hash(text: Any, algorithm: Any) -> Any:
    if not isinstance(text, str):
        _unfit("hash", 1)
    if algorithm is None:
        return None
    if not isinstance(algorithm, str):
        _unfit("hash", 2)
    if algorithm not in _HASHES:
        known = "SHA-1, SHA-384, SHA-256, SHA-512, MD5"
        raise JException("D3137", -1, f"Hash algorithm '{algorithm}' must be one of {known}")
    return hashlib.new(_HASHES[algorithm], text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _random(seed: Any) -> float:
    """`$random`: with a seed the first number of a java.util.Random, as in Step Functions."""
    if seed is None:
        return float(_evaluation().chance.random())
    state = (_whole(seed, "random", 1) ^ 0x5DEECE66D) & (2**48 - 1)
    draws = []
    for bits in (26, 27):
        state = (state * 0x5DEECE66D + 0xB) & (2**48 - 1)
        draws.append(state >> (48 - bits))
    return float(((draws[0] << 27) + draws[1]) * 2.0**-53)


def _uuid() -> str:
    bits = _evaluation().chance.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | 4 << 76 | 2 << 62
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


# -- the table


class _Signature(signature.Signature):  # type: ignore[misc]
    """A function's signature that no expression renames, and that tells null from what is missing."""

    def set_function_name(self, function_name: str) -> None:
        """Binding a function to another name leaves its messages alone: all evaluations share it."""

    def get_symbol(self, value: Any) -> str:
        """The letter of a value's type."""
        return "l" if value is NULL else str(super().get_symbol(value))

    def validate(self, args: Any, context: Any) -> Any:
        """The arguments, the context in the place of one left out."""
        try:
            return super().validate(args, context)
        except JException as wrong:
            if wrong.error == "T0411":
                raise JException("T0411", -1, wrong.expected, self.function_name) from wrong
            raise


class Native(jsonata.Jsonata.JNativeFunction):  # type: ignore[misc]
    """A function written in Python."""

    def __init__(self, name: str, method: Callable[..., Any], types: str) -> None:
        self.function_name = name
        self.method = method
        self.nargs = len(inspect.signature(method).parameters)
        self.signature = _Signature(types, name)

    def call(self, input: Any, args: Any) -> Any:  # noqa: A002, ARG002 - the library's signature
        """The result, held to the bounds."""
        given = list(args)
        result = self.method(*given, *[None] * (self.nargs - len(given)))
        steps = 1
        if isinstance(result, str):
            held(len(result))
            steps += len(result) // 64
        elif isinstance(result, list):
            held(len(result), 8)
            steps += len(result) // 16
        else:
            result = number(result)
        _evaluation().charge(steps)
        return result


_OURS: dict[str, tuple[Callable[..., Any], str]] = {
    "string": (string, "<x-b?:s>"),
    "number": (_number, "<(nsb)-:n>"),
    "lowercase": (lambda text: None if text is None else text.lower(), "<s-:s>"),
    "join": (jsonata_strings.join, "<a<s>s?:s>"),
    "pad": (jsonata_strings.pad, "<s-ns?:s>"),
    "split": (jsonata_strings.split, "<s-(sf)n?:a<s>>"),
    "match": (jsonata_strings.matches, "<s-f<s:o>n?:a<o>>"),
    "contains": (jsonata_strings.contains, "<s-(sf):b>"),
    "replace": (jsonata_strings.replace, "<s-(sf)(sf)n?:s>"),
    "base64decode": (jsonata_strings.base64decode, "<s-:s>"),
    "sort": (_sorted, "<af?:a>"),
    "distinct": (_distinct, "<x:x>"),
    "spread": (_spread, "<x-:a<o>>"),
    "shuffle": (_shuffle, "<a:a>"),
    "clone": (_clone, "<(oa)-:o>"),
    "toMillis": (_to_millis, "<s-s?:n>"),
    "fromMillis": (_from_millis, "<n-s?s?:s>"),
    "now": (lambda picture, zone: _from_millis(_evaluation().timestamp, picture, zone), "<s?s?:s>"),
    "millis": (lambda: _evaluation().timestamp, "<:n>"),
    "formatNumber": (_format_number, "<n-so?:s>"),
    "parseInteger": (_parse_integer, "<s-s:n>"),
    "formatInteger": (_format_integer, "<n-s:s>"),
    "parse": (_parse, "<x?:x>"),
    "partition": (_partition, "<x?x?:x>"),
    "range": (_range, "<x?x?x?:x>"),
    "hash": (_hash, "<x?x?:x>"),
    "random": (_random, "<x?:n>"),
    "uuid": (_uuid, "<:s>"),
}
# The library keeps its signatures only in their compiled form.
_THEIRS = {
    "sum": "<a<n>:n>", "count": "<a:n>", "max": "<a<n>:n>", "min": "<a<n>:n>", "average": "<a<n>:n>",
    "substring": "<s-nn?:s>", "substringBefore": "<s-s:s>", "substringAfter": "<s-s:s>",
    "uppercase": "<s-:s>", "length": "<s-:n>", "trim": "<s-:s>", "formatBase": "<n-n?:s>",
    "floor": "<n-:n>", "ceil": "<n-:n>", "round": "<n-n?:n>", "abs": "<n-:n>", "sqrt": "<n-:n>",
    "power": "<n-n:n>", "boolean": "<x-:b>", "not": "<x-:b>", "map": "<af>", "zip": "<a+>", "filter": "<af>",
    "single": "<af?>", "reduce": "<afj?:j>", "sift": "<o-f?:o>", "keys": "<x-:a<s>>", "lookup": "<x-s:x>",
    "append": "<xx:a>", "exists": "<x:b>", "merge": "<a<o>:o>", "reverse": "<a:a>", "each": "<o-f:a>",
    "error": "<s?:x>", "assert": "<bs?:x>", "type": "<x:s>", "base64encode": "<s-:s>",
    "encodeUrlComponent": "<s-:s>", "encodeUrl": "<s-:s>", "decodeUrlComponent": "<s-:s>",
    "decodeUrl": "<s-:s>",
}  # fmt: skip
FUNCTIONS: dict[str, Native] = {
    **{
        name: Native(name, Jsonata.static_frame.bindings[name].method, types)
        for name, types in _THEIRS.items()
    },
    **{name: Native(name, method, types) for name, (method, types) in _OURS.items()},
}
