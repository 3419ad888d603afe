"""A page of analysis: a headline in words, sections of prose, figures and tables; as HTML or as plain text.

It needs no script, no style sheet and no network: figures stand in it as SVG pictures, and colours are the
reader's (light or dark). Text may have `code` and **strong** in it; everything else is escaped.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from faaslab.monitoring.pages import figures, words

_ABOVE = "font-weight:600;font-size:.92em;margin:1.4em 0 .3em;break-after:avoid"
_WITH_WHAT_FOLLOWS = ' style="break-after:avoid"'
_SOFT = "opacity:.75;font-size:.92em"
_LEFT = (words.text, words.clipped)
_CELL = {
    "left": "text-align:left",
    "short": "text-align:left;white-space:nowrap",
    "right": "text-align:right;white-space:nowrap",
}
_UNITS = re.compile(r"(\d) (%|ms|s|min|h|days|MB|×)(?![\w])")
_SIDEWAYS = '<div class="sideways" style="overflow-x:auto">'
_NARROWEST = "34rem"
"""A figure is not made narrower than this, but moved sideways: its writing stays legible."""
_IN_JUPYTERLAB = (
    '<style>[data-jp-theme-light="false"] img.faas-figure{color-scheme:dark}'
    '[data-jp-theme-light="true"] img.faas-figure{color-scheme:light}</style>'
)
_FEW = 2
_LONG = 28
"""A text of more characters than this may be broken into lines."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A DataFrame with, for each column that is shown, its heading and how its values are written."""

    df: pd.DataFrame
    columns: Mapping[str, tuple[str, Callable[[Any], str]]]
    caption: str = ""
    limit: int = 12
    """So many rows are shown, and a few more if those are all; the rest is counted."""
    behind: str = ""
    """What it tells, where a figure tells it already: it is folded then, for those who read."""

    @property
    def left_out(self) -> int:
        """How many rows are not shown: none, or more than the line that says so takes room for."""
        left = len(self.df) - self.limit
        return left if left > _FEW else 0

    def cells(self) -> list[list[str]]:
        """The shown rows, written out."""
        return [
            [write(row[name]) for name, (_, write) in self.columns.items()]
            for row in self.df.head(len(self.df) - self.left_out).to_dict("records")
        ]


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A figure under what one sees in it, and what it shows in words, for those who do not."""

    figure: Figure
    alt: str
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Points:
    """A list of sentences."""

    items: tuple[str, ...]


Part = str | Plot | Table | Points


@dataclass(frozen=True, kw_only=True)
class Section:
    """A title and what stands under it: paragraphs, lists, figures, tables."""

    title: str
    parts: tuple[Part, ...]

    @property
    def tables(self) -> tuple[pd.DataFrame, ...]:
        """The DataFrames under its tables, with all their columns and rows."""
        return tuple(part.df for part in self.parts if isinstance(part, Table))

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Its matplotlib Figures."""
        return tuple(part.figure for part in self.parts if isinstance(part, Plot))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self._html(), "text/plain": str(self)}

    def _html(self) -> str:
        following = [*self.parts[1:], None]
        body = "".join(
            _part_html(part, before=after is not None)
            for part, after in zip(self.parts, following, strict=True)
        )
        style = _IN_JUPYTERLAB if self.figures else ""
        return f"<h2>{_inline(self.title)}</h2>{style}{body}"

    def __str__(self) -> str:
        lines = [self.title, "=" * len(self.title)]
        for part in self.parts:
            lines += ["", *_part_text(part)]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page. Shown by itself it is its headline and what that stands on; `section` has the rest."""

    title: str
    headline: tuple[str, ...]
    basis: tuple[str, ...] = ()
    """Where the figures come from, and what must be borne in mind."""
    sections: Mapping[str, Section] = field(default_factory=dict)

    def section(self, name: str) -> Section | None:
        """The section of that name; None (a cell then shows nothing) when there is nothing to say."""
        return self.sections.get(name)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        first, *more = self.headline
        lead = f'<p style="font-size:1.25em;line-height:1.45">{_inline(first)}</p>'
        rest = "".join(f"<p>{_inline(line)}</p>" for line in more)
        basis = "<br>".join(_inline(line) for line in self.basis)
        foot = f'<p style="{_SOFT}">{basis}</p>' if basis else ""
        return {
            "text/html": f"{lead}{rest}{foot}",
            "text/plain": str(self),
        }

    def __str__(self) -> str:
        lines = [self.title, "=" * len(self.title), *self.headline]
        return "\n".join([_plain(line) for line in lines] + ["", *map(_plain, self.basis)]).rstrip()

    def __repr__(self) -> str:
        return str(self)


def _inline(text: str) -> str:
    escaped = _UNITS.sub("\\1\u00a0\\2", html.escape(text, quote=False))
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", escaped)


def _plain(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"\1", re.sub(r"\*\*([^*]+)\*\*", r"\1", text))


def _part_html(part: Part, *, before: bool = False) -> str:
    """`before`: more of its section follows it, which a sentence goes with onto the next sheet of paper."""
    if isinstance(part, Plot):
        data = base64.b64encode(figures.svg(part.figure).encode()).decode()
        width = round(part.figure.get_figwidth() * 96)
        title = f'<p class="above" style="{_ABOVE}">{_inline(part.title)}</p>' if part.title else ""
        return (
            f'{title}{_SIDEWAYS}<img src="data:image/svg+xml;base64,{data}" class="faas-figure" '
            f'alt="{html.escape(_plain(part.alt))}" width="{width}" '
            f'style="max-width:max(100%, {_NARROWEST});height:auto"></div>'
        )
    if isinstance(part, Table):
        return _table_html(part)
    if isinstance(part, Points):
        return "<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in part.items) + "</ul>"
    return f"<p{_WITH_WHAT_FOLLOWS if before else ''}>{_inline(part)}</p>"


def _part_text(part: Part) -> list[str]:
    if isinstance(part, Plot):
        return [*([_plain(part.title)] if part.title else []), f"[{_plain(part.alt)}]"]
    if isinstance(part, Table):
        rows = [[heading for heading, _ in part.columns.values()], *part.cells()]
        widths = [max(len(row[index]) for row in rows) for index in range(len(part.columns))]
        return [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
    if isinstance(part, Points):
        return [f"- {_plain(item)}" for item in part.items]
    return [_plain(part)]


def _table_html(table: Table) -> str:
    align = ["left" if write in _LEFT else "right" for _, write in table.columns.values()]
    head = "".join(
        f'<th style="text-align:{side}">{html.escape(heading)}</th>'
        for side, (heading, _) in zip(align, table.columns.values(), strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="{_CELL["short" if side == "left" and len(cell) <= _LONG else side]}">'
            f"{html.escape(cell)}</td>"
            for side, cell in zip(align, row, strict=True)
        )
        + "</tr>"
        for row in table.cells()
    )
    left = table.left_out
    notes = [table.caption, f"{words.of(left, 'more row')} not shown." if left else ""]
    foot = " ".join(filter(None, notes))
    note = f'<p style="{_SOFT}">{_inline(foot)}</p>' if foot else ""
    whole = f"{_SIDEWAYS}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}"
    if table.behind:
        return (
            f'<details class="behind"><summary style="{_SOFT};cursor:pointer">{_inline(table.behind)}'
            f"</summary>{whole}</details>"
        )
    return whole
