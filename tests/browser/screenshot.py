"""The README's pictures: real notebooks in a real JupyterLab. `python -m tests.browser.screenshot [NAME ...]`.

It runs the cells below for real, so what the pictures tell was measured.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image

from tests.browser import jupyter

FUNCTIONS = (
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
WORKFLOW = (
    "%load_ext faaslab",
    """%%faas score -o score
import time

class Busy(Exception): pass
seen = set()

def handler(event, context):
    time.sleep(0.2 + event["distance"] / 50)
    if event["distance"] == 25 and 25 not in seen:
        seen.add(25)
        raise Busy("come again")
    return {"odds": round(1 / (1 + 2.7 ** (0.11 * event["distance"] - 1.2)), 4)}""",
    'shots = [{"distance": distance} for distance in (5, 11, 16, 25, 30)]',
    """%%faas workflow match -o match
QueryLanguage: JSONata
StartAt: Score all
States:
  Score all:
    Type: Map
    Items: "{% $states.input %}"
    MaxConcurrency: 2
    ItemProcessor:
      StartAt: Score
      States:
        Score: {Type: Task, Resource: score, Retry: [{ErrorEquals: [Busy]}], End: true}
    Catch: [{ErrorEquals: [States.ALL], Next: No result}]
    Next: Expected
  Expected: {Type: Pass, Output: "{% $round($sum($states.input.odds), 2) %}", End: true}
  No result: {Type: Fail, Error: NotScored}""",
    "run = %faas run match -p {shots} --name final",
    "await run\nrun.timeline()",
)
PANEL = (
    "%load_ext faaslab",
    """%%faas score --memory 128 --timeout 10
import math

def handler(event, context):
    if event["distance"] < 0:
        raise ValueError("a distance is not negative")
    odds = 1 / (1 + math.exp(0.11 * event["distance"] - 1.2))
    points = [math.sin(n) for n in range(2_000 * event["distance"])]
    print(f"{event['distance']} m: {odds:.3f}")
    return {"odds": round(odds, 4), "foot": event["player"]["foot"]}""",
    """ada = {"name": "Ada", "foot": "left"}
shots = [{"distance": -1 if n == 32 else 7 * n % 31 + 2, "player": ada} for n in range(36)]
shot = {"distance": 11, "player": ada, "tags": ["cup", "final"]}
%faas map score shots -n 2 -o scored
%faas invoke score -p {shot} -o last""",
    "%faas panel score -p {shot}",
)
TRAFFIC = (
    "%load_ext faaslab",
    """%%faas score --memory 512 -o score
import random, time

def handler(event, context):
    time.sleep(0.004 * random.lognormvariate(0, 0.9))
    if event["distance"] > 192:
        raise ValueError(f"{event['distance']} m is off the field")
    return {"odds": round(1 / (1 + 2.7 ** (0.11 * event["distance"] - 1.2)), 4)}""",
    """%%faas settle --memory 256 -o settle
import time

def handler(event, context):
    time.sleep(0.03)
    return {"settled": event["bets"]}""",
    """import math, time
import faaslab
lab = faaslab.open()
for minute in range(60):                       # a little traffic, up and down
    shots = [{"distance": (minute * 37 + n) % 200} for n in range(6 + int(5 * math.sin(minute / 6)))]
    lab.functions.map("score", shots, n=4)
    bets = [{"bets": n} for n in range(minute % 4 + 1)]
    lab.functions.map("settle", bets, n=2)
    time.sleep(3)""",
)
PICTURES = {
    "notebook": (FUNCTIONS, 0),
    "workflow": (WORKFLOW, 3),
    "panel": (PANEL, 3),
    "dashboard": ((*TRAFFIC, "%faas dashboard --since 5m"), len(TRAFFIC)),
}
"""For each picture its cells, and the first one that is seen."""
WIDTH = 960
SCALE = 1.25
ROOM = 40
"""Pixels of page around the cells."""


def take(path: Path, cells: tuple[str, ...], first: int, *, theme: str = "JupyterLab Light") -> Path:
    """Write the picture, about 1200 pixels wide."""
    with tempfile.TemporaryDirectory(prefix="faaslab-picture-") as name:
        folder = Path(name)
        with jupyter.jupyterlab(folder) as (address, token), jupyter.chromium() as browser:
            notebook = jupyter.Notebook(
                browser, address, token, folder, "score.ipynb", cells, width=WIDTH, height=3000, scale=SCALE
            )
            notebook.theme(theme)
            notebook.run_each()
            if cells is PANEL:
                notebook.page.locator(".faas.panel svg.spark").first.wait_for()
            notebook.page.wait_for_timeout(2_500)  # what is live has looked
            notebook.page.add_style_tag(content=".jp-Toolbar.jp-cell-toolbar { display: none !important; }")
            notebook.page.mouse.move(2, 2)
            shown = notebook.page.locator(".jp-Notebook .jp-CodeCell")
            last = shown.nth(len(cells) - 1).bounding_box()
            top = shown.nth(first).bounding_box()
            assert last is not None
            assert top is not None
            above = top["y"] - 6 if first else 0
            path.parent.mkdir(parents=True, exist_ok=True)
            notebook.page.screenshot(
                path=path,
                clip={
                    "x": 0,
                    "y": above,
                    "width": WIDTH,
                    "height": last["y"] + last["height"] + ROOM - above,
                },
            )
            notebook.close()
    # Few colours are in it, some of them rare: a palette of them is a third of the bytes, and as crisp.
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(224, method=Image.Quantize.MAXCOVERAGE, kmeans=3)
    few.save(path, optimize=True)
    return path


if __name__ == "__main__":
    reason = jupyter.missing()
    if reason is not None:
        raise SystemExit(reason)
    for name in sys.argv[1:] or PICTURES:
        print(take(jupyter.ROOT / ".github" / f"{name}.png", *PICTURES[name]))
