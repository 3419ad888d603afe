r"""Regular expressions as JavaScript writes them, read into a program for `jsonata_regex`.

Rule: the program is linear in the pattern and bounded; what Python's `re` reads otherwise (`$`, `\\d`, `\\s`,
named groups, sets) is read as in JavaScript without flag `u`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 10_000
_DEEPEST = 100
_MOST_TIMES = 1_000
_SPACES = "\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
LINE_ENDS = frozenset("\n\r\u2028\u2029")
_DIGITS = (("0", "9"),)
_WORD = (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))
_BLANKS = tuple((space, space) for space in _SPACES)
_CLASSES = {"d": _DIGITS, "w": _WORD, "s": _BLANKS}
_ESCAPES = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
WORD = frozenset("0123456789_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")

Step = tuple[Any, ...]


class NoRegularExpression(ValueError):
    """The pattern is none; the text says why."""


class Program(NamedTuple):
    """Steps of a machine that tries the first way and goes back to the next."""

    steps: tuple[Step, ...]
    groups: int
    places: int
    has_references: bool


def program(pattern: str, *, ignore_case: bool, multiline: bool) -> Program:
    """The program of a pattern.

    Raises:
        NoRegularExpression: The pattern is not well formed, or too large.

    """
    return _Reader(pattern, ignore_case=ignore_case, multiline=multiline).program()


class _Set:
    """The characters of a set, remembered once they were looked up."""

    def __init__(self, parts: list[tuple[Any, bool]], *, negated: bool, ignore_case: bool) -> None:
        self._parts = parts
        self._negated = negated
        self._ignore_case = ignore_case
        self._known: dict[str, bool] = {}

    def __call__(self, character: str) -> bool:
        found = self._known.get(character)
        if found is None:
            forms = {character}
            if self._ignore_case:
                forms |= {character.lower(), character.upper()}
            inside = any(self._has(form) for form in forms)
            found = inside is not self._negated
            if len(self._known) < 1000:
                self._known[character] = found
        return found

    def _has(self, character: str) -> bool:
        return any(
            any(low <= character <= high for low, high in ranges) is not out for ranges, out in self._parts
        )


class _Reader:
    def __init__(self, pattern: str, *, ignore_case: bool, multiline: bool) -> None:
        self.pattern = pattern
        self.position = 0
        self.ignore_case = ignore_case
        self.multiline = multiline
        self.groups = 0
        self.depth = 0
        self.names: dict[str, int] = {}
        self.has_references = False
        self.all_groups = _count_groups(pattern)
        self.places = 2 * self.all_groups + 2

    def program(self) -> Program:
        steps = self._alternatives()
        if self.position < len(self.pattern):
            raise NoRegularExpression("Unmatched ')'")
        whole = (("save", 0), *steps, ("save", 1), ("match",))
        return Program(whole, self.all_groups, self.places, self.has_references)

    def _peek(self) -> str:
        return self.pattern[self.position : self.position + 1]

    def _take(self, text: str) -> bool:
        if self.pattern.startswith(text, self.position):
            self.position += len(text)
            return True
        return False

    def _alternatives(self) -> list[Step]:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise NoRegularExpression("Groups nest too deeply")
        ways = [self._sequence()]
        while self._take("|"):
            ways.append(self._sequence())
        self.depth -= 1
        steps = ways.pop()
        for way in reversed(ways):
            steps = [("split", 1, len(way) + 2), *way, ("jump", len(steps) + 1), *steps]
        return self._bounded(steps)

    def _bounded(self, steps: list[Step]) -> list[Step]:
        if len(steps) > LONGEST:
            raise NoRegularExpression("Regular expression too large")
        return steps

    def _sequence(self) -> list[Step]:
        steps: list[Step] = []
        while (mark := self._peek()) and mark not in "|)":
            first = self.groups
            atom, repeatable = self._atom()
            steps += self._repeated(atom, first, repeatable=repeatable)
            self._bounded(steps)
        return steps

    def _atom(self) -> tuple[list[Step], bool]:
        mark = self.pattern[self.position]
        self.position += 1
        if mark == "(":
            return self._group()
        if mark == "[":
            return [("set", self._set())], True
        if mark == ".":
            return [("any",)], True
        if mark == "^":
            return [("begin", self.multiline)], False
        if mark == "$":
            return [("end", self.multiline)], False
        if mark == "\\":
            return self._escape()
        if mark in "*+?" or (mark == "{" and self._times(self.position - 1) is not None):
            raise NoRegularExpression("Nothing to repeat")
        return [self._character(mark)], True

    def _character(self, character: str) -> Step:
        if self.ignore_case and (character.lower() != character or character.upper() != character):
            return ("set", _Set([(((character, character),), False)], negated=False, ignore_case=True))
        return ("char", character)

    def _group(self) -> tuple[list[Step], bool]:
        for opening, ahead, wanted in (
            ("?=", 1, True),
            ("?!", 1, False),
            ("?<=", -1, True),
            ("?<!", -1, False),
        ):
            if self._take(opening):
                inner = self._alternatives()
                self._close()
                return [("look", (*inner, ("match",)), ahead, wanted)], ahead == 1
        if self._take("?:"):
            steps = self._alternatives()
            self._close()
            return steps, True
        name = None
        if self._take("?<"):
            end = self.pattern.find(">", self.position)
            name = self.pattern[self.position : end]
            if end < 0 or not name.isidentifier() or name in self.names:
                raise NoRegularExpression("Invalid capture group name")
            self.position = end + 1
        elif self._peek() == "?":
            raise NoRegularExpression("Invalid group")
        self.groups += 1
        index = self.groups
        if name is not None:
            self.names[name] = index
        steps = self._alternatives()
        self._close()
        return [("save", 2 * index), *steps, ("save", 2 * index + 1)], True

    def _close(self) -> None:
        if not self._take(")"):
            raise NoRegularExpression("Unterminated group")

    def _times(self, position: int) -> tuple[int, int | None, int] | None:
        """`{n}`, `{n,}`, `{n,m}` at a position: how often at least and at most, and where it ends."""
        end = self.pattern.find("}", position)
        low, comma, high = self.pattern[position + 1 : max(end, 0)].partition(",")
        if end < 0 or not _is_number(low) or (high and not _is_number(high)):
            return None
        return int(low), (int(high) if high else None) if comma else int(low), end + 1

    def _repeated(self, atom: list[Step], first: int, *, repeatable: bool) -> list[Step]:
        mark = self._peek()
        if mark and mark in "*+?":
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[mark]
            self.position += 1
        elif mark == "{" and (times := self._times(self.position)) is not None:
            least, most, self.position = times
        else:
            return atom
        if not repeatable:
            raise NoRegularExpression("Nothing to repeat")
        if most is not None and most < least:
            raise NoRegularExpression("Numbers out of order in {} quantifier")
        if max(least, most or 0) > _MOST_TIMES:
            raise NoRegularExpression("Regular expression too large")
        lazy = self._take("?")
        if self.groups > first:  # what a group of the last round held is gone in the next
            atom = [("forget", 2 * first + 2, 2 * self.groups + 2), *atom]
        steps: list[Step] = []
        for _ in range(least):
            steps = self._bounded(steps + atom)

        if most != least and _can_be_empty(atom):  # a round more than wanted has to take something
            atom = [("save", self.places), *atom, ("moved", self.places)]
            self.places += 1

        def split(after: int) -> Step:
            return ("split", after, 1) if lazy else ("split", 1, after)

        if most is None:
            return self._bounded([*steps, split(len(atom) + 2), *atom, ("jump", -len(atom) - 1)])
        for left in range(most - least, 0, -1):
            steps = self._bounded([*steps, split(left * (len(atom) + 1)), *atom])
        return steps

    def _escape(self) -> tuple[list[Step], bool]:
        mark = self._peek()
        if mark == "":
            raise NoRegularExpression("\\ at end of pattern")
        if mark in "bB":
            self.position += 1
            return [("word", mark == "b")], False
        if mark == "k" and self.names and self.pattern.startswith("<", self.position + 1):
            end = self.pattern.find(">", self.position)
            index = self.names.get(self.pattern[self.position + 2 : max(end, 0)])
            if index is None:
                raise NoRegularExpression("Invalid named reference")
            self.position = end + 1
            self.has_references = True
            return [("same", index, self.ignore_case)], True
        if mark in "123456789":
            digits = mark
            while _is_number(
                following := self.pattern[self.position + len(digits) : self.position + len(digits) + 1]
            ):
                digits += following
            if int(digits) <= self.all_groups:
                self.position += len(digits)
                self.has_references = True
                return [("same", int(digits), self.ignore_case)], True
        found = self._class_or_character()
        if isinstance(found, str):
            return [self._character(found)], True
        return [("set", _Set([found], negated=False, ignore_case=False))], True

    def _class_or_character(self) -> str | tuple[Any, bool]:
        """What follows a backslash: a class (its ranges, and whether it is all but them) or a character."""
        mark = self._peek()
        self.position += 1
        if mark.lower() in _CLASSES:
            return _CLASSES[mark.lower()], mark.isupper()
        if mark in "01234567" and mark:
            digits = mark
            while (
                len(digits) < 3
                and (more := self._peek())
                and more in "01234567"
                and int(digits + more, 8) < 256
            ):
                digits += more
                self.position += 1
            return chr(int(digits, 8))
        if mark in _ESCAPES:
            return _ESCAPES[mark]
        for letter, length in (("x", 2), ("u", 4)):
            digits = self.pattern[self.position : self.position + length]
            if (
                mark == letter
                and len(digits) == length
                and all(digit in "0123456789abcdefABCDEF" for digit in digits)
            ):
                self.position += length
                return chr(int(digits, 16))
        return mark

    def _set(self) -> Callable[[str], bool]:
        negated = self._take("^")
        parts: list[tuple[Any, bool]] = []
        while not self._take("]"):
            low = self._member()
            dashed = self._peek() == "-" and self.pattern[self.position + 1 : self.position + 2] not in {
                "]",
                "",
            }
            if not dashed:
                parts.append(low if isinstance(low, tuple) else (((low, low),), False))
                continue
            self.position += 1
            high = self._member()
            if isinstance(low, tuple) or isinstance(high, tuple):
                ends = (low, "-", high)
                parts += [end if isinstance(end, tuple) else (((end, end),), False) for end in ends]
            elif low > high:
                raise NoRegularExpression("Range out of order in character class")
            else:
                parts.append((((low, high),), False))
        return _Set(parts, negated=negated, ignore_case=self.ignore_case)

    def _member(self) -> str | tuple[Any, bool]:
        mark = self._peek()
        if mark == "":
            raise NoRegularExpression("Unterminated character class")
        self.position += 1
        if mark != "\\":
            return mark
        if self._take("b"):
            return "\b"
        if self._peek() == "":
            raise NoRegularExpression("\\ at end of pattern")
        return self._class_or_character()


def _can_be_empty(steps: list[Step]) -> bool:
    """Whether the end of the steps can be reached without taking a character."""
    reached = {0}
    waiting = [0]
    while waiting:
        at = waiting.pop()
        if at == len(steps):
            return True
        kind = steps[at][0]
        ways: tuple[int, ...] = () if kind in {"char", "set", "any"} else (1,)
        if kind == "split":
            ways = (steps[at][1], steps[at][2])
        elif kind == "jump":
            ways = (steps[at][1],)
        for way in ways:
            if at + way not in reached:
                reached.add(at + way)
                waiting.append(at + way)
    return False


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _count_groups(pattern: str) -> int:
    count = position = 0
    in_set = False
    while position < len(pattern):
        mark = pattern[position]
        if mark == "\\":
            position += 1
        elif mark == "[":
            in_set = True
        elif mark == "]":
            in_set = False
        elif mark == "(" and not in_set:
            plain = not pattern.startswith("?", position + 1)
            named = pattern.startswith("?<", position + 1) and pattern[position + 3 : position + 4] not in {
                "=",
                "!",
            }
            count += plain or named
        position += 1
    return count
