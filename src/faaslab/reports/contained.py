"""Keeps what an output of a cell says about style to that output: its sheets govern nothing else of the page.

Each sheet is wrapped in a `@scope` whose root is the output. One that could close that scope early, because
its braces do not pair or are written in a way that hides them, is left out. Pure.
"""

from __future__ import annotations

import re

_SHEET = re.compile(r"(<style(?: [^<>]*)?>)([^<]*)(</style>)")
_TOKEN = re.compile(
    r"""/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|url\(\s*(?!["'\s])[^)\\]*\)|\\3c\ |[{}"'\\]|/\*""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)


def contained(markup: str, number: int) -> str:
    """`markup`, as `still` gives it, with its sheets for itself; `number` is another for each output."""
    if "<style" not in markup:
        return markup
    root = f"output-{number}"

    def scoped(found: re.Match[str]) -> str:
        opened, sheet, closed = found.groups()
        return f"{opened}@scope (.{root}) {{{sheet}\n}}{closed}" if is_paired(sheet) else ""

    return f'<div class="{root}">{_SHEET.sub(scoped, markup)}</div>'


def is_paired(sheet: str) -> bool:
    """Whether every brace of a sheet of CSS has its other, as a browser reads them."""
    depth = 0
    for token in _TOKEN.findall(sheet):
        if token in ('"', "'", "\\", "/*"):
            return False
        depth += {"{": 1, "}": -1}.get(token, 0)
        if depth < 0:
            return False
    return depth == 0
