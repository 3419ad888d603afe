"""Tables that fit on paper: how small and on which page each has to be printed so that no column is cut off.

Measured by the longest words of each column, which stay whole as long as any page holds them, as do short
texts (a number and its unit, a date); names in headings may be broken at their underscores and dots. It is
the page's style sheet that carries it out, and only in print. Pure.
"""

from __future__ import annotations

import html
import re

_TABLE = re.compile(r"<table((?: [^<>]*)?)>([^<]*(?:<(?!/?table)[^<]*)*)</table>")
_ROW = re.compile(r"<tr(?: [^<>]*)?>([^<]*(?:<(?!/?tr)[^<]*)*)")
_CELL = re.compile(r"<(th|td)((?: [^<>]*)?)>([^<]*(?:<(?!/?t[hdr])[^<]*)*)")
_CONTENT = re.compile(r"(<t[hd](?: [^<>]*)?>)([^<]*(?:<(?!/?t[hdr])[^<]*)*)")
_TAG = re.compile(r"<[^<>]*>")
_CLASS = re.compile(r' class="([^"]*)"')
_SEAM = re.compile(r"(?<=[_.])(?=\w)")
_BREAK = re.compile(r"\s+|(?<=-)")

_PORTRAIT_PT, _LANDSCAPE_PT = 505.0, 750.0
_WIDE_LETTER = 0.66
"""Of a letter's height: as wide as digits of the widest common font are."""

_PADDING = 0.75
"""Of a letter's height, both sides of a cell together; as in the style sheet."""

STEPS = (
    ("", _PORTRAIT_PT, 8.5),
    ("fit-7", _PORTRAIT_PT, 7.0),
    ("fit-6", _PORTRAIT_PT, 6.0),
    ("landscape fit-8", _LANDSCAPE_PT, 8.0),
    ("landscape fit-6", _LANDSCAPE_PT, 6.0),
    ("landscape fit-5", _LANDSCAPE_PT, 5.0),
)
"""(classes, width in points that they have, size of their type in points), the best first."""

BROKEN, CROWDED = "landscape fit-5 broken", "landscape fit-4 broken"
"""When no page holds it: words are broken; of very many columns in the smallest type."""

_CROWDED_COLUMNS = 40
_SHORT = 18
"""Letters of `27 Nov 2026, 14:03`."""

_FIRM = "\N{NO-BREAK SPACE}"


def fitted(markup: str) -> str:
    """`markup`, as `still` gives it, with a class at each table that says how it is printed."""
    return _TABLE.sub(_fitted, markup) if "<table" in markup else markup


def _fitted(found: re.Match[str]) -> str:
    attributes, inner = found.groups()
    classes = classes_for(columns(inner))
    there = _CLASS.search(attributes)
    if classes and there:
        attributes = attributes.replace(there[0], f' class="{there[1]} {classes}"', 1)
    elif classes:
        attributes += f' class="{classes}"'
    return f"<table{attributes}>{_CONTENT.sub(_with_seams, inner)}</table>"


def _with_seams(found: re.Match[str]) -> str:
    """A heading that may be broken where one word of its name ends, on paper alone; a value in one line."""
    if found[1].startswith("<td"):
        short = "<" not in found[2] and len(html.unescape(found[2]).strip()) <= _SHORT
        return found[1] + (found[2].strip().replace(" ", _FIRM) if short else found[2])
    pieces = re.split(r"(<[^<>]*>|&[^;\s]*;)", found[2])
    return found[1] + "".join(
        piece if place % 2 else _SEAM.sub("<wbr>", piece) for place, piece in enumerate(pieces)
    )


def columns(inner: str) -> list[int]:
    """The letters of the longest word in each column; a cell over several counts for none."""
    widths: list[int] = []
    for row in _ROW.findall(inner):
        for place, (tag, attributes, content) in enumerate(_CELL.findall(row)):
            if place >= len(widths):
                widths.append(0)
            if "colspan" in attributes:
                continue
            text = html.unescape(_TAG.sub("", content))
            if tag == "th":
                words = _BREAK.split(_SEAM.sub(" ", text))
            else:
                words = [text.strip()] if len(text.strip()) <= _SHORT else _BREAK.split(text)
            widths[place] = max(widths[place], *map(len, words))
    return widths


def classes_for(widths: list[int]) -> str:
    """How a table is printed whose columns have longest words of so many letters."""
    for classes, room, size in STEPS:
        if sum(width * _WIDE_LETTER + _PADDING for width in widths) * size <= room:
            return classes
    return BROKEN if len(widths) < _CROWDED_COLUMNS else CROWDED
