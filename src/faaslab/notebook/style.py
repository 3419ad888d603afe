"""The one style sheet of all views; no address, no font to load.

Every view carries it, because any of them may be the one that is kept. The colours follow the page:
JupyterLab's own variables where there are any, else the text's colour, of which lines and tints are shades.
"""

from __future__ import annotations

import re

_SHEET = """
    .faas { --ink: var(--jp-content-font-color1,currentColor);
       --soft: color-mix(in srgb,var(--ink) 66%,transparent);
       --line: color-mix(in srgb,var(--ink) 15%,transparent);
       --tint: color-mix(in srgb,var(--ink) 4%,transparent); --ok: #1e9e58; --bad: #dd3f3f;
       --warn: #c98500; --info: #3b82e6; --mute: #8a8f98;
       --mono: var(--jp-code-font-family,ui-monospace,"SF Mono",Menlo,Consolas,monospace);
       color: var(--ink); font: 13px/1.5 var(--jp-ui-font-family,system-ui,sans-serif);
       max-width: 78rem; container-type: inline-size; margin: 2px 0;
       overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
    .faas * { box-sizing: border-box; }
    .faas .box { border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
    .faas .box.ok, .faas .box.bad, .faas .box.warn, .faas .box.info, .faas .box.mute {
       border-left: 3px solid var(--hue); }
    .faas .box.fit { width: fit-content; max-width: 100%; }
    .faas .top { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px;
       padding: 8px 14px; }
    .faas .name { font-weight: 600; font-size: 14.5px; }
    .faas .push { margin-left: auto; }
    .faas .soft { color: var(--soft); }
    .faas .mono, .faas.faas.faas code { font-family: var(--mono); font-size: 12px; background: none;
       color: inherit; padding: 0; }
    .faas .ok { --hue: var(--ok); }
    .faas .bad { --hue: var(--bad); }
    .faas .warn { --hue: var(--warn); }
    .faas .info { --hue: var(--info); }
    .faas .mute { --hue: var(--mute); }
    .faas .pill { display: inline-block; padding: 0 9px; border-radius: 9px; font-size: 12px;
       line-height: 18px; font-weight: 600; white-space: nowrap;
       background: color-mix(in srgb,var(--hue) 16%,transparent);
       color: color-mix(in srgb,var(--hue) 62%,var(--ink)); }
    .faas .facts { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 0; padding: 2px 14px 10px; }
    .faas .facts div { min-width: 3.5rem; max-width: 100%; }
    .faas .facts dt, .faas .facts dd { display: block; float: none; width: auto; }
    .faas .facts dt { font-size: 11px; line-height: 16px; font-weight: 400; color: var(--soft);
       margin: 0; padding: 0; }
    .faas .facts dd { margin: 0; padding: 0; line-height: 19px; }
    .faas .gauge { display: block; width: 100%; min-width: 5rem; height: 4px; margin-top: 2px;
       border-radius: 2px; background: var(--line); overflow: hidden; }
    .faas .gauge i { display: block; height: 100%; border-radius: 2px;
       background: var(--hue,var(--info)); }
    .faas .picture { overflow-x: auto; text-align: center; }
    .faas .picture, .faas .wide { animation: faas-more linear both; animation-timeline: scroll(self inline); }
    .faas .under { border-top: 1px solid var(--line); }
    .faas .part { border-top: 1px solid var(--line); padding: 8px 14px; margin: 0; }
    .faas .part>summary { cursor: pointer; color: var(--soft); margin: 0; padding: 0; }
    .faas .part>summary:hover { color: var(--ink); }
    .faas .part[open]>summary { margin-bottom: 6px; }
    .faas.faas.faas pre { margin: 0; padding: 0; border: 0; background: none; color: inherit;
       font: 12px/1.55 var(--mono); white-space: pre-wrap;
       overflow-wrap: anywhere; word-break: normal; }
    .faas pre.scroll { max-height: 26rem; overflow: auto; }
    .faas pre i, .faas pre b { font-style: normal; font-weight: 400; }
    .faas pre .k { color: color-mix(in srgb,var(--info) 68%,var(--ink)); }
    .faas pre .s { color: color-mix(in srgb,var(--ok) 58%,var(--ink)); }
    .faas pre .n { color: color-mix(in srgb,var(--warn) 62%,var(--ink)); }
    .faas pre .l { color: color-mix(in srgb,#a55eea 66%,var(--ink)); }
    .faas pre .row { display: block; }
    .faas pre .here {
       background: color-mix(in srgb,var(--bad) 15%,transparent); }
    .faas pre .e { color: color-mix(in srgb,var(--bad) 66%,var(--ink)); }
    .faas pre .w { color: color-mix(in srgb,var(--warn) 66%,var(--ink)); }
    .faas .lines { font: 12px/1.55 var(--mono); }
    .faas .lines.scroll { max-height: 26rem; overflow: auto; }
    .faas .line { padding-left: 1.2rem; text-indent: -1.2rem; white-space: pre-wrap; }
    .faas .line>* { text-indent: 0; }
    .faas .line b { font-weight: 400; }
    .faas .line .e { color: color-mix(in srgb,var(--bad) 66%,var(--ink)); }
    .faas .line .w { color: color-mix(in srgb,var(--warn) 66%,var(--ink)); }
    .faas .line .pill { font-size: 11px; line-height: 15px; padding: 0 6px; }
    .faas .who { color: color-mix(in srgb,var(--hue) 42%,var(--ink)); cursor: default; }
    .faas .json { display: inline-block; vertical-align: top; max-width: 100%; }
    .faas .json summary { cursor: pointer; }
    .faas-log { display: flex!important; flex-direction: column-reverse!important; max-height: 26rem;
       overflow: auto!important; border-top: 1px solid color-mix(in srgb,currentColor 15%,transparent); }
    .faas-log .widget-html-content { line-height: 1.5; }
    .faas .at { margin: 8px 0 2px; }
    .faas .at:first-of-type { margin-top: 0; }
    .faas .said { font-weight: 600; color: color-mix(in srgb,var(--bad) 66%,var(--ink)); }
    .faas .wide { overflow-x: auto; }
    .faas table { border-collapse: collapse; border: 0; margin: 0; width: auto; table-layout: auto;
       font-size: 12.5px; line-height: 1.45; color: inherit; }
    .faas table tr, .faas table tbody tr:nth-child(odd), .faas table tbody tr:nth-child(even) {
       background: none; }
    .faas table tbody tr:hover { background: var(--tint); }
    .faas th, .faas td { padding: 4px 14px!important; border: 0;
       border-bottom: 1px solid var(--line); text-align: left!important; vertical-align: top;
       max-width: 24rem; font-weight: 400; white-space: nowrap; overflow: hidden;
       text-overflow: ellipsis; }
    .faas table.full { width: 100%; }
    .faas td.bad, .faas td.warn { color: color-mix(in srgb,var(--hue) 68%,var(--ink)); }
    .faas thead th[aria-sort] { color: var(--ink)!important; font-weight: 600; }
    .faas tbody tr:last-child>* { border-bottom: 0; }
    .faas thead th { font-size: 11px; color: var(--soft)!important; vertical-align: bottom; }
    .faas .num { text-align: right!important; }
    .faas td.long { white-space: normal; min-width: 13rem; overflow-wrap: anywhere; }
    .faas td.long div { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2;
       overflow: hidden; }
    .faas td.id { max-width: 7.2rem; font-family: var(--mono); font-size: 11.5px;
       color: var(--soft); }
    .faas .pairs th { color: var(--soft); white-space: nowrap; }
    .faas .pairs td { white-space: normal; min-width: 12rem; }
    .faas .inner>.part { border: 0; padding: 2px 0 0; }
    .faas .foot { padding: 6px 14px; color: var(--soft); font-size: 12px;
       border-top: 1px solid var(--line); }
    .faas .note { color: var(--soft); padding: 1px 0 1px 10px; border-left: 3px solid var(--warn);
       margin: 3px 0; }
    .faas .bar { display: flex; align-items: center; flex-wrap: wrap; gap: 4px 12px; }
    .faas .bar .gauge { flex: 1 1 9rem; max-width: 22rem; height: 6px; margin: 0;
       border-radius: 3px; }
    .faas .rows { display: grid; grid-template-columns: max-content minmax(6rem,1fr) max-content;
       gap: 6px 12px; align-items: center; }
    .faas .span { position: relative; height: 12px; border-radius: 3px; background: var(--tint); }
    .faas .span i { position: absolute; top: 0; bottom: 0; border-radius: 3px;
       background: color-mix(in srgb,var(--info) 34%,transparent); }
    .faas .span b { position: absolute; top: 0; bottom: 0; width: 3px; border-radius: 2px;
       background: var(--info); }
    .faas .tiles { display: grid; grid-template-columns: repeat(3,minmax(0,1fr));
       gap: 10px 12px; padding: 6px 14px 12px; }
    .faas .tile { min-width: 0; }
    .faas .what { font-size: 11px; line-height: 16px; color: var(--soft); }
    .faas .tile .figure { font-size: 15.5px; line-height: 25px; font-weight: 600; margin-right: 6px;
       white-space: nowrap; }
    .faas .tile .bad, .faas .tile .warn, .faas .tile .ok {
       color: color-mix(in srgb,var(--hue) 68%,var(--ink)); }
    .faas .tile .figure:last-child { margin-right: 0; }
    .faas .trend { font-size: 11px; line-height: 16px; }
    .faas .charts { display: grid; grid-template-columns: minmax(0,1fr); gap: 12px 18px;
       padding: 10px 14px 12px; border-top: 1px solid var(--line); }
    .faas.faas.faas .series { display: block; margin: 0; padding: 0; min-width: 0; }
    .faas .series figcaption { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 10px;
       margin: 0 0 2px; font-size: 11.5px; line-height: 18px; text-align: left; }
    .faas .series .what { font-size: 12.5px; font-weight: 600; color: var(--ink); }
    .faas .series .key { color: var(--soft); white-space: nowrap; }
    .faas .series .key i { display: inline-block; width: 12px; height: 0; margin-right: 5px;
       vertical-align: middle; border-top: 3px solid var(--hue); border-radius: 1px; }
    .faas .series .key i.dashed { border-top-style: dotted; }
    .faas .series svg { display: block; width: 100%; height: auto; overflow: visible; }
    .faas .series text { font-size: 10.5px; fill: var(--soft); stroke: none; }
    .faas .series .grid { stroke: var(--line); stroke-width: 1; fill: none; }
    .faas .series .tick { stroke: var(--soft); stroke-width: 1; fill: none; }
    .faas .series .fill { fill: var(--hue); stroke: none; }
    .faas .series .area { fill: color-mix(in srgb,var(--hue) 18%,transparent); stroke: none; }
    .faas .series .line { fill: none; stroke: var(--hue); stroke-width: 1.5; stroke-linejoin: round;
       stroke-linecap: round; }
    .faas .series .dashed { stroke-dasharray: 3 3; }
    .faas .series .hover { fill: transparent; }
    .faas .series .hover:hover { fill: var(--tint); }
    .faas-dashboard, .faas-follow { max-width: 78rem; border: 1px solid var(--jp-border-color2,#8884);
       border-radius: 6px; overflow: hidden!important; }
    .faas-dashboard .widget-html, .faas-follow .widget-html { margin: 0; }
    .faas-follow .faas { margin: 0; max-width: none; }
    .faas-follow .faas-controls { gap: 4px 8px; padding-bottom: 8px; }
    .faas-follow .faas-controls>* { margin: 0; }
    .faas-follow .faas-log { padding: 6px 14px; }
    .faas-follow .note { margin: 0 14px 8px; }
    .faas-follow>.widget-html .box { border-radius: 0; border-width: 1px 0 0 3px; }
    .faas-controls, .faas-chips { display: flex!important; flex-flow: row wrap!important;
       align-items: center; gap: 4px 12px; padding: 0 12px 4px; overflow: visible; }
    .faas-chips { gap: 4px; max-height: 5.6rem; overflow-y: auto!important; padding-bottom: 6px; }
    .faas-order { justify-content: flex-end; padding: 6px 12px 2px;
       border-top: 1px solid var(--jp-border-color2,#8884); }
    .faas-order+.widget-html .under:first-child { border-top: 0; }
    .faas-chips .widget-toggle-button { width: auto!important; max-width: 100%; }
    .faas-dashboard button:focus-visible, .faas-follow button:focus-visible {
       outline: 2px solid var(--jp-brand-color1,#3b82e6); outline-offset: 1px; }
    .faas-dashboard .mod-active { font-weight: 600;
       box-shadow: inset 0 -2px 0 var(--jp-brand-color1,#3b82e6)!important; }
    .faas-choice, .faas-controls .widget-dropdown { width: auto!important; margin: 0; }
    .faas-choice .widget-toggle-button { width: auto!important; min-width: 0; padding: 0 10px; }
    .faas .grape { --hue: #a55eea; }
    .faas .run i { width: 30%!important; animation: faas-run 1.4s ease-in-out infinite alternate; }
    .faas .narrow { display: none; }
    @container (max-width: 54rem) { .faas .full th, .faas .full td { padding: 4px 7px!important; } }
    @container (max-width: 36rem) { .faas .rows { grid-template-columns: 1fr; gap: 3px; }
       .faas .aside { display: none; } .faas .narrow { display: block; }
       .faas .full th, .faas .full td { padding: 4px 4px!important; } }
    .faas .full tr>:first-child { padding-left: 14px!important; }
    .faas .full tr>:last-child { padding-right: 14px!important; }
    @container (min-width: 27rem) { .faas .series text { font-size: 7.5px; }
       .faas .tile .figure { font-size: 17.5px; } }
    @container (min-width: 38rem) { .faas .charts { grid-template-columns: repeat(2,minmax(0,1fr)); }
       .faas .series text { font-size: 10px; } }
    @container (min-width: 54rem) { .faas .charts { grid-template-columns: repeat(3,minmax(0,1fr)); }
       .faas .tiles { grid-template-columns: repeat(9,minmax(min-content,1fr)); }
       .faas .series text { font-size: 10.5px; } }
    @keyframes faas-more{0%,98%{mask-image:linear-gradient(90deg,#000 calc(100% - 36px),#0003)}
       100%{mask-image:none}}
    @keyframes faas-run{from{margin-left:0}to{margin-left:70%}}
    @media (prefers-reduced-motion:reduce){.faas .run i{animation:none}}
    @media print{.faas details>*{display:block}}
"""


def packed(sheet: str) -> str:
    """A style sheet without what only its readers need."""
    return re.sub(r"\s*([{};])\s*|\s*\n\s*", lambda found: found[1] or "", sheet).strip().replace(";}", "}")


STYLE = packed(_SHEET)
