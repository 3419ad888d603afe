"""What the pictures of this room have in common: the frame, the style and the legend, as SVG text. Pure.

A picture has no script and no address, follows the theme of the page it stands in (JupyterLab's variables
where there are any, else the colour of the text), and carries names that no other picture on the page has.
`on_paper` gives it a ground of its own, light or dark as the viewer wishes: for a file.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from faaslab.workflow.graph.glyphs import STANDINGS as MARKS
from faaslab.workflow.graph.palette import HUES, SAID, Standing
from faaslab.workflow.graph.words import escaped, width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_READABLE = 0.64
"""A page makes a picture so much smaller at most; then one moves it instead."""

_SHEET = """
.faas-flow{--ink:var(--jp-content-font-color1,currentColor);
  --soft:color-mix(in srgb,var(--ink) 66%,transparent);--line:color-mix(in srgb,var(--ink) 20%,transparent);
  --hue:var(--ink);max-width:100%;height:auto;color:var(--ink);fill:none;
  font:13px/1.3 var(--jp-ui-font-family,system-ui,-apple-system,"Segoe UI",sans-serif);
  font-variant-numeric:tabular-nums}
.faas-flow text{fill:var(--ink);stroke:none}
.faas-flow .name{font-size:13px;font-weight:600}
.faas-flow .small{font-size:11px;fill:var(--soft)}
.faas-flow .row{font-size:12px}
.faas-flow .mid{text-anchor:middle}
.faas-flow .ending{text-anchor:end}
.faas-flow .card{stroke:color-mix(in srgb,var(--hue) 46%,transparent);stroke-width:1.25;
  fill:color-mix(in srgb,var(--hue) 5%,transparent)}
.faas-flow .hued .card{stroke:var(--hue);stroke-width:1.5;fill:color-mix(in srgb,var(--hue) 11%,transparent)}
.faas-flow .hued.box .card{fill:color-mix(in srgb,var(--hue) 4%,transparent)}
.faas-flow .box .card{fill:color-mix(in srgb,var(--hue) 3%,transparent)}
.faas-flow .waiting .card{stroke-width:1.25;stroke-dasharray:4 3;fill:none}
.faas-flow .missing .card{stroke-dasharray:4 3}
.faas-flow .lost{opacity:.62}
.faas-flow .chip{fill:color-mix(in srgb,var(--hue) 15%,transparent);stroke:none}
.faas-flow .glyph{stroke:color-mix(in srgb,var(--hue) 72%,var(--ink));stroke-width:1.5;stroke-linecap:round;
  stroke-linejoin:round;fill:none}
