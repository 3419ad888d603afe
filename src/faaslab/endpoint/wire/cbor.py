"""CBOR as Smithy's protocols use it: plain types, floats and moments, and nothing that builds an object.

RFC 8949, https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html. Lengths that a body claims are
believed only as far as the body goes, and nesting is bounded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from faaslab.endpoint.wire import moments

DEEPEST = 100
SIMPLE = {20: False, 21: True, 22: None, 23: None}
FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
LENGTHS = {24: (">B", 1), 25: (">H", 2), 26: (">I", 4), 27: (">Q", 8)}
BREAK = 0xFF
INDEFINITE = 31
MOMENT_TAG = 1
BIG_NUMBER_TAGS = (2, 3)


def loads(data: bytes) -> Any:
    """The one value that the bytes are; raises ValueError for anything else."""
    reader = _Reader(data)
    try:
        value = reader.value(0)
    except (IndexError, struct.error, OverflowError, TypeError):
        raise ValueError("The CBOR is broken") from None
    if reader.place != len(data):
        raise ValueError("There is more than one value")
    return value


class _Reader:
    """Reads values one after another."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise ValueError("The CBOR is nested too deep")
        first = self._data[self.place]
        self.place += 1
        kind, more = first >> 5, first & 0x1F
        if kind == 0:
            return self._number(more)
        if kind == 1:
            return -1 - self._number(more)
        if kind == 2:
            return self._bytes(kind, more)
        if kind == 3:
            return self._bytes(kind, more).decode()
        if kind == 4:
            return list(self._items(more, depth))
        if kind == 5:
            return self._map(more, depth)
        if kind == 6:
            return _tagged(self._number(more), self.value(depth + 1))
        return self._simple(more)

    def _number(self, more: int) -> int:
        if more < 24:
            return more
        if more not in LENGTHS:
            raise ValueError(f"{more} is no length")
        form, size = LENGTHS[more]
        number: int = struct.unpack_from(form, self._data, self.place)[0]
        self.place += size
        return number

    def _bytes(self, kind: int, more: int) -> bytes:
        if more == INDEFINITE:
            parts = []
            while not self._broken():
                first = self._data[self.place]
                self.place += 1
                if first >> 5 != kind or first & 0x1F == INDEFINITE:
                    raise ValueError("A part of a text is something else")
                parts.append(self._bytes(kind, first & 0x1F))
            return b"".join(parts)
        length = self._number(more)
        end = self.place + length
        if end > len(self._data):
            raise ValueError("The CBOR ends early")
        found = self._data[self.place : end]
        self.place = end
        return found

    def _items(self, more: int, depth: int) -> Iterator[Any]:
        if more == INDEFINITE:
            while not self._broken():
                yield self.value(depth + 1)
            return
        for _ in range(self._number(more)):
            yield self.value(depth + 1)

    def _map(self, more: int, depth: int) -> dict[Any, Any]:
        found = {}
        left = -1 if more == INDEFINITE else self._number(more)
        while left and not (left < 0 and self._broken()):
            key = self.value(depth + 1)
            found[key] = self.value(depth + 1)
            left -= left > 0
        return found

    def _broken(self) -> bool:
        if self._data[self.place] != BREAK:
            return False
        self.place += 1
        return True

    def _simple(self, more: int) -> Any:
        if more in SIMPLE:
            return SIMPLE[more]
        if more not in FLOATS:
            raise ValueError(f"{more} is no simple value")
        form, size = FLOATS[more]
        number = struct.unpack_from(form, self._data, self.place)[0]
        self.place += size
        return number


def _tagged(tag: int, value: Any) -> Any:
    if tag == MOMENT_TAG and isinstance(value, int | float) and not isinstance(value, bool):
        return moments.from_seconds(value)
    if tag in BIG_NUMBER_TAGS and isinstance(value, bytes) and len(value) <= 64:
        number = int.from_bytes(value, "big")
        return number if tag == 2 else -1 - number
    raise ValueError(f"There is no value with the tag {tag}")


def dumps(value: Any) -> bytes:
    """A value of plain types, bytes and moments as CBOR."""
    out = bytearray()
    _write(out, value)
    return bytes(out)


def _write(out: bytearray, value: Any) -> None:
    if value is None:
        out.append(0xF6)
    elif isinstance(value, bool):
        out.append(0xF5 if value else 0xF4)
    elif isinstance(value, int):
        if -(1 << 64) <= value < 1 << 64:
            _head(out, 0 if value >= 0 else 1, value if value >= 0 else -1 - value)
        else:
            _write(out, float(value))
    elif isinstance(value, float):
        out += struct.pack(">Bd", 0xFB, value)
    elif isinstance(value, str):
        text = value.encode("utf-8", "replace")
        _head(out, 3, len(text))
        out += text
    elif isinstance(value, bytes):
        _head(out, 2, len(value))
        out += value
    elif isinstance(value, datetime):
        _head(out, 6, MOMENT_TAG)
        _write(out, float(moments.to_seconds(value)))
    elif isinstance(value, Mapping):
        _head(out, 5, len(value))
        for key, each in value.items():
            _write(out, key)
            _write(out, each)
    else:
        _head(out, 4, len(value))
        for each in value:
            _write(out, each)


def _head(out: bytearray, kind: int, number: int) -> None:
    if number < 24:
        out.append(kind << 5 | number)
        return
    for more, (form, size) in LENGTHS.items():
        if number < 1 << (8 * size):
            out.append(kind << 5 | more)
            out += struct.pack(form, number)
            return
