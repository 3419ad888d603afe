"""Pictures over time that are as wide as their page: the plot stretches, texts keep their size. Pure.

What lies along the axis stands at a percentage of the plot, names and figures stand at its sides. A
page narrower than `_SLIM` has the slim form: less at the sides, fewer marks, rows may stand under their
names.
`sheet.on_paper` makes a file of it, which is as wide as `WIDE`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from faaslab.workflow.graph import sheet
from faaslab.workflow.graph.sheet import number
from faaslab.workflow.graph.words import escaped, width, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

WIDE = 950.0
_SLIM, _FULL = 640, 900
_AROUND = 30.0
"""What a page has at the sides of a picture."""
_LEAST = 264.0
"""The narrowest picture that is laid out."""
RANKS = ("", "roomy", "vast")
"""What is seen at any width, from the broad form on, and on wide pages only."""

STYLE = (
    ".faas-flow .slim{display:none}"
    ".faas-flow .tick{fill:var(--line);stroke:none}"
    ".faas-fluid.faas-fluid{display:block;box-sizing:border-box;width:100%;min-width:240px;"
    "max-width:none;max-height:none;margin:0;height:var(--high);overflow:visible;text-align:left;"
    "padding:0 var(--right) 0 var(--left)}"
    f"@container(max-width:{_FULL - 1}px){{.faas-flow .vast{{display:none}}}}"
    f"@container(max-width:{_SLIM - 1}px){{.faas-flow .roomy,.faas-flow .broad{{display:none}}"
    ".faas-flow .slim{display:inline}"
    ".faas-fluid.faas-fluid{height:var(--tall);padding:0 var(--slim-right) 0 var(--slim-left)}"
    ".faas-flow .at{transform:translateY(var(--y))}"
    ".faas-flow .tall{height:var(--lines)}"
    ".faas-flow .who{transform:translateX(calc(var(--left) - var(--slim-left)))}"
    ".faas-flow .low{transform:translateY(14px)}}"
)


@dataclass(frozen=True, slots=True)
class Sides:
    """What stands left and right of the plot, in pixels, and in the slim form."""

    left: float
    right: float
    slim_left: float
    slim_right: float

    @property
    def rooms(self) -> tuple[float, float, float]:
        """How wide the plot is at least, by rank."""
        broad = self.left + self.right + _AROUND
        return (_LEAST - self.slim_left - self.slim_right, _SLIM - broad, _FULL - broad)

    @property
    def plot(self) -> float:
        """How wide the plot is in a file."""
        return WIDE - self.left - self.right


class Page:
    """The picture as it grows downwards, in both forms at once."""

    def __init__(self, sides: Sides) -> None:
        self.sides = sides
        self.high = 0.0
        self.slim = 0.0
        self._parts: list[str] = []
        self._lines: tuple[float, float] | None = None

    def add(self, drawn: str, high: float, slim: float | None = None) -> None:
        """Something whose upper edge is at 0, so high (in the slim form `slim`), below what there is."""
        self._parts.append(self._put(drawn))
        self.high += high
        self.slim += high if slim is None else slim

    def laid(self, draw: Callable[[float, float], tuple[list[str], float]]) -> None:
        """What is laid out anew for each form: `draw` is asked with its left edge and how wide it may be."""
        sides = self.sides
        around = sides.left + sides.right
        broad, high = draw(-sides.left, sides.rooms[1] + around)
        slim, tall = draw(-sides.slim_left, _LEAST)
        self._parts.append(self._put(f'<g class="broad">{"".join(broad)}</g>'))
        self._parts.append(self._put(f'<g class="slim">{"".join(slim)}</g>'))
        self.high += high
        self.slim += tall

    def note(self, said: str) -> None:
        """A line or more of small text."""

        def draw(x: float, most: float) -> tuple[list[str], float]:
            lines = wrapped(said, 11, most, lines=6, at="spaces")
            parts = [sheet.text(x, 12 + 15 * place, line, "small") for place, line in enumerate(lines)]
            return parts, 15.0 * len(lines) + 2

        self.laid(draw)

    def lines(self, top: float) -> None:
        """What is of the class `tall` goes from `top` to here."""
        self._lines = (self.high - top, self.slim - top)

    def _put(self, drawn: str) -> str:
        if not self.high and not self.slim:
            return f"<g>{drawn}</g>"
        moved = f' class="at" style="--y:{number(self.slim)}px"' if self.slim != self.high else ""
        return f'<g transform="translate(0 {number(self.high)})"{moved}>{drawn}</g>'

    def svg(self, title: str, about: str, style: str = "") -> str:
        """The whole."""
        sides = self.sides
        says = {
            "left": sides.left,
            "right": sides.right,
            "slim-left": sides.slim_left,
            "slim-right": sides.slim_right,
            "high": self.high,
            "tall": self.slim,
        }
        if self._lines is not None:
            says["lines"] = self._lines[1]
        vars_ = ";".join(f"--{name}:{number(value)}px" for name, value in says.items())
        inside = "".join(self._parts)
        if self._lines is not None:
            inside = inside.replace(_HIGH, number(self._lines[0]))
        paper = " ".join(map(number, (WIDE, self.high, sides.left, sides.plot)))
        return sheet.opened(
            f'class="faas-flow faas-fluid" width="100%" height="{number(self.high)}" style="{vars_}" '
            f'data-paper="{paper}"',
            f"<style>{sheet.STYLE}{STYLE}{style}</style>{inside}",
            title,
            about,
        )


_HIGH = "\0high\0"


def at(share: float) -> str:
    """Where a share of the plot is."""
    return f"{_percentage(100 * share)}%"


def _percentage(value: float) -> str:
    """Fine enough for any page."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def tick(share: float, y: float, kind: str = "") -> str:
    """A line down over all that `Page.lines` says."""
    shown = f"tick tall {kind}".rstrip()
    return f'<rect class="{shown}" x="{at(share)}" y="{number(y)}" width="1" height="{_HIGH}"/>'


