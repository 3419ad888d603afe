"""The rules of a Choice state with JSONPath: does one hold?

Rule: a value of another type than the operator's does not hold; a `Variable` that is not there fails the
state, but for `IsPresent`. Rules within rules are a program with jumps, so that no nesting is a recursion.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from faaslab.model.wildcard import in_order
from faaslab.workflow.failure import RUNTIME, StateFailure
from faaslab.workflow.query import jsonpath, timestamps
from faaslab.workflow.query.identity import MadeOnce
from faaslab.workflow.query.jsonpath import PathMissing
from faaslab.workflow.query.values import is_number
from faaslab.workflow.scope import Scope

_Test = Callable[[Scope], bool]
_Compare = Callable[[Any, Any], bool]
_COMPARISONS: dict[str, _Compare] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}


def matches(rule: Mapping[str, Any], scope: Scope) -> bool:
    """Whether the rule holds. Raises `StateFailure` where a path of it names nothing."""
    program = _program(rule)
    answer, at = False, 0
    while at < len(program):
        test, stop_when, target = program[at]
        at += 1
        if test is not None:
            answer = test(scope)
        elif stop_when is None:
            answer = not answer
        elif answer is stop_when:
            at = target[0]
    return answer


# A test, or (with `stop_when`) a jump taken on that answer, or else "not".
_Instruction = tuple[_Test | None, bool | None, list[int]]


def _compiled(rule: Mapping[str, Any]) -> tuple[_Instruction, ...]:
    program: list[_Instruction] = []
    # A rule, an instruction, or a jump's target that is to be where the program then ends.
    todo: list[Mapping[str, Any] | tuple[Any, ...] | list[int]] = [rule]
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            item.append(len(program))
        elif isinstance(item, tuple):
            program.append(item)
        elif "Not" in item:
            todo += [(None, None, []), item["Not"]]
        elif "And" in item or "Or" in item:
            rules = item["And"] if "And" in item else item["Or"]
            target: list[int] = []
            todo.append(target)
            for number, inner in enumerate(reversed(rules)):
                if number:
                    todo.append((None, "And" not in item, target))
                todo.append(inner)
        else:
            program.append((_test(item), None, []))
    return tuple(program)


_program: MadeOnce[tuple[_Instruction, ...]] = MadeOnce(_compiled)


def _test(rule: Mapping[str, Any]) -> _Test:
    """The test of a rule that has a `Variable`."""
    variable = rule["Variable"]
    name, wanted = next(
        (name, value) for name, value in rule.items() if name in _TYPE_TESTS or _comparison(name) is not None
    )
    if name == "IsPresent":
        return lambda scope: jsonpath.exists(variable, scope) is wanted
    kind = _TYPE_TESTS.get(name)
    if kind is not None:
        return lambda scope: kind(_value(variable, scope)) is wanted
    compare = _comparison(name)
    assert compare is not None
    if name.endswith("Path"):
        return lambda scope: compare(_value(variable, scope), _value(wanted, scope))
    return lambda scope: compare(_value(variable, scope), wanted)


def _value(path: str, scope: Scope) -> Any:
    try:
        return jsonpath.read(path, scope)
    except PathMissing:
        raise StateFailure(
            RUNTIME,
            f"Invalid path '{path}': The choice state's condition path references an invalid value.",
            framed=True,
        ) from None


def _comparison(name: str) -> _Compare | None:
    return _ALL_COMPARISONS.get(name.removesuffix("Path") if name != "StringMatchesPath" else name)


def _numeric(compare: _Compare) -> _Compare:
    return lambda left, right: is_number(left) and is_number(right) and compare(left, right)


def _string(compare: _Compare) -> _Compare:
    def test(left: Any, right: Any) -> bool:
        if not isinstance(left, str) or not isinstance(right, str):
            return False
        if left.isascii() or right.isascii():
            return compare(left, right)
        # Java orders by UTF-16, in which what is beyond the basic plane comes before its last characters.
        return compare(left.encode("utf-16-be", "surrogatepass"), right.encode("utf-16-be", "surrogatepass"))

    return test


def _timestamp(compare: _Compare) -> _Compare:
    def test(left: Any, right: Any) -> bool:
        one, other = _instant(left), _instant(right)
        return one is not None and other is not None and compare(one, other)

    return test


def _instant(value: Any) -> int | None:
    return timestamps.instant(value) if isinstance(value, str) else None


def _boolean_equals(left: Any, right: Any) -> bool:
    return isinstance(left, bool) and isinstance(right, bool) and left is right


def _string_matches(value: Any, written: Any) -> bool:
    if not isinstance(value, str) or not isinstance(written, str):
        return False
    return _wildcard(written)(value)


@lru_cache(maxsize=1024)
def _wildcard(written: str) -> Callable[[str], bool]:
    parts = _between_stars(written)
    return in_order(parts) if len(parts) > 1 else partial(operator.eq, parts[0])


def _between_stars(written: str) -> list[str]:
    """The texts between the stars; a backslash takes the meaning from a star and from itself."""
    parts: list[str] = []
    part: list[str] = []
    place = 0
    while place < len(written):
        character = written[place]
        if character == "*":
            parts.append("".join(part))
            part = []
        else:
            if character == "\\" and written[place + 1 : place + 2] in ("*", "\\"):
                place += 1
            part.append(written[place])
        place += 1
    return [*parts, "".join(part)]


_TYPE_TESTS: dict[str, Callable[[Any], bool]] = {
    "IsPresent": lambda _: True,
    "IsNull": lambda value: value is None,
    "IsNumeric": is_number,
    "IsString": lambda value: isinstance(value, str),
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsTimestamp": lambda value: _instant(value) is not None,
}
_ALL_COMPARISONS: dict[str, _Compare] = {
    **{f"Numeric{name}": _numeric(compare) for name, compare in _COMPARISONS.items()},
    **{f"String{name}": _string(compare) for name, compare in _COMPARISONS.items()},
    **{f"Timestamp{name}": _timestamp(compare) for name, compare in _COMPARISONS.items()},
    "BooleanEquals": _boolean_equals,
    "StringMatches": _string_matches,
}
