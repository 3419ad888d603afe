"""A run from a panel on its way: queued, ended by a click, waited for no more."""

import threading
from concurrent.futures import Future

import pytest

from tests.notebook.widgets.panels import until


def test_an_event_is_queued_and_its_end_is_shown(opened):
    panel = opened(payload='{"n": 3}')
    panel.apart_from.value = True
    assert panel.invoke.description == "Queue"
    assert panel.invoke.tooltip == "put it into the queue with this payload"
    panel.invoke.click()
    assert panel.invoke.description == "Queued …"
    assert panel.cancel.description == "Leave it"
    until(panel, lambda: panel.invoke.description == "Queue")
    assert (panel._result.invocation_type, panel._result.ok) == ("Event", True)
    assert "what came of the event, from the queue" in panel.result.value
    panel.apart_from.value = False
    assert (panel.invoke.description, panel.invoke.tooltip) == ("Invoke", "run it with this payload")


@pytest.fixture
def slow(lab, tmp_path):
    """A function that runs until there is a file; the file."""
    gate = tmp_path / "gate"
    source = f"""
import os, time
def handler(event, context):
    while not os.path.exists({str(gate)!r}):
        time.sleep(0.01)
    return 'late'
"""
    lab.functions.create("slow", source, timeout_s=30, preload=["json"])
    yield gate
    gate.touch()
    lab.functions.delete("slow")


def test_who_does_not_want_to_wait_for_an_event_leaves_it_and_it_runs_on(opened, slow):
    panel = opened("slow")
    assert "away" in panel.cancel._dom_classes
    panel.apart_from.value = True
    panel.invoke.click()
    assert "away" not in panel.cancel._dom_classes
    until(panel, lambda: panel._begun.request_id)
    assert panel._begun.request_id in panel.result.value
    assert ">queued</span>" in panel.result.value
    panel.cancel.click()
    assert (panel.invoke.description, panel.invoke.disabled) == ("Queue", False)
    assert "away" in panel.cancel._dom_classes
    assert "has not run yet" not in panel.result.value
    assert "the event waits in the queue or runs" in panel.result.value
    slow.touch()
    until(panel, lambda: len(panel._runs) == 1)
    assert panel._runs[0].ok
    panel.beat()
    assert "the event waits" not in panel.result.value


def busy(lab):
    return [each for each in lab.backend.environments() if each.state == "busy" and each.pid]


def test_cancel_ends_what_runs_and_it_is_recorded(opened, lab, slow, monkeypatch):
    panel = opened("slow")
    panel.invoke.click()
    assert (panel.cancel.description, panel.cancel.disabled) == ("Cancel", False)
    until(panel, lambda: busy(lab))
    deeds = []
    monkeypatch.setattr(panel, "apart", lambda deed, *arguments: deeds.append((deed, arguments)))
    panel.cancel.click()
    assert (panel.invoke.description, panel.cancel.disabled) == ("Ending …", True)
    assert ">ending</span>" in panel.result.value
    ((deed, arguments),) = deeds
    deed(*arguments)
    until(panel, lambda: panel.invoke.description == "Invoke")
    assert "Invocation.Cancelled" in panel.result.value
    assert "away" in panel.cancel._dom_classes
    assert not panel.invoke.disabled
    until(panel, lambda: not busy(lab))
    assert panel._runs[0].error.type == "Invocation.Cancelled"


def test_cancel_at_once_is_heard_when_it_is_handed_over(opened, slow, monkeypatch):
    panel = opened("slow")
    submit, may_go_on = panel.lab.functions.submit, threading.Event()

    def slowly(*arguments, **fields):
        assert may_go_on.wait(30)
        return submit(*arguments, **fields)

    monkeypatch.setattr(panel.lab.functions, "submit", slowly)
    panel.invoke.click()
    panel.cancel.click()
    panel.cancel.click()
    may_go_on.set()
    until(panel, lambda: panel.invoke.description == "Invoke")
    assert "ancelled before it began" in panel.result.value or "Invocation.Cancelled" in panel.result.value


@pytest.mark.parametrize(("cancels", "said"), [(True, "cancelled before it began"), (False, "runs on")])
def test_what_cannot_be_ended_and_what_never_began(opened, slow, monkeypatch, cancels, said):
    panel = opened("slow")
    future = Future()
    if not cancels:
        future.set_running_or_notify_cancel()
    monkeypatch.setattr(panel.lab.functions, "submit", lambda *_, **__: future)
    panel.invoke.click()
    until(panel, lambda: panel._begun.future is future)
    panel.cancel.click()
    until(panel, lambda: panel.invoke.description == "Invoke")
    assert said in panel.result.value
    assert "has not run yet" not in panel.result.value
