"""Texts of a picture: what they measure, where they break, and what is left out of them. Pure.

A name comes from whoever wrote the definition. What turns the direction of the text, controls a terminal or
is no character at all does not reach the picture; the rest is escaped.
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache

# Marks that turn the direction of text, controls, halves of a character, and what XML does not allow.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff9-\uffff\ud800-\udfff]"
)
# Marks over letters, more than any writing has: they would be drawn over what stands above.
_OVER = "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_HEAPED = re.compile(f"({_OVER}{{2}}){_OVER}+")
_BREAKS = {
    "parts": re.compile(r"(?<=[\s_\-/.:])|(?<=[a-z0-9])(?=[A-Z])"),
    "spaces": re.compile(r"(?<=\s)"),
}
_NARROW = frozenset("iljtfrI.,:;'|!()[]{}` ")
_WIDE = frozenset("mwMW@%—…<>=+&~#")
_MOST = 2_000


def seen(value: object) -> str:
    """`value` as one line of text without what a page could obey."""
    text = value if isinstance(value, str) else str(value)
    return _HEAPED.sub(r"\1", _UNSEEN.sub("\ufffd", " ".join(text[:_MOST].split())))


def escaped(value: object) -> str:
    """`value` as text between tags or in an attribute."""
    return html.escape(seen(value), quote=True)


@lru_cache(maxsize=4096)
def _advance(character: str) -> float:
    if character in _NARROW:
        return 0.34
    if character in _WIDE:
        return 0.98
    if character < "\u0300":
        return 0.68 if character.isupper() else 0.58
    if unicodedata.combining(character):
        return 0.0
    return (
        1.3
        if character >= "\U0001f000"
        else 1.02
        if unicodedata.east_asian_width(character) in "WF"
        else 0.72
    )


def width(text: str, size: float) -> float:
    """About how wide the text is in a sans-serif font of that size, rather too much than too little."""
    return sum(map(_advance, text)) * size


def cut(text: str, size: float, most: float) -> str:
    """The text as far as it fits in `most`, with an ellipsis where it does not."""
    if width(text, size) <= most:
        return text
    room = most - width("…", size)
    kept = 0
    for character in text:
        room -= _advance(character) * size
        if room < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…"


def shortened(text: str, most: int) -> str:
    """The text in at most that many characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def wrapped(text: str, size: float, most: float, *, lines: int = 2, at: str = "parts") -> tuple[str, ...]:
    """The text in so many lines at most, broken at the `parts` of names or at `spaces`.

    What is too long ends in an ellipsis.
    """
    if width(text, size) <= most:
        return (text,)
    found: list[str] = []
    line = ""
    parts = [part for part in _BREAKS[at].split(text) if part]
    for index, part in enumerate(parts):
        if line and width((line + part).rstrip(), size) > most:
            if len(found) == lines - 1:
                line += "".join(parts[index:])
                break
            found.append(line.rstrip())
            line = part
        else:
            line += part
    return (*(cut(each, size, most) for each in found), cut(line.rstrip(), size, most))
