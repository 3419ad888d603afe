"""Regular expressions in filters of paths, matched without ever going back.

Rule: the time is in proportion to the text and to the expression, so a hostile one cannot hold an execution
up. Groups that capture are read as groups; what needs going back (a reference to a group, looking
around, possessive quantifiers) is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    _Test = Callable[[str], bool]

    class Fits(Protocol):
        """Told the text, and whom to tell of the places that were looked at, who may end it by raising."""

        def __call__(self, text: str, count: Callable[[int], None], /) -> bool:
            """Whether the whole text fits."""


MOST_PLACES = 1_000  # of an expression with its repetitions written out
_DEEPEST = 40
_MOST_KNOWN = 500_000  # places kept for what was read before
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}


class _Place(NamedTuple):
    """Where a reader may stand: either it reads a character that fits, or it goes on to other places.

    `onward` counts from the place itself, so that a part of an expression can stand anywhere.
    """

    test: _Test | None
    onward: tuple[int, ...] = ()
    only_at: str = ""  # "begin" or "end" of the text, where it can be passed only there


def compiled(written: str, *, any_case: bool = False) -> Fits:
    """Whether a whole text fits the expression. Raises ValueError for what is none."""
    reader = _Reader(written, any_case=any_case)
    places = reader.alternatives(0)
    if reader.at < len(written):
        raise ValueError("there is a ')' too many")
    return _Machine([*places, _Place(None)], reader.choices).fits


class _Machine:
    def __init__(self, places: list[_Place], choices: int) -> None:
        self._places = places
        self._choices = choices
        self._known: dict[tuple[tuple[int, ...], str], tuple[int, ...]] = {}
        self._most_known = _MOST_KNOWN // len(places)

    def fits(self, text: str, count: Callable[[int], None]) -> bool:
        standing = self._reached([0], begin=True, end=not text)
        last = len(text) - 1
        for number, character in enumerate(text):
            if not standing:
                return False
            if number == last:
                standing = self._reached(self._read(standing, character), begin=False, end=True)
                break
            known = self._known.get((standing, character))
            if known is None:
                # What it takes to look at one place, in steps of a path.
                count(4 * len(standing) + self._choices)
                known = self._reached(self._read(standing, character), begin=False, end=False)
                if len(self._known) >= self._most_known:
                    self._known.clear()
                self._known[standing, character] = known
            standing = known
        return len(self._places) - 1 in standing

    def _read(self, standing: tuple[int, ...], character: str) -> list[int]:
        places = self._places
        found = []
        for at in standing:
            test = places[at].test
            if test is not None and test(character):
                found.append(at + 1)
        return found

    def _reached(self, beginnings: list[int], *, begin: bool, end: bool) -> tuple[int, ...]:
        seen: set[int] = set()
        todo = list(beginnings)
        while todo:
            at = todo.pop()
            if at in seen:
                continue
            place = self._places[at]
            if (place.only_at == "begin" and not begin) or (place.only_at == "end" and not end):
                continue
            seen.add(at)
            todo += [at + onward for onward in place.onward]
        return tuple(sorted(seen))


class _Reader:
    def __init__(self, written: str, *, any_case: bool) -> None:
        self.written = written
        self.any_case = any_case
        self.at = 0
        self.choices = 0  # characters and ranges in brackets

    def peek(self) -> str:
        return self.written[self.at : self.at + 1]

    def alternatives(self, depth: int) -> list[_Place]:
        if depth > _DEEPEST:
            raise ValueError(f"groups stand more than {_DEEPEST} deep in each other")
        found = [self.sequence(depth)]
        while self.peek() == "|":
            self.at += 1
            found.append(self.sequence(depth))
        whole = found.pop()
        for one in reversed(found):
            fork = _Place(None, (1, len(one) + 2))
            whole = [fork, *one, _Place(None, (len(whole) + 1,)), *whole]
            self.measure(len(whole))
        return whole

    def measure(self, length: int) -> None:
        if length > MOST_PLACES:
            raise ValueError("it is too long with its repetitions written out")

    def sequence(self, depth: int) -> list[_Place]:
        places: list[_Place] = []
        while (character := self.peek()) and character not in "|)":
            places += self.quantified(self.atom(character, depth))
            self.measure(len(places))
        return places

    def atom(self, character: str, depth: int) -> list[_Place]:
        self.at += 1
        if character == "(":
            if self.peek() == "?":
                if self.written[self.at : self.at + 2] != "?:":
                    raise ValueError("only plain groups and (?:…) can be matched without going back")
                self.at += 2
            places = self.alternatives(depth + 1)
            if self.peek() != ")":
                raise ValueError("a '(' is not closed")
            self.at += 1
            return places
        if character in "^$":
            return [_Place(None, (1,), "begin" if character == "^" else "end")]
        if character in "*+?":
            raise ValueError(f"there is nothing that {character} could repeat")
        if character == "[":
            return [_Place(self.choice())]
        if character == ".":
            return [_Place(lambda found: found not in "\r\n\u0085\u2028\u2029")]
        return [_Place(self.escape() if character == "\\" else self.exactly(character))]

    def exactly(self, character: str) -> _Test:
        if self.any_case:
            folded = character.casefold()
            return lambda found: found.casefold() == folded
        return lambda found: found == character

    def escape(self) -> _Test:
        character = self.peek()
        self.at += 1
        if not character:
            raise ValueError("it ends with a backslash")
        kind = _KINDS.get(character)
        if kind is not None:
            return kind
        if character in _CONTROLS:
            return self.exactly(_CONTROLS[character])
        if character == "u":
            digits = self.written[self.at : self.at + 4]
            self.at += 4
            try:
                return self.exactly(chr(int(digits, 16)))
            except ValueError:
                raise ValueError("\\u needs four hexadecimal digits") from None
        if character.isalnum():
            raise ValueError(f"\\{character} cannot be matched without going back")
        return self.exactly(character)

    def choice(self) -> _Test:
        inverted = self.peek() == "^"
        self.at += inverted
        tests: list[_Test] = []
        first = True
        while first or self.peek() != "]":
            first = False
            self.choices += 1
            self.measure(self.choices)
            character = self.peek()
            if not character:
                raise ValueError("a '[' is not closed")
            self.at += 1
            if character == "\\":
                tests.append(self.escape())
            elif self.peek() == "-" and self.written[self.at + 1 : self.at + 2] not in ("]", ""):
                until = self.written[self.at + 1]
                self.at += 2
                tests.append(self.between(character, until))
            else:
                tests.append(self.exactly(character))
        self.at += 1
        return lambda found: any(test(found) for test in tests) != inverted

    def between(self, low: str, high: str) -> _Test:
        if low > high:
            raise ValueError(f"the range {low}-{high} is empty")
        if self.any_case:
            return lambda found: low <= found.lower() <= high or low <= found.upper() <= high
        return lambda found: low <= found <= high

    def quantified(self, once: list[_Place]) -> list[_Place]:
        character = self.peek()
        least: int
        most: int | None
        if character in ("*", "+", "?"):
            self.at += 1
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[character]
        elif character == "{":
            least, most = self.bounds()
        else:
            return once
        if self.peek() == "?":
            self.at += 1  # how eagerly it reads makes no difference to whether the whole text fits
        if self.peek() in ("*", "+", "?", "{"):
            raise ValueError("a quantifier that follows another cannot be matched without going back")
        self.measure((len(once) + 2) * max(least, most or 0))
        if most is None:
            return once * least + [_Place(None, (1, len(once) + 2)), *once, _Place(None, (-len(once) - 1,))]
        places = once * least
        for left in range(most - least, 0, -1):
            places += [_Place(None, (1, left * (len(once) + 1))), *once]
        return places

    def bounds(self) -> tuple[int, int | None]:
        end = self.written.find("}", self.at)
        low, comma, high = self.written[self.at + 1 : max(end, self.at)].partition(",")
        self.at = end + 1
        if end < 0 or not low.isdecimal() or (high and not high.isdecimal()) or len(low + high) > 8:
            raise ValueError("a repetition is written {2}, {2,} or {2,5}")
        least = int(low)
        most = int(high) if high else None if comma else least
        if most is not None and most < least:
            raise ValueError("a repetition's bounds are the wrong way round")
        return least, most


def _is_word(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")


_KINDS: dict[str, _Test] = {
    "d": lambda found: "0" <= found <= "9",
    "D": lambda found: not "0" <= found <= "9",
    "s": lambda found: found in " \t\n\x0b\f\r",
    "S": lambda found: found not in " \t\n\x0b\f\r",
    "w": _is_word,
    "W": lambda found: not _is_word(found),
}
