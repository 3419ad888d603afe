"""An executed notebook as one HTML page: prose, tables and pictures first, code folded, nothing loaded.

The page forbids itself every request and every script (Content-Security-Policy), whatever a notebook put
into its outputs.
"""

from __future__ import annotations

import html
import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.reports.contained import contained
from faaslab.reports.fitted import fitted
from faaslab.reports.still import still, with_contents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TEMPLATES = Path(__file__).parent / "templates"
_LONGEST = 400
_MOST_OUTPUT = 100_000
"""So many characters of what one cell printed, returned as text or raised stand on the page."""

_LIVING = ("application/vnd.jupyter.widget-view+json", "application/javascript", "text/vnd.mermaid")
_OWN_HEADLINE = re.compile(r"\s*#[ \t]+[^\n]*(?:\n|$)|\s*[^\n#>\-*\s][^\n]*\n=+[ \t]*(?:\n|$)")
"""`# So`, or so underlined with `=`; at the top of the first cell."""
_MARK = "papermill-error-cell-tag"


THEMES = ("light", "dark", "auto")
PAPERS = ("A4", "letter")


def render(
    notebook: Path,
    *,
    title: str,
    subtitle: str,
    headline: str | None = None,
    theme: str = "light",
    paper: str = "A4",
    ended: Mapping[str, Any] | None = None,
) -> str:
    """The page's text; `title` is the window's, `subtitle` stands at the foot.

    `headline` takes the place of the notebook's own, or stands above what has none.
    `ended` says which cell failed and why: `failed_cell`, `error_type`, `error_message`. `theme` is
    one of `THEMES` (auto: the reader's); printed it is light, on `paper`.
    """
    import nbformat
    from jinja2 import pass_context
    from nbconvert import HTMLExporter

    node = nbformat.read(notebook, as_version=4)
    # Papermill marks a failure with headings of its own; ours is a line at the top that leads to the cell.
    node.cells = [cell for cell in node.cells if _MARK not in cell.metadata.get("tags", ())]
    if headline:
        _head(node, headline)
    failed = failed_cell(node)
    exporter = HTMLExporter(
        template_name="faaslab_report",
        extra_template_basedirs=[str(TEMPLATES)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    numbers = itertools.count(1)
    _without_what_lives(node, numbers)

    @pass_context
    def markdown2html(context: Any, source: str) -> str:
        # Markdown may have any HTML in it.
        return contained(still(exporter.markdown2html(context, source)), next(numbers), cell=True)

    exporter.register_filter("markdown2html", markdown2html)
    exporter.register_filter("still", still)
    exporter.register_filter("fitted", fitted)
    exporter.register_filter("with_contents", with_contents)
    resources: dict[str, Any] = {
        "report": {
            "title": title,
            "subtitle": subtitle,
            "failed": failed,
            "why": _why(ended) if failed else "",
            "theme": theme if theme in THEMES else "light",
            "paper": paper if paper in PAPERS else "A4",
            "foot": _css_text(f"{title} · {subtitle}"),
        }
    }
    body, _ = exporter.from_notebook_node(node, resources=resources)
    return str(body)


def _head(node: Any, headline: str) -> None:
    """Give the notebook that headline: text, and neither Markdown nor HTML."""
    import nbformat

    heading = f"<h1>{html.escape(' '.join(headline.split()), quote=False)}</h1>"
    first = node.cells[0] if node.cells else None
    if first is not None and first.cell_type == "markdown" and (own := _OWN_HEADLINE.match(first.source)):
        first.source = f"{heading}\n\n{first.source[own.end() :]}"
    else:
        node.cells.insert(0, nbformat.v4.new_markdown_cell(heading))


def _without_what_lives(node: Any, numbers: Iterator[int]) -> None:
    """Of each output the form that a page without scripts can show; nothing of widgets but their HTML."""
    node.metadata.pop("widgets", None)
    for cell in node.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "stream":
                output.text = _shortened(output.text)
            elif output.output_type == "error":
                output.traceback = [_shortened(each) for each in output.traceback]
            data = output.get("data", {})
            plain = [name for name in data if name not in _LIVING and not name.startswith("application/")]
            still_there = [name for name in plain if name != "text/latex"] or plain
            for name in list(data):
                if name not in still_there:
                    del data[name]
            for name in ("text/html", "image/svg+xml"):
                if name in data:
                    data[name] = contained(still("".join(data[name])), next(numbers))
            for name in ("text/plain", "text/markdown"):
                if name in data:
                    data[name] = _shortened("".join(data[name]))
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if not _is_empty(output)]


def _is_empty(output: Any) -> bool:
    """Whether there is nothing to see: a widget whose place is taken by the HTML below it, say."""
    data = output.get("data")
    return data is not None and not any("".join(data[name]).strip() for name in data)


def _shortened(text: str) -> str:
    if len(text) <= _MOST_OUTPUT:
        return text
    begin, end = text[: _MOST_OUTPUT * 2 // 3], text[-_MOST_OUTPUT // 3 :]
    left = len(text) - len(begin) - len(end)
    return f"{begin}\n… {left:,} characters are left out here; the log and --to ipynb have more …\n{end}"


def own_numbers(node: Any) -> dict[int, int]:
    """Place of a code cell -> its number as its author counts: from 1, without what papermill put in."""
    own = [
        place
        for place, cell in enumerate(node.cells)
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", ())
    ]
    return {place: number for number, place in enumerate(own, start=1)}


def failed_cell(node: Any) -> int | None:
    """Which code cell failed, counted as its author does."""
    for place, number in own_numbers(node).items():
        if any(_is_failure(output) for output in node.cells[place].outputs):
            return number
    return None


def _is_failure(output: Any) -> bool:
    # Leaving with status 0 is how a notebook ends early.
    left = output.get("ename") == "SystemExit" and output.get("evalue") in ("", "0")
    return output.output_type == "error" and not left


def _why(ended: Mapping[str, Any] | None) -> str:
    if not ended or not ended.get("error_type"):
        return ""
    message = " ".join(str(ended.get("error_message") or "").split())
    told = f"{ended['error_type']}: {message}" if message else str(ended["error_type"])
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


def _css_text(text: str) -> str:
    """A text as a string of CSS; whatever it holds, it ends where it ends."""
    return (
        '"'
        + "".join(each if each.isalnum() or each in " .,:-" else f"\\{ord(each):x} " for each in text)
        + '"'
    )
