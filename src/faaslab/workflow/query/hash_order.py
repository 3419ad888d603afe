"""The order in which Step Functions gives unique items: that of a hash set of Java, in which it is written.

Rule: the same items come in the same order everywhere, as Java fixes what the hash of each value is.
"""

from __future__ import annotations

import struct
from typing import Any

from faaslab.workflow.query.values import canonical

_WORD = 0xFFFF_FFFF
_SMALLEST_TABLE = 16


def unique(items: list[Any]) -> list[Any]:
    """Each item once, the first of those that are equal; 1 and 1.0 are not, for Java."""
    table = _SMALLEST_TABLE
    while table < len(items) * 4 // 3 + 1:
        table *= 2
    found: dict[str, tuple[int, Any]] = {}
    for item in items:
        key = canonical(item)
        if key not in found:
            code = hash_code(item)
            found[key] = ((code ^ code >> 16) & table - 1, item)
    return [item for _, item in sorted(found.values(), key=lambda placed: placed[0])]


def hash_code(value: Any) -> int:
    """Java's hash of a JSON value, as 32 bits without a sign."""
    # Children before what holds them, so that no depth of nesting is a recursion.
    todo: list[tuple[bool, Any]] = [(False, value)]
    done: list[int] = []
    while todo:
        ready, item = todo.pop()
        if ready:
            inner = done[len(done) - len(item) :]
            del done[len(done) - len(item) :]
            if isinstance(item, dict):
                pairs = zip(item, inner, strict=True)
                done.append(sum(_of_text(name) ^ code for name, code in pairs) & _WORD)
            else:
                code = 1
                for one in inner:
                    code = (31 * code + one) & _WORD
                done.append(code)
        elif isinstance(item, dict | list):
            todo.append((True, item))
            inside = list(item.values()) if isinstance(item, dict) else item
            todo += [(False, one) for one in reversed(inside)]
        else:
            done.append(_of_scalar(item))
    return done[0]


def _of_scalar(item: Any) -> int:
    if item is None:
        return 0
    if isinstance(item, bool):
        return 1231 if item else 1237
    if isinstance(item, str):
        return _of_text(item)
    if isinstance(item, float):
        bits = int.from_bytes(struct.pack(">d", item), "big")
        return (bits ^ bits >> 32) & _WORD
    if -(2**31) <= item < 2**31:
        return int(item) & _WORD
    if -(2**63) <= item < 2**63:
        bits = int(item) & 0xFFFF_FFFF_FFFF_FFFF
        return (bits ^ bits >> 32) & _WORD
    size, code = abs(item), 0
    for place in reversed(range((size.bit_length() + 31) // 32)):
        code = (31 * code + (size >> 32 * place & _WORD)) & _WORD
    return code if item > 0 else -code & _WORD


def _of_text(text: str) -> int:
    code = 0
    for (unit,) in struct.iter_unpack(">H", text.encode("utf-16-be", "surrogatepass")):
        code = (31 * code + unit) & _WORD
    return code
