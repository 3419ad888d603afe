"""Log lines, of one execution or of many. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.notebook import units
from faaslab.notebook.markup import Html, box, fold, tag
from faaslab.verbs.reasons import without_advice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pandas as pd

    from faaslab.model.execution import LogLine

_LINES = 200
_MESSAGE = 4_000


def log_block(lines: Sequence[LogLine], *, unfolded: bool = False, most: int = _LINES) -> Html | None:
    """The log of one execution, folded, at most so many lines; what the platform wrote is dim."""
    if not lines:
        return None
    own = sum(line.stream != "platform" for line in lines)
    said = f"log: {units.amount(own, 'line')}" if own else "log: nothing but the platform's lines"
    rows = [_line(line.at, without_advice(line.message), line.stream, line.level) for line in lines[:most]]
    more = _more(len(lines) - most)
    return fold(said, tag("pre", *rows, class_="scroll"), more, unfolded=unfolded)


def log_rows(df: pd.DataFrame, *, title: str | None = None, empty: str = "no log lines") -> Html:
    """Log lines of several executions (the columns of `lab.executions.logs`), the newest of them."""
    if not len(df):
        return box(tag("div", tag("span", empty, class_="soft"), class_="top"))
    shown = df.tail(_LINES)
    several = len(set(shown["function"])) > 1
    rows = []
    for row in shown.to_dict("records"):
        name = f"{row['function']}  " if several else ""
        rows.append(_line(row["timestamp"], f"{name}{row['message']}", str(row["stream"]), row["level"]))
    count = len(df) - len(shown)
    head = tag(
        "div",
        tag("span", title or "logs", class_="name"),
        tag("span", units.amount(len(df), "line"), class_="soft"),
        class_="top",
    )
    above = tag("div", f"{count:,} older lines not shown", class_="part soft") if count else None
    return box(head, above, tag("div", tag("pre", *rows, class_="scroll", tabindex="0"), class_="part"))


def _line(at: datetime, message: str, stream: str, level: object) -> Html:
    platform = stream == "platform"
    text = (
        message.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").replace("\t", "  ").rstrip()
    )
    if len(text) > _MESSAGE:
        text = f"{text[:_MESSAGE]}… {len(text) - _MESSAGE:,} more characters"
    word = level.upper() if isinstance(level, str) else ""
    hue = (
        "soft"
        if platform
        else {"ERROR": "e", "FATAL": "e", "CRITICAL": "e", "WARN": "w", "WARNING": "w"}.get(word)
    )
    return tag(
        "span", tag("span", units.time_of_day(at), class_="soft"), "  ", tag("b", text, class_=hue), "\n"
    )


def _more(count: int) -> Html | None:
    return tag("div", f"… {units.amount(count, 'more line')}", class_="soft") if count > 0 else None
