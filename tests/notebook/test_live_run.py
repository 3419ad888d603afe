"""A run that is watched: what is shown as it goes on, at its end, and when the lab is closed meanwhile."""

import threading

import pytest

from faaslab.errors import Closed
from faaslab.notebook import live_run
from faaslab.notebook.display import View


class Steps:
    """A clock whose waits end when the test says so."""

    def __init__(self) -> None:
        self.step = threading.Semaphore(0)
        self.waits = threading.Semaphore(0)

    def wait(self, over, seconds):
        self.waits.release()
        self.step.acquire()
        return over.is_set()


class Watched:
    """What is watched stands as the test says."""

    def __init__(self) -> None:
        self.stood, self.ended, self.closed = "begun", False, False

    def look(self):
        if self.closed:
            raise Closed("this lab is closed")
        return True


class Handle:
    def __init__(self) -> None:
        self.shown = []

    def update(self, view):
        self.shown.append(view.text)


@pytest.fixture
def handle(monkeypatch):
    made = Handle()
    monkeypatch.setattr(live_run, "display", lambda shown, display_id=False: made)
    return made


@pytest.fixture
def watched():
    return Watched()


@pytest.fixture
def clock():
    return Steps()


@pytest.fixture
def live(watched, clock, handle):
    made = live_run.LiveRun(watched, lambda now: View(f"<p>{now.stood}</p>", now.stood, None), clock=clock)
    made.begin()
    clock.waits.acquire()
    yield made
    clock.step.release(9)
    made.close()
    assert not made.going


def shown(live):
    return live._widget.value


def test_it_is_shown_anew_at_each_step_and_as_plain_html_at_its_end(live, watched, clock, handle):
    assert shown(live) == "<p>begun</p>"
    watched.stood = "half way"
    clock.step.release()
    clock.waits.acquire()
    assert shown(live) == "<p>half way</p>"
    assert handle.shown == []
    watched.stood, watched.ended = "over", True
    clock.step.release()
    live._thread.join()
    assert handle.shown == ["over"]


def test_after_a_cell_its_end_is_there_at_once_and_once(live, watched, clock, handle):
    live.settle()
    assert handle.shown == []
    watched.stood, watched.ended = "over", True
    live.settle()
    live.settle()
    assert handle.shown == ["over"]
    clock.step.release()
    live._thread.join()
    assert handle.shown == ["over"]


def test_a_lab_that_is_closed_leaves_it_as_it_stood(live, watched, clock, handle):
    watched.closed = True
    live.settle()
    assert handle.shown == []
    clock.step.release()
    live._thread.join()
    assert handle.shown == ["begun"]


def test_one_that_is_closed_is_followed_no_more(live, clock, handle):
    clock.step.release()
    live.close()
    live.close()
    assert handle.shown == ["begun"]
    assert not live.going
