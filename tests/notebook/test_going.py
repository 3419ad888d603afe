"""What a cell shows while a verb takes its time, and the button that ends it."""

import contextlib
import threading

import pytest

from faaslab.clock import SteppedClock
from faaslab.notebook.progress import Going, ProgressBar


class Page:
    """What was displayed, in order: for each what stands there now."""

    def __init__(self):
        self.outputs = []

    def show(self, shown):
        self.outputs.append(shown)
        return Handle(self.outputs, len(self.outputs) - 1)

    @property
    def texts(self):
        return [getattr(each, "text", "a widget") for each in self.outputs]


class Handle:
    def __init__(self, outputs, place):
        self.outputs, self.place = outputs, place

    def update(self, shown):
        self.outputs[self.place] = shown


class Pulse:
    def wake(self, *those):
        self.woken = those


class Beside:
    def __init__(self, answer=True):
        self.answer = answer

    def answers(self, *widgets):
        return self.answer


@pytest.fixture
def clock():
    return SteppedClock()


@pytest.fixture
def page():
    return Page()


@pytest.fixture
def made(clock, page):
    def make(**options):
        interrupts = []
        going = Going(
            "map score",
            pulse=Pulse(),
            beside=options.pop("beside", Beside()),
            clock=clock,
            show=page.show,
            interrupt=lambda: interrupts.append(1),
        )
        going.interrupts = interrupts
        return going

    return make


def strip(page):
    return page.outputs[-1].widget


def said(page):
    return strip(page).children[0].value


def test_what_is_quick_shows_nothing(made, clock, page):
    with made() as going:
        clock.advance(0.6)
        going.beat()
    going.beat()
    assert page.outputs == []


def test_what_takes_its_time_says_so_and_leaves_nothing(made, clock, page):
    with made() as going:
        clock.advance(0.8)
        going.beat()
        assert "for 800.0 ms" in said(page)
        clock.advance(2)
        going.beat()
        assert "for 2.80 s" in said(page)
        assert strip(page).children[1].description == "Cancel"
    assert page.texts == [""]


def test_a_bar_is_one_output_that_ends_as_a_line(made, clock, page):
    with made() as going, ProgressBar(10, "map score", going=going, clock=clock) as bar:
        bar.advance(3)
        clock.advance(1)
        going.beat()
        assert "3 of 10" in said(page)
        bar.advance(7, "2 failed")
        clock.advance(1)
    assert page.texts == ["map score: 10 of 10 in 2.00 s · 2 failed"]


def test_a_quick_bar_is_its_last_line_alone(made, clock, page):
    with made() as going:
        with ProgressBar(2, "first", going=going, clock=clock) as bar:
            bar.advance(2)
        clock.advance(0.9)
        going.beat()
        with ProgressBar(2, "second", going=going, clock=clock) as bar:
            bar.advance(2)
    assert page.texts == ["first: 2 of 2 in 0.00 ms", "second: 2 of 2 in 0.00 ms"]


def test_the_button_interrupts_and_once_more_for_what_is_begun(made, clock, page):
    with (
        contextlib.suppress(KeyboardInterrupt),
        made() as going,
        ProgressBar(5, "map", going=going, clock=clock) as bar,
    ):
        bar.advance(2)
        clock.advance(1)
        going.beat()
        button = strip(page).children[1]
        assert button.description == "Cancel"
        button.click()
        assert (button.description, going.interrupts) == ("Stop now", [1])
        button.click()
        assert going.interrupts == [1, 1]
        raise KeyboardInterrupt
    assert page.texts == ["map: stopped at 2 of 5 in 1.00 s"]


def test_a_click_that_comes_late_interrupts_nobody(made, clock, page):
    with made() as going:
        clock.advance(1)
        going.beat()
        button = strip(page).children[1]
    button.click()
    assert going.interrupts == []


def test_there_is_no_button_that_would_be_answered_too_late(made, clock, page):
    with made(beside=Beside(answer=False)) as going:
        clock.advance(1)
        going.beat()
        assert len(strip(page).children) == 1
        assert "interrupts it" in said(page)


def test_what_fails_leaves_no_strip_behind(made, clock, page):
    with contextlib.suppress(ValueError), made() as going:
        clock.advance(1)
        going.beat()
        raise ValueError("x")
    assert page.texts == [""]


def test_it_can_be_shown_by_another_thread(made, clock, page):
    with made() as going:
        clock.advance(1)
        thread = threading.Thread(target=going.beat)
        thread.start()
        thread.join()
        assert "map score" in said(page)


def test_where_there_is_no_bar_what_is_told_is_a_line(capsys):
    with ProgressBar(3, "map", live=False) as bar:
        bar.tell("interrupted: waiting for 2")
        assert capsys.readouterr().out == "interrupted: waiting for 2\n"


def test_what_is_told_stands_beside_the_bar_at_once(made, page, clock):
    with made() as going, ProgressBar(3, "map", going=going, clock=clock) as bar:
        clock.advance(1)
        bar.tell("interrupted: waiting for 2")
        assert "interrupted: waiting for 2" in said(page)
