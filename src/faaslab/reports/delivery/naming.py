"""What delivered files are called. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ODD = re.compile(r"[^\w.-]+", re.ASCII)
_LONG = 100
CONTENT_TYPES: Mapping[str, str] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "ipynb": "application/x-ipynb+json",
    "log": "text/plain; charset=utf-8",
}
LABELS: Mapping[str, str] = {"html": "page", "pdf": "PDF", "ipynb": "notebook", "log": "log"}
"""What people call them."""


def label(kind: str) -> str:
    """At the beginning of a line: `Page`, `PDF`."""
    name = LABELS.get(kind, kind)
    return name[:1].upper() + name[1:]


def file_name(stem: str, kind: str, run_id: str) -> str:
    """`weekly-20261123-070000-1a2b3c4d.html`: the same for the same run, and another's never.

    Letters, digits, dots, dashes and underscores, so that it means the same in a path, a key and an address.
    """
    plain = _ODD.sub("-", stem).strip(".-")[:_LONG] or "report"
    return f"{plain}-{_ODD.sub('', run_id)[:8]}.{_ODD.sub('', kind)}"


def is_made(name: str, kind: str, run_id: str) -> bool:
    """Whether `file_name` makes such a name for that run: any other was not delivered for it."""
    tail = file_name("report", kind, run_id).removeprefix("report")
    made = kind in CONTENT_TYPES and len(tail) == len(f"-12345678.{kind}") and name.endswith(tail)
    return made and file_name(name.removesuffix(tail), kind, run_id) == name
