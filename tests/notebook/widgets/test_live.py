"""The life of something live: shown, asked while it is seen, kept, and ended when its output was cleared."""

import threading

import ipywidgets
import pytest
from ipywidgets.widgets.widget import _instances

from faaslab.errors import Closed, InvalidValue
from faaslab.notebook.display import Surroundings, View
from faaslab.notebook.labs import Labs
from faaslab.notebook.widgets import stage
from faaslab.notebook.widgets.live import LiveWidget


class Counted(LiveWidget):
    period_s = 3600.0

    def __init__(self, raises=None):
        super().__init__(None, Surroundings())
        self.raises = raises
        self.looks = 0
        self.troubles = []

    def widget(self):
        return ipywidgets.Label("0")

    def look(self):
        self.looks += 1
        if self.raises is not None:
            raise self.raises

    def still(self):
        return View(f"<p>{self.looks}</p>", str(self.looks), None)

    def trouble(self, error):
        self.troubles.append(str(error))


class Output:
    def __init__(self, shown):
        self.shown = [shown]

    def update(self, shown):
        self.shown.append(shown)


@pytest.fixture
def page(monkeypatch):
    outputs = []

    def display(shown, **_):
        outputs.append(Output(shown))
        return outputs[-1]

    monkeypatch.setattr(stage, "display", display)
    return outputs


@pytest.fixture
def labs(page):
    made = Labs()
    yield made
    made.close()


def views(live, count):
    """A page shows it so often now."""
    live._stage._root._view_count = count


def test_with_nobody_before_it_the_page_alone_is_shown_and_brought_up_to_date(labs, page):
    live = Counted()
    labs.show(live, attended=False)
    assert [each.shown[-1].html for each in page] == ["<p>1</p>"]
    labs.settle()
    assert page[0].shown[-1].html == "<p>2</p>"
    assert not live.beats


def test_with_somebody_before_it_the_widget_hides_what_is_kept(labs, page):
    live = Counted()
    labs.show(live, attended=True)
    widget, kept = page
    assert "application/vnd.jupyter.widget-view+json" in widget.shown[0]._repr_mimebundle_()
    assert "<p>1</p>" in kept.shown[0].html
    views(live, 1)
    labs.settle()
    assert len(kept.shown) == 1, "a page shows it: what is kept can wait"


def test_it_is_asked_only_while_a_page_shows_it(labs, page):
    live = Counted()
    labs.show(live, attended=True)
    assert not live.beats
    views(live, 1)
    assert live.beats
    views(live, 0)
    assert not live.beats
    views(live, 1)
    assert live.beats


def test_what_was_cleared_ends_with_the_next_and_what_no_page_has_drawn_yet_stays(labs, page):
    cleared, not_drawn = Counted(), Counted()
    for each in (cleared, not_drawn):
        labs.show(each, attended=True)
    views(cleared, 1)
    views(cleared, 0)
    labs.show(Counted(), attended=True)
    assert not cleared.going
    assert not_drawn.going


def test_at_its_end_the_page_takes_the_place_of_the_widget(labs, page):
    live = Counted()
    labs.show(live, attended=True)
    views(live, 1)
    labs.close()
    live.close()
    widget, kept = page
    assert "faas-nothing" in widget.shown[-1].html
    assert kept.shown[-1].html == f"<p>{live.looks}</p>"


def test_what_is_kept_is_renewed_only_when_it_is_another(labs, page):
    live = Counted()
    labs.show(live, attended=True)
    live.keep()
    assert len(page[1].shown) == 1
    live.looks = 7
    live.keep()
    assert "<p>7</p>" in page[1].shown[-1].html


def test_a_look_that_fails_is_told_and_the_next_may_have_more_luck(labs, page):
    live = Counted(InvalidValue("no such thing"))
    labs.show(live, attended=True)
    assert live.troubles == ["no such thing"]
    live.raises = None
    live.beat()
    assert (live.looks, live.going) == (2, True)


def test_a_lab_that_was_closed_ends_it(labs, page):
    live = Counted(Closed("this lab is closed"))
    labs.show(live, attended=True)
    assert not live.going
    assert len(page) == 1, "there is no widget any more that somebody could click"


def test_when_the_lab_is_closed_meanwhile_what_is_kept_takes_the_place_of_the_widget(labs, page):
    live = Counted()
    labs.show(live, attended=True)
    live.raises = Closed("this lab is closed")
    live.beat()
    widget, kept = page
    assert not live.going
    assert "faas-nothing" in widget.shown[-1].html
    assert kept.shown[-1].html == "<p>2</p>"


def test_a_fault_of_ours_is_shown_and_the_next_look_may_have_more_luck(labs, page, monkeypatch):
    monkeypatch.delenv("FAASLAB_DEBUG", raising=False)
    told = []
    monkeypatch.setattr(threading, "excepthook", lambda about: told.append(str(about.exc_value)))
    live, other = Counted(KeyError("mine")), Counted()
    for each in (live, other):
        labs.show(each, attended=True)
        views(each, 1)
    assert live.going
    assert live.troubles[-1].startswith("KeyError: 'mine'")
    live.raises = None
    looks = live.looks
    live.beat()
    assert (live.looks, told) == (looks + 1, [])
    monkeypatch.setenv("FAASLAB_DEBUG", "1")
    live.raises = KeyError("mine")
    live.beat()
    assert told == ["'mine'"], "the whole trace is told to whoever asks for it"


def test_a_deed_that_fails_in_whatever_way_is_shown(labs, page):
    live = Counted()
    labs.show(live, attended=True)

    def deed(what):
        raise ZeroDivisionError(what)

    live.apart(deed, "by nothing")
    while live._apart:
        threading.Event().wait(0.001)
    assert live.troubles[-1].startswith("ZeroDivisionError: by nothing")
    assert live.going


def test_nothing_of_it_is_left_after_its_end(labs, page):
    class Deep(Counted):
        def widget(self):
            rows = [ipywidgets.HBox([ipywidgets.Button(), ipywidgets.Dropdown()]) for _ in range(5)]
            return ipywidgets.VBox(rows)

    before = set(_instances)
    labs.show(Deep(), attended=True)
    assert set(_instances) - before
    labs.close()
    assert set(_instances) - before == set()
