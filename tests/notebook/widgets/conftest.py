import pytest

from faaslab import app
from faaslab.notebook.display import Surroundings
from faaslab.notebook.widgets import stage
from faaslab.notebook.widgets.beside import Beside
from faaslab.notebook.widgets.function_panel import FunctionPanel
from faaslab.notebook.widgets.pulse import Pulse
from faaslab.verbs import PanelAnswer
from tests.notebook.widgets.panels import SOURCE


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("panel")
    with app.open(store=folder / "s.duckdb", cache=folder / "cache") as lab:
        lab.functions.create("score", SOURCE)
        lab.versions.publish("score")
        lab.versions.point("score", "prod", "1")
        yield lab


class Handle:
    def __init__(self):
        self.shown = []

    def update(self, view):
        self.shown.append(view)


@pytest.fixture
def pulse():
    made = Pulse()
    yield made
    made.close()


@pytest.fixture
def opened(lab, pulse, monkeypatch):
    handles = []

    def display(shown, display_id=False):
        handles.append(Handle())
        handles[-1].update(shown)
        return handles[-1]

    monkeypatch.setattr(stage, "display", display)
    panels = []

    def one(name="score", **options):
        around = options.pop("around", Surroundings())
        panel = FunctionPanel(lab, around, PanelAnswer(name=name, kind="function", **options))
        panels.append(panel)
        panel.begin(pulse, Beside(None))
        panel.handles = handles
        return panel

    yield one
    for panel in panels:
        panel.close()
