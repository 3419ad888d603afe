"""Filter patterns of CloudWatch Logs: which log events one matches. Pure.

Three languages: terms (`ERROR -"not me" ?this ?that %regex%`), JSON (`{ $.a = 1 && $.b NOT EXISTS }`) and
fields between spaces (`[ip, ..., status = 4*, bytes > 1000]`). Source: the CloudWatch Logs User Guide,
"Filter pattern syntax". Terms are for the store to match: a regular expression costs linear time there, and
in Python whatever its writer wants it to. So it may stand among terms only.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faaslab.endpoint.logs import field_patterns, json_patterns
from faaslab.endpoint.logs.scanning import NUMBER, Malformed

if TYPE_CHECKING:
    from collections.abc import Callable

    Test = Callable[[str], bool]
    Number = Callable[[str], float | None]

__all__ = ["Malformed", "Pattern", "Term", "extracted", "number", "read"]

LONGEST = 1024
"""Characters of a pattern at most (FilterLogEvents)."""
_TERM = re.compile(
    r'\s*(?P<sign>[-?]?)\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|%(?P<regex>[^%]+)%|(?P<bare>[^\s"%]+))(?=\s|$|["?-])'
)
# What the User Guide allows in a regular expression; there are no groups.
_REGEX = re.compile(r"[A-Za-z0-9_\-#=@/;,:^$?\[\]{}|\\*+.\s]+")


@dataclass(frozen=True)
class Term:
    """A text that is somewhere in the message, case and all, or a regular expression."""

    text: str
    regex: bool = False


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A message matches that has `all_of`, none of `none_of`, one of `any_of` (if there are any), and that
    passes `test`. The first three can be asked of a database.
    """  # noqa: D205

    all_of: tuple[Term, ...] = ()
    none_of: tuple[Term, ...] = ()
    any_of: tuple[Term, ...] = ()
    test: Test | None = None


def read(text: str | None) -> Pattern:
    """What a pattern asks for; an empty one matches everything. Raises `Malformed`, which says why."""
    text = (text or "").strip()
    if len(text) > LONGEST:
        raise Malformed(f"it has more than {LONGEST} characters")
    if text.startswith("{"):
        # Whatever matches is an object: asked of the message first, that spares parsing the others.
        return Pattern(all_of=(Term("{"),), test=json_patterns.read(text))
    if text.startswith("["):
        return Pattern(test=field_patterns.read(text))
    return _terms(text)


def extracted(text: str) -> Callable[[str], dict[str, str]]:
    """What a pattern names in a message: `$.selector` of JSON, `$name` of fields; of terms nothing."""
    text = text.strip()
    found: dict[str, Callable[[str], str | None]] = {}
    if text.startswith("{"):
        found = {each: json_patterns.value(each) for each in json_patterns.selectors(text)}
    elif text.startswith("["):
        named = (each for each in field_patterns.names(text) if each not in ("", "..."))
        found = {f"${each}": field_patterns.value(text, each) for each in named}

    def told(message: str) -> dict[str, str]:
        values = ((name, value(message)) for name, value in found.items())
        return {name: value for name, value in values if value is not None}

    return told


def number(text: str | None, value: str) -> Number:
    """The number that a metric filter counts of a message: `1`, `$.latency`, or `$bytes` of a field.

    None where there is none. Raises `Malformed`.
    """
    if NUMBER.fullmatch(value) and math.isfinite(float(value)):
        constant = float(value)
        return lambda _: constant
    if value.startswith(("$.", "$[")):
        found = json_patterns.value(value)
    elif value.startswith("$") and (text or "").strip().startswith("["):
        found = field_patterns.value(text or "", value[1:])
    else:
        raise Malformed(f"the value {value!r} is neither a number nor where one stands")

    def told(message: str) -> float | None:
        word = found(message)
        figure = float(word) if word is not None and NUMBER.fullmatch(word) else math.inf
        return figure if math.isfinite(figure) else None

    return told


def _terms(text: str) -> Pattern:
    found: dict[str, list[Term]] = {"": [], "-": [], "?": []}
    at = 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None:
            raise Malformed(f"it cannot be read from {text[at : at + 40]!r} on")
        found[match["sign"]].append(_term(match))
        at = match.end()
        at += len(text[at:]) - len(text[at:].lstrip())
    # Beside other terms the optional ones count for nothing (User Guide).
    optional = () if found[""] or found["-"] else tuple(found["?"])
    return Pattern(all_of=tuple(found[""]), none_of=tuple(found["-"]), any_of=optional)


def _term(match: re.Match[str]) -> Term:
    if match["regex"] is not None:
        regex = match["regex"]
        if not _REGEX.fullmatch(regex):
            raise Malformed(f"the regular expression {regex!r} has characters that are not supported")
        try:
            re.compile(regex)
        except (re.error, OverflowError, RecursionError, FutureWarning) as error:
            raise Malformed(f"{regex!r} is not a regular expression: {error}") from None
        return Term(regex, regex=True)
    if match["quoted"] is not None:
        return Term(re.sub(r"\\(.)", r"\1", match["quoted"]))
    bare = match["bare"]
    if not all(character.isalnum() or character == "_" for character in bare):
        raise Malformed(f"Invalid character(s) in term '{bare}'")
    return Term(bare)
