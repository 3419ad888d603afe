"""Regular expressions that always end: each place of a text is tried once for each step of the pattern.

Python's own engine goes back without bounds (`(a+)+$`), cannot be stopped, and reads patterns otherwise than
JavaScript. This one goes back as well, so it finds what JavaScript finds, but remembers where it has failed:
the time is that of pattern times text, and it is counted as steps of the evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from jsonata import jexception

from faaslab.workflow.query.jsonata_regex_syntax import LINE_ENDS, WORD, Program, program

_UNIT = 2
"""Steps of the machine that count as one of an evaluation."""

Charge = Callable[[int], None]


class Match:
    """What was found: the text, where, and the groups."""

    __slots__ = ("_places", "string")

    def __init__(self, string: str, places: tuple[int, ...]) -> None:
        self.string = string
        self._places = places

    def group(self, index: int = 0) -> str | None:
        """A group's text, None where it took no part."""
        begin, end = self._places[2 * index], self._places[2 * index + 1]
        return None if begin < 0 or end < 0 else self.string[begin:end]

    def groups(self) -> tuple[str | None, ...]:
        """The texts of all groups but the whole."""
        return tuple(self.group(index) for index in range(1, len(self._places) // 2))

    def start(self) -> int:
        """Where it begins."""
        return self._places[0]

    def end(self) -> int:
        """Where it ends."""
        return self._places[1]


class Expression:
    """A compiled regular expression: what the library takes for one."""

    def __init__(self, pattern: str, charge: Charge, *, ignore_case: bool, multiline: bool) -> None:
        self.pattern = pattern
        self._program = program(pattern, ignore_case=ignore_case, multiline=multiline)
        self._charge = charge
        first = self._program.steps[1]
        self._first = first[1] if first[0] == "char" else None

    def search(self, string: str, begin: int = 0) -> Match | None:
        """The first match from a place on."""
        machine = _Machine(self._program, string, self._charge)
        try:
            while begin <= len(string):
                if self._first is not None:
                    begin = string.find(self._first, begin)
                    if begin < 0:
                        return None
                places = machine.run(self._program.steps, begin)
                if places is not None:
                    return Match(string, places[: 2 * self._program.groups + 2])
                begin += 1
            return None
        finally:
            machine.settle()

    def finditer(self, string: str) -> Iterator[Match]:
        """All matches, one after the other.

        Raises:
            JException: D1004: one of them is empty.

        """
        begin = 0
        while (match := self.search(string, begin)) is not None:
            if match.start() == match.end():
                raise jexception.JException("D1004", -1, self.pattern)
            yield match
            begin = match.end()

    def split(self, string: str, maxsplit: int = 0) -> list[str]:
        """The texts between the matches, at most `maxsplit` of them cut off when that is not 0."""
        parts: list[str] = []
        begin = 0
        for match in self.finditer(string):
            if maxsplit and len(parts) >= maxsplit:
                break
            parts.append(string[begin : match.start()])
            begin = match.end()
        return [*parts, string[begin:]]

    def sub(self, repl: Callable[[Match], str], string: str, count: int = 0) -> str:
        """The text with `count` matches (all, when that is 0) replaced."""
        parts: list[str] = []
        begin = 0
        for done, match in enumerate(self.finditer(string)):
            if count and done >= count:
                break
            parts += [string[begin : match.start()], repl(match)]
            begin = match.end()
        return "".join([*parts, string[begin:]])


class _Machine:
    def __init__(self, compiled: Program, text: str, charge: Charge) -> None:
        self.text = text
        self.size = len(text) + 1
        self.nothing = (-1,) * compiled.places
        self.remembers_places = compiled.has_references
        self.charge = charge
        self.taken = 0
        self.failed: dict[int, set[Any]] = {}

    def settle(self) -> None:
        """Count what was done."""
        self.charge(self.taken // _UNIT + 1)
        self.taken = 0

    def run(
        self, steps: tuple[Any, ...], begin: int, places: tuple[int, ...] | None = None, stop: int = -1
    ) -> Any:
        """The places of the match that begins here, None where there is none; `stop`: it has to end there."""
        failed = self.failed.setdefault(id(steps) if stop < 0 else ~stop, set())
        text = self.text
        waiting = [(0, begin, self.nothing if places is None else places)]
        while waiting:
            at, place, places = waiting.pop()
            while True:
                self.taken += 1
                if self.taken > 4096:
                    self.settle()
                step = steps[at]
                kind = step[0]
                if kind == "char":
                    if not text.startswith(step[1], place):
                        break
                    place += 1
                elif kind == "set":
                    if place >= len(text) or not step[1](text[place]):
                        break
                    place += 1
                elif kind == "split":
                    key: Any = at * self.size + place
                    if self.remembers_places:
                        key = (key, places)
                    if key in failed:
                        break
                    failed.add(key)
                    waiting.append((at + step[2], place, places))
                    at += step[1]
                    continue
                elif kind == "jump":
                    at += step[1]
                    continue
                elif kind == "save":
                    index = step[1]
                    places = (*places[:index], place, *places[index + 1 :])
                elif kind == "moved":
                    if places[step[1]] == place:
                        break
                elif kind == "match":
                    if stop < 0 or place == stop:
                        return places
                    break
                elif kind == "any":
                    if place >= len(text) or text[place] in LINE_ENDS:
                        break
                    place += 1
                elif kind == "forget":
                    places = (*places[: step[1]], *((-1,) * (step[2] - step[1])), *places[step[2] :])
                elif kind == "look":
                    found = self._looked(step[1], place, places, ahead=step[2] == 1)
                    if (found is not None) is not step[3]:
                        break
                    places = places if found is None else found
                elif kind == "same":
                    end = self._repeated(
                        place, places[2 * step[1]], places[2 * step[1] + 1], ignore_case=step[2]
                    )
                    if end is None:
                        break
                    place = end
                elif not self._stands(kind, place, step[1]):
                    break
                at += 1
        return None

    def _looked(self, steps: tuple[Any, ...], place: int, places: tuple[int, ...], *, ahead: bool) -> Any:
        if ahead:
            self.failed.pop(id(steps), None)
            return self.run(steps, place, places)
        for begin in range(place, -1, -1):
            self.failed.pop(~place, None)
            found = self.run(steps, begin, places, place)
            if found is not None:
                return found
        return None

    def _repeated(self, place: int, begin: int, end: int, *, ignore_case: bool) -> int | None:
        if begin < 0 or end < 0:
            return place
        again = self.text[place : place + end - begin]
        held = self.text[begin:end]
        same = again == held or (ignore_case and again.lower() == held.lower())
        self.taken += (end - begin) // 16
        return place + end - begin if same and len(again) == end - begin else None

    def _stands(self, kind: str, place: int, option: bool) -> bool:  # noqa: FBT001 - the step's own
        before = self.text[place - 1] if place else ""
        after = self.text[place] if place < len(self.text) else ""
        if kind == "begin":
            return not place or (option and before in LINE_ENDS)
        if kind == "end":
            return not after or (option and after in LINE_ENDS)
        return ((before in WORD) is not (after in WORD)) is option
