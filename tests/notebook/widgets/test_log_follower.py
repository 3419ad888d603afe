"""The live view of a log without a page: its controls, what it draws anew, what is kept of it."""

import re

import pytest

from faaslab import app
from faaslab.errors import InvalidValue
from faaslab.notebook.display import Surroundings
from faaslab.notebook.log_page import BLOCK
from faaslab.notebook.widgets.opened import live_of
from faaslab.verbs import FollowAnswer
from tests.backends.local.defining import eventually

TALK = """
def handler(event, context):
    for n in range(event["lines"]):
        print("line", n)
"""


@pytest.fixture
def lab(tmp_path):
    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache", sandbox="off") as lab:
        lab.functions.create("talk", TALK)
        lab.functions.invoke("talk", {"lines": 3})
        yield lab


@pytest.fixture
def view(lab):
    answer = FollowAnswer(df=lab.executions.logs("talk"), title="logs of talk", what="talk")
    made = live_of(answer, lab, Surroundings())
    made.widget()
    made.look()
    yield made
    made.close()


def rows(view):
    return "".join(block.value for block in view._inner.children)


def test_lines_as_they_come_in_blocks_of_which_full_ones_stay(lab, view):
    assert "line 2" in rows(view)
    first = view._inner.children[0]
    before = first.value
    view.look()
    assert (view._inner.children, first.value) == ((first,), before)
    lab.functions.invoke("talk", {"lines": BLOCK})
    view.look()
    assert view._inner.children[0] is first
    assert len(view._inner.children) == 2
    full = first.value
    lab.functions.invoke("talk", {"lines": 1})
    view.look()
    assert view._inner.children[0].value == full


def test_controls_are_heard_by_the_next_look(view):
    view._filter.value = "line [01]"
    view._stream.value = "function"
    view.look()
    assert "line 1" in rows(view)
    assert "line 2" not in rows(view)
    assert "2 of " in view._said.value
    view._filter.value = "(?=x)"
    view.look()
    assert "looked for as it stands" in view._said.value
    assert view._level.disabled


def test_a_pause_and_newest(lab, view):
    view._pause.value = True
    view.look()
    lab.functions.invoke("talk", {"lines": 5})
    view.look()
    assert "line 4" not in rows(view)
    assert "paused, 8 new" in view._said.value
    assert "live" not in view._said.value
    assert "line 4" in view.still().html  # what is kept is the end
    (scrolled,) = view._place.children
    view._newest.click()
    view.look()
    assert "line 4" in rows(view)
    assert view._place.children[0] is not scrolled
    assert not view._pause.value
    assert ">live<" in view._said.value


def test_an_execution_is_shown_with_its_phases(lab, view):
    identity = view._execution.options[1][1]
    view._show_execution(identity)
    assert identity in view._detail.value
    assert "phases" in view._detail.value
    view._execution.value = identity
    for thread in tuple(view._apart):
        thread.join()
    view._execution.value = ""
    assert view._detail.value == ""


def test_trouble_is_a_line_and_goes_with_the_next_look(view):
    view.trouble(InvalidValue("the store is busy"))
    assert "the store is busy" in view._fault.value
    view.look()
    assert view._fault.value == ""


WAITS = """
import os, time
def handler(event, context):
    print("begun", flush=True)
    while not os.path.exists(event["gate"]):
        time.sleep(0.02)
    print("through", flush=True)
"""


def test_lines_of_what_runs_and_what_is_known_of_it(lab, tmp_path):
    lab.functions.create("waits", WAITS, timeout_s=300)
    answer = FollowAnswer(df=lab.executions.logs("waits"), title="logs of waits", what="waits")
    view = live_of(answer, lab, Surroundings())
    view.widget()
    try:
        future = lab.functions.submit("waits", {"gate": str(tmp_path / "gate")})

        def seen(text):
            view.look()
            return text in rows(view)

        eventually(lambda: seen("begun"))
        ((identity, *_),) = view._book.executions(5)
        view._show_execution(identity)
        assert re.search(
            rf"{identity} runs here, for [\d.]+ m?s by now. To end it: %faas cancel", view._detail.value
        )
        (tmp_path / "gate").touch()
        future.result()
        assert seen("through")
        assert rows(view).count("begun") == 1
        view._show_execution(identity)
        assert "runs here" not in view._detail.value
        assert "through" in view.still().text
    finally:
        view.close()
