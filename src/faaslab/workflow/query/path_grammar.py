"""The text of a path, read into steps: the dialect of Step Functions, which is Jayway's.

Rule: reading never raises anything but `InvalidPath`, and takes time in proportion to the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faaslab.workflow.query import patterns
from faaslab.workflow.query.path_steps import (
    Combined,
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
)

if TYPE_CHECKING:
    from collections.abc import Callable

DEEPEST = 40  # filters and parentheses within each other
_LONGEST_INDEX = 10  # digits: more is no 32-bit number
_BLANKS = " \t\r\n"
_ENDS_NAME = ".[("
_ENDS_NAME_IN_FILTER = _ENDS_NAME + _BLANKS + "=<>!~&|),]"
_ENDS_NAME_IN_CALL = _ENDS_NAME + _BLANKS + ",)"
_ENDS_WORD = _BLANKS + "=<>!~&|),]["
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,300})(?:\.\d{1,300})?(?:[eE][+-]?\d{1,4})?")
_INDEX = re.compile(r"-?\d+")
_FROM_END = re.compile(r"\(\s*@\.length\s*-\s*([1-9]\d{0,8})\s*\)")
_SYMBOL = re.compile(r"===|!==|==|!=|<=|>=|=~|<|>")
_WORD = re.compile(r"[a-zA-Z]+")
_VARIABLE = re.compile(r"[^\W\d]\w*")
FUNCTIONS = frozenset(
    {
        "length", "size", "keys", "min", "max", "avg", "stddev", "sum", "first", "last", "index", "concat",
    }
)  # fmt: skip
_OPERATORS = frozenset(
    {"in", "nin", "contains", "size", "empty", "subsetof", "anyof", "noneof", "all"},
)


class InvalidPath(ValueError):
    """A text is no path; `reason` says why, with the place."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parsed(text: str) -> Path:
    """The path that is written in `text`. Raises `InvalidPath`."""
    reader = _Reader(text)
    path = reader.path(0, _ENDS_NAME)
    if reader.place < len(text):
        raise reader.unexpected("'.' or '['")
    return path


def argument_at(text: str, place: int) -> Path:
    """The path that begins at `place` and is an argument of a function. Raises `InvalidPath`."""
    return _Reader(text, place).path(0, _ENDS_NAME_IN_CALL)


