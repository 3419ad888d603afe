"""A page of a log book as HTML: lines with their execution and level, JSON folded. Pure."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING

from faaslab.notebook import units
from faaslab.notebook.log_book import RANKS, SHOWN, Entry, Page
from faaslab.notebook.markup import Html, box, json_block, pill, tag
from faaslab.verbs.reasons import without_advice

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 50
"""Lines of a block: one that is full never changes, so what was unfolded in it stays so."""
_MESSAGE = 4_000
_SUMMARY = 140
_MESSAGE_KEYS = ("message", "msg", "errorMessage", "event", "type")
_QUIET_KEYS = ("timestamp", "time", "level", "log_level", "requestId", "request_id", "AWSRequestId")


def blocks(page: Page, *, several: bool) -> list[tuple[int, Html]]:
    """(number, HTML) of the blocks of lines, from the top down. `several`: of more than one function."""
    found: dict[int, list[Html]] = {}
    for entry in page.entries:
        found.setdefault(entry.number // BLOCK, []).append(line_row(entry, several=several))
    return [(number, tag("div", *rows, class_="lines")) for number, rows in found.items()]


def line_row(entry: Entry, *, several: bool = False) -> Html:
    """A line: when, which execution (the first signs of its request id), level, what it says."""
    line, rank = entry.line, -1 if entry.level is None else RANKS[entry.level]
    hue = "e" if rank >= RANKS["ERROR"] else "w" if rank >= RANKS["WARN"] else ""
    if line.stream == "platform" and not hue:
        hue = "soft"
    identity = line.request_id or line.execution_id or ""
    text = without_advice(line.message) if line.stream == "platform" else line.message
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").replace("\t", "  ").rstrip()
    said: Html | str = text
    if entry.document is not None:
        text = summary(entry.document)
        said = tag(
            "details",
            tag("summary", text),
            json_block(entry.document),
            class_="json",
        )
    elif len(text) > _MESSAGE:
        said = f"{text[:_MESSAGE]}… {len(text) - _MESSAGE:,} more characters"
    # The level is a word, too: unless the line says it itself, as the text format of Lambda's clients does.
    level = None if entry.level is None or entry.level in text[:60].upper() else entry.level
    parts = [
        tag("span", units.time_of_day(line.timestamp), class_="soft"),
        tag(
            "span",
            identity[:8],
            class_="who",
            style=f"--hue:{_hue(identity)}",
            title=f"request {line.request_id or '?'}, execution {line.execution_id or '?'}",
        )
        if identity
        else None,
        tag("span", line.function, class_="soft") if several else None,
        tag("span", "extension", class_="soft") if line.stream == "extension" else None,
        pill(level, {"e": "bad", "w": "warn"}.get(hue, "mute")) if level is not None else None,
    ]
    # Blanks between them, so that what somebody copies has them too.
    before = [each for part in parts if part is not None for each in (part, " ")]
    return tag("div", *before, tag("b", said, class_=hue or None), class_="line")


def _hue(identity: str) -> str:
    """A colour for an execution: lines of one are told from those of its neighbours."""
    degree = 30 * (blake2b(identity.encode("utf-8", "replace"), digest_size=1).digest()[0] % 12)
    return f"hsl({degree} 70% 50%)"


def summary(document: dict[str, object]) -> str:
    """What a JSON line says, on one line: its message, then the rest as `key=value`."""
    main = next((key for key in _MESSAGE_KEYS if isinstance(document.get(key), str)), None)
    parts = [] if main is None else [str(document[main])]
    rest = {key: each for key, each in document.items() if key != main and key not in _QUIET_KEYS}
    parts += [f"{key}={_short(each)}" for key, each in rest.items()]
    said = "  ".join(parts) or "{}"
    return said if len(said) <= _SUMMARY else f"{said[: _SUMMARY - 1]}…"


def _short(value: object) -> str:
    if isinstance(value, dict):
        return "{…}" if value else "{}"
    if isinstance(value, list):
        return f"[{len(value)}]"
    return value if isinstance(value, str) else json.dumps(value)


def head(page: Page, title: str, *, paused: bool, filtered: bool) -> Html:
    """Of the live view: whose lines they are, whether more come, and how much of it one sees."""
    return tag(
        "div",
        tag("span", title, class_="name"),
        None if paused else pill("live", "ok"),
        tag("span", " · ".join(_words(page, paused=paused, filtered=filtered)), class_="soft push"),
        class_="top",
    )


def standing(page: Page, *, paused: bool, filtered: bool) -> Html:
    """How much of it one sees, in words."""
    return tag("div", " · ".join(_words(page, paused=paused, filtered=filtered)), class_="soft")


def _words(page: Page, *, paused: bool, filtered: bool) -> Iterator[str]:
    shown = len(page.entries)
    if filtered:
        yield f"{page.count:,} of {units.amount(page.kept, 'line')} found"
    else:
        yield units.amount(page.count, "line")
    if page.count > shown:
        yield f"the newest {shown:,} are shown"
    if page.dropped:
        yield f"{units.amount(page.dropped, 'older line')} dropped"
    if paused:
        yield f"paused, {page.waiting:,} new" if page.waiting else "paused"
    if page.problem:
        yield page.problem


def still_box(page: Page, title: str, *, several: bool, filtered: bool, most: int = SHOWN) -> Html:
    """The page as it is kept in a file: the newest lines, and what is not among them."""
    head = tag(
        "div",
        tag("span", title, class_="name"),
        standing(page, paused=False, filtered=filtered),
        class_="top",
    )
    rows = [line_row(entry, several=several) for entry in page.entries[-most:]]
    if not rows:
        return box(head)
    return box(head, tag("div", tag("div", *rows, class_="lines scroll", tabindex="0"), class_="part"))
