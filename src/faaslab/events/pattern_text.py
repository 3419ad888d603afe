"""The text of a pattern as a row of tokens, each with where it ends: AWS says so in what it refuses.

Rule: nothing that is not JSON (RFC 8259) gets through, and nothing nested deeper than any pattern needs.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from faaslab.errors import InvalidValue

DEEPEST = 100
"""A pattern that is nested deeper is refused: AWS takes 4,096 characters, and nobody's events look so."""
_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?P<float>\.\d+)?(?P<power>[eE][+-]?\d+)?", re.ASCII)
_DECODER = json.JSONDecoder()
_WORDS = {"true": True, "false": False, "null": None}
_HINT = "at every leaf stands an array of values or of match expressions with one key"


class InvalidPattern(InvalidValue):
    """An event pattern that AWS refuses (InvalidEventPatternException); `reason` is what AWS says of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Event pattern is not valid. Reason: {reason}", place="event pattern", hint=_HINT)
        self.reason = reason


@dataclass(frozen=True)
class Token:
    """`kind` is a bracket, "name", "string", "number", "word" or "end".

    It ends before `end` in the text. `noticed` is how far AWS's parser is when it knows what it is: a text
    is read when it is asked for, and with a name the value behind it has begun.
    """

    kind: str
    value: Any
    end: int
    noticed: int


class Tokens:
    """Read one after another, as AWS's compiler reads them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = _scanned(text)
        self._next = 0

    def take(self) -> Token:
        """The next one."""
        token = self._tokens[self._next]
        self._next += 1
        return token

    def ahead(self) -> list[Token]:
        """All that are left, for whoever has to know what comes before it is read."""
        return self._tokens[self._next :]

    def refuse(self, reason: str, *, read: bool = False) -> NoReturn:
        """Raise what is wrong with the token taken last, and where; `read`: its text was looked at."""
        place = max(self._next - 1, 0)
        token = self._tokens[place]
        behind = self._tokens[place + 1] if token.kind == "name" else token
        raise InvalidPattern(reason + where(self.text, token.end if read else behind.noticed))


def where(text: str, end: int) -> str:
    """The place of a character as AWS words it."""
    line = text.count("\n", 0, end) + 1
    column = end - (text.rfind("\n", 0, end) + 1) + 1
    return f'\n at [Source: (String)"{text}"; line: {line}, column: {column}]'


def _scanned(text: str) -> list[Token]:
    tokens: list[Token] = []
    open_brackets: list[str] = []
    place, expected = 0, "value"
    while expected != "end":
        at = _spaces_end(text, place)
        character = text[at : at + 1]
        if expected == "comma" and character == ",":
            place, expected = at + 1, "name" if open_brackets[-1] == "{" else "value"
            continue
        closes = {"{": "}", "[": "]"}.get(open_brackets[-1]) if open_brackets else None
        may_close = expected == "comma" or (tokens and tokens[-1].kind in {"{", "["} and expected != "colon")
        if character and character == closes and may_close:
            open_brackets.pop()
            token = Token(character, None, at + 1, at + 1)
        elif expected == "name" and character == '"':
            name, end = _string(text, at)
            tokens.append(Token("name", name, end, end))
            colon = _spaces_end(text, end)
            if text[colon : colon + 1] != ":":
                raise InvalidPattern("Invalid JSON" + where(text, colon + 1))
            place, expected = colon + 1, "value"
            continue
        elif expected == "value":
            token = _value(text, at)
        else:
            raise InvalidPattern("Invalid JSON" + where(text, at + 1))
        tokens.append(token)
        place = token.end
        if token.kind in {"{", "["}:
            open_brackets.append(token.kind)
            if len(open_brackets) > DEEPEST:
                raise InvalidPattern(f"Nested deeper than {DEEPEST} levels" + where(text, place))
            expected = "name" if token.kind == "{" else "value"
        else:
            expected = "comma" if open_brackets else "end"
    if _spaces_end(text, place) != len(text):
        raise InvalidPattern("Invalid JSON" + where(text, place + 1))
    return [*tokens, Token("end", None, place, place)]


def _spaces_end(text: str, place: int) -> int:
    spaces = _SPACE.match(text, place)
    assert spaces is not None
    return spaces.end()


def _string(text: str, at: int) -> tuple[str, int]:
    try:
        value, end = _DECODER.raw_decode(text, at)
    except ValueError:
        raise InvalidPattern("Invalid JSON" + where(text, at + 1)) from None
    return str(value), end


def _value(text: str, at: int) -> Token:
    character = text[at : at + 1]
    if character in {"{", "["}:
        return Token(character, None, at + 1, at + 1)
    if character == '"':
        value, end = _string(text, at)
        return Token("string", value, end, at + 1)
    for word, meaning in _WORDS.items():
        if text.startswith(word, at):
            return Token("word", meaning, at + len(word), at + len(word))
    number = _NUMBER.match(text, at)
    if number is None:
        raise InvalidPattern("Invalid JSON" + where(text, at + 1))
    written = number.group()
    whole = number.group("float") is None and number.group("power") is None and len(written) <= 400
    return Token("number", int(written) if whole else float(written), number.end(), number.end())
