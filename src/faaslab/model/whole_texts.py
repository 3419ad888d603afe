"""Texts that the setting `redact` points at, kept out of what is recorded: words like any other, no secrets.

Rule: such a text is hidden where it is all of a string in JSON, never in a name and never within another
string, as a short one stands in many by chance. Only prose (a cause, a line of a log) quotes it: there it is
hidden between the bounds of words, from a length on. Pure.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from faaslab.model import secret_forms

if TYPE_CHECKING:
    from collections.abc import Iterable

STARS = "****"
_MARK = "\0redact:"
"""Stands before such a text among values of secrets, of which no variable of an environment can have one."""
_SHORTEST_QUOTED = 6
_STRING = r'"(?:[^"\\]|\\.)*"'
_MEMBER = re.compile(
    rf"(?P<name>{_STRING})(?P<colon>\s*:\s*)(?P<value>{_STRING})?|(?P<item>{_STRING})", re.DOTALL
)
_PROSE = frozenset({'"Cause"', '"cause"', '"errorMessage"'})
"""Members of JSON whose text is prose."""


def marked(text: str) -> str:
    """The text as one to be hidden as a whole, for a place among the values of secrets."""
    return _MARK + text


def without_marked(values: Iterable[str]) -> tuple[str, ...]:
    """The values of secrets alone."""
    return tuple(value for value in values if not value.startswith(_MARK))


def only_marked(values: Iterable[str]) -> tuple[str, ...]:
    """The marked texts, without their mark."""
    return tuple(value.removeprefix(_MARK) for value in values if value.startswith(_MARK))


class WholeTexts:
    """Replaces such texts by stars."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = dict.fromkeys(text for text in texts if text)
        self._pieces = {text: secret_forms.plain_part(text) for text in self._texts}
        forms = {
            form
            for text in self._texts
            if len(text) >= _SHORTEST_QUOTED
            for form in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
        }
        # An escaped line's end is no letter of the word after it.
        longest_first = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
        self._quoted = re.compile(rf"(?:(?<!\w)|(?<=\\[nrt]))(?:{longest_first})(?!\w)") if forms else None

    def __bool__(self) -> bool:
        return bool(self._texts)

    def found_in(self, text: str) -> tuple[str, ...]:
        """Those that may stand in a text, marked."""
        return tuple(marked(each) for each, piece in self._pieces.items() if piece in text)

    def json_text(self, text: str) -> str:
        """A JSON text without them, where they are all of a string, or are quoted in what is a cause."""
        if not any(piece in text for piece in self._pieces.values()):
            return text
        return _MEMBER.sub(self._member, text)

    def prose(self, text: str) -> str:
        """A cause, which may be JSON, or a line of a log, without them."""
        if text in self._texts:
            return STARS
        if not any(piece in text for piece in self._pieces.values()):
            return text
        if text[:1] in ("{", "[", '"'):
            text = self.json_text(text)
        return text if self._quoted is None else self._quoted.sub(STARS, text)

    def _member(self, found: re.Match[str]) -> str:
        if found["item"] is not None:
            return self._value(found["item"], prose=False)
        value = found["value"]
        told = "" if value is None else self._value(value, prose=found["name"] in _PROSE)
        return f"{found['name']}{found['colon']}{told}"

    def _value(self, written: str, *, prose: bool) -> str:
        try:
            text = json.loads(written, strict=False)
        except ValueError:
            return written
        told = self.prose(text) if prose else STARS if text in self._texts else text
        return written if told == text else json.dumps(told, ensure_ascii=False)
