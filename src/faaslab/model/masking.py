"""The values of secrets, kept out of what is recorded.

Rule: a value is replaced wherever it stands, in all the forms that `secret_forms` lists; of a value with
several lines each line that says anything, and all of it where its lines follow each other in a log. What is
marked as the setting `redact`'s is hidden as `whole_texts` says. Pure.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from faaslab.model import secret_encodings, secret_forms
from faaslab.model.whole_texts import STARS, WholeTexts, only_marked, without_marked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SHORTEST = 3
_SHORTEST_LINE = 4
"""Of a value with several lines: a brace by itself is no secret, and would blot out every log."""
_SHORTEST_ENCODED = 6
"""The hex or the base64 of less stands in many a text by chance."""
_LONG = 64 * 1024
"""Only a line with so many characters can be the first part of one that was cut (`logs.LogPipe`)."""

_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[^"\s,:\[\]{}]+', re.DOTALL)
"""A string of JSON, or a value that is none."""


class Mask:
    """Replaces the values of secrets by stars."""

    def __init__(self, values: Iterable[str]) -> None:
        self.values = tuple(dict.fromkeys(values))
        forms: dict[str, str] = {}
        self._parts: dict[str, str] = {}
        """Form -> what it is one of: a value, or a line of one."""
        several: set[str] = set()
        self._whole_texts = WholeTexts(only_marked(self.values))
        for value in without_marked(self.values):
            # A line of a key file may stand alone in a log.
            lines = [line for whole in value.splitlines() for line in (whole, whole.strip())]
            if "\n" in value.strip():
                several.add("\n".join(value.strip().splitlines()))
            for part in {value, value.strip(), *(line for line in lines if len(line) >= _SHORTEST_LINE)}:
                if len(part) >= _SHORTEST:
                    plain = secret_forms.plain_part(part)
                    written = secret_forms.of(part)
                    forms |= {form: plain if plain in form else "" for form in written}
                    self._parts |= dict.fromkeys(written, part)
            for part in {value, value.strip()}:
                if len(part) >= _SHORTEST_ENCODED:
                    written = secret_encodings.encoded(part) - self._parts.keys()
                    forms |= dict.fromkeys(written, "")
                    self._parts |= dict.fromkeys(written, part)
        self._several = sorted(several, key=len, reverse=True)
        self._texts = sorted(forms, key=len, reverse=True)
        self._plain = [forms[text] for text in self._texts]
        """Of each a piece that stands in it: where that is not found, the whole need not be looked for."""
        self._pieces = dict.fromkeys(self._plain)

    def __bool__(self) -> bool:
        return bool(self._texts or self._whole_texts)

    def prose(self, text: str) -> str:
        """A cause, or another text for people, without the values and what it quotes of `redact`'s."""
        return self._whole_texts.prose(self.text(text))

    def text(self, text: str) -> str:
        """The text without the values; what is `redact`'s is left in it."""
        found = {piece for piece in self._pieces if piece in text}
        if not found:
            return text
        for value, piece in zip(self._texts, self._plain, strict=True):
            if piece in found and value in text:
                text = text.replace(value, STARS)
        return text

    def json_text(self, text: str) -> str:
        """A JSON text without the values, which is JSON as well; any other text as `text` has it.

        Stars in the place of a number, or of an object that is all of a value, are put in quotes; of a text
        that is no JSON even so nothing but stars is left.
        """
        return self._whole_texts.json_text(self._json_text(text))

    def _json_text(self, text: str) -> str:
        told = self.text(text)
        if told == text or _is_json(told) or not _is_json(text):
            return told
        quoted = _PART.sub(lambda found: found[0] if found[0][0] == '"' else _quoted(found[0]), told)
        return quoted if _is_json(quoted) else f'"{STARS}"'

    def found_in(self, text: str) -> tuple[str, ...]:
        """The values that stand in a text in any form, of one with several lines the lines that do."""
        pieces = {piece for piece in self._pieces if piece in text}
        found: dict[str, None] = {}
        for form, piece in zip(self._texts, self._plain, strict=True):
            if piece in pieces and form in text:
                found[self._parts[form]] = None
                text = text.replace(form, STARS)
        return (*found, *self._whole_texts.found_in(text))

    def lines(self, lines: Sequence[str]) -> list[str]:
        """The lines of a log, as many as before: a value may go on from one to the next."""
        told = self._whole(list(lines)) if self._several else list(lines)
        for place, line in enumerate(lines[:-1]):
            if len(line) >= _LONG:
                told[place : place + 2] = self._over(*told[place : place + 2])
        # One search over all of them, as most logs have nothing, and most lines of the others.
        found = self._forms_in("\n".join(told))
        if found:
            told = [self.text(line) if any(form in line for form in found) else line for line in told]
        return [self._whole_texts.prose(line) for line in told] if self._whole_texts else told

    def _forms_in(self, text: str) -> list[str]:
        """The forms that stand in a text, the longest first."""
        pieces = {piece for piece in self._pieces if piece in text}
        forms = zip(self._texts, self._plain, strict=True)
        return [form for form, piece in forms if piece in pieces and form in text]

    def settled(self, lines: Sequence[str]) -> int:
        """How many of these lines can be told by now: in the last ones a value may have begun."""
        told = len(lines)
        while told and len(lines[told - 1]) >= _LONG:
            told -= 1
        for value in self._several:
            parts = value.split("\n")
            for count in range(min(len(parts) - 1, len(lines)), 0, -1):
                tail = "\n".join(lines[len(lines) - count :])
                if tail.endswith("\n".join(parts[:count])):
                    told = min(told, len(lines) - count)
                    break
        return told

    def _whole(self, lines: list[str]) -> list[str]:
        """Without the values of several lines."""
        joined = "\n".join(lines)
        before = joined
        for value in self._several:
            if value in joined:
                joined = joined.replace(value, "\n".join([STARS] * (value.count("\n") + 1)))
        if joined == before:
            return lines
        parts = iter(joined.split("\n"))
        return ["\n".join(next(parts) for _ in range(line.count("\n") + 1)) for line in lines]

    def _over(self, first: str, second: str) -> tuple[str, str]:
        """The two parts of a line that was cut, without a value that was cut as well."""
        for value in self._texts:
            end, begin = first[1 - len(value) :], second[: len(value) - 1]
            at = (end + begin).find(value)
            if at >= 0:
                first = first[: len(first) - len(end) + at] + STARS
                second = second[at + len(value) - len(end) :]
        return first, second

    def body(self, body: bytes) -> bytes:
        """The bytes without the values."""
        if self._whole_texts:
            told = body.decode("utf-8", "surrogateescape")
            body = self._whole_texts.json_text(told).encode("utf-8", "surrogateescape")
        found = {piece for piece in self._pieces if piece.encode() in body}
        if not found:
            return body
        for value, piece in zip(self._texts, self._plain, strict=True):
            if piece in found and (written := value.encode("utf-8", "surrogatepass")) in body:
                body = body.replace(written, STARS.encode())
        return body


def _quoted(part: str) -> str:
    return f'"{STARS}"' if STARS in part else part


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


@lru_cache(maxsize=64)
def mask_of(values: tuple[str, ...]) -> Mask:
    """The mask of these values, which many texts in a row are asked with; in memory alone."""
    return Mask(values)
