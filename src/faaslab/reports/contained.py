"""Keeps what a notebook says about style to the cell or output that says it: nothing else is governed by it.

Each sheet is wrapped in a `@scope` whose root is what it stands in, and what is fixed or laid over others
stays within that. A sheet that could close its scope early, because its braces do not pair or are written in
a way that hides them, is left out; so is each rule that no scope holds (`@font-face`, `@property`, `@page`).
Pure.
"""

from __future__ import annotations

import re

_SHEET = re.compile(r"(<style(?: [^<>]*)?>)([^<]*)(</style>)")
_STYLED = re.compile(r' style="(?!text-align: ?(?:left|right|center);?")')
"""A style of an element; that of a column in a Markdown table moves nothing."""

_GLOBAL = re.compile(
    r"@(?!(?:media|supports|container|starting-style|(?:-webkit-|-moz-)?keyframes)(?![\w-]))", re.IGNORECASE
)
_TOKEN = re.compile(
    r"""
    /\*.*?\*/
    |"(?:\\.|[^"\\\n\r\f])*"|'(?:\\.|[^'\\\n\r\f])*'  # no line's end, of which CSS knows these three
    |(?<=[ \t\n\r\f:,(/])(?<!\\3c\ )url\([ \t\n\r\f]*(?:(?=["'])|[^"'()\\]*\))
    |\\3c\ |[{}"'\\]|/\*|url\(
    """,
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_UNREAD = frozenset({'"', "'", "\\", "/*", "url("})
"""Where a browser may read on in another way: a string or a comment without an end, `#url(`, `xurl(`."""


def contained(markup: str, number: int, *, cell: bool = False) -> str:
    """`markup`, as `still` gives it, with its style for itself; `number` is another for each.

    `cell`: it is no output, which the page contains, but all of a cell.
    """
    if "<style" not in markup and not (cell and _STYLED.search(markup)):
        return markup
    root = f"output-{number}"

    def scoped(found: re.Match[str]) -> str:
        opened, sheet, closed = found.groups()
        if not is_paired(sheet):
            return ""
        # A rule with a name that no browser knows is passed over, with its block.
        held = _GLOBAL.sub("@left-out-", sheet)
        return f"{opened}@scope (.{root}) {{{held}\n}}{closed}"

    classes = f"{root} contained" if cell else root
    return f'<div class="{classes}">{_SHEET.sub(scoped, markup)}</div>'


def is_paired(sheet: str) -> bool:
    """Whether every brace of a sheet of CSS has its other, as a browser reads them."""
    depth = 0
    for found in _TOKEN.finditer(sheet):  # one at a time: of an end that never comes none is looked for twice
        token = found[0].lower()
        if token in _UNREAD:
            return False
        depth += {"{": 1, "}": -1}.get(token, 0)
        if depth < 0:
            return False
    return depth == 0
