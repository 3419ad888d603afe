"""What was shown and cleared leaves nothing in the kernel."""

import gc
import shlex
import time
import weakref

import pytest
from ipywidgets.widgets.widget import _instances

from faaslab import app, verbs
from faaslab.notebook.display import Surroundings
from faaslab.notebook.labs import Labs
from faaslab.notebook.widgets import stage
from faaslab.notebook.widgets.beside import Beside
from faaslab.notebook.widgets.opened import live_of
from tests.verbs.faces import KeptFace


class Nowhere:
    def update(self, shown):
        pass


class Face(KeptFace):
    waits = False

    def __init__(self):
        super().__init__()
        self.waits = False


def collected(kept, seconds=20.0):
    until = time.monotonic() + seconds
    while kept() is not None and time.monotonic() < until:
        gc.collect()
        time.sleep(0.02)
    return kept() is None


@pytest.mark.parametrize(
    ("line", "functions"),
    [
        ("dashboard", 1),
        ("dashboard", 2),
        ("panel f0", 1),
        ("panel waits", 1),
        ("logs f0 --follow", 1),
    ],
)
def test_what_was_cleared_is_collected(tmp_path, monkeypatch, line, functions):
    monkeypatch.setattr(stage, "display", lambda *_, **__: Nowhere())
    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache") as lab:
        for number in range(functions):
            lab.functions.create(f"f{number}", "def handler(e, c): return e")
        lab.workflows.create("waits", {"StartAt": "w", "States": {"w": {"Type": "Succeed"}}})
        labs, before = Labs(), set(_instances)
        labs.beside = Beside(None)

        def shown():
            live = live_of(verbs.run(lab, verbs.parse(shlex.split(line)), Face()), lab, Surroundings())
            labs.show(live, attended=True)
            return live

        live = shown()
        if functions > 1:  # a dashboard makes it a button; that of an only one is not shown
            lab.functions.create("later", "def handler(e, c): return e")
        live.beat()
        for count in (1, 0):
            live._stage._root._view_count = count
        kept = weakref.ref(live)
        del live
        shown()  # what was cleared goes when the next comes
        assert collected(kept)
        labs.close()
        assert set(_instances) - before == set()
