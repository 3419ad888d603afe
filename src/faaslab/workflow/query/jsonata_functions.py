"""The functions of JSONata in Step Functions: those it adds, the library's, and those that are mended.

Rule: a function takes engine values and gives one; `None` is undefined. What is random or of the clock comes
from the evaluation. `$eval` is left out, as Step Functions has `$parse` in its place.
"""

from __future__ import annotations

import inspect
import math
import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from jsonata import functions, jexception, jsonata, signature, utils

from faaslab.workflow.query import (
    jsonata_added,
    jsonata_dates,
    jsonata_pictures,
    jsonata_regex,
    jsonata_regex_syntax,
    jsonata_strings,
)
from faaslab.workflow.query.jsonata_bounds import MEMORY, TOO_MUCH, OutOfBounds, held
from faaslab.workflow.query.jsonata_values import (
    NULL,
    is_callable,
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
_EXACT = Context(prec=1500, Emax=10_000, Emin=-10_000)
_NUMERAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_TIMESTAMP = re.compile(
    r"\d{4}(-[01]\d)?(-[0-3]\d)?(T[0-2]\d:[0-5]\d:[0-5]\d)?(\.\d+)?([+-][0-2]\d:?[0-5]\d|Z)?", re.ASCII
)
_PREFIXED = re.compile(r"0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+", re.ASCII)


def regular_expression(pattern: str, flags: Any) -> jsonata_regex.Expression:
    """A regular expression literal, compiled.

    Raises:
        JException: It is none.

    """
    try:
        return jsonata_regex.Expression(
            pattern, _charge, ignore_case=flags.case_insensitive, multiline=flags.multiline
        )
    except jsonata_regex_syntax.NoRegularExpression as wrong:
        raise JException("D3137", -1, f"Invalid regular expression: /{pattern}/: {wrong}") from wrong


def _charge(steps: int) -> None:
    _evaluation().charge(steps)


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
    return merge_sorted(
        list(array), lambda one, other: truth(jsonata_strings.applied(comparator, one, other))
    )


def merge_sorted(items: list[Any], after: Callable[[Any, Any], bool]) -> list[Any]:
    """Sorted as JSONata sorts: by merging, stable, asking only whether one comes after the other."""
    if len(items) <= 1:
        return items
    middle = len(items) // 2
    left, right = merge_sorted(items[:middle], after), merge_sorted(items[middle:], after)
    merged, one, other = [], 0, 0
    while one < len(left) and other < len(right):
        if after(left[one], right[other]):
            merged.append(right[other])
            other += 1
        else:
            merged.append(left[one])
            one += 1
    return merged + left[one:] + right[other:]


def truth(value: Any) -> bool:
    """Whether a value counts as true."""
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
    values = list(found.values())
    return utils.Utils.create_sequence_from_iter(values) if utils.Utils.is_sequence(array) else values


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
    together: list[Any] = []
    for item in value:
        spread = _spread(item)
        together.extend(spread) if isinstance(spread, list) else together.append(spread)
    return together or None


def _map(array: Any, function: Any) -> Any:
    if array is None:
        return None
    apply, count = _evaluation().apply, max(functions.Functions.get_function_arity(function), 1)
    results = (apply(function, [item, index, array][:count], None, None) for index, item in enumerate(array))
    return utils.Utils.create_sequence_from_iter(result for result in results if result is not None)


def _filter(array: Any, function: Any) -> Any:
    if array is None:
        return None
    apply, count = _evaluation().apply, max(functions.Functions.get_function_arity(function), 1)
    return utils.Utils.create_sequence_from_iter(
        item
        for index, item in enumerate(array)
        if truth(apply(function, [item, index, array][:count], None, None))
    )


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


def _hold_picture(picture: str) -> None:
    """Refuse a picture that asks for more digits than a date can have: the library would write them all."""
    held(len(picture), MEMORY // _PICTURE)
    for marker in re.findall(r"\[[^\]]*", picture):
        for width in re.findall(r"[,-]\s*(\d{3,})", marker):
            held(int(width), MEMORY // _PICTURE)


def _to_millis(timestamp: Any, picture: Any) -> Any:
    if timestamp is None:
        return None
    if picture is not None:
        _hold_picture(picture)
        now = _EPOCH + timedelta(milliseconds=_evaluation().timestamp)
        return _by_picture(jsonata_dates.parsed, timestamp, picture, now, _charge)
    try:
        if not _TIMESTAMP.fullmatch(timestamp):
            raise ValueError
        moment = datetime.fromisoformat(timestamp + {4: "-01-01", 7: "-01"}.get(len(timestamp), ""))
    except ValueError as wrong:
        raise JException("D3110", -1, timestamp) from wrong
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _from_millis(millis: Any, picture: Any, zone: Any) -> Any:
    if millis is None:
        return None
    _hold_picture(picture or "")
    return _by_picture(functions.Functions.datetime_from_millis, math.floor(millis), picture, zone)


def _format_number(value: Any, picture: Any, options: Any) -> Any:
    return None if value is None else jsonata_pictures.format_number(value, picture, options)


def _round(value: Any, precision: Any) -> Any:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return value
    places = 0 if precision is None else max(-400, min(400, math.trunc(precision)))
    exact = Decimal(repr(float(value)))
    return float(exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, _EXACT))


def _power(base: Any, exponent: Any) -> Any:
    if base is None:
        return None
    if exponent is None:
        raise JException("D3061", -1, base, exponent)
    try:
        result = float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError):
        result = math.inf
    if isinstance(result, complex) or not math.isfinite(result):
        raise JException("D3061", -1, base, exponent)
    return result


def _format_base(value: Any, radix: Any) -> Any:
    if value is None:
        return None
    base = 10 if radix is None else math.floor(radix)
    if not 2 <= base <= 36:
        raise JException("D3100", -1, base)
    number_left = int(_round(value, 0))
    digits: list[str] = []
    rest = abs(number_left)
    while rest or not digits:
        rest, digit = divmod(rest, base)
        digits.append("0123456789abcdefghijklmnopqrstuvwxyz"[digit])
    return ("-" if number_left < 0 else "") + "".join(reversed(digits))


def _type(value: Any) -> Any:
    return "function" if value is not None and is_callable(value) else functions.Functions.type(value)


def _decoded(name: str, decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def decoded(text: Any) -> Any:
        try:
            return decode(text)
        except UnicodeDecodeError as wrong:
            raise JException("D3140", -1, name, text) from wrong

    return decoded


def _by_picture(function: Callable[..., Any], *args: Any) -> Any:
    """What a function of dates and numbers by pictures gives, its errors with JSONata's codes."""
    try:
        return function(*args)
    except (RuntimeError, NotImplementedError) as wrong:
        if isinstance(wrong, JException):
            raise
        text = str(wrong)
        code = next((code for words, code in _PICTURE_ERRORS.items() if words in text), None)
        if code is None:
            raise
        quoted = text.rpartition('"')[0].rpartition('"')[2] or str(args[1])[:1]
        raise JException(code, -1, quoted) from wrong
    except KeyError as unknown:
        raise JException("D3132", -1, str(unknown.args[0])) from unknown


_PICTURE_ERRORS = {
    "as a sequence starting with": "D3130", "same decimal group": "D3131", "Unknown component": "D3132",
    "name": "D3133", "four digits": "D3134", "closing bracket": "D3135", "missing specifiers": "D3136",
}  # fmt: skip


def _parse_integer(text: Any, picture: Any) -> Any:
    """Step Functions answers NaN where the picture cannot read the text."""
    if text is None:
        return None
    held(len(picture), MEMORY // _PICTURE)
    held(len(text), MEMORY // _PICTURE)
    try:
        found = _by_picture(functions.Functions.parse_integer, text, picture)
    except ValueError:
        return math.nan
    return math.nan if found is None else found


def _format_integer(value: Any, picture: Any) -> Any:
    if value is None:
        return None
    held(len(picture), MEMORY // _PICTURE)
    if picture[:1] in "iI" and picture[:1]:
        held(int(abs(value)) // 1000)
    return _by_picture(functions.Functions.format_integer, value, picture)


# -- the table


class _Signature(signature.Signature):  # type: ignore[misc]
    """A function's signature that no expression renames, and that tells null from what is missing."""

    def set_function_name(self, function_name: str) -> None:
        """Binding a function to another name leaves its messages alone: all evaluations share it."""

    def get_symbol(self, value: Any) -> str:
        """The letter of a value's type."""
        return "l" if value is NULL else str(super().get_symbol(value))

    def throw_validation_error(self, bad_args: Any, bad_sig: str, function_name: str) -> NoReturn:  # noqa: ARG002
        """Name the first argument that does not fit: the library looks at all of them at once."""
        pattern = "^"
        good = 0
        for param in self._params:
            pattern += param.regex
            match = re.match(pattern, bad_sig)
            if match is None:
                break
            good = match.end()
        raise JException("T0410", -1, good + 1, function_name)

    def validate(self, args: Any, context: Any) -> Any:
        """The arguments, the context in the place of one left out."""
        try:
            return super().validate(args, context)
        except JException as wrong:
            if wrong.error == "T0411":
                raise JException("T0411", -1, wrong.expected, self.function_name) from wrong
            raise


OF_TRANSFORMS = _Signature("<(oa):o>", None)
"""What the `| … |` operator takes; such a function has no name."""


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
    "map": (_map, "<af>"),
    "filter": (_filter, "<af>"),
    "round": (_round, "<n-n?:n>"),
    "power": (_power, "<n-n:n>"),
    "formatBase": (_format_base, "<n-n?:s>"),
    "type": (_type, "<x:s>"),
    "decodeUrl": (_decoded("decodeUrl", functions.Functions.decode_url), "<s-:s>"),
    "decodeUrlComponent": (
        _decoded("decodeUrlComponent", functions.Functions.decode_url_component),
        "<s-:s>",
    ),
    "clone": (_clone, "<(oa)-:o>"),
    "toMillis": (_to_millis, "<s-s?:n>"),
    "fromMillis": (_from_millis, "<n-s?s?:s>"),
    "now": (lambda picture, zone: _from_millis(_evaluation().timestamp, picture, zone), "<s?s?:s>"),
    "millis": (lambda: _evaluation().timestamp, "<:n>"),
    "formatNumber": (_format_number, "<n-so?:s>"),
    "parseInteger": (_parse_integer, "<s-s:n>"),
    "formatInteger": (_format_integer, "<n-s:s>"),
    "parse": (jsonata_added.parse, "<x?:x>"),
    "partition": (jsonata_added.partition, "<x?x?:x>"),
    "range": (jsonata_added.range_, "<x?x?x?:x>"),
    "hash": (jsonata_added.hash_, "<x?x?:x>"),
    "random": (jsonata_added.random, "<x?:n>"),
    "uuid": (jsonata_added.uuid, "<:s>"),
}
# The library keeps its signatures only in their compiled form.
_THEIRS = {
    "sum": "<a<n>:n>", "count": "<a:n>", "max": "<a<n>:n>", "min": "<a<n>:n>", "average": "<a<n>:n>",
    "substring": "<s-nn?:s>", "substringBefore": "<s-s:s>", "substringAfter": "<s-s:s>",
    "uppercase": "<s-:s>", "length": "<s-:n>", "trim": "<s-:s>",
    "floor": "<n-:n>", "ceil": "<n-:n>", "abs": "<n-:n>", "sqrt": "<n-:n>",
    "boolean": "<x-:b>", "not": "<x-:b>", "zip": "<a+>",
    "single": "<af?>", "reduce": "<afj?:j>", "sift": "<o-f?:o>", "keys": "<x-:a<s>>", "lookup": "<x-s:x>",
    "append": "<xx:a>", "exists": "<x:b>", "merge": "<a<o>:o>", "reverse": "<a:a>", "each": "<o-f:a>",
    "error": "<s?:x>", "assert": "<bs?:x>", "base64encode": "<s-:s>",
    "encodeUrlComponent": "<s-:s>", "encodeUrl": "<s-:s>",

}  # fmt: skip
FUNCTIONS: dict[str, Native] = {
    **{
        name: Native(name, Jsonata.static_frame.bindings[name].method, types)
        for name, types in _THEIRS.items()
    },
    **{name: Native(name, method, types) for name, (method, types) in _OURS.items()},
}
