"""Event patterns: whether an event is one that a rule, a filter or a subscription asks for.

Rules (Amazon EventBridge User Guide, eb-event-patterns and eb-create-pattern-operators; the reference engine
aws/event-ruler, whose wording of errors is AWS's): fields of a pattern are all to match, values of one field
are alternatives; fields below one array must match in one element of it. Matching takes time in proportion
to the pattern times the event, whatever they are.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from faaslab.events import matching
from faaslab.events.matching import Test
from faaslab.events.pattern_text import Token, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

MOST_BRANCHES = 1_000
"""AWS refuses a pattern whose `$or` multiply into more combinations."""
_OPERATORS = frozenset(
    {
        "exactly",
        "prefix",
        "suffix",
        "numeric",
        "anything-but",
        "exists",
        "cidr",
        "equals-ignore-case",
        "wildcard",
    }
    | {"=", "<", "<=", ">", ">="}
)
_Path = tuple[str, ...]
_T = TypeVar("_T")


@dataclass(frozen=True)
class _Field:
    """What one field may be: a value that passes a test, or nothing at all when `absent`."""

    tests: tuple[Test, ...]
    absent: bool


@dataclass
class _Node:
    """The fields of a branch as a tree, along the names between the dots of their paths."""

    field: _Field | None = None
    children: dict[str, _Node] = dataclasses.field(default_factory=dict)


class Pattern:
    """A compiled pattern: the branches that its `$or` multiply into, of which one has to match."""

    def __init__(self, branches: Sequence[Mapping[_Path, _Field]]) -> None:
        self._branches = [
            (branch, [path for path, wanted in branch.items() if wanted.absent], _tree(branch))
            for branch in branches
        ]

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether the event, as JSON has it, is asked for."""
        view: _View = [(event, None)]
        for branch, perhaps_absent, tree in self._branches:
            nowhere = {path for path in perhaps_absent if _is_nowhere(path, event)}
            asked = (
                _tree({path: wanted for path, wanted in branch.items() if path not in nowhere})
                if nowhere
                else tree
            )
            if _holds(asked, view):
                return True
        return False


def compiled(text: str) -> Pattern:
    """The pattern in the text; `InvalidPattern` with AWS's reason for one that AWS refuses."""
    tokens = Tokens(text)
    if tokens.take().kind != "{":
        tokens.refuse("Filter is not an object")
    branches: list[dict[_Path, _Field]] = []
    _read_object(branches, (), tokens, in_or=False)
    return Pattern(branches)


def compiled_from(pattern: Mapping[str, Any]) -> Pattern:
    """The pattern that is an object already."""
    return compiled(json.dumps(pattern, ensure_ascii=False, separators=(",", ":")))


# -- the compiler


def _read_object(branches: list[dict[_Path, _Field]], path: _Path, tokens: Tokens, *, in_or: bool) -> None:
    token, fields = tokens.take(), 0
    while token.kind != "}":
        fields += 1
        name = token.value
        if name == "$or" and _is_an_or(tokens.ahead()):
            _read_or(branches, path, tokens)
        else:
            if in_or and name in _OPERATORS:
                tokens.refuse(f"{name} is Ruler reserved fieldName which cannot be used inside $or.")
            below = (*path, *name.split("."))
            kind = tokens.take().kind
            if kind == "{":
                _read_object(branches, below, tokens, in_or=in_or)
            elif kind == "[":
                found = _read_field(tokens)
                if not branches:
                    branches.append({})
                for branch in branches:
                    branch[below] = found
            else:
                tokens.refuse(f'"{name}" must be an object or an array')
        token = tokens.take()
    if not fields:
        tokens.refuse("Empty objects are not allowed")


def _is_an_or(ahead: list[Token]) -> bool:
    """Whether what follows are alternatives: two objects at least, none of which is a match expression.

    Else `$or` is the name of a field like any other.
    """
    if ahead[0].kind != "[":
        return False
    depth, objects = 0, 0
    for place, token in enumerate(ahead):
        if depth == 1 and token.kind != "]":
            if token.kind != "{":
                return False
            objects += 1
            if ahead[place + 1].value in _OPERATORS:
                return False
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token.kind, 0)
        if depth == 0:
            break
    return objects >= 2


def _read_or(branches: list[dict[_Path, _Field]], path: _Path, tokens: Tokens) -> None:
    before = branches[:] or [{}]
    branches.clear()
    tokens.take()
    while tokens.take().kind == "{":
        forked = [dict(branch) for branch in before]
        _read_object(forked, path, tokens, in_or=True)
        branches.extend(forked)
        if len(branches) > MOST_BRANCHES:
            tokens.refuse(f"Rule is too complex - $or may lead to at most {MOST_BRANCHES} combinations")


