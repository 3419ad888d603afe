"""DataFrames as neat tables, cut with a count of what is not shown. Pure."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from faaslab.notebook import units
from faaslab.notebook.markup import Html, box, joined, pill, tag
from faaslab.verbs.text import cell_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

ROWS = 20
_CELL = 160
_LONG = 28
_WIDE = 8
_UNITS = {
    "ms": "",
    "billed": "ms",
    "memory": "MB",
    "started_at": "UTC",
    "ended_at": "UTC",
    "updated_at": "UTC",
    "created_at": "UTC",
    "last_invoked_at": "UTC",
    "timestamp": "UTC",
}
_IDS = frozenset({"id", "execution_id", "request_id", "batch_id", "replay_of"})
_RATES = frozenset({"error_rate", "cold_rate"})


def table(
    df: pd.DataFrame, *, title: object = None, empty: str = "nothing", rows: int = ROWS, foot: object = None
) -> Html:
    """At most `rows` rows; of a wide one, columns that hold nothing are named below."""
    if not len(df):
        return box(
            tag(
                "div",
                tag("span", title, class_="name") if title else None,
                tag("span", empty, class_="soft"),
                class_="top",
            )
        )
    return box(table_parts(df, title=title, rows=rows, foot=foot), fit=True)


def table_parts(df: pd.DataFrame, *, title: object = None, rows: int = ROWS, foot: object = None) -> Html:
    """The same without its frame, for a box that holds more."""
    count = len(df)
    shown = df.head(rows)
    names = [str(name) for name in shown.columns]
    series = [shown.iloc[:, place] for place in range(len(names))]
    void = [len(names) > _WIDE and all(cell_value(value) is None for value in each) for each in series]
    kept = [place for place, nothing in enumerate(void) if not nothing]
    kinds = [_kind(names[place], series[place]) for place in kept]
    head = tag("tr", *(_heading(names[place], kind) for place, kind in zip(kept, kinds, strict=True)))
    body = [
        tag("tr", *(_cell(v, names[place], kind) for v, place, kind in zip(row, kept, kinds, strict=True)))
        for row in zip(*(series[place].tolist() for place in kept), strict=True)
    ]
    said = []
    if count > len(shown):
        said.append(f"{count - len(shown):,} more of {units.amount(count, 'row')} not shown")
    if any(void):
        said.append(
            f"nothing in: {', '.join(name for name, nothing in zip(names, void, strict=True) if nothing)}"
        )
    if foot:
        said.append(str(foot))
    return joined(
        tag("div", tag("span", title, class_="name"), class_="top") if title else None,
        tag(
            "div",
            tag("table", tag("thead", head), tag("tbody", *body)),
            class_="wide",
            tabindex="0",
            role="region",
            aria_label=str(title or "table"),
        ),
        tag("div", " · ".join(said), class_="foot") if said else None,
    )


def pairs(rows: Sequence[tuple[object, object]]) -> Html:
    """Two columns, the left one naming the right one."""
    return tag(
        "div",
        tag(
            "table",
            tag(
                "tbody", *(tag("tr", tag("th", left, scope="row"), tag("td", right)) for left, right in rows)
            ),
            class_="pairs",
        ),
        class_="wide",
    )


def _kind(name: str, column: Any) -> str:
    """num, flag, id, long or text."""
    if name in _IDS:
        return "id"
    if column.dtype.kind == "b":
        return "flag"
    if column.dtype.kind in "iuf":
        return "num"
    if column.dtype.kind == "O":
        known = [value for value in map(cell_value, column.tolist()) if value is not None]
        if known and all(isinstance(value, bool) for value in known):
            return "flag"
        if known and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in known):
            return "num"
    longest = max((len(_plain(cell_value(value))) for value in column.tolist()), default=0)
    return "long" if longest > _LONG and name not in _UNITS else "text"


def _heading(name: str, kind: str) -> Html:
    unit = _UNITS.get(name)
    return tag(
        "th",
        name,
        Html(f' <span class="soft">({unit})</span>') if unit else None,
        scope="col",
        class_="num" if kind == "num" else None,
    )


def _cell(value: Any, name: str, kind: str) -> Html:
    if isinstance(value, Html):
        return tag("td", value)
    plain = cell_value(value)
    if plain is None:
        return tag(
            "td", tag("span", "–", class_="soft", aria_label="none"), class_="num" if kind == "num" else None
        )
    # A workflow's `state` is a name that somebody gave it.
    if isinstance(plain, str) and (name == "status" or (name == "state" and plain in units.STATUS_HUES)):
        return tag("td", pill(plain, units.STATUS_HUES.get(plain.lower(), "mute")))
    if isinstance(plain, bool):
        return tag(
            "td",
            ("cold" if plain else "warm") if name in {"cold", "cold_start"} else ("yes" if plain else "no"),
        )
    if isinstance(value, datetime):
        return tag("td", units.moment(value), title=value.isoformat())
    if isinstance(value, date):
        return tag("td", value.isoformat())
    if kind == "num":
        return tag(
            "td", _number(plain, name), class_="num", title=repr(plain) if isinstance(plain, float) else None
        )
    whole = _plain(plain)
    if kind == "id":
        return tag("td", whole, class_="id", title=whole)
    if kind != "long":
        return tag("td", whole)
    shown = whole if len(whole) <= _CELL else f"{whole[:_CELL]}…"
    return tag("td", tag("div", shown), class_="long", title=whole[:2_000])


def _number(value: Any, name: str) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if name in _RATES:
        return units.percent(value)
    if name == "cost_usd":
        return f"${units.significant(value)}"
    if value == int(value) and abs(value) < 1e15 and not name.endswith("ms"):
        return f"{value:,.0f}"
    if abs(value) >= 1_000:
        return f"{value:,.0f}" if name.endswith("ms") else f"{value:,.2f}"
    return (
        f"{value:.2f}"
        if name.endswith("ms")
        else units.significant(value)
        if abs(value) < 0.01
        else f"{value:.4g}"
    )


def _plain(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split()) if "\n" in text or "\t" in text else text