def band(share: float, wide: float, y: float, kind: str) -> str:
    """A band down over all that `Page.lines` says."""
    return f'<rect class="{kind} tall" x="{at(share)}" y="{number(y)}" width="{at(wide)}" height="{_HIGH}"/>'


def rect(
    kind: str, share: float, end: float, y: float, high: float, *, least: float = 2.0, rx: float = 0
) -> str:
    """A bar from share to share; what would be hardly seen is `least` pixels wide on any page."""
    wide = end - share
    size = at(wide) if wide * 300 > least else number(least)
    corners = f' rx="{number(rx)}"' if rx and wide * 300 > least else ""
    place = f'x="{at(share)}" y="{number(y)}" width="{size}" height="{number(high)}"'
    return f'<rect class="{kind}" {place}{corners}/>'


def line(kind: str, share: float, end: float, y: float) -> str:
    """A line from share to share."""
    return f'<line class="{kind}" x1="{at(share)}" x2="{at(end)}" y1="{number(y)}" y2="{number(y)}"/>'


def text(share: float, y: float, said: str, kind: str = "", dx: float = 0.0) -> str:
    """A line of text whose foot is at y, so many pixels right of a place in the plot."""
    shown = f' class="{kind}"' if kind else ""
    off = f' dx="{number(dx)}"' if dx else ""
    return f'<text x="{at(share)}" y="{number(y)}"{off}{shown}>{escaped(said)}</text>'


def spot(share: float, y: float, drawn: str) -> str:
    """Something small around a place in the plot."""
    return f'<svg x="{at(share)}" y="{number(y)}" overflow="visible">{drawn}</svg>'


def stretched(y: float, size: tuple[float, float], drawn: str) -> str:
    """A drawing that is so wide in its own measure, and as wide as the plot on a page."""
    wide, high = map(number, size)
    return (
        f'<svg y="{number(y)}" width="100%" height="{high}" viewBox="0 0 {wide} {high}" '
        f'preserveAspectRatio="none" overflow="visible">{drawn}</svg>'
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """A line down at a share of the plot; `said` above it, from the rank `label` on (None: nowhere)."""

    share: float
    said: str
    rank: int
    label: int | None


def marks(
    texts: Sequence[str],
    step: float,
    rooms: Sequence[float],
    span: tuple[float, float] = (0.0, 1.0),
    *,
    last: bool = True,
) -> Iterator[Mark]:
    """The marks of an axis, or of a part of it: as many of them on each page as find room beside each other.

    `step` is from one to the next as a share of the whole plot, `span` the shares between which they stand.
    `last`: what stands above the last one may go over the end.
    """
    widest = max((width(each, 11) for each in texts), default=0.0) + 8
    strides = [next((s for s in (1, 2, 4, 8, 16, 32) if s * step * room >= widest), 64) for room in rooms]
    for index, said in enumerate(texts):
        share = span[0] + step * index
        rank = next((r for r, stride in enumerate(strides) if index % stride == 0), len(rooms) - 1)
        half = width(said, 11) / 2
        label = next(
            (
                r
                for r in range(rank, len(rooms))
                if index % strides[r] == 0
                and (share - span[0]) * rooms[r] >= half * (span[0] > 0)
                and (last or (span[1] - share) * rooms[r] >= half)
            ),
            None,
        )
        yield Mark(share, said, rank, label)


def placed(
    texts: Sequence[tuple[float, str]], size: float, rooms: Sequence[float], over: float
) -> list[int | None]:
    """From which rank on each text finds room right of its place; `over`: how far one may go over the end."""
    found: list[int | None] = [None] * len(texts)
    for rank, room in enumerate(rooms):
        taken = [
            (share * room, share * room + width(said, size))
            for (share, said), seen in zip(texts, found, strict=True)
            if seen is not None
        ]
        for place, (share, said) in enumerate(texts):
            begin, end = share * room, share * room + width(said, size)
            free = all(end + 8 <= a or b + 8 <= begin for a, b in taken)
            if found[place] is None and free and end <= room + over:
                found[place] = rank
                taken.append((begin, end))
    return found


def keys(
    entries: Iterable[tuple[str, str]], wide: float = 18.0
) -> Callable[[float, float], tuple[list[str], float]]:
    """What things mean: (what is drawn around 0, 0, `wide` long; what is said), as many in a line as fit."""
    known = list(entries)

    def draw(x: float, most: float) -> tuple[list[str], float]:
        parts: list[str] = []
        left, y = 0.0, 12.0
        for drawn, said in known:
            need = wide + 6 + width(said, 11)
            if left and left + need > most:
                left, y = 0.0, y + 19
            parts.append(
                f'<g transform="translate({number(x + left)} {number(y)})">{drawn}'
                f"{sheet.text(wide + 6, 4, said, 'small')}</g>"
            )
            left += need + 14
        return parts, y + 12

    return draw