def _read_field(tokens: Tokens) -> _Field:
    tests: list[Test] = []
    absent, token = False, tokens.take()
    while token.kind != "]":
        if token.kind == "{":
            test = _read_expression(tokens)
            absent = absent or test is None
            tests += [] if test is None else [test]
        elif token.kind in {"string", "number", "word"}:
            tests.append(matching.exactly(token.value))
        else:
            tokens.refuse("Match value must be String, number, true, false, or null")
        token = tokens.take()
    if not tests and not absent:
        tokens.refuse("Empty arrays are not allowed")
    return _Field(tuple(tests), absent)


def _read_expression(tokens: Tokens) -> Test | None:
    """The test; None for `{"exists": false}`."""
    token = tokens.take()
    if token.kind != "name":
        tokens.refuse("Match expression name not found")
    match token.value:
        case "exactly":
            return _only(tokens, matching.exactly(_text(tokens, "exact")))
        case "prefix":
            return _edge(tokens, "prefix", matching.beginning)
        case "suffix":
            return _edge(tokens, "suffix", matching.ending)
        case "equals-ignore-case":
            text = _text(tokens, "equals-ignore-case")
            return _only(tokens, matching.in_any_case(matching.exactly, text))
        case "wildcard":
            return _only(tokens, _wildcard(tokens, _text(tokens, "wildcard")))
        case "cidr":
            text = _text(tokens, "prefix")
            try:
                return _only(tokens, matching.in_network(text))
            except ValueError as error:
                tokens.refuse(str(error), read=True)
        case "numeric":
            if tokens.take().kind != "[":
                tokens.refuse("Value of numeric must be an array.")
            return _only(tokens, _numeric(tokens), numeric=True)
        case "anything-but":
            return _only(tokens, matching.anything_but(_anything_but(tokens)), numeric=True)
        case "exists":
            wanted = tokens.take().value
            if wanted is not True and wanted is not False:
                tokens.refuse("exists match pattern must be either true or false.")
            return _only(tokens, lambda _value: True) if wanted else _only(tokens, None)
        case _:
            pass
    return tokens.refuse(f"Unrecognized match type {token.value}")


def _only(tokens: Tokens, test: _T, *, numeric: bool = False) -> _T:
    """The test, if nothing else stands in its object."""
    if tokens.take().kind != "}":
        tokens.refuse(
            "Too many elements in numeric expression"
            if numeric
            else "Only one key allowed in match expression"
        )
    return test


def _text(tokens: Tokens, operator: str) -> str:
    token = tokens.take()
    if token.kind != "string":
        tokens.refuse(f"{operator} match pattern must be a string")
    return str(token.value)


def _edge(tokens: Tokens, operator: str, test: Callable[[str], Test]) -> Test:
    token = tokens.take()
    if token.kind == "string":
        return _only(tokens, test(token.value))
    if token.kind != "{":
        tokens.refuse(f"{operator} match pattern must be a string")
    if tokens.take().value != "equals-ignore-case":
        tokens.refuse(f"Unsupported {operator} match pattern: only equals-ignore-case stands below it")
    return _only(tokens, _only(tokens, matching.in_any_case(test, _text(tokens, "equals-ignore-case"))))


def _wildcard(tokens: Tokens, text: str) -> Test:
    try:
        return matching.wildcard(text)
    except ValueError as error:
        tokens.refuse(str(error), read=True)


def _anything_but(tokens: Tokens) -> list[Test]:
    token = tokens.take()
    if token.kind == "{":
        tests = _anything_but_expression(tokens)
        return _only(tokens, tests, numeric=True)
    if token.kind in {"string", "number"}:
        return [matching.exactly(token.value)]
    if token.kind != "[":
        tokens.refuse("Value of anything-but must be an array or single string/number value.")
    kinds, values = set(), []
    while (token := tokens.take()).kind != "]":
        if token.kind not in {"string", "number"}:
            tokens.refuse("Inside anything but list, start|null|boolean is not supported.")
        kinds.add(token.kind)
        values.append(token.value)
    if len(kinds) != 1:
        tokens.refuse(
            "Inside anything but list, either all values are number or string, mixed type is not supported"
        )
    return [matching.exactly(value) for value in values]


def _anything_but_expression(tokens: Tokens) -> list[Test]:
    """What stands in `{"anything-but": {operator: text or [texts]}}`."""
    token = tokens.take()
    if token.kind != "name":
        tokens.refuse("Anything-But expression name not found")
    operator = token.value
    ill_typed = {
        "prefix": "prefix/suffix match pattern must be a string",
        "suffix": "prefix/suffix match pattern must be a string",
        "wildcard": "wildcard match pattern must be a string",
        "equals-ignore-case": "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not "
        "supported.",
    }
    if operator not in ill_typed:
        tokens.refuse(f"Unsupported anything-but pattern: {operator}")
    tests = []
    for text in _texts(tokens, ill_typed[operator]):
        if not text and operator in {"prefix", "suffix"}:
            tokens.refuse("Null prefix/suffix not allowed", read=True)
        match operator:
            case "prefix":
                tests.append(matching.beginning(text))
            case "suffix":
                tests.append(matching.ending(text))
            case "wildcard":
                tests.append(_wildcard(tokens, text))
            case _:
                tests.append(matching.in_any_case(matching.exactly, text))
    return tests


