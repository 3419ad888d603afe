"""Figures drawn with boxes alone, so that they follow the page's theme and need no picture. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.notebook import units
from faaslab.notebook.markup import Html, joined, tag
from faaslab.verbs.text import cell_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

_GROUPS = 24


def spans(df: pd.DataFrame, by: Sequence[str]) -> Html:
    """A line a group: a bar up to the 95th percentile, the median on it, the cold starts beside it."""
    shown = df.head(_GROUPS)
    rows = shown.to_dict("records")
    longest = max(
        (float(row["p95_ms"]) for row in rows if cell_value(row["p95_ms"]) is not None), default=0.0
    )
    lines: list[Html] = []
    for row in rows:
        name = " · ".join(str(cell_value(row[part])) for part in by) or "all"
        median, p95 = cell_value(row["p50_ms"]), cell_value(row["p95_ms"])
        if median is None or p95 is None or not longest:
            bar, said = tag("span", class_="span"), "nothing measured"
        else:
            said = f"{units.duration(median)} median, {units.duration(p95)} at 95 %"
            bar = tag(
                "span",
                tag("i", style=f"left:0;width:{100 * p95 / longest:.4g}%"),
                tag("b", style=f"left:min({100 * median / longest:.4g}%,100% - 3px)"),
                class_="span",
                role="img",
                aria_label=f"{name}: {said}",
            )
        cold = cell_value(row.get("cold_rate"))
        said += "" if cold is None else f", {units.percent(cold)} cold"
        lines += [tag("span", name), bar, tag("span", said, class_="soft")]
    more = len(df) - len(shown)
    return joined(
        tag(
            "div",
            tag("span", "duration", class_="name"),
            tag("span", "bar: 95 % are below · mark: median", class_="soft"),
            class_="top",
        ),
        tag("div", tag("div", *lines, class_="rows"), class_="part"),
        tag("div", f"{units.amount(more, 'more group')} in the table", class_="foot") if more else None,
    )
