"""HTML that cannot be broken by what stands in it: pure building blocks.

Rule: every text that is not `Html` is escaped. There is no script, no address and no font to load; the
colours follow the page (JupyterLab's own variables where there are any, else the text's colour), so that a
view fits light and dark themes, saved notebooks and printed reports alike.
"""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

from faaslab.notebook.style import STYLE

if TYPE_CHECKING:
    from collections.abc import Iterable

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# What a page must not be told to do: control characters, and marks that turn the direction of the text.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_LINE = 72
_DEEP = 32
_LARGE = 100_000


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Html:
    """`value` as text between tags or in an attribute: escaped, without what a page could obey."""
    return Html(html.escape(seen(value), quote=True))


def seen(value: object) -> str:
    """`value` without what a page could obey, for a place that takes plain text, such as a button's label."""
    return _UNSEEN.sub("\ufffd", _ANSI.sub("", str(value)))


def tag(kind: str, *children: object, **attributes: object) -> Html:
    """An element. `None` and `""` children are left out; `class_` and `aria_label` lose their underscores.

    An attribute that is True stands alone, one that is None or False is left out.
    """
    said = "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{text(value)}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{kind}{said}>{joined(*children)}</{kind}>")


def joined(*children: object) -> Html:
    """The children one after the other, each escaped unless it is `Html`."""
    return Html(
        "".join(child if isinstance(child, Html) else text(child) for child in children if child is not None)
    )


def page(*children: object) -> Html:
    """A whole view. `$` in it is no mathematics."""
    sheet = Html(f"<style>{STYLE}</style>")
    return joined(sheet, tag("div", *children, class_="faas mathjax_ignore tex2jax_ignore"))


def box(*children: object, hue: str | None = None, fit: bool = False) -> Html:
    """A framed block; with `fit` as narrow as what is in it."""
    return tag("div", *children, class_=" ".join(["box", *([hue] if hue else []), *(["fit"] if fit else [])]))


def pill(word: object, hue: str = "mute", *, title: str | None = None) -> Html:
    """A small coloured word."""
    return tag("span", word, class_=f"pill {hue}", title=title)


def fold(summary: object, *children: object, unfolded: bool = False) -> Html:
    """A part that opens at a click, without a script."""
    return tag("details", tag("summary", summary), *children, class_="part", open=unfolded)


def facts(pairs: Iterable[tuple[str, object]]) -> Html:
    """Names over values."""
    return tag(
        "dl",
        *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs if value is not None),
        class_="facts",
    )


def gauge(share: float, label: str, *, hue: str = "info", running: bool = False) -> Html:
    """A thin bar that is filled to `share` (0 to 1)."""
    percent = 100 * min(max(share, 0.0), 1.0)
    return tag(
        "span",
        tag("i", style=f"width:{percent:.4g}%"),
        class_=f"gauge {hue}" + (" run" if running else ""),
        role="progressbar" if hue == "info" else "img",
        aria_label=label,
        **(
            {"aria_valuenow": f"{percent:.0f}", "aria_valuemin": "0", "aria_valuemax": "100"}
            if not running
            else {}
        ),
    )


_TOKEN = re.compile(
    r'(?P<k>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<s>"(?:[^"\\]|\\.)*")'
    r"|(?P<n>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<l>\b(?:true|false|null|NaN|-?Infinity)\b)"
)


def json_block(value: Any, *, most: int = 4_000) -> Html:
    """`value` as coloured JSON, cut after `most` characters with the count of what is not shown."""
    whole = json_text(value)
    shown = whole[:most]
    parts: list[object] = []
    at = 0
    for found in _TOKEN.finditer(shown):
        parts += [shown[at : found.start()], tag("i", found[0], class_=found.lastgroup)]
        at = found.end()
    parts.append(shown[at:])
    return joined(tag("pre", *parts, class_="scroll"), cut(len(whole) - len(shown), "more characters"))


def json_text(value: Any) -> str:
    """`value` as JSON for people: indented, with what is short on one line; bytes as text."""
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "backslashreplace")
    flat = json.dumps(value, ensure_ascii=False, default=str)
    if len(flat) > _LARGE:
        return json.dumps(value, ensure_ascii=False, default=str, indent=2)
    try:
        return _indented(value, "")
    except RecursionError:
        return flat


def _indented(value: Any, before: str) -> str:
    flat = json.dumps(value, ensure_ascii=False, default=str)
    short = len(before) + len(flat) <= _LINE or len(before) >= _DEEP
    if short or not isinstance(value, (dict, list)) or not value:
        return flat
    inner = f"{before}  "
    if isinstance(value, dict):
        rows = [
            f"{json.dumps(str(key), ensure_ascii=False)}: {_indented(each, inner)}"
            for key, each in value.items()
        ]
        return "{\n" + ",\n".join(inner + row for row in rows) + f"\n{before}}}"
    if not any(isinstance(each, (dict, list)) for each in value):
        words = json.dumps(value, ensure_ascii=False, default=str, separators=(",\0", ": "))[1:-1].split("\0")
        return f"[\n{_filled(words, inner)}\n{before}]"
    return "[\n" + ",\n".join(inner + _indented(each, inner) for each in value) + f"\n{before}]"


def _filled(words: list[str], before: str) -> str:
    """The words in lines that are as long as may be."""
    lines = [before]
    for word in words:
        if len(lines[-1]) + len(word) > _LINE and lines[-1] != before:
            lines.append(before)
        lines[-1] += word if lines[-1] == before else f" {word}"
    return "\n".join(lines)


def cut(count: int, what: str) -> Html | None:
    """A line that says how much is not shown; None when all of it is."""
    return tag("div", f"… {count:,} {what}", class_="soft") if count > 0 else None
