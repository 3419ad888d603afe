"""`$toMillis` with a picture: what the library reads of it, matched in bounded time and with our clock.

The library itself matches by a regular expression made of the picture, literals unescaped, and takes what is
missing from the clock of the machine: neither ends or repeats for sure.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jsonata import datetimeutils, jexception

from faaslab.workflow.query.jsonata_regex import Charge, Expression
from faaslab.workflow.query.jsonata_regex_syntax import NoRegularExpression

if TYPE_CHECKING:
    from collections.abc import Mapping

JException = jexception.JException
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATES = ({"Y", "M", "D"}, {"Y", "d"}, {"X", "x", "w"}, {"X", "W"})
_DATE_PARTS = ("YMD", "Yd", "XxwF", "XWF")
_CLOCKS = ({"H", "m", "s", "f"}, {"P", "h", "m", "s", "f"})


def parsed(timestamp: str, picture: str, now: datetime, charge: Charge) -> int | None:
    """Milliseconds since 1970 of a text that is written as the picture says; None where it is not.

    Parts larger than those the picture has are of `now`; smaller ones are the first or 0.

    Raises:
        JException: D3132 to D3136: the picture is none, or has a gap.

    """
    found = _components(timestamp, picture, charge)
    if not found:
        return None
    date_kind = _kind(found, _DATES, "YXMxWwdD")
    clock_kind = _kind(found, _CLOCKS, "PHhmsf")
    values = _filled(found, _DATE_PARTS[date_kind] + ("Phmsf" if clock_kind == 1 else "Hmsf"), now)
    if date_kind > 1:  # weeks of the year and of the month: JSONata does not read them either
        raise JException("D3136", -1)
    hour = values.get("H", 0)
    if clock_kind == 1:
        hour = values["h"] % 12 + (12 if values["P"] == 1 else 0)
    if date_kind == 1:
        day = datetime(values["Y"], 1, 1, tzinfo=UTC) + timedelta(days=values["d"] - 1)
    else:
        years, month = divmod(values["M"] - 1, 12)
        day = datetime(values["Y"] + years, month + 1, 1, tzinfo=UTC) + timedelta(days=values["D"] - 1)
    moment = day + timedelta(
        hours=hour,
        minutes=values["m"] - found.get("Z", found.get("z", 0)),
        seconds=values["s"],
        milliseconds=values["f"],
    )
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _components(timestamp: str, picture: str, charge: Charge) -> dict[str, int]:
    reader = datetimeutils.DateTimeUtils
    spec = reader._analyse_datetime_picture(picture)  # noqa: SLF001 - the library shows no more of it
    matcher = reader._generate_regex(spec)  # noqa: SLF001
    parts = []
    for part, match in zip(spec.parts, matcher.parts, strict=True):
        parts.append(f"({re.escape(part.value) if part.type == 'literal' else match.regex})")
    try:
        expression = Expression(f"^{''.join(parts)}$", charge, ignore_case=True, multiline=False)
    except NoRegularExpression as large:
        raise JException("D3136", -1) from large
    found = expression.search(timestamp)
    if found is None:
        return {}
    components = {}
    for part, text in zip(matcher.parts, found.groups(), strict=True):
        if part.component is None:
            continue
        try:
            components[part.component] = int(part.parse(text))
        except KeyError:  # no month, day or half of a day has that name
            return {}
    return components


def _kind(found: Mapping[str, int], kinds: tuple[set[str], ...], letters: str) -> int:
    """Which of the ways to name a date or a time all the parts belong to; the first where none is left."""
    given = found.keys() & set(letters)
    fitting = [index for index, kind in enumerate(kinds) if given and given <= kind]
    return fitting[0] if fitting else 0


def _filled(found: Mapping[str, int], order: str, now: datetime) -> dict[str, Any]:
    today = {"Y": now.year, "M": now.month, "D": now.day, "H": now.hour, "h": now.hour % 12 or 12,
             "P": int(now.hour >= 12), "m": now.minute, "s": now.second, "f": now.microsecond // 1000,
             "d": now.timetuple().tm_yday}  # fmt: skip
    values: dict[str, Any] = {}
    begun = ended = False
    for part in order:
        if part in found:
            if ended:
                raise JException("D3136", -1)
            begun = True
            values[part] = found[part]
        elif begun:
            ended = True
            values[part] = 1 if part in "MDd" else 0
        else:
            values[part] = today.get(part, 0)
    return values