class _Reader:
    def __init__(self, text: str, place: int = 0) -> None:
        self.text = text
        self.place = place

    def unexpected(self, wanted: str) -> InvalidPath:
        found = repr(self.text[self.place]) if self.place < len(self.text) else "the end"
        return InvalidPath(f"expected {wanted} at character {self.place + 1}, found {found}")

    def peek(self) -> str:
        return self.text[self.place : self.place + 1]

    def skip_blanks(self) -> None:
        while self.place < len(self.text) and self.text[self.place] in _BLANKS:
            self.place += 1

    def take(self, wanted: str) -> bool:
        if self.text.startswith(wanted, self.place):
            self.place += len(wanted)
            return True
        return False

    def need(self, wanted: str) -> None:
        if not self.take(wanted):
            raise self.unexpected(repr(wanted))

    # -- paths

    def path(self, depth: int, ends: str) -> Path:
        begin = self.place
        root = "@" if depth and self.take("@") else self.root()
        steps: list[Step] = []
        while (character := self.peek()) and character in ".[":
            if character == ".":
                self.place += 1
                if self.take("."):
                    steps.append(Descend())
                if self.peek() != "[":
                    steps.append(self.after_dot(ends))
                    continue
            steps.append(self.bracket(depth))
        return Path(self.text[begin : self.place], root, tuple(steps), _is_definite(steps), _plain(steps))

    def root(self) -> str:
        self.need("$")
        if self.take("$"):
            return "$$"
        if (name := _VARIABLE.match(self.text, self.place)) is not None:
            self.place = name.end()
            return "$" + name[0]
        return "$"

    def after_dot(self, ends: str) -> Step:
        if self.take("*"):
            return Every()
        begin = self.place
        while self.place < len(self.text) and self.text[self.place] not in ends:
            if self.text[self.place] == " ":
                raise InvalidPath(f"a name with a blank at character {self.place + 1} stands in ['…']")
            self.place += 1
        name = self.text[begin : self.place]
        if not name:
            raise self.unexpected("a name")
        return self.function(name) if self.take("(") else Name(name)

    def function(self, name: str) -> Function:
        if name not in FUNCTIONS:
            raise InvalidPath(f"there is no function {name}()")
        self.skip_blanks()
        argument = self.index() if name == "index" else None
        self.skip_blanks()
        self.need(")")
        return Function(name, argument)

    def bracket(self, depth: int) -> Step:
        self.need("[")
        self.skip_blanks()
        character = self.peek()
        step: Step
        if character in ("'", '"') and character:
            names = self.separated(self.quoted)
            step = Name(names[0]) if len(names) == 1 else Names(tuple(names))
        elif character == "*":
            self.place += 1
            step = Every()
        elif character == "?":
            self.place += 1
            step = self.filter(depth + 1)
        else:
            step = self.positions()
        self.skip_blanks()
        self.need("]")
        return step

    def positions(self) -> Step:
        if (from_end := _FROM_END.match(self.text, self.place)) is not None:
            self.place = from_end.end()
            return Index(-int(from_end[1]))
        start = None if self.peek() == ":" else self.index()
        self.skip_blanks()
        if self.take(":"):
            self.skip_blanks()
            end = None if self.peek() in ("]", ":") else self.index()
            self.skip_blanks()
            if self.take(":"):
                self.skip_blanks()
                if self.peek() != "]":
                    self.index()
            if start is None and end is None:
                return Every()
            return Slice(start, end)
        assert start is not None
        if not self.take(","):
            return Index(start)
        self.skip_blanks()
        return Indices((start, *self.separated(self.index)))

    def index(self) -> int:
        found = _INDEX.match(self.text, self.place)
        if found is None:
            raise self.unexpected("a name in quotation marks, an index, '*' or '?('")
        if len(found[0]) > _LONGEST_INDEX:
            raise InvalidPath(f"the index at character {self.place + 1} is too large")
        self.place = found.end()
        return int(found[0])

    def separated(self, one: Callable[[], Any]) -> list[Any]:
        found = [one()]
        self.skip_blanks()
        while self.take(","):
            self.skip_blanks()
            found.append(one())
            self.skip_blanks()
        return found

    def quoted(self) -> str:
        mark = self.peek()
        if mark not in ("'", '"') or not mark:
            raise self.unexpected("a quotation mark")
        begin = self.place
        self.place += 1
        parts: list[str] = []
        while (character := self.peek()) != mark:
            if not character:
                raise InvalidPath(f"the text that begins at character {begin + 1} is not closed")
            self.place += 1
            parts.append(self.escaped() if character == "\\" else character)
        self.place += 1
        return "".join(parts)

    def escaped(self) -> str:
        character = self.peek()
        self.place += 1
        if character == "u":
            digits = self.text[self.place : self.place + 4]
            if not re.fullmatch(r"[0-9a-fA-F]{4}", digits):
                raise self.unexpected("four hexadecimal digits")
            self.place += 4
            return chr(int(digits, 16))
        return _ESCAPES.get(character, character)

    # -- filters

    def filter(self, depth: int) -> Filter:
        self.skip_blanks()
        self.need("(")
        condition = self.any_of(depth)
        self.need(")")
        return Filter(condition)

    def any_of(self, depth: int) -> Condition:
        if depth > DEEPEST:
            raise InvalidPath(f"filters and parentheses stand more than {DEEPEST} deep in each other")
        parts = [self.all_of(depth)]
        while self.take("||"):
            parts.append(self.all_of(depth))
        return parts[0] if len(parts) == 1 else Combined("or", tuple(parts))

    def all_of(self, depth: int) -> Condition:
        parts = [self.one(depth)]
        while self.take("&&"):
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else Combined("and", tuple(parts))

    def one(self, depth: int) -> Condition:
        negations = 0
        self.skip_blanks()
        while self.take("!"):
            negations += 1
            self.skip_blanks()
        condition: Condition
        if self.take("("):
            condition = self.any_of(depth + 1)
            self.need(")")
            self.skip_blanks()
        else:
            condition = self.relation(depth)
        return Negated(condition) if negations % 2 else condition

    def relation(self, depth: int) -> Relation:
        left = self.operand(depth)
        self.skip_blanks()
        symbol = _SYMBOL.match(self.text, self.place)
        if symbol is None:
            symbol = _WORD.match(self.text, self.place)
            if symbol is None:
                if not isinstance(left, Path):
                    raise self.unexpected("a comparison")
                return Relation(left, "exists", left)
            if symbol[0].lower() not in _OPERATORS:
                raise InvalidPath(f"there is no operator {symbol[0]} (character {self.place + 1})")
        self.place = symbol.end()
        self.skip_blanks()
        right = self.operand(depth)
        self.skip_blanks()
        return Relation(left, symbol[0].lower(), right)

    def operand(self, depth: int) -> Operand:
        character = self.peek()
        if character in ("$", "@") and character:
            path = self.path(depth, _ENDS_NAME_IN_FILTER)
            if path.root not in ("$", "@"):
                raise InvalidPath(f"{path.text} cannot be asked for in a filter, only @ and $ can")
            return path
        if character == "/":
            return self.pattern()
        return Constant(self.constant(depth))

    def pattern(self) -> Pattern:
        begin = self.place + 1
        self.place = begin
        while (character := self.peek()) != "/":
            if not character:
                raise InvalidPath(f"the pattern that begins at character {begin} is not closed")
            self.place += 2 if character == "\\" else 1
        written = self.text[begin : self.place].replace("\\/", "/")
        self.place += 1
        any_case = self.take("i")
        try:
            return Pattern(patterns.compiled(written, any_case=any_case))
        except ValueError as error:
            raise InvalidPath(f"the pattern at character {begin}: {error}") from None

    def constant(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise InvalidPath(f"lists stand more than {DEEPEST} deep in each other")
        character = self.peek()
        if character in ("'", '"') and character:
            return self.quoted()
        if self.take("["):
            self.skip_blanks()
            if self.take("]"):
                return []
            found = self.separated(lambda: self.constant(depth + 1))
            self.need("]")
            return found
        begin = self.place
        while self.place < len(self.text) and self.text[self.place] not in _ENDS_WORD:
            self.place += 1
        word = self.text[begin : self.place]
        if not word:
            raise self.unexpected("a value")
        if word in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[word]
        if _NUMBER.fullmatch(word):
            return float(word) if {".", "e", "E"} & set(word) else int(word)
        return word  # without quotation marks, as published definitions have it


def _plain(steps: list[Step]) -> tuple[str | int, ...] | None:
    plain: list[str | int] = []
    for step in steps:
        if isinstance(step, Name):
            plain.append(step.name)
        elif isinstance(step, Index):
            plain.append(step.index)
        else:
            return None
    return tuple(plain)


def _is_definite(steps: list[Step]) -> bool:
    definite = True
    for place, step in enumerate(steps):
        match step:
            case Name() | Index():
                pass
            case Names():
                definite = definite and place == len(steps) - 1
            case Function():
                # Of everything that `..` finds a function makes one value.
                definite = definite or any(isinstance(before, Descend) for before in steps[:place])
            case _:
                definite = False
    return definite
