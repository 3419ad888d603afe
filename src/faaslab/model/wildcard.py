"""Texts with stars in them, as event patterns, filters of logs and Choice rules know them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def in_order(parts: Sequence[str]) -> Callable[[str], bool]:
    """Whether a text is these parts, two or more, with anything between them; in linear time."""
    first, *middle, last = parts

    def test(value: str) -> bool:
        if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
            return False
        place, end = len(first), len(value) - len(last)
        for part in middle:
            # The earliest place leaves most for what follows, so there is never a reason to go back.
            found = value.find(part, place, end)
            if found < 0:
                return False
            place = found + len(part)
        return True

    return test
