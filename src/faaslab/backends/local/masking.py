"""The values of secrets, kept out of what is recorded.

Rule: a value is replaced wherever it stands, as it is and as JSON writes it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

STARS = "****"
_SHORTEST = 3


class Mask:
    """Replaces the values of an environment's secrets by stars."""

    def __init__(self, values: Iterable[str]) -> None:
        forms: set[str] = set()
        for value in values:
            # A line of a key file may stand alone in a log.
            for part in (value, value.strip(), *(line for line in value.splitlines() if len(line) >= 8)):
                if len(part) >= _SHORTEST:
                    forms |= {part, json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1]}
                    forms |= {repr(part)[1:-1]}
        self._texts = sorted(forms, key=len, reverse=True)
        self._bytes = [text.encode("utf-8", "surrogatepass") for text in self._texts]

    def __bool__(self) -> bool:
        return bool(self._texts)

    def text(self, text: str) -> str:
        """The text without the values."""
        for value in self._texts:
            if value in text:
                text = text.replace(value, STARS)
        return text

    def body(self, body: bytes) -> bytes:
        """The bytes without the values."""
        for value in self._bytes:
            if value in body:
                body = body.replace(value, STARS.encode())
        return body
