"""JSON with the place of everything in it. Without recursion, and refused where RFC 8259 refuses."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from faaslab.workflow.places import Lines, Place, refused
from faaslab.workflow.validate.reading import DEEPEST

_TOKEN = re.compile(
    r"""[ \t\r\n]*+(?:
        (?P<mark>[{}\[\],:])
      | (?P<text>"(?:[^"\\\x00-\x1f]++|\\.)*+")
      | (?P<whole>-?(?:0|[1-9][0-9]*+))(?P<part>(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)(?![0-9A-Za-z_.+-])
      | (?P<word>(?:true|false|null)\b)
      | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\r\n]*")
_WORDS: Final = {"true": True, "false": False, "null": None}
_DIGITS = 400


class _Open:
    """An array or object that is being read."""

    def __init__(self, at: tuple[int, int], *, table: bool) -> None:
        self.at = at
        self.table = table
        self.fields: dict[str, Any] = {}
        self.items: list[Any] = []
        self.named: dict[str, Place] = {}
        self.numbered: list[Place] = []
        self.name = ""
        self.name_at = at

    def take(self, value: Any, place: Place) -> None:
        if self.table:
            self.fields[self.name] = value
            self.named[self.name] = Place(*self.name_at, place.inside)
        else:
            self.items.append(value)
            self.numbered.append(place)

    def closed(self) -> tuple[Any, Place]:
        if self.table:
            return self.fields, Place(*self.at, self.named)
        return self.items, Place(*self.at, self.numbered)


def read(text: str) -> tuple[Any, Place]:
    """The value that a text is, and where everything stands. Raises InvalidValue with line and column."""
    lines = Lines(text)
    opened: list[_Open] = []
    done: tuple[Any, Place] | None = None
    offset, expected = 0, "value"
    while True:
        token = _TOKEN.match(text, offset)
        if token is None:
            raise _unreadable(text, offset, lines)
        at = lines.at(
            token.start(token.lastgroup or 0) if token.lastgroup != "part" else token.start("whole")
        )
        offset = token.end()
        mark = token["mark"]
        if token["end"] is not None:
            if done is None or opened:
                raise refused("the text ends too early", *at)
            return done
        if expected == "end":
            raise refused("there is more behind the end", *at)
        top = opened[-1] if opened else None
        if top and mark == ("}" if top.table else "]") and expected in ("comma", "first"):
            opened.pop()
            value, place = top.closed()
        elif expected == "comma" and mark == ",":
            expected = "name" if top and top.table else "value"
            continue
        elif top and top.table and expected in ("first", "name") and token["text"] is not None:
            _named(top, _text(token["text"], at), at)
            expected = "colon"
            continue
        elif expected == "colon" and mark == ":":
            expected = "value"
            continue
        elif expected == "value" or (expected == "first" and top and not top.table):
            if mark in ("{", "["):
                if len(opened) >= DEEPEST:
                    raise refused(f"nested deeper than {DEEPEST} levels", *at)
                opened.append(_Open(at, table=mark == "{"))
                expected = "first"
                continue
            if mark is not None:
                raise refused(f"a value is missing before {mark!r}", *at)
            value, place = _scalar(token, at), Place(*at)
        else:
            wanted = {"name": "a name in double quotes", "first": "a name in double quotes", "colon": "':'"}
            raise refused(f"{wanted.get(expected, 'a comma or the closing bracket')} is missing", *at)
        if opened:
            opened[-1].take(value, place)
            expected = "comma"
        else:
            done, expected = (value, place), "end"


def _named(table: _Open, name: str, at: tuple[int, int]) -> None:
    if name in table.named:
        first = table.named[name].line
        raise refused(f"the name {name!r:.100} stands here a second time, first in line {first}", *at)
    table.name, table.name_at = name, at


def _text(token: str, at: tuple[int, int]) -> str:
    if "\\" not in token:
        return token[1:-1]
    try:
        read = json.loads(token)
        read.encode()
    except json.JSONDecodeError as error:
        raise refused("a backslash stands before a character that it cannot stand before", *at) from error
    except UnicodeEncodeError as error:
        raise refused("the text has half of a surrogate pair", *at) from error
    return str(read)


def _scalar(token: re.Match[str], at: tuple[int, int]) -> Any:
    if token["text"] is not None:
        return _text(token["text"], at)
    if token["word"] is not None:
        return _WORDS[token["word"]]
    return number(token["whole"], token["part"], at)


def number(whole: str, part: str, at: tuple[int, int]) -> int | float:
    """A number from its text; without a fraction and an exponent it is an integer."""
    if not part and len(whole) <= _DIGITS:
        return int(whole)
    value = float(whole + part) if len(whole) + len(part) <= _DIGITS else math.inf
    if not math.isfinite(value):
        raise refused(f"the number {(whole + part)[:20]}… is out of range", *at)
    return value


def _unreadable(text: str, offset: int, lines: Lines) -> Exception:
    space = _SPACE.match(text, offset)
    offset = space.end() if space else offset
    at = lines.at(offset)
    if text.startswith('"', offset):
        return refused("a text in double quotes has no end on its line, or a control character in it", *at)
    return refused(f"{text[offset : offset + 20]!r} is no JSON", *at)
