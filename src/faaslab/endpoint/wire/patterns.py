"""What a model demands of one value, as tests with AWS's words for them.

Patterns are Java's. A pattern runs only on a text whose length is in bounds, and one whose time can double
with every character only on a short one: a request must not hang. Longer texts are let through.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.endpoint.wire.repetitions import ambiguous

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import Shape as BotocoreShape

LONGEST = 4096
"""Characters beyond which no pattern is tried."""
LONGEST_AMBIGUOUS = 12
"""The same for a pattern whose time doubles with every character."""
CATEGORY = re.compile(r"\\([pP])\{(\w+)\}")
CLASS_BEFORE_DASH = re.compile(r"\\[wWdDsS]-")
# The parts that a translation has to know: categories, classes before a dash, escapes, and all else.
PART = re.compile(r"\\[pP]\{\w+\}|\\[wWdDsS]-(?=[^\]])|\\.|.", re.DOTALL)
# Java's classes of ASCII.
POSIX = {
    "ASCII": r"\x00-\x7f",
    "Print": r"\x20-\x7e",
    "Graph": r"\x21-\x7e",
    "Alnum": "0-9A-Za-z",
    "Alpha": "A-Za-z",
}
BEYOND_16_BITS = r"\uD800\uDC00-\uDBFF\uDFFF"
# A character beyond ASCII is told by its category: each has a stand-in from Unicode's private area.
CATEGORIES = [
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe",
    "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
]  # fmt: skip
STAND_INS = {category: chr(0xE000 + number) for number, category in enumerate(CATEGORIES)}


class Condition(NamedTuple):
    """`holds` tells whether a value is as `words` say."""

    words: str
    holds: Callable[[Any], bool]


def conditions(model: BotocoreShape) -> tuple[Condition, ...]:
    """What a value of the shape must be; of several that fail AWS names each, a length before a pattern."""
    traits = model.metadata
    if enum := traits.get("enum"):
        allowed = frozenset(enum)
        return (Condition(f"Member must satisfy enum value set: [{', '.join(enum)}]", allowed.__contains__),)
    sized = model.type_name in {"string", "blob", "list", "map"}
    what = "length" if sized else "value"
    found = []
    if (highest := traits.get("max")) is not None:
        words = f"Member must have {what} less than or equal to {highest}"
        found.append(Condition(words, _at_most(highest, sized=sized)))
    if (lowest := traits.get("min")) is not None:
        words = f"Member must have {what} greater than or equal to {lowest}"
        found.append(Condition(words, _at_least(lowest, sized=sized)))
    pattern = traits.get("pattern")
    if pattern and model.type_name == "string" and (matches := matcher(pattern)) is not None:
        longest = sys.maxsize if highest is None else int(highest)
        words = f"Member must satisfy regular expression pattern: {pattern}"
        found.append(Condition(words, _within(longest, matches)))
    return tuple(found)


def _at_most(highest: float, *, sized: bool) -> Callable[[Any], bool]:
    return (lambda value: len(value) <= highest) if sized else (lambda value: value <= highest)


def _at_least(lowest: float, *, sized: bool) -> Callable[[Any], bool]:
    return (lambda value: len(value) >= lowest) if sized else (lambda value: value >= lowest)


def _within(longest: int, matches: Callable[[str], bool]) -> Callable[[str], bool]:
    # A text that is too long has been refused for that.
    return lambda value: len(value) > longest or matches(value)


@cache
def matcher(pattern: str) -> Callable[[str], bool] | None:
    """Whether a whole text matches a Java pattern; None for a pattern that has no equal here."""
    by_category = CATEGORY.search(pattern) is not None
    try:
        compiled = re.compile(_translated(pattern), re.ASCII)
    except (re.error, OverflowError, RecursionError):
        return None
    bound = LONGEST_AMBIGUOUS if ambiguous(pattern) else LONGEST
    whole = compiled.fullmatch
    if by_category:
        return lambda text: len(text) > bound or whole(_folded(text)) is not None
    return lambda text: len(text) > bound or whole(text) is not None


def _translated(pattern: str) -> str:
    """The pattern as Python has it: categories of Unicode spelt out, and a dash after a class as itself."""
    parts: list[str] = []
    in_class = False
    for part in PART.findall(pattern.replace(BEYOND_16_BITS, r"\U00010000-\U0010ffff")):
        category = CATEGORY.fullmatch(part)
        if category is not None:
            members = _members(category[2])
            if category[1] == "P" and in_class:
                raise re.error(f"no class without {category[2]} here")
            parts.append(members if in_class else f"[{'^' if category[1] == 'P' else ''}{members}]")
        elif not in_class:
            in_class = part == "["
            parts.append(part)
        elif part == "[" or (part in {"&", "-"} and parts[-1] == part):
            # Java has classes in classes there, and their intersections; Python means to have them.
            raise re.error("no classes in classes here")
        else:
            in_class = part != "]"
            kept = part in {"|", "~"} or CLASS_BEFORE_DASH.fullmatch(part) is not None
            parts.append(f"{part[:-1]}\\{part[-1]}" if kept else part)
    return "".join(parts)


def _members(category: str) -> str:
    """What stands in a character class for a category of Unicode."""
    if category in POSIX:
        return POSIX[category]
    within = [one for one in CATEGORIES if one.startswith(category)]
    if not within:
        raise re.error(f"no category {category} here")
    ascii_members = [f"\\x{code:02x}" for code in range(128) if unicodedata.category(chr(code)) in within]
    return "".join(ascii_members) + "".join(STAND_INS[one] for one in within)


def _folded(text: str) -> str:
    if text.isascii():
        return text
    return "".join(one if one.isascii() else STAND_INS[unicodedata.category(one)] for one in text)
