"""The match expressions of event patterns: what makes one value match.

Rule: a test takes time in proportion to the value and to the expression, whatever was written in either.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from faaslab.model.wildcard import in_order

Test = Callable[[Any], bool]
"""Whether a scalar of an event (text, number, boolean, null) matches."""

MOST_STATES = 10
"""As many places of one wildcard expression may be reached at once; AWS tells no number, so this is the
least that refuses what AWS's documentation says is refused (`*:*:*:*:*:event-bus/*`)."""
TOO_COMPLEX = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences "
    "after a wildcard character"
)


def exactly(wanted: Any) -> Test:
    """Equal, numbers by their value (300 is 3.0e2), and neither `true` nor `1` is the other."""
    if isinstance(wanted, bool) or wanted is None:
        return lambda value: value is wanted
    if isinstance(wanted, str):
        return lambda value: isinstance(value, str) and value == wanted
    return lambda value: is_number(value) and value == wanted


def is_number(value: Any) -> bool:
    """Whether JSON calls it a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def beginning(text: str) -> Test:
    """Text that begins so."""
    return lambda value: isinstance(value, str) and value.startswith(text)


def ending(text: str) -> Test:
    """Text that ends so."""
    return lambda value: isinstance(value, str) and value.endswith(text)


def in_any_case(test: Callable[[str], Test], text: str) -> Test:
    """The same test, with capital letters and small ones alike."""
    small = test(text.lower())
    return lambda value: isinstance(value, str) and small(value.lower())


def anything_but(tests: list[Test]) -> Test:
    """A value that is there and that none of the tests matches."""
    return lambda value: not any(test(value) for test in tests)


def between(low: float | None, high: float | None, *, with_low: bool, with_high: bool) -> Test:
    """A number in the range; None is no bound."""

    def test(value: Any) -> bool:
        if not is_number(value):
            return False
        above = low is None or value > low or (with_low and value == low)
        below = high is None or value < high or (with_high and value == high)
        return above and below

    return test


def in_network(written: str) -> Test:
    """An IP address in the block; ValueError for what is none."""
    if "/" not in written:
        raise ValueError("Malformed CIDR, one '/' required")
    try:
        network = ipaddress.ip_network(written, strict=False)
    except ValueError:
        raise ValueError(f"Malformed CIDR, bad IP or mask: {written}") from None

    def test(value: Any) -> bool:
        if not isinstance(value, str) or len(value) > 64:
            return False
        try:
            return ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test


def wildcard(written: str) -> Test:
    """Text with `*` for any, also no, characters, itself after a backslash. ValueError in AWS's words."""
    parts = _wildcard_parts(written)
    if _states_at_once(parts) >= MOST_STATES:
        raise ValueError(TOO_COMPLEX)
    if len(parts) == 1:
        return exactly(parts[0])
    found = in_order(parts)
    return lambda value: isinstance(value, str) and found(value)


def _wildcard_parts(written: str) -> list[str]:
    """The texts between the stars."""
    parts, part, place = [], "", 0
    while place < len(written):
        character = written[place]
        if character == "*":
            if written[place + 1 : place + 2] == "*":
                # AWS counts in the value with its quotation marks.
                raise ValueError(f"Consecutive wildcard characters at pos {place + 1}")
            parts.append(part)
            part = ""
        elif character == "\\":
            place += 1
            if written[place : place + 1] not in {"*", "\\"}:
                raise ValueError(f"Invalid escape character at pos {place}")
            part += written[place]
        else:
            part += character
        place += 1
    return [*parts, part]


def _states_at_once(parts: list[str]) -> int:
    """In how many places of the expression a reader may be at the same time, at most.

    A reader that has passed a star stays there while it tries what follows; of what follows it can be in as
    many places as the text repeats itself.
    """
    if len(parts) == 1:
        return 1
    stars = len(parts) - 1
    return stars + sum(_overlaps(part) for part in parts[1:])


def _overlaps(part: str) -> int:
    """How many beginnings of a text, itself too, the longest chain of its borders has, at any place."""
    most = 1 if part else 0
    borders, chain = [0] * len(part), [1] * len(part)
    for place in range(1, len(part)):
        length = borders[place - 1]
        while length and part[place] != part[length]:
            length = borders[length - 1]
        length += part[place] == part[length]
        borders[place] = length
        chain[place] = 1 + (chain[length - 1] if length else 0)
        most = max(most, chain[place])
    return most
