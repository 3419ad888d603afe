"""A path gone along in a document: a step at a time, over all places found so far.

Rule: no recursion into a document, and a bounded number of places looked at for one reading.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Literal

from faaslab.workflow.query.path_steps import (
    Condition,
    Constant,
    Descend,
    Every,
    Filter,
    Function,
    Index,
    Indices,
    Name,
    Names,
    Negated,
    Operand,
    Path,
    Pattern,
    Relation,
    Slice,
    Step,
    fragment,
)
from faaslab.workflow.query.values import is_number, number_text, plain_text, same
from faaslab.workflow.scope import ABSENT, Scope

MOST_STEPS = 1_000_000


class PathMissing(Exception):
    """A path names a place that is not there; `reason` is AWS's text for it.

    `why` tells what AWS treats apart: an index past the end of a list, which a template takes for null, and
    an index of what is no list, of which messages have nothing but the reason.
    """

    def __init__(self, path: str, reason: str, why: Literal["absent", "past the end", "no list"]) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason
        self.why = why


_Operator = Callable[[Any, Any, "_Walk"], bool]


class _NothingToApply(Exception):
    """A function has nothing that it could be applied to."""


class TooManySteps(Exception):
    """A path that looks at more places than any payload has need of."""


class _Walk:
    """One reading: where `$` is, and how many places may still be looked at."""

    __slots__ = ("left", "root")

    def __init__(self, root: Any) -> None:
        self.root = root
        self.left = MOST_STEPS

    def count(self, places: int) -> None:
        self.left -= places
        if self.left < 0:
            raise TooManySteps


def document(path: Path, scope: Scope) -> Any:
    """What the path's root stands for. Raises `PathMissing` for a variable that there is not."""
    root = path.root
    if root == "$":
        return scope.input
    if root == "$$":
        return scope.context
    try:
        return scope.variables[root[1:]]
    except KeyError:
        kind = "Missing property in path" if path.steps else "No results for path:"
        raise _absent(path, f"{kind} $['{root[1:]}']") from None


def value(path: Path, scope: Scope) -> Any:
    """What a path finds: one value, a list where it is indefinite. Raises `PathMissing`, `TooManySteps`."""
    root = document(path, scope)
    return _value(path, root, _Walk(root))


def _value(path: Path, item: Any, walk: _Walk) -> Any:
    if path.definite and not any(isinstance(step, Descend) for step in path.steps):
        return _at(path, item, walk)
    try:
        found = _found(path.steps, item, walk)
    except _NothingToApply as error:
        raise _absent(path, str(error)) from None
    if not path.definite:
        return found
    if not found:
        raise _absent(path, f"No results for path: {path.written_out}")
    return found[0]


def _at(path: Path, document: Any, walk: _Walk) -> Any:
    """The value of a path of definite steps only."""
    found = document
    last = len(path.steps) - 1
    for number, step in enumerate(path.steps):
        match step:
            case Name(name):
                if not isinstance(found, dict):
                    raise _absent(path, _no_object(path, number))
                if name not in found:
                    raise _absent(
                        path,
                        f"No results for path: {path.written_out}"
                        if number == last
                        else f"Missing property in path {_until(path, number + 1)}",
                    )
                found = found[name]
            case Index(index):
                if found is None:
                    raise _absent(path, f"The path {_until(path, number)} is null")
                if not isinstance(found, list):
                    rest, shown = "".join(map(fragment, path.steps[number:])), plain_text(found)
                    reason = f"Filter: {rest} can only be applied to arrays. Current context is: {shown}"
                    raise PathMissing(path.text, reason, "no list")
                if not -len(found) <= index < len(found):
                    raise PathMissing(path.text, f"No results for path: {path.written_out}", "past the end")
                found = found[index]
            case Names(names):
                if not isinstance(found, dict):
                    raise _absent(path, _no_object(path, number))
                found = {name: found[name] for name in names if name in found}
            case Function():
                try:
                    found = _applied(step, found, walk)
                except _NothingToApply as error:
                    raise _absent(path, str(error)) from None
    return found


def _until(path: Path, number: int) -> str:
    return "$" + "".join(map(fragment, path.steps[:number]))


def _no_object(path: Path, number: int) -> str:
    return f"Property {fragment(path.steps[number])} not found in path {_until(path, number)}"


def _absent(path: Path, reason: str) -> PathMissing:
    return PathMissing(path.text, reason, "absent")


