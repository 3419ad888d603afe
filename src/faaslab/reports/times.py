"""Times in the parameters of a report: `-7d`, `now`, `{{ scheduled_for - 7d }}`, `{{ now:%Y-%m-%d }}`.

Pure, and no language to program in: nothing is looked up, called or evaluated. A template holds one time
(`now`, when the run begins, or `scheduled_for`, the instant that it was due at: the same for a run by hand),
moved by spans and taken back to the beginning of a unit, in the order they stand: `scheduled_for / day - 1h`.
A format after a colon is strftime's. A text in double quotes stands for itself. All times are naive UTC.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, nearest
from faaslab.model.moment import span

if TYPE_CHECKING:
    from collections.abc import Iterator

BASES = ("scheduled_for", "now")
UNITS = ("minute", "hour", "day", "week", "month", "year")
_CODES = "YmdHMSjyBbAauVGU%"
_MOST_CHARACTERS = 65_536
_DEEPEST = 32
_BACK = re.compile(r"-\s*(?:\d+(?:\.\d+)?[smhdw])+", re.IGNORECASE)
_TOKEN = re.compile(r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<word>[A-Za-z_]\w*)|(?P<sign>[-+/:]))')
_LENGTH = re.compile(r"\s*((?:\d+(?:\.\d+)?[smhdw])+)(?![\w.])", re.IGNORECASE)
_UNIT = re.compile(r"\s*([A-Za-z]\w*)")
_HINT = "such as {{ scheduled_for - 7d }}, {{ now / day }} or {{ scheduled_for:%Y-%m-%d }}"


@dataclass(frozen=True, kw_only=True)
class Times:
    """The two instants that a template can name (naive UTC)."""

    now: datetime
    scheduled_for: datetime


def resolved(value: Any, times: Times, *, place: str) -> Any:
    """`value` with its times written out, in lists and mappings as well.

    A whole text that is `now` or a span back (`-7d`) counts from `scheduled_for`, so that a run which comes
    late looks at the window that was meant. Raises `InvalidValue` whose place is below `place`.
    """
    return _resolved(value, times, place, 0)


def literal(text: str) -> str:
    """A text that `resolved` gives back as `text`, whatever stands in it."""
    return f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}" if _means_more(text) else text


def _means_more(text: str) -> bool:
    return "{{" in text or _is_relative(text.strip())


def _is_relative(text: str) -> bool:
    return text.lower() == "now" or _BACK.fullmatch(text) is not None


def _resolved(value: Any, times: Times, place: str, depth: int) -> Any:
    if depth > _DEEPEST:
        raise InvalidValue(f"nests more than {_DEEPEST} levels deep", place=place)
    if isinstance(value, str):
        return text(value, times, place=place)
    if isinstance(value, dict):
        return {name: _resolved(item, times, f"{place}, {name}", depth + 1) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [
            _resolved(item, times, f"{place}, item {number}", depth + 1)
            for number, item in enumerate(value, start=1)
        ]
    return value


def text(given: str, times: Times, *, place: str) -> str:
    """One text with its times written out, as `resolved` does it."""
    stripped = given.strip()
    if not _is_relative(stripped):
        return written(given, times, place=place)
    if stripped.lower() == "now":
        return _written(times.scheduled_for)
    return _written(_moved(times.scheduled_for, "-", stripped[1:].strip(), place))


def written(given: str, times: Times, *, place: str) -> str:
    """One text with its templates written out, and nothing else of it: a title, the name of a file."""
    if "{{" not in given:
        return given
    if len(given) > _MOST_CHARACTERS:
        raise InvalidValue(f"is a template of more than {_MOST_CHARACTERS:,} characters", place=place)
    return "".join(_pieces(given, times, place))


def _pieces(given: str, times: Times, place: str) -> Iterator[str]:
    at = 0
    while True:
        begin = given.find("{{", at)
        if begin < 0:
            yield given[at:]
            return
        yield given[at:begin]
        written, at = _Template(given, begin, times, place).read()
        yield written


class _Template:
    """One template, read from its `{{` on."""

    def __init__(self, given: str, begin: int, times: Times, place: str) -> None:
        self._given = given
        self._begin = begin
        self._at = begin + 2
        self._times = times
        self._place = place

    def read(self) -> tuple[str, int]:
        """(what it stands for, where the text goes on behind it)."""
        first = _TOKEN.match(self._given, self._at)
        if first is None or first["sign"]:
            raise self._wrong("a time is missing")
        if first["text"]:
            self._at = first.end()
            try:
                literal_text: str = json.loads(first["text"])
            except ValueError:
                raise self._wrong("the text in quotes is no JSON") from None
            return literal_text, self._end()
        name = first["word"]
        if name not in BASES:
            near = nearest(name, BASES)
            raise self._wrong(f"{name!r} is no time", f"did you mean {near}?" if near else _HINT)
        self._at = first.end()
        moment: datetime = getattr(self._times, name)
        while True:
            token = _TOKEN.match(self._given, self._at)
            if token is None or not token["sign"]:
                return _written(moment), self._end()
            self._at = token.end()
            if token["sign"] == ":":
                return self._formatted(moment)
            moment = self._next(moment, token["sign"])

    def _next(self, moment: datetime, sign: str) -> datetime:
        if sign == "/":
            unit = _UNIT.match(self._given, self._at)
            name = unit[1] if unit else ""
            if unit is None or name not in UNITS:
                near = nearest(name, UNITS)
                hint = f"did you mean {near}?" if near else f"there are {', '.join(UNITS)}"
                raise self._wrong(f"{name!r} is no unit to go back to the beginning of", hint)
            self._at = unit.end()
            return beginning(moment, name)
        length = _LENGTH.match(self._given, self._at)
        if length is None:
            raise self._wrong(f"after {sign} a span is missing", "write 90s, 30m, 24h, 7d or 2w")
        self._at = length.end()
        return _moved(moment, sign, length[1], self._where())

    def _formatted(self, moment: datetime) -> tuple[str, int]:
        end = self._given.find("}}", self._at)
        if end < 0:
            raise self._wrong("it has no end, }} is missing")
        form = self._given[self._at : end].strip()
        codes = re.findall(r"%(.?)", form)
        unknown = next((code for code in codes if code not in _CODES or not code), None)
        if unknown is not None or not codes:
            what = f"%{unknown} is no part of a format" if unknown is not None else "the format is empty"
            raise self._wrong(what, f"there are {' '.join('%' + code for code in _CODES)}")
        return moment.strftime(form), end + 2

    def _end(self) -> int:
        rest = self._given[self._at :]
        blank = len(rest) - len(rest.lstrip())
        if not rest[blank:].startswith("}}"):
            if "}}" not in rest:
                raise self._wrong("it has no end, }} is missing")
            raise self._wrong(f"{rest[blank : rest.index('}}')].strip()!r} is not understood")
        return self._at + blank + 2

    def _where(self) -> str:
        return f"{self._place}, character {self._begin + 1}"

    def _wrong(self, what: str, hint: str = _HINT) -> InvalidValue:
        return InvalidValue(f"the template cannot be read: {what}", place=self._where(), hint=hint)


def beginning(moment: datetime, unit: str) -> datetime:
    """The beginning of the minute, hour, day, week (its Monday), month or year that `moment` is in."""
    if unit in ("minute", "hour"):
        minute = moment.replace(second=0, microsecond=0)
        return minute if unit == "minute" else minute.replace(minute=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit == "year" else day


def _moved(moment: datetime, sign: str, length: str, place: str) -> datetime:
    far = span(length, place=place)
    try:
        return moment - far if sign == "-" else moment + far
    except OverflowError:
        raise InvalidValue(f"{sign}{length} leaves the calendar", place=place) from None


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