def _texts(tokens: Tokens, ill_typed: str) -> Iterable[str]:
    token = tokens.take()
    if token.kind == "string":
        yield token.value
        return
    if token.kind != "[":
        tokens.refuse(ill_typed)
    found = False
    while (token := tokens.take()).kind != "]":
        if token.kind != "string":
            tokens.refuse(ill_typed)
        found = True
        yield token.value
    if not found:
        tokens.refuse("Empty arrays are not allowed")


def _numeric(tokens: Tokens) -> Test:
    token = tokens.take()
    if token.kind != "string":
        tokens.refuse(f"Invalid member in numeric match: {_shown(token)}")
    operator = token.value
    if operator not in {"=", "<", "<=", ">", ">="}:
        tokens.refuse(f"Unrecognized numeric range operator: {operator}", read=True)
    value = _number(tokens, "equals" if operator == "=" else operator)
    token = tokens.take()
    if operator in {"=", "<", "<="}:
        if token.kind != "]":
            tokens.refuse("Too many elements in numeric expression")
        low = value if operator == "=" else None
        return matching.between(low, value, with_low=True, with_high=operator != "<")
    if token.kind == "]":
        return matching.between(value, None, with_low=operator == ">=", with_high=True)
    if token.kind != "string":
        tokens.refuse(f"Bad value in numeric range: {_shown(token)}")
    upper = token.value
    if upper not in {"<", "<="}:
        tokens.refuse(f"Bad numeric range operator: {upper}", read=True)
    top = _number(tokens, upper)
    if tokens.take().kind != "]":
        tokens.refuse("Too many terms in numeric range expression")
    if value >= top:
        tokens.refuse("Bottom must be less than top")
    return matching.between(value, top, with_low=operator == ">=", with_high=upper == "<=")


def _number(tokens: Tokens, operator: str) -> float:
    token = tokens.take()
    if token.kind != "number" or not math.isfinite(token.value):
        tokens.refuse(f"Value of {operator} must be numeric")
    number: float = token.value
    return number


def _shown(token: Token) -> str:
    return token.kind if token.value is None else json.dumps(token.value)


# -- the matcher


_View = list[tuple[Any, str | None]]
"""A place in the event: the values there, each with what is left of a name with dots in it, or None."""


def _tree(fields: Mapping[_Path, _Field]) -> _Node:
    root = _Node()
    for path, wanted in fields.items():
        node = root
        for name in path:
            node = node.children.setdefault(name, _Node())
        node.field = wanted
    return root


def _holds(node: _Node, view: _View) -> bool:
    # An array is what its elements are, of which one has to have all that is asked for below.
    certain = [each for each in view if not isinstance(each[0], list) or each[1] is not None]
    elements = _opened([each for each in view if isinstance(each[0], list) and each[1] is None])
    if node.field is not None:
        scalars = _scalars(certain + elements)
        if not any(test(value) for test in node.field.tests for value in scalars):
            return False
    left = [
        (name, child) for name, child in node.children.items() if not _holds(child, _below(certain, name))
    ]
    return not left or any(
        all(_holds(child, _below([element], name)) for name, child in left) for element in elements
    )


def _is_nowhere(path: _Path, event: Mapping[str, Any]) -> bool:
    """Whether the event has no value there, in no element of any array."""
    view: _View = [(event, None)]
    for name in path:
        view = _below(_opened(view), name)
    return not _scalars(_opened(view))


def _scalars(view: _View) -> list[Any]:
    return [value for value, rest in view if rest is None and not isinstance(value, dict)]


def _opened(view: _View) -> _View:
    """The same place with elements instead of arrays, and of arrays in arrays."""
    found: _View = []
    left = list(reversed(view))
    while left:
        value, rest = left.pop()
        if isinstance(value, list) and rest is None:
            left.extend((each, None) for each in reversed(value))
        else:
            found.append((value, rest))
    return found


def _below(view: _View, name: str) -> _View:
    """The place one name further: `{"a": {"b": 1}}` and `{"a.b": 1}` are the same to AWS."""
    found: _View = []
    for value, rest in view:
        if rest is not None:
            head, dot, tail = rest.partition(".")
            if head == name:
                found.append((value, tail if dot else None))
        elif isinstance(value, dict):
            if name in value:
                found.append((value[name], None))
            dotted = name + "."
            found += [(each, key[len(dotted) :]) for key, each in value.items() if key.startswith(dotted)]
    return found
