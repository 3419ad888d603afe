"""A run that is watched: what is shown as it goes on, at its end, and when the lab is closed meanwhile."""

import threading

import pytest

from faaslab.errors import Closed, StoreBusy
from faaslab.notebook import live_run
from faaslab.notebook.display import View
from faaslab.notebook.widgets.pulse import Pulse


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


class Woken:
    """The thread of all that is live; the test beats in its place."""

    def __init__(self):
        self.those = []

    def wake(self, *those):
        self.those += those


@pytest.fixture
def pulse():
    return Woken()


def made(watched):
    return live_run.LiveRun(watched, lambda now: View(f"<p>{now.stood}</p>", now.stood, None))


@pytest.fixture
def live(watched, handle, pulse):
    one = made(watched)
    one.begin(pulse)
    assert pulse.those == [one]
    yield one
    one.close()
    assert not one.going


def shown(live):
    return live._widget.value


def test_it_is_shown_anew_at_each_step_and_as_plain_html_at_its_end(live, watched, handle):
    assert shown(live) == "<p>begun</p>"
    watched.stood = "half way"
    live.beat()
    assert shown(live) == "<p>half way</p>"
    assert handle.shown == []
    watched.stood, watched.ended = "over", True
    live.beat()
    assert handle.shown == ["over"]
    assert not live.beats
    live.beat()
    assert handle.shown == ["over"]


def test_what_is_as_it_was_is_not_sent_again(live):
    seen = []
    live._widget.observe(seen.append, "value")
    live.beat()
    assert seen == []


def test_after_a_cell_its_end_is_there_at_once_and_once(live, watched, handle):
    live.settle()
    assert handle.shown == []
    watched.stood, watched.ended = "over", True
    live.settle()
    live.settle()
    live.beat()
    assert handle.shown == ["over"]


def test_a_lab_that_is_closed_leaves_it_as_it_stood(live, watched, handle):
    watched.closed = True
    live.settle()
    assert handle.shown == []
    live.beat()
    assert handle.shown == ["begun"]


def test_a_look_that_fails_ends_nothing(live, watched, handle, monkeypatch):
    look = watched.look

    def busy():
        raise StoreBusy("another program holds the file")

    monkeypatch.setattr(watched, "look", busy)
    live.beat()
    assert live.going
    monkeypatch.setattr(watched, "look", look)
    watched.stood, watched.ended = "over", True
    live.beat()
    assert handle.shown == ["over"]


def test_one_that_cannot_be_drawn_any_more_leaves_what_was_drawn(live, watched, handle):
    def closed(now):
        raise Closed("this lab is closed")

    live._draw = closed
    live.close()
    assert handle.shown == ["begun"]


def test_one_that_is_closed_is_followed_no_more(live, handle):
    live.close()
    live.close()
    assert handle.shown == ["begun"]
    assert not live.going


def test_one_that_has_ended_already_is_shown_once_and_not_followed(watched, handle, pulse):
    watched.ended = True
    one = made(watched)
    one.begin(pulse)
    assert pulse.those == []
    assert not one.beats


def test_many_are_followed_by_one_thread(handle):
    pulse = Pulse()
    every = [Watched() for _ in range(5)]
    runs = [made(each) for each in every]
    for each in runs:
        each.begin(pulse)
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("faaslab-pulse") == 1
    for each in every:
        each.stood, each.ended = "over", True
    for thread in threading.enumerate():
        if thread.name == "faaslab-pulse":
            thread.join(10)
    assert not pulse.running
    assert handle.shown == ["over"] * 5
    pulse.close()
