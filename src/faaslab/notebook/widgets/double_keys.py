"""A key that stands twice in an object of a JSON text, which `json` drops without a word. Pure."""

from __future__ import annotations

import json
from typing import Any


def double_key(text: str) -> str | None:
    """The first such key of a text that is JSON; None where every key stands once."""
    found: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> None:
        if not found and len(items) > 1:
            names: set[str] = set()
            for name, _ in items:
                if name in names:
                    found.append(name)
                    return
                names.add(name)

    json.loads(text, object_pairs_hook=pairs)
    return found[0] if found else None
