"""Encodings in which a secret may stand: base64 (wherever in it), hex, percents; see `secret_forms`.

Other than escapes these keep none of its letters. Pure.
"""

from __future__ import annotations

import base64
import re
from urllib.parse import quote, quote_plus

_LEAST_BASE64 = 6
"""Letters; what is shorter stands in many a base64 by chance."""


def encoded(secret: str) -> frozenset[str]:
    """What is written of its bytes; nothing for an empty one."""
    raw = secret.encode("utf-8", "surrogatepass")
    if not raw:
        return frozenset()
    return frozenset(_percents(raw) | _hexes(raw) | _base64(raw))


def _percents(raw: bytes) -> set[str]:
    found = {quote(raw), quote(raw, safe=""), quote_plus(raw), "".join(f"%{byte:02X}" for byte in raw)}
    return found | {re.sub("%..", lambda percent: percent[0].lower(), each) for each in found}


def _hexes(raw: bytes) -> set[str]:
    found = {raw.hex(), *(raw.hex(mark) for mark in ":- ")}
    return found | {each.upper() for each in found} | {"".join(f"\\x{byte:02x}" for byte in raw)}


def _base64(raw: bytes) -> set[str]:
    """What stands in the base64 of any text that has `raw` in it: another for each place modulo three.

    The letters at its ends are made of its neighbours as well, and left out.
    """
    found = {base64.b64encode(raw)}
    for ahead in range(3):
        written = base64.b64encode(bytes(ahead) + raw)
        found.add(written[-(-8 * ahead // 6) : 8 * (ahead + len(raw)) // 6])
    long = {each.decode() for each in found if len(each.rstrip(b"=")) >= _LEAST_BASE64}
    long |= {each.replace("+", "-").replace("/", "_") for each in long}
    return long | {each.rstrip("=") for each in long} | {quote(each, safe="") for each in long}
