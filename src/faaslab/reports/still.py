"""HTML that stands still: what a notebook shows, without anything that loads, runs, leads away or breaks out.

The page's Content-Security-Policy forbids requests and scripts already; what it does not cover (a refresh, a
connection made ahead) and what it would leave as a gap on the page is taken out here. Pure. What comes out
is written anew from what was read, so that a browser reads it as it was meant: every `<` of it is ours.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

_VOID = frozenset(
    (
        "area", "base", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta", "param",
        "source", "track", "wbr",
    )
)  # fmt: skip
_WITH_CONTENT = frozenset(
    (
        "applet", "frameset", "iframe", "noembed", "noframes", "noscript", "object", "plaintext", "portal",
        "script", "template", "title", "xmp",
    )
)  # fmt: skip
"""Left out with all that is in them. (The `title` of a part of a picture stays.)"""

_TAGS = frozenset(
    ("base", "body", "embed", "form", "frame", "head", "html", "link", "meta", "param", "source", "track")
)
"""Left out; what is in them stays."""

_FOREIGN = frozenset(("svg", "math"))
_DROPPED = frozenset(
    (
        "accesskey", "action", "autofocus", "autoplay", "background", "command", "commandfor",
        "contenteditable", "formaction", "http-equiv", "imagesrcset", "interestfor", "manifest", "nonce",
        "ping", "popover", "popovertarget", "popovertargetaction", "srcdoc", "srcset",
    )
)  # fmt: skip
_MOVING = frozenset(("animate", "set"))
_LOADING = frozenset(("src", "poster", "data", "xlink:href", "href"))
_DEEPEST = 500
"""Elements within each other; of what is deeper the text stays, as browsers have it."""

_NAME = re.compile(r"[a-zA-Z_:][-\w:.]*")
_AWAY = re.compile(
    r"url\(\s*['\"]?\s*(?!['\"]?\s*(?:data:|#))[^)]*\)?|@import[^;]*;?|image-set\([^)]*\)?", re.IGNORECASE
)
_HEADING = re.compile(r"<h2((?: [^<>]*)?)>(.*?)</h2>", re.DOTALL)
_ID = re.compile(r' id="([^"]*)"')
_MARKUP = re.compile(r"<[^<>]*>")


def still(markup: str) -> str:
    """`markup`, a fragment of HTML or SVG, as one that stands still; what was left open is closed."""
    # Comments that never end are looked through to the end by each of them.
    ended = markup.rfind("-->") + 1
    reader = _Reader()
    reader.feed(markup[:ended] + markup[ended:].replace("<!--", " "))
    reader.close()
    return reader.ended()


def with_contents(markup: str, *, least: int = 4) -> tuple[str, tuple[tuple[str, str], ...]]:
    """(`markup` with an id at each h2, the (id, text) of these); no contents below `least` of them."""
    found: list[tuple[str, str]] = []

    def named(heading: re.Match[str]) -> str:
        attributes, inner = heading[1], heading[2]
        there = _ID.search(attributes)
        name = html.unescape(there[1]) if there else f"part-{len(found) + 1}"
        text = html.unescape(_MARKUP.sub("", inner)).replace("¶", "").strip()
        found.append((name, text))
        return heading[0] if there else f'<h2{attributes} id="{name}">{inner}</h2>'

    changed = _HEADING.sub(named, markup)
    shown = tuple((name, text) for name, text in found if text)
    return changed, shown if len(shown) >= least else ()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._open: list[str] = []
        self._skipped: list[str] = []

    def ended(self) -> str:
        """What was read, with everything closed."""
        return "".join([*self._out, *(f"</{tag}>" for tag in reversed(self._open))])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that opens, or a void one."""
        if tag in _WITH_CONTENT and not (tag == "title" and self._in_a_picture()):
            self._skipped.append(tag)
        if self._skipped or tag in _TAGS or not _NAME.fullmatch(tag) or len(self._open) >= _DEEPEST:
            return
        if tag in _MOVING and _bare(dict(attrs).get("attributename") or "") in ("href", "xlink:href"):
            return  # it would lead elsewhere than it looks
        if tag == "img" and not _loads_nothing(dict(attrs).get("src") or ""):
            self._out.append(_unloaded(dict(attrs)))
            return
        kept = "".join(
            f' {name}="{html.escape(value)}"' if value is not None else f" {name}"
            for name, value in _attributes(tag, attrs)
        )
        self._out.append(f"<{tag}{kept}>")
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<path/>` is closed in a picture; in HTML the slash says nothing."""
        foreign = self._in_a_picture() or tag in _FOREIGN
        if tag in _WITH_CONTENT:
            if not foreign:
                self.handle_starttag(tag, attrs)
            return
        before = len(self._open)
        self.handle_starttag(tag, attrs)
        if foreign and len(self._open) > before:
            self._out.append(f"</{self._open.pop()}>")

    def _in_a_picture(self) -> bool:
        return any(each in _FOREIGN for each in self._open)

    def handle_endtag(self, tag: str) -> None:
        """A tag that closes one of ours; one that closes nothing is left out."""
        if self._skipped:
            if tag in self._skipped:
                del self._skipped[self._skipped.index(tag) :]
            return
        if tag in self._open:
            while True:
                closed = self._open.pop()
                self._out.append(f"</{closed}>")
                if closed == tag:
                    return

    def handle_data(self, data: str) -> None:
        """Text; in a style sheet, what would load something is taken out."""
        if self._skipped:
            return
        if self._open and self._open[-1] == "style":
            sheet = data.replace("<![CDATA[", "").replace("]]>", "")
            self._out.append(_AWAY.sub("none", sheet).replace("<", "\\3c "))
        else:
            self._out.append(html.escape(data, quote=False))


def _attributes(tag: str, attrs: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    kept: dict[str, str | None] = {}
    for name, value in attrs:
        if name in kept or not _NAME.fullmatch(name) or name.startswith("on") or name in _DROPPED:
            continue
        if name == "style" and value is not None:
            kept[name] = _AWAY.sub("none", value)
        elif name in _LOADING:
            if _leads(value or "") if tag == "a" else _loads_nothing(value or ""):
                kept[name] = value
        else:
            kept[name] = value
    if tag == "a" and "target" in kept:
        kept["rel"] = "noopener noreferrer"
    return list(kept.items())


def _bare(address: str) -> str:
    """As a browser reads it: without blanks and controls in it, in small letters."""
    return re.sub(r"[\x00-\x20]+", "", address).lower()


def _loads_nothing(address: str) -> bool:
    """Whether it is in the page already: a picture as data, or a place of the page."""
    bare = _bare(address)
    return bare.startswith(("data:image/", "data:font/", "data:audio/", "data:video/", "#"))


def _leads(address: str) -> bool:
    """Whether a click on it is what it looks like: it opens an address."""
    bare = _bare(address)
    scheme = re.match(r"[a-z][a-z0-9+.-]*:", bare)
    return scheme is None or scheme[0] in ("http:", "https:", "mailto:")


def _unloaded(attributes: dict[str, str | None]) -> str:
    told = attributes.get("alt") or attributes.get("src") or ""
    told = told if len(told) <= 200 else f"{told[:199]}…"
    return f'<span class="unloaded">[a picture that is not in the page: {html.escape(told)}]</span>'
