"""What holds of every execution, whatever its machine, its input and what the outside answers."""

import random
from collections import Counter

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from faaslab.workflow.effects import (
    Begun,
    Call,
    Ended,
    Failed,
    Forget,
    Heartbeat,
    More,
    ReadItems,
    Redrive,
    StartChild,
    Stop,
    Submitted,
    Succeeded,
    Timer,
    WriteResults,
)
from faaslab.workflow.query import jsonata_bounds
from faaslab.workflow.validate import diagnostics
from tests.recorded import needed
from tests.workflow.machines import RECORDED, machines, mutated
from tests.workflow.outside import Outside

jsonata_bounds.make_room()  # a deep expression would do so in the middle of a test, which hypothesis tells of
INPUTS = st.sampled_from([{}, {"a": 1, "b": [1, 2], "c": [{"a": 1}]}, [1, 2], "x", None])
OUTSIDES = st.integers(1, 10**6)
MOST_SIGNALS = 300
ENDS = ("StateExited", "StateAborted")
WANTED = (Call, Timer, ReadItems, WriteResults, StartChild)


def answers_of(seed):
    """An outside that answers each call somehow: soon, late, never, well or badly."""
    chance = random.Random(seed)

    def answers(call):
        told = []
        if call.kind == "activity" and chance.random() < 0.8:
            told.append((Begun(call.key, "worker"), 1))
        elif call.kind == "task" and call.pattern != "request":
            told.append((Submitted(call.key, {"taken": 1}), 1))
        if chance.random() < 0.3:
            told.append((Heartbeat(call.key), 1.5))
        how = chance.random()
        if how < 0.6:
            told.append((Succeeded(call.key, call.parameters), 2))
        elif how < 0.8:
            phase = chance.choice(["failed", "schedule", "start", "submit"])
            told.append((Failed(call.key, "E", "why", phase), 2))
        elif how < 0.9:
            told.append((Succeeded(call.key, {"r": [1]}), 100))
        return told

    return answers


def gone(machine, given_input, seed):
    outside = Outside(machine, given_input, answers=answers_of(seed), seed=seed + 2**70)
    outside.to_the_end(seed % 50 if seed % 5 == 0 else MOST_SIGNALS)
    if seed % 5 == 0 and outside.ended is None:
        outside.tell(Stop("E", "enough"))
    if seed % 3 == 0 and outside.ended is not None:
        outside.ended = None
        outside.tell(Redrive())
        outside.on(MOST_SIGNALS)
    return outside


def is_valid(machine):
    return not any(found.severity == "ERROR" for found in diagnostics(machine))


def assert_well_formed(events):
    """Ids are dense, what an event follows was there before, and each state that was entered ends at most once."""
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert all(event.previous_id < event.id for event in events)
    open_states, aborted = Counter(), Counter()
    for event in events:
        kind = next((end for end in ("StateEntered", *ENDS) if event.type.endswith(end)), None)
        if event.type == "ExecutionRedriven":  # what was aborted goes on, and is not entered again
            open_states.update(aborted)
            aborted.clear()
        elif kind == "StateEntered":
            open_states[event.state] += 1
        elif kind is not None:
            open_states[event.state] -= 1
            aborted[event.state] += kind == "StateAborted"
            assert open_states[event.state] >= 0, event
    about = [event for event in events if event.type.startswith("Execution")]
    assert [event.type for event in about[::2]] == ["ExecutionStarted", "ExecutionRedriven"][
        : len(about[::2])
    ]
    assert len(about) % 2 == 1 or about[-1] is events[-1]


def assert_asked_once(effects):
    """What is forgotten was wanted, and nothing is wanted twice but a timer that is moved."""
    wanted = set()
    for effect in effects:
        if isinstance(effect, Forget):
            assert effect.key in wanted
        elif isinstance(effect, WANTED):
            assert effect.key not in wanted or isinstance(effect, Timer)
            wanted.add(effect.key)


@settings(max_examples=60, deadline=None)
@given(machines(), INPUTS, OUTSIDES)
def test_a_machine_that_validates_is_carried_out_and_its_history_is_well_formed(machine, given_input, seed):
    assume(is_valid(machine))
    outside = gone(machine, given_input, seed)
    assert_well_formed(outside.events)
    assert_asked_once(outside.effects)


@settings(max_examples=60, deadline=None)
@given(mutated(), INPUTS, OUTSIDES)
def test_a_recorded_machine_that_was_changed_and_still_validates_is_carried_out(machine, given_input, seed):
    if is_valid(machine):  # about every second one
        assert_well_formed(gone(machine, given_input, seed).events)


@settings(max_examples=60, deadline=None)
@given(machines(), INPUTS, OUTSIDES)
def test_the_same_signals_give_the_same_execution_at_every_prefix(machine, given_input, seed):
    assume(is_valid(machine))
    outside = gone(machine, given_input, seed)
    assume(len(outside.signals) < 60)
    again, events, asked = outside.fresh(), [], {}
    for signal, now in outside.signals:
        step = again.step(signal, now)
        events += step.events
        _note(asked, step.effects, signal, again)
        if again.status == "RUNNING":
            pending = {effect.key: effect for effect in again.pending() if not isinstance(effect, More)}
            assert pending == {key: effect for key, effect in asked.items() if key not in dict(_taken(again))}
    assert events == outside.events
    assert (again.status, again.where) == (outside.run.status, outside.run.where)


def _taken(run):
    return [(call.key, output) for call, output in run.submitted()]


def _note(asked, effects, signal, run):
    """What is still wanted, reckoned from the outside: by the effects and the signals alone."""
    if isinstance(signal, Succeeded | Failed) or type(signal).__name__ in {"Fired", "ChildEnded"}:
        asked.pop(signal.key, None)
    for effect in effects:
        if isinstance(effect, Forget):
            asked.pop(effect.key, None)
        elif isinstance(effect, WANTED):
            asked[effect.key] = effect
        elif isinstance(effect, Ended):
            asked.clear()


@needed
def test_there_are_recorded_machines_to_change():
    assert len(RECORDED) > 100