def _found(steps: tuple[Step, ...], document: Any, walk: _Walk) -> list[Any]:
    """All that indefinite steps find, in the document's order. What is missing is left out."""
    places: list[Any] = [document]
    after_descent = False
    for number, step in enumerate(steps):
        walk.count(len(places) + 1)
        if isinstance(step, Descend):
            places = [below for place in places for below in _below(place, walk)]
        elif isinstance(step, Function):
            if any(isinstance(before, Descend) for before in steps[:number]):
                places = [_applied(step, places, walk)]
            else:
                places = [_applied(step, place, walk) for place in places]
        elif isinstance(step, Filter) and after_descent:
            # What is in a list is met by itself on the way down.
            places = [
                place for place in places if isinstance(place, dict) and _holds(step.condition, place, walk)
            ]
        else:
            places = [found for place in places for found in _next(step, place, walk)]
        after_descent = isinstance(step, Descend)
    walk.count(len(places))
    return places


def _below(place: Any, walk: _Walk) -> list[Any]:
    """The place itself, if it holds others, and all that do in it, in the document's order."""
    found: list[Any] = []
    todo = [place]
    while todo:
        place = todo.pop()
        if isinstance(place, dict):
            inner = list(place.values())
        elif isinstance(place, list):
            inner = place
        else:
            continue
        found.append(place)
        walk.count(len(inner) + 1)
        todo += reversed(inner)
    return found


def _next(step: Step, place: Any, walk: _Walk) -> list[Any]:
    found: list[Any] = []
    if isinstance(place, dict):
        match step:
            case Name(name):
                found = [place[name]] if name in place else []
            case Names(names):
                found = [place[name] for name in names if name in place]
            case Every():
                found = list(place.values())
            case Filter(condition):
                found = [place] if _holds(condition, place, walk) else []
    elif isinstance(place, list):
        match step:
            case Index(index):
                found = [place[index]] if -len(place) <= index < len(place) else []
            case Indices(indices):
                found = [place[index] for index in indices if -len(place) <= index < len(place)]
            case Slice(start, end):
                found = _sliced(place, start, end)
            case Every():
                found = place
            case Filter(condition):
                found = [item for item in place if _holds(condition, item, walk)]
    walk.count(len(found))
    return found


def _sliced(items: list[Any], start: int | None, end: int | None) -> list[Any]:
    """As Jayway cuts: with both ends given a negative one is not counted from the list's end as a whole."""
    if end is None:
        return items[start:]
    if start is None:
        return items[:end]
    end = min(len(items), end)
    return [items[index] for index in range(max(start, -len(items)), end)]


# -- functions


def _applied(step: Function, place: Any, walk: _Walk) -> Any:
    walk.count(len(place) if isinstance(place, list | dict) else 1)
    match step.name:
        case "length" | "size":
            return len(place) if isinstance(place, list | dict) else None
        case "keys":
            return list(place) if isinstance(place, dict) else None
        case "first" | "last" | "index":
            index = {"first": 0, "last": -1}.get(step.name, step.argument or 0)
            if isinstance(place, list) and -len(place) <= index < len(place):
                return place[index]
            raise _NothingToApply(f"There is no item {index} for {step.name}()")
        case "concat":
            return "".join(item for item in place if isinstance(item, str)) if isinstance(place, list) else ""
    numbers = [float(item) for item in place if _is_finite(item)] if isinstance(place, list) else []
    if not numbers:
        raise _NothingToApply("Aggregation function attempted to calculate value using empty array")
    match step.name:
        case "min":
            return min(numbers)
        case "max":
            return max(numbers)
        case "sum":
            return sum(numbers)
        case "avg":
            return sum(numbers) / len(numbers)
    mean = sum(numbers) / len(numbers)
    return math.sqrt(sum((number - mean) * (number - mean) for number in numbers) / len(numbers))


def _is_finite(item: Any) -> bool:
    return is_number(item) and -1.7e308 < item < 1.7e308


# -- filters


def _holds(condition: Condition, item: Any, walk: _Walk) -> bool:
    walk.count(1)
    if isinstance(condition, Relation):
        return _related(condition, item, walk)
    if isinstance(condition, Negated):
        return not _holds(condition.condition, item, walk)
    until = condition.how == "or"
    for part in condition.parts:
        if _holds(part, item, walk) is until:
            return until
    return not until


