"""The README's picture: a real notebook in a real JupyterLab. `python -m tests.browser.screenshot [PATH]`.

It runs the cells below for real, so what the picture tells was measured.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.browser import jupyter

CELLS = (
    "%load_ext faaslab",
    """%%faas score --memory 512 --timeout 10
import math

def handler(event, context):
    odds = 1 / (1 + math.exp(0.11 * event["distance"] - 1.2))
    print(f"{event['distance']} m: {odds:.3f}")
    return {"odds": round(odds, 4)}""",
    """%faas invoke score -p '{"distance": 11}'""",
    """shots = [{"distance": d} for d in range(200)]
%faas map score shots -n 8 -o scored""",
    "%faas stats --by function,version --plot",
)
WIDTH = 960
SCALE = 1.25
ROOM = 40
"""Pixels of page around the cells."""


def take(path: Path, *, theme: str = "JupyterLab Light") -> Path:
    """Write the picture, about 1200 pixels wide."""
    with tempfile.TemporaryDirectory(prefix="faaslab-picture-") as name:
        folder = Path(name)
        with jupyter.jupyterlab(folder) as (address, token), jupyter.chromium() as browser:
            notebook = jupyter.Notebook(
                browser, address, token, folder, "score.ipynb", CELLS, width=WIDTH, height=3000, scale=SCALE
            )
            notebook.theme(theme)
            notebook.run_each()
            notebook.page.add_style_tag(content=".jp-Toolbar.jp-cell-toolbar { display: none !important; }")
            notebook.page.mouse.move(2, 2)
            cells = notebook.page.locator(".jp-Notebook .jp-CodeCell")
            last = cells.nth(len(CELLS) - 1).bounding_box()
            assert last is not None
            path.parent.mkdir(parents=True, exist_ok=True)
            notebook.page.screenshot(
                path=path,
                clip={"x": 0, "y": 0, "width": WIDTH, "height": last["y"] + last["height"] + ROOM},
            )
            notebook.close()
    return path


if __name__ == "__main__":
    reason = jupyter.missing()
    if reason is not None:
        raise SystemExit(reason)
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else jupyter.ROOT / ".github" / "notebook.png"
    print(take(target))
