"""An executed notebook as one HTML page: prose, tables and pictures first, code folded, nothing loaded.

The page forbids itself every request and every script (Content-Security-Policy), whatever a notebook put
into its outputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"
_MARK = "papermill-error-cell-tag"


def render(notebook: Path, *, title: str, subtitle: str) -> str:
    """The page's text; `title` is the window's, `subtitle` stands at the foot."""
    import nbformat
    from nbconvert import HTMLExporter

    node = nbformat.read(notebook, as_version=4)
    # Papermill marks a failure with headings of its own; ours is a line at the top that leads to the cell.
    node.cells = [cell for cell in node.cells if _MARK not in cell.metadata.get("tags", ())]
    failed = failed_cell(node)
    exporter = HTMLExporter(
        template_name="faaslab_report",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    resources: dict[str, Any] = {"report": {"title": title, "subtitle": subtitle, "failed": failed}}
    body, _ = exporter.from_notebook_node(node, resources=resources)
    return str(body)


def failed_cell(node: Any) -> int | None:
    """Which code cell failed, counted as its author does: from 1, without the one that papermill put in."""
    own = [
        cell
        for cell in node.cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", ())
    ]
    for number, cell in enumerate(own, start=1):
        if any(output.output_type == "error" for output in cell.outputs):
            return number
    return None
