"""The six functions that Step Functions adds to JSONata; their errors are its own."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, NoReturn

from jsonata import jexception, jsonata, utils

from faaslab.workflow.query.jsonata_bounds import held
from faaslab.workflow.query.jsonata_values import inside, is_number

JException = jexception.JException
_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _unfit(name: str, index: int) -> NoReturn:
    raise JException("T0410", -1, index, name)


def _whole(value: Any, name: str, index: int) -> int:
    if not is_number(value) or not math.isfinite(value):
        _unfit(name, index)
    return int(value)


def parse(text: Any) -> Any:
    """`$parse`: the JSON value of a text; two texts, or a key twice, are none."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError
        return found

    def refused(_: str) -> NoReturn:
        raise ValueError

    if text is None:
        return None
    if not isinstance(text, str):
        _unfit("parse", 1)
    try:
        return inside(json.loads(text, object_pairs_hook=unique, parse_constant=refused))
    except (ValueError, RecursionError) as wrong:
        raise JException("D3137", -1, "Invalid JSON") from wrong


def partition(array: Any, size: Any) -> Any:
    """`$partition`: chunks of a size, the last perhaps smaller; nothing of nothing."""
    if array is None or array == []:
        return None
    if not isinstance(array, list):
        raise JException("T0412", -1, 1, "partition")
    if size is None:
        return [array]
    each = _whole(size, "partition", 2)
    if each < 0:
        raise JException("D3137", -1, "Second argument must be zero or greater")
    return [array[begin : begin + each] for begin in range(0, len(array), each)] if each else None


def range_(start: Any, end: Any, step: Any) -> Any:
    """`$range`: the numbers from start to end, both included; one of them is no list."""
    first, last = _whole(start, "range", 1), _whole(end, "range", 2)
    if step is None:
        return None
    by = _whole(step, "range", 3)
    if by == 0 or (by > 0 and first > last) or (by < 0 and first < last):
        return None
    numbers = range(first, last + (1 if by > 0 else -1), by)
    count = (last - first) // by + 1
    held(count, 8)
    return utils.Utils.create_sequence_from_iter(numbers)


def hash_(text: Any, algorithm: Any) -> Any:
    """`$hash`: the digest in hexadecimal digits."""
    if not isinstance(text, str):
        _unfit("hash", 1)
    if algorithm is None:
        return None
    if not isinstance(algorithm, str):
        _unfit("hash", 2)
    if algorithm not in _HASHES:
        known = "SHA-1, SHA-384, SHA-256, SHA-512, MD5"
        raise JException("D3137", -1, f"Hash algorithm '{algorithm}' must be one of {known}")
    return hashlib.new(_HASHES[algorithm], text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def random(seed: Any) -> float:
    """`$random`: with a seed the first number of a java.util.Random, as in Step Functions."""
    if seed is None:
        return float(jsonata.Jsonata.CURRENT.jsonata.chance.random())
    state = (_whole(seed, "random", 1) ^ 0x5DEECE66D) & (2**48 - 1)
    draws = []
    for bits in (26, 27):
        state = (state * 0x5DEECE66D + 0xB) & (2**48 - 1)
        draws.append(state >> (48 - bits))
    return float(((draws[0] << 27) + draws[1]) * 2.0**-53)


def uuid() -> str:
    """`$uuid`: of version 4."""
    bits = (
        jsonata.Jsonata.CURRENT.jsonata.chance.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62)
        | 4 << 76
        | 2 << 62
    )
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
