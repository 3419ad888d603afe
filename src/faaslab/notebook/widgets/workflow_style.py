"""The style sheet of a workflow's panel: beside that of all panels, the graph that can be clicked."""

from __future__ import annotations

from faaslab.notebook.markup import Html, tag
from faaslab.notebook.style import STYLE, packed
from faaslab.notebook.widgets.panel_style import PANEL_STYLE

# JupyterLab's own rules for buttons are strong: twice the class is stronger.
_SHEET = """
    .faas .bench { display: block; padding: 8px 14px 10px; }
    .faas .bench>* { max-width: 100%; }
    .faas .bench .controls, .faas .bench .picked { margin-bottom: 6px!important; }
    .faas.panel .deeds { padding: 2px 14px 12px; gap: 6px; }
    .faas.panel .deed .widget-text { flex: 1 1 11rem; width: auto; }
    .faas.panel .picked { display: flex; align-items: center; gap: 6px; width: auto; }
    .faas.panel .controls .picked { flex: 1 1 12rem; }
    .faas.panel .picked .widget-label { width: auto; min-width: 0; font-size: 11px; color: var(--soft);
       margin: 0; }
    .faas.panel .picked select { flex: 1 1 auto; width: auto; min-width: 0; }
    .faas.panel .small .widget-button, .faas.panel .small .widget-toggle-button { width: auto;
       height: 28px; line-height: 28px; padding: 0 11px; margin: 0; border-radius: 4px; }
    .faas.panel .under { border-top: 1px solid var(--line); }
    .faas.panel .whose { overflow: visible; }
    .faas.panel .whose .box { border-top: 1px solid var(--line); }
    .faas.panel .beside .box { border: 1px solid var(--line); border-left: 3px solid var(--hue,var(--line));
       border-radius: 6px; }
    .faas.panel .beside .box+.box { margin-top: 8px; }
    .faas.panel .low { display: block; padding: 8px 14px; border-top: 1px solid var(--line); }
    .faas.panel .low .picture, .faas.panel .low .wide { padding: 8px 0 0; }
    .faas .sides.broad { grid-template-columns: minmax(0,1fr); }
    .faas .sides.broad .side+.side { border-left: 0; border-top: 1px solid var(--line); }
    .faas.panel .faas-scroll.faas-scroll { display: flex; overflow: auto; max-height: 52rem;
       justify-content: safe center; align-items: flex-start; padding: 6px; }
    .faas-graph.faas-graph { position: relative; display: block; overflow: visible; flex: 0 0 auto; }
    .faas-graph svg { display: block; width: 100%; max-width: none; }
    .faas-state.faas-state.faas-state { position: absolute; display: block; margin: 0; padding: 0;
       min-width: 0; background: transparent; border: 0; box-shadow: none; border-radius: 10px;
       cursor: pointer; outline-offset: 2px; }
    .faas-state.faas-state.faas-state:hover { background: color-mix(in srgb,#3b82e6 9%,transparent); }
    .faas-state.faas-state.faas-chosen { outline: 2px solid color-mix(in srgb,#3b82e6 75%,transparent);
       outline-offset: 3px; }
    .faas-state.faas-state.faas-state:focus-visible { outline: 3px solid #3b82e6; }
"""


def sheet() -> Html:
    """All the rules that a panel needs while it lives; what is kept of it needs those of every view only."""
    return tag("style", Html(STYLE + PANEL_STYLE + packed(_SHEET)))
