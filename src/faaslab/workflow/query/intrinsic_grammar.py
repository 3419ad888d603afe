"""The text of an intrinsic function, `States.Format('{}', $.name)`, read into a call.

Rule: reading never raises anything but `InvalidCall`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from faaslab.workflow.query.path_grammar import InvalidPath, argument_at

DEEPEST = 10  # calls within each other
# How many arguments each function takes.
ARGUMENTS: dict[str, tuple[int, int | None]] = {
    "States.Format": (1, None),
    "States.StringToJson": (1, 1),
    "States.JsonToString": (1, 1),
    "States.Array": (0, None),
    "States.ArrayPartition": (2, 2),
    "States.ArrayContains": (2, 2),
    "States.ArrayRange": (3, 3),
    "States.ArrayGetItem": (2, 2),
    "States.ArrayLength": (1, 1),
    "States.ArrayUnique": (1, 1),
    "States.Base64Encode": (1, 1),
    "States.Base64Decode": (1, 1),
    "States.Hash": (2, 2),
    "States.JsonMerge": (3, 3),
    "States.MathRandom": (2, 3),
    "States.MathAdd": (2, 2),
    "States.StringSplit": (2, 2),
    "States.UUID": (0, 0),
}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
_NUMBER = re.compile(r"-?\d{1,300}(?:\.\d{1,300})?(?:[eE][+-]?\d{1,4})?")
_BLANKS = " \t\r\n"


class InvalidCall(ValueError):
    """A text is no call of an intrinsic function; `reason` says why, with the place."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the call. Of a string `raw` is what stands between the quotation marks."""

    value: Any
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A path."""

    path: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments, and its text."""

    text: str
    name: str
    arguments: tuple[Argument, ...]


Argument = Literal | Reference | Call


def parsed(text: str) -> Call:
    """The call that is written in `text`. Raises `InvalidCall`."""
    reader = _Reader(text)
    reader.skip_blanks()
    call = reader.call(1)
    reader.skip_blanks()
    if reader.place < len(text):
        raise reader.unexpected("the end")
    return call


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def unexpected(self, wanted: str) -> InvalidCall:
        found = repr(self.text[self.place]) if self.place < len(self.text) else "the end"
        return InvalidCall(f"expected {wanted} at character {self.place + 1}, found {found}")

    def skip_blanks(self) -> None:
        while self.place < len(self.text) and self.text[self.place] in _BLANKS:
            self.place += 1

    def take(self, wanted: str) -> bool:
        if self.text.startswith(wanted, self.place):
            self.place += 1
            return True
        return False

    def call(self, depth: int) -> Call:
        if depth > DEEPEST:
            raise InvalidCall(f"functions stand more than {DEEPEST} deep in each other")
        begin = self.place
        name = _NAME.match(self.text, begin)
        if name is None:
            raise self.unexpected("the name of a function")
        if name[0] not in ARGUMENTS:
            raise InvalidCall(f"there is no function {name[0]}")
        self.place = name.end()
        self.skip_blanks()
        if not self.take("("):
            raise self.unexpected("'('")
        arguments = self.arguments(depth)
        least, most = ARGUMENTS[name[0]]
        if len(arguments) < least or (most is not None and len(arguments) > most):
            wanted = (
                str(least) if most == least else f"{least} or more" if most is None else f"{least} to {most}"
            )
            raise InvalidCall(f"{name[0]} takes {wanted} arguments and was given {len(arguments)}")
        return Call(self.text[begin : self.place], name[0], tuple(arguments))

    def arguments(self, depth: int) -> list[Argument]:
        found: list[Argument] = []
        self.skip_blanks()
        if self.take(")"):
            return found
        while True:
            self.skip_blanks()
            found.append(self.argument(depth))
            self.skip_blanks()
            if self.take(")"):
                return found
            if not self.take(","):
                raise self.unexpected("',' or ')'")

    def argument(self, depth: int) -> Argument:
        character = self.text[self.place : self.place + 1]
        if character == "'":
            return self.string()
        if character == "$":
            try:
                path = argument_at(self.text, self.place)
            except InvalidPath as error:
                raise InvalidCall(error.reason) from None
            self.place += len(path.text)
            return Reference(path.text)
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(word, self.place):
                self.place += len(word)
                return Literal(value)
        number = _NUMBER.match(self.text, self.place)
        if number is not None:
            self.place = number.end()
            return Literal(float(number[0]) if {".", "e", "E"} & set(number[0]) else int(number[0]))
        return self.call(depth + 1)

    def string(self) -> Literal:
        begin = self.place + 1
        place = begin
        parts: list[str] = []
        while (character := self.text[place : place + 1]) != "'":
            if not character:
                raise InvalidCall(f"the text that begins at character {begin} is not closed")
            if character == "\\":
                place += 1
                escaped = self.text[place : place + 1]
                # A backslash before anything else stands for itself.
                character = escaped if escaped in ("'", "{", "}", "\\") else "\\" + escaped
            parts.append(character)
            place += 1
        self.place = place + 1
        return Literal("".join(parts), self.text[begin:place])
