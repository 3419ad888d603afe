"""The style sheet of panels: how the controls of ipywidgets stand beside our own blocks.

It is the page's only while a panel is there; what is kept of one (`still`) carries it as well, for its
pictures. Colours are those of `notebook.style`, which stand on every `.faas`.
"""

from __future__ import annotations

from faaslab.notebook.markup import Html, tag
from faaslab.notebook.style import STYLE, packed

_SHEET = """
    .faas.panel .sparks { display: grid;
       grid-template-columns: repeat(auto-fit,minmax(min(17rem,100%),1fr)); gap: 10px 28px;
       padding: 10px 14px; }
    .faas.panel figure { margin: 0; min-width: 0; }
    .faas.panel figure .head { display: flex; flex-wrap: wrap; gap: 0 10px; font-size: 12px;
       margin-bottom: 2px; }
    .faas.panel .title { font-size: 12px; font-weight: 600; }
    .faas.panel figcaption { display: flex; flex-wrap: wrap; gap: 0 12px; font-size: 11px;
       margin-top: 3px; }
    .faas.panel figcaption .cold { color: color-mix(in srgb,var(--warn) 72%,var(--ink)); }
    .faas.panel figcaption .bad { color: color-mix(in srgb,var(--bad) 72%,var(--ink)); }
    .faas.panel svg.spark { display: block; width: 100%; height: auto; max-height: 9rem;
       overflow: visible; }
    .faas.panel .spark .base { stroke: var(--line); stroke-width: 1; }
    .faas.panel .spark .scale { fill: var(--soft); font-size: 9px; font-family: inherit; }
    .faas.panel .spark .median { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 3; }
    .faas.panel .spark .size { stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 5 3;
       fill: none; }
    .faas.panel .spark .touch { fill: transparent; }
    .faas.panel .spark g { --bar: var(--info); opacity: .62; }
    .faas.panel .spark g.last, .faas.panel .spark g:hover { opacity: 1; }
    .faas.panel .spark g.cold { --bar: var(--warn); opacity: .9; }
    .faas.panel .spark g.bad { --bar: var(--bad); opacity: .9; }
    .faas.panel .spark g rect:not(.touch), .faas.panel .spark g circle { fill: var(--bar); }
    .faas.panel .spark g.bad circle { fill: var(--warn); }
    .faas.panel .spark g path { stroke: var(--bar); stroke-width: 1.5; fill: none;
       stroke-linecap: round; }
    .faas.panel .none { padding: 14px; }
    .faas.panel .caption { padding: 10px 14px 0; font-size: 12px; }
    .faas.panel .away.away { display: none!important; }
    .faas.panel { display: block; border: 1px solid var(--line); border-radius: 8px; overflow: hidden;
       padding: 0; }
    .faas.panel .box { border-radius: 0; border-width: 0 0 0 3px; }
    .faas.panel .jupyter-widgets { margin: 0; overflow: visible; }
    .faas.panel .widget-html, .faas.panel .widget-html-content { height: auto; min-width: 0;
       width: auto; }
    .faas.panel .faas { margin: 0; max-width: none; }
    .faas.panel .sides { display: grid!important; align-items: start;
       border-top: 1px solid var(--line); grid-template-columns: minmax(0,11fr) minmax(0,12fr); }
    .faas.panel .side { display: block; min-width: 0; overflow: visible; }
    .faas.panel .side+.side { border-left: 1px solid var(--line); align-self: stretch; }
    .faas.panel .editor { display: block; padding: 10px 14px; }
    .faas.panel .controls { display: flex; flex-flow: row wrap; align-items: center; gap: 6px 10px; }
    .faas.panel .controls.deed { padding: 0 14px 12px; }
    .faas.panel .picks { display: grid!important; gap: 6px 10px; margin-bottom: 8px!important;
       grid-template-columns: repeat(auto-fit,minmax(min(7rem,100%),1fr)); }
    .faas.panel .picks>*, .faas.panel .fields>* { width: auto!important; min-width: 0!important; }
    .faas.panel .editor .widget-textarea { width: 100%!important; height: auto!important;
       margin-top: 6px!important; }
    .faas.panel .editor textarea { font: 12px/1.55 var(--mono)!important; padding: 8px 10px;
       border-radius: 4px; resize: vertical; tab-size: 2; }
    .faas.panel .editor.wrong>.widget-textarea textarea { border-color: var(--bad)!important; }
    .faas.panel .verdict { font-size: 12px; min-height: 20px; padding-top: 4px; }
    .faas.panel .verdict .said { font-weight: 600; }
    .faas.panel .verdict.unfit { color: color-mix(in srgb,var(--warn) 66%,var(--ink)); }
    .faas.panel .verdict pre { padding-top: 2px!important; }
    .faas.panel .picks>.widget-inline-hbox, .faas.panel .fields .widget-inline-hbox {
       flex-direction: column; align-items: stretch; height: auto; gap: 1px; }
    .faas.panel .picks .widget-label, .faas.panel .fields .widget-label { width: auto!important;
       max-width: 100%; text-align: left; height: auto; line-height: 16px; font-size: 11px;
       color: var(--soft); white-space: normal; }
    .faas.panel .picks select, .faas.panel .fields select, .faas.panel .fields input[type=text] {
       width: 100%; min-width: 0; }
    .faas.panel select { appearance: auto; background-image: none!important; padding: 0 4px; }
    .faas.panel .fields .widget-checkbox { justify-content: flex-end; align-self: end;
       min-height: 28px; }
    .faas.panel .fields .widget-checkbox .widget-label-basic { color: var(--ink); width: auto;
       justify-content: flex-start; }
    .faas.panel .widget-checkbox input[type=checkbox] { flex: none; width: auto; }
    .faas.panel .picks .widget-dropdown, .faas.panel .fields .widget-dropdown { height: auto; }
    .faas.panel .picks select, .faas.panel .fields select, .faas.panel .fields input[type=text] {
       height: 28px; flex: none; }
    .faas.panel .fields { display: grid!important; gap: 8px 12px; align-items: start;
       margin-top: 8px!important;
       grid-template-columns: repeat(auto-fill,minmax(min(11rem,100%),1fr)); }
    .faas.panel .fields>.long, .faas.panel .fields>.group { grid-column: 1/-1; }
    .faas.panel .fields .group { border-left: 2px solid var(--line); padding-left: 10px;
       display: block; }
    .faas.panel .fields .group>.widget-html { font-size: 12px; font-weight: 600; }
    .faas.panel .fields .group>.fields { margin-top: 4px!important; }
    .faas.panel .fields textarea { min-height: 30px; }
    .faas.panel .whole { max-height: 32rem; overflow-y: auto; padding: 0 2px 2px; }
    .faas.panel .editor .widget-toggle-buttons { width: auto; }
    .faas.panel .editor .widget-toggle-buttons .widget-toggle-button { width: auto; min-width: 3.6rem;
       height: 26px; line-height: 26px; padding: 0 10px; margin: 0; }
    .faas.panel .editor .tidy { margin-left: auto!important; height: 26px; line-height: 26px;
       width: auto; padding: 0 10px; }
    .faas.panel .deed .widget-button { width: auto; min-width: 7rem; padding: 0 16px; height: 32px;
       line-height: 32px; font-weight: 600; border-radius: 4px; }
    .faas.panel .deed .widget-checkbox { width: auto; }
    .faas.panel .widget-checkbox .widget-label-basic { display: flex; align-items: center; gap: 6px; }
    .faas.panel .widget-checkbox input { margin: 0; }
    .faas.panel .deed .widget-checkbox .widget-label-basic { color: var(--soft); }
    .faas.panel .recent { display: block; border-top: 1px solid var(--line); padding: 6px 6px 8px; }
    .faas.panel .recent .widget-html { padding: 2px 8px 4px; }
    .faas.panel .recent .widget-button { display: block; width: 100%; height: 24px; line-height: 24px;
       padding: 0 8px; text-align: left; background: none; border: 0; box-shadow: none!important;
       border-radius: 4px; font: 12px/24px var(--mono); color: var(--ink); white-space: pre;
       overflow: hidden; text-overflow: ellipsis; }
    .faas.panel .recent .widget-button:hover {
       background: color-mix(in srgb,var(--ink) 7%,transparent); }
    .faas.panel .recent .widget-button:focus-visible { outline: 2px solid var(--info);
       outline-offset: -2px; }
    .faas.panel .recent .widget-button::before { content: "●"; margin-right: 1ch;
       color: var(--hue,var(--mute)); }
    .faas.panel .recent .chosen {
       background: color-mix(in srgb,var(--info) 13%,transparent)!important; }
    @container (max-width: 46rem) { .faas.panel .sides { grid-template-columns: minmax(0,1fr);
       } .faas.panel .side+.side { border-left: 0; border-top: 1px solid var(--line); } }
"""

PANEL_STYLE = packed(_SHEET)


def sheet() -> Html:
    """Both style sheets, for the one part of a panel that carries them."""
    return Html(f"<style>{STYLE}{PANEL_STYLE}</style>")


def block(*children: object) -> Html:
    """A part of a panel: the sheets stand in another."""
    return tag("div", *children, class_="faas mathjax_ignore tex2jax_ignore")
