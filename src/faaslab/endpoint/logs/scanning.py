"""What the small languages of CloudWatch share: words one after the other, and comparisons. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from faaslab.model.wildcard import in_order

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
DEEPEST = 50
"""Parentheses within each other at most: who sends more means no good."""


class Malformed(ValueError):
    """A text is not of its language; says why."""


class Scanner:
    """A text that is read word by word; `words` has one group that matched, whose name is the kind."""

    def __init__(self, text: str, words: re.Pattern[str]) -> None:
        self.text = text
        self._words = words
        self._at = 0
        self.depth = 0
        self.begin = 0
        """Where the word begins that stands next."""
        self.ended = 0
        """Where the word ended that was last."""
        self.kind = ""
        """The kind of the word that stands next; empty at the end."""
        self.word = ""
        self.advance()

    def advance(self) -> str:
        """Go on to the next word; gives the one that was."""
        was = self.word
        self.ended = self._at
        while self._at < len(self.text) and self.text[self._at].isspace():
            self._at += 1
        if self._at == len(self.text):
            self.kind = self.word = ""
            return was
        self.begin = self._at
        match = self._words.match(self.text, self._at)
        if match is None or match.end() == self._at:
            raise Malformed(f"it cannot be read from {self.text[self._at : self._at + 40]!r} on")
        self.kind, self.word = match.lastgroup or "", match.group()
        self._at = match.end()
        return was

    def take(self, *words: str) -> bool:
        """Go on if one of those stands next, in whatever case."""
        if self.kind and self.word.upper() in words:
            self.advance()
            return True
        return False

    def expect(self, *words: str) -> None:
        """Go on; one of those must stand next."""
        if not self.take(*words):
            raise Malformed(f"{' or '.join(words)} is missing before {self.word or 'the end'!r}")

    def until(self, mark: str) -> str:
        """What follows the word that stands next, up to a `mark` without a backslash; goes on behind that."""
        begin = self._at
        while self._at < len(self.text) and self.text[self._at] != mark:
            self._at += 2 if self.text[self._at] == "\\" else 1
        found = self.text[begin : self._at]
        if self._at >= len(self.text):
            raise Malformed(f"{mark} is missing behind {found[:40]!r}")
        self._at += 1
        self.advance()
        return found

    def deeper(self) -> None:
        """A parenthesis opens."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise Malformed(f"more than {DEEPEST} parentheses stand within each other")


def unquoted(word: str) -> str:
    """What stands between quotes, backslashes resolved; a word without quotes as it is."""
    if len(word) >= 2 and word[0] in "\"'" and word[-1] == word[0]:
        return re.sub(r"\\(.)", r"\1", word[1:-1])
    return word


def comparison(operator: str, wanted: str) -> Callable[[str], bool]:
    """A test of a text: as a number where both are one, else for what it says, `*` for anything."""
    quoted = wanted[:1] == '"'
    text = unquoted(wanted)
    number = None if quoted or not NUMBER.fullmatch(text) else float(text)
    if operator in ("=", "!="):
        same = _same(text, number)
        return same if operator == "=" else lambda value: not same(value)
    if number is None:
        raise Malformed(f"{operator} takes a number, not {text!r}")
    return lambda value: bool(NUMBER.fullmatch(value)) and _ordered(operator, float(value), number)


def _same(text: str, number: float | None) -> Callable[[str], bool]:
    if number is not None:
        return lambda value: float(value) == number if NUMBER.fullmatch(value) else value == text
    if "*" not in text:
        return lambda value: value == text
    return in_order(text.split("*"))


def _ordered(operator: str, value: float, number: float) -> bool:
    if operator == "<":
        return value < number
    if operator == "<=":
        return value <= number
    return value > number if operator == ">" else value >= number
