"""How a report's page begins: its title, and what stands before its first section. Pure.

The sentences that a cell shows are wanted; a page whose cells show none gives its author's prose.
"""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

_MOST = 6
_LONG = 400
_HEAD_DEPTH = 3
"""A title in html and head; one that is deeper is a picture's."""
_UNTOLD = {"script", "style", "details", "pre", "table", "svg", "figure", "footer", "head", "title"}
_EMPTY = {
    "img",
    "br",
    "hr",
    "meta",
    "link",
    "input",
    "wbr",
    "col",
    "source",
    "base",
    "area",
    "embed",
    "track",
}


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A page's title ("" without one), and its first sentences, six at most."""

    title: str = ""
    headline: tuple[str, ...] = ()


def opening(page: str) -> Opening:
    """How a page of ours begins; nothing is told of one that has no such parts."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    told = reader.shown or reader.prose
    return Opening(
        title=" ".join(reader.title.split())[:_LONG],
        headline=tuple(each if len(each) <= _LONG else each[: _LONG - 1] + "…" for each in told[:_MOST]),
    )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.shown: list[str] = []
        self.prose: list[str] = []
        self.title = ""
        self._open: list[tuple[str, bool]] = []
        self._untold = 0
        self._output = 0
        self._text: list[str] | None = None
        self._ended = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _EMPTY:
            self.handle_data(" ")
            return
        given = dict(attrs)
        output = "output_html" in (given.get("class") or "").split()
        self._open.append((tag, output))
        self._untold += tag in _UNTOLD
        self._output += output
        if tag == "h2" and not self._untold:
            self._ended = True
        # What a page says of its own basis is in a softer ink.
        soft = "opacity" in (given.get("style") or "")
        if tag == "p" and not (self._untold or self._ended or soft or "failed" in (given.get("class") or "")):
            self._text = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "p" and self._text is not None:
            told = " ".join("".join(self._text).split())
            if told:
                (self.shown if self._output else self.prose).append(told)
            self._text = None
        if not any(name == tag for name, _ in self._open):
            return
        while self._open:
            name, output = self._open.pop()
            self._untold -= name in _UNTOLD
            self._output -= output
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] == "title" and len(self._open) <= _HEAD_DEPTH:
            self.title += data
        if self._text is not None:
            self._text.append(data)