.faas-flow .Task{--tone:#3b82e6}
.faas-flow .Choice{--tone:#a55eea}
.faas-flow .Parallel,.faas-flow .Map{--tone:#0f97a3}
.faas-flow .Wait,.faas-flow .Pass{--tone:#8a8f98}
.faas-flow .Succeed{--tone:#1e9e58}
.faas-flow .Fail{--tone:#dd3f3f}
.faas-flow .kind .chip{fill:color-mix(in srgb,var(--tone) 16%,transparent)}
.faas-flow .kind .glyph{stroke:color-mix(in srgb,var(--tone) 78%,var(--ink))}
.faas-flow .seal{fill:var(--hue);stroke:none}
.faas-flow .seal+path{stroke:#fff;stroke-width:2.2;stroke-linecap:round;stroke-linejoin:round;fill:none}
.faas-flow .way{stroke:color-mix(in srgb,var(--ink) 46%,transparent);stroke-width:1.4;stroke-linecap:round}
.faas-flow .tip{fill:color-mix(in srgb,var(--ink) 62%,transparent);stroke:none}
.faas-flow .catch .way{stroke-dasharray:5 4;stroke:color-mix(in srgb,#c98500 78%,var(--ink))}
.faas-flow .catch .tip{fill:color-mix(in srgb,#c98500 78%,var(--ink))}
.faas-flow .catch text,.faas-flow .retry text{fill:color-mix(in srgb,#c98500 62%,var(--ink))}
.faas-flow .retry path{stroke:color-mix(in srgb,#c98500 78%,var(--ink));stroke-width:1.6;stroke-linecap:round}
.faas-flow .taken .way{stroke:color-mix(in srgb,var(--ink) 82%,transparent);stroke-width:2}
.faas-flow .catch.taken .way{stroke:#c98500}
.faas-flow .rule{stroke:var(--line);stroke-width:1}
.faas-flow .bar{fill:var(--hue);stroke:none}
.faas-flow .pale{fill:color-mix(in srgb,var(--hue) 26%,transparent);stroke:none}
.faas-flow .hold{fill:color-mix(in srgb,var(--hue) 12%,transparent);stroke:var(--hue);stroke-width:1;
  stroke-dasharray:3 2}
.faas-flow .back,.faas-flow .dead{stroke:#c98500;stroke-width:2;stroke-dasharray:1.5 4;stroke-linecap:round}
.faas-flow .dead{stroke:#8a8f98}
.faas-flow .running>.card{animation:faas-flow-on 1.6s ease-in-out infinite}
@keyframes faas-flow-on{50%{stroke-opacity:.4}}
@media(prefers-reduced-motion:reduce){.faas-flow .running>.card{animation:none}}
.faas-flow .paper{fill:none;stroke:none}
.faas-flow .touch{fill:transparent}
""" + "".join(f".faas-flow .{standing}{{--hue:{hue}}}" for standing, hue in HUES.items())
# Twice the class, so that no rule of the page around it (`.faas .name`) is stronger.
STYLE = re.sub(r"\n\s*", "", _SHEET).replace(".faas-flow ", ".faas-flow.faas-flow ")
_PAPER = (
    ".faas-flow.own{--ink:#1c2128}.faas-flow.own .paper{fill:#fff}"
    "@media(prefers-color-scheme:dark){.faas-flow.own{--ink:#e3e6ea}.faas-flow.own .paper{fill:#16191d}}"
)

_FLUID = re.compile(r'class="faas-flow faas-fluid" [^>]*? data-paper="([^"]*)"')


def number(value: float) -> str:
    """A coordinate, no longer than it must be."""
    text = f"{value:.1f}"
    return text.removesuffix(".0") if text != "-0.0" else "0"


def narrowest(wide: float) -> float:
    """How narrow a page may make a picture that is `wide`."""
    return min(wide, max(_READABLE * wide, 300.0))


def framed(parts: Iterable[str], size: tuple[float, float], title: str, about: str) -> str:
    """The picture: `parts` in a frame of that size, named for those who do not see it."""
    wide, high = number(size[0]), number(size[1])
    least = number(narrowest(size[0]))
    return opened(
        f'class="faas-flow" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
        f'style="min-width:{least}px"',
        f"<style>{STYLE}</style>{''.join(parts)}",
        title,
        about,
    )


def opened(attributes: str, inside: str, title: str, about: str) -> str:
    """An `<svg>` element that is named for those who do not see it."""
    digest = hashlib.blake2b(
        f"{title}\0{about}\0{inside}".encode("utf-8", "replace"), digest_size=6
    ).hexdigest()
    name = f"faas-{digest}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {attributes} role="img" '
        f'aria-labelledby="{name}-t {name}-d"><title id="{name}-t">{escaped(title)}</title>'
        f'<desc id="{name}-d">{escaped(about)}</desc>{inside}</svg>'
    )


def on_paper(svg: str) -> str:
    """The picture on a ground of its own, to stand alone in a file."""
    ground = f'{_PAPER}</style><rect class="paper" width="100%" height="100%" rx="8"/>'
    if (fluid := _FLUID.search(svg)) is None:
        return svg.replace('class="faas-flow"', 'class="faas-flow own"', 1).replace("</style>", ground, 1)
    # One that is as wide as its page gets a width; what is padding there is room here.
    wide, high, left, plot = fluid[1].split()
    root = (
        f'class="faas-flow own" viewBox="0 -12 {wide} {float(high) + 24:g}" width="{wide}" '
        f'height="{float(high) + 24:g}"'
    )
    ground = ground.replace('height="100%"', 'y="-12" height="100%"')
    inner = f'<svg x="{left}" width="{plot}" height="{high}" overflow="visible">'
    whole = svg.replace(fluid[0], root, 1).replace("</style>", ground + inner, 1)
    return f"{whole.removesuffix('</svg>')}</svg></svg>"


def text(x: float, y: float, said: str, kind: str = "") -> str:
    """A line of text whose foot is at y."""
    shown = f' class="{kind}"' if kind else ""
    return f'<text x="{number(x)}" y="{number(y)}"{shown}>{escaped(said)}</text>'


def hover(said: str) -> str:
    """What is shown while the pointer rests on the thing around it."""
    return f"<title>{escaped(said)}</title>" if said else ""


def glyph(path: str, x: float, y: float, size: float = 16.0, kind: str = "glyph") -> str:
    """A mark with its upper left corner there."""
    scale = "" if size == 16.0 else f" scale({size / 16:.3g})"
    shown = f' class="{kind}"' if kind else ""
    return f'<path{shown} transform="translate({number(x)} {number(y)}){scale}" d="{path}"/>'


def seal(standing: Standing, x: float, y: float) -> str:
    """The round mark of how something stands, with its middle there."""
    if standing not in MARKS:
        return ""
    return f'<circle class="seal" cx="{number(x)}" cy="{number(y)}" r="8"/>' + glyph(
        MARKS[standing], x - 5, y - 5, 10, ""
    )


def legend(standings: Sequence[Standing], x: float, y: float, most: float) -> tuple[list[str], float]:
    """What the colours mean, in lines no wider than `most`; and how high that is."""
    parts: list[str] = []
    at, row = x, y
    for standing in standings:
        wide = 24 + width(SAID[standing], 11) + 16
        if at > x and at + wide > most:
            at, row = x, row + 20
        mark = (
            f'<circle class="card" cx="{number(at + 8)}" cy="{number(row)}" r="6.5"/>'
            if standing == "waiting"
            else seal(standing, at + 8, row)
        )
        parts.append(f'<g class="{standing}">{mark}{text(at + 22, row + 4, SAID[standing], "small")}</g>')
        at += wide
    return parts, row - y + 20
