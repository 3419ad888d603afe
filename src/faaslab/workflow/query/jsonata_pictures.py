"""`$formatNumber`: numbers written after a picture, by the rules of XPath's format-number (F&O 3.1, 4.7).

Rule: the checks have JSONata's codes, and the last that fails is told, as JSONata has it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any

from jsonata import jexception

from faaslab.workflow.query.jsonata_bounds import held

if TYPE_CHECKING:
    from collections.abc import Mapping

JException = jexception.JException
_MARKS = {
    "decimal-separator": ".", "grouping-separator": ",", "exponent-separator": "e", "minus-sign": "-",
    "percent": "%", "per-mille": "\u2030", "zero-digit": "0", "digit": "#", "pattern-separator": ";",
}  # fmt: skip
_EXACT = Context(prec=1500, Emax=10_000, Emin=-10_000)


@dataclass(frozen=True, slots=True)
class _Picture:
    """One sub-picture in its parts."""

    text: str
    prefix: str
    suffix: str
    active: str
    mantissa: str
    exponent: str | None
    whole: str
    fraction: str


def format_number(value: float, picture: str, options: Mapping[str, Any] | None) -> str:
    """The number written as the picture says; `options` are other marks than the usual ones.

    Raises:
        JException: D3080 to D3093: the picture breaks a rule.

    """
    held(len(picture), 7_000)
    marks = {
        **_MARKS,
        **{name: text for name, text in (options or {}).items() if isinstance(text, str) and text},
    }
    zero = ord(marks["zero-digit"][0])
    digits = "".join(chr(zero + number) for number in range(10))
    texts = picture.split(marks["pattern-separator"])
    if len(texts) > 2:
        raise JException("D3080", -1)
    pictures = [_parts(text, marks, digits) for text in texts]
    for part in pictures:
        code = _broken_rule(part, marks, digits)
        if code is not None:
            raise JException(code, -1)
    if not math.isfinite(value):
        return f"{pictures[0].prefix}{'NaN' if math.isnan(value) else 'Infinity'}{pictures[0].suffix}"
    chosen = pictures[0] if value >= 0 else pictures[-1]
    sign = marks["minus-sign"] if value < 0 and len(pictures) == 1 else ""
    return f"{sign}{chosen.prefix}{_written(value, chosen, marks, digits)}{chosen.suffix}"


def _parts(text: str, marks: Mapping[str, str], digits: str) -> _Picture:
    exponent_mark = marks["exponent-separator"]
    bounding = digits + marks["decimal-separator"] + marks["grouping-separator"] + marks["digit"]
    places = [index for index, mark in enumerate(text) if mark in bounding]
    if not places:
        raise JException("D3086" if text else "D3085", -1)
    begin, end = places[0], places[-1] + 1
    active = text[begin:end]
    mantissa, mark, exponent = active.partition(exponent_mark)
    whole, point, fraction = mantissa.partition(marks["decimal-separator"])
    return _Picture(
        text,
        text[:begin],
        text[end:],
        active,
        mantissa,
        exponent if mark else None,
        whole,
        fraction if point else "",
    )


def _broken_rule(picture: _Picture, marks: Mapping[str, str], digits: str) -> str | None:
    text, grouping, optional = picture.text, marks["grouping-separator"], marks["digit"]
    point = text.find(marks["decimal-separator"])
    percent, per_mille = text.count(marks["percent"]), text.count(marks["per-mille"])
    allowed = digits + "".join(marks[name] for name in _ACTIVE)
    around = (text[point - 1 : point], text[point + 1 : point + 2]) if point > 0 else ("", text[1:2])
    last_optional = picture.fraction.rfind(optional)
    exponent = picture.exponent
    broken = {
        "D3081": text.count(marks["decimal-separator"]) > 1,
        "D3082": percent > 1,
        "D3083": per_mille > 1,
        "D3084": bool(percent and per_mille),
        "D3085": not any(mark in digits or mark == optional for mark in picture.mantissa),
        "D3086": any(mark not in allowed for mark in picture.active),
        "D3087": point >= 0 and grouping in around,
        "D3088": point < 0 and picture.whole.endswith(grouping),
        "D3089": grouping * 2 in text,
        "D3090": optional in picture.whole
        and any(mark in digits for mark in picture.whole.partition(optional)[0]),
        "D3091": last_optional >= 0 and any(mark in digits for mark in picture.fraction[last_optional:]),
        "D3092": bool(exponent and (percent or per_mille)),
        "D3093": exponent is not None and (not exponent or any(mark not in digits for mark in exponent)),
    }
    return next((code for code in reversed(broken) if broken[code]), None)


_ACTIVE = ("decimal-separator", "exponent-separator", "grouping-separator", "digit", "pattern-separator")


def _written(value: float, picture: _Picture, marks: Mapping[str, str], digits: str) -> str:
    least_whole = scale = sum(mark in digits for mark in picture.whole)
    least_fraction = sum(mark in digits for mark in picture.fraction)
    most_fraction = least_fraction + picture.fraction.count(marks["digit"])
    if least_whole == 0 and most_fraction == 0:
        if picture.exponent is None:
            least_whole = 1
        else:
            least_fraction = most_fraction = 1
    if picture.exponent is not None and least_whole == 0 and marks["digit"] in picture.whole:
        least_whole = 1
    if least_whole == 0 and least_fraction == 0:
        least_fraction = 1
    number = abs(Decimal(repr(float(value))))
    factor = 2 if marks["percent"] in picture.text else 3 if marks["per-mille"] in picture.text else 0
    number = number.scaleb(factor, _EXACT)
    power = 0
    if picture.exponent is not None and number:
        power = number.adjusted() + 1 - scale
        if power > 0 and number == Decimal(1).scaleb(number.adjusted()):
            power -= 1  # JSONata divides while it is larger than the bound, and ten to the scale is not
        number = number.scaleb(-power, _EXACT)
    rounded = number.quantize(Decimal(1).scaleb(-most_fraction), ROUND_HALF_EVEN, _EXACT)
    whole, _, fraction = f"{rounded:f}".partition(".")
    whole = whole.lstrip("0").rjust(least_whole, "0")
    fraction = fraction.rstrip("0").ljust(least_fraction, "0")
    text = _grouped(whole, picture.whole, marks, digits)
    if fraction and marks["decimal-separator"] in picture.text:
        text += marks["decimal-separator"] + _grouped_fraction(fraction, picture.fraction, marks, digits)
    if picture.exponent is not None:
        sign = marks["minus-sign"] if power < 0 else ""
        text += marks["exponent-separator"] + sign + str(abs(power)).rjust(len(picture.exponent), "0")
    if digits[0] == "0":
        return text
    return text.translate({ord("0") + number: digits[number] for number in range(10)})


def _grouped(whole: str, picture: str, marks: Mapping[str, str], digits: str) -> str:
    """The whole part with separators: as in the picture, and on as there when they stand regularly."""
    kinds = digits + marks["digit"]
    positions = [
        sum(following in kinds for following in picture[index:])
        for index, mark in enumerate(picture)
        if mark == marks["grouping-separator"]
    ]
    if not positions:
        return whole
    step = reduce(math.gcd, positions)
    if step and all(step * number in positions for number in range(1, len(positions) + 1)):
        positions = list(range(step, len(whole), step))
    cuts = sorted({len(whole) - position for position in positions if 0 < position < len(whole)})
    return marks["grouping-separator"].join(
        whole[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)
    )


def _grouped_fraction(fraction: str, picture: str, marks: Mapping[str, str], digits: str) -> str:
    kinds = digits + marks["digit"]
    parts = []
    done = 0
    for index, mark in enumerate(picture):
        if mark == marks["grouping-separator"]:
            place = sum(before in kinds for before in picture[:index])
            if place < len(fraction):
                parts.append(fraction[done:place])
                done = place
    return marks["grouping-separator"].join([*parts, fraction[done:]])