def _operand(operand: Operand, item: Any, walk: _Walk) -> Any:
    if isinstance(operand, Constant):
        return operand.value
    if isinstance(operand, Pattern):
        return operand
    root: Any = item if operand.root == "@" else walk.root
    if operand.plain is not None:
        try:
            for step in operand.plain:
                kind: object = dict if type(step) is str else list
                if type(root) is not kind:
                    return ABSENT
                root = root[step]
        except (KeyError, IndexError):
            return ABSENT
        return root
    try:
        return _value(operand, root, walk)
    except PathMissing:
        return ABSENT


def _related(relation: Relation, item: Any, walk: _Walk) -> bool:
    left = _operand(relation.left, item, walk)
    if relation.operator == "exists":
        return left is not ABSENT
    right = _operand(relation.right, item, walk)
    walk.count(_weight(left) + _weight(right))
    return _OPERATORS[relation.operator](left, right, walk)


def _weight(found: Any) -> int:
    return len(found) // 16 if isinstance(found, str | list | dict) else 0


def _equal(left: Any, right: Any) -> bool:
    if left is ABSENT or right is ABSENT or isinstance(left, Pattern) or isinstance(right, Pattern):
        return False
    if is_number(left) and isinstance(right, str):
        try:
            return bool(left == float(right))
        except ValueError:
            return False
    if isinstance(left, str) and is_number(right):
        return left == number_text(right)
    return same(left, right)


def _identical(left: Any, right: Any) -> bool:
    return left is not ABSENT and right is not ABSENT and same(left, right)


def _ordered(compare: Callable[[Any, Any], bool]) -> _Operator:
    def test(left: Any, right: Any, _: _Walk) -> bool:
        if isinstance(left, str) and is_number(right):
            right = number_text(right)
        elif is_number(left) and isinstance(right, str):
            left = number_text(left)
        if is_number(left):
            return is_number(right) and compare(left, right)
        return isinstance(left, str) and isinstance(right, str) and compare(left, right)

    return test


def _fits(left: Any, right: Any, walk: _Walk) -> bool:
    if isinstance(left, Pattern) == isinstance(right, Pattern):
        return False
    pattern, found = (left, right) if isinstance(left, Pattern) else (right, left)
    texts = found if isinstance(found, list) else [found]
    return any(pattern.fits(text, walk.count) for text in map(_as_text, texts))


def _as_text(found: Any) -> str:
    if isinstance(found, bool):
        return "true" if found else "false"
    return number_text(found) if is_number(found) else found if isinstance(found, str) else ""


def _is_in(left: Any, right: Any, walk: _Walk) -> bool:
    return isinstance(right, list) and _has(right, left, walk)


def _contains(left: Any, right: Any, walk: _Walk) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return right in left
    return isinstance(left, list) and _has(left, right, walk)


def _of_size(left: Any, right: Any, _: _Walk) -> bool:
    return isinstance(left, str | list | dict) and is_number(right) and len(left) == right


def _is_empty(left: Any, right: Any, _: _Walk) -> bool:
    return isinstance(left, str | list | dict) and isinstance(right, bool) and right == (not left)


def _shares(left: Any, right: Any, walk: _Walk) -> bool:
    return any(_has(right, item, walk) for item in left)


def _of_lists(test: _Operator) -> _Operator:
    return lambda left, right, walk: (
        isinstance(left, list) and isinstance(right, list) and test(left, right, walk)
    )


def _has(items: list[Any], wanted: Any, walk: _Walk) -> bool:
    walk.count(len(items))
    return any(_equal(item, wanted) for item in items)


_OPERATORS: dict[str, _Operator] = {
    "==": lambda left, right, _: _equal(left, right),
    "!=": lambda left, right, _: not _equal(left, right),
    "===": lambda left, right, _: _identical(left, right),
    "!==": lambda left, right, _: not _identical(left, right),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "=~": _fits,
    "in": _is_in,
    "nin": lambda left, right, walk: not _is_in(left, right, walk),
    "contains": _contains,
    "size": _of_size,
    "empty": _is_empty,
    "subsetof": _of_lists(lambda left, right, walk: all(_has(right, item, walk) for item in left)),
    "all": _of_lists(lambda left, right, walk: all(_has(left, item, walk) for item in right)),
    "anyof": _of_lists(_shares),
    "noneof": _of_lists(lambda left, right, walk: not _shares(left, right, walk)),
}
