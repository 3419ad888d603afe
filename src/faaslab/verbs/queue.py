"""The verbs about the queue of asynchronous events: queue ls, queue run, queue drop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.verbs.answers import DoneAnswer, TableAnswer
from faaslab.verbs.options import Option, Positional
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call


def ls(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """What waits, and why."""
    error = lab.asynchronous.last_error
    if error is not None:
        face.note(f"the queue is held up here: {error}")
    df = lab.asynchronous.table()
    if (df["state"] == "failing").any():
        face.note(
            "what is failing was not taken by its service, for the reason in last_error; it is tried again "
            "until it is six hours old, or taken out by queue drop"
        )
    if (df["state"] == "kept").any():
        face.note("what is kept is for a service that no process delivers to now")
    return TableAnswer(df=df, title="queue", empty="the queue is empty")


def run(lab: Lab, call: Call, face: Face) -> Answer:
    """Work on the queue in this process."""
    before = lab.asynchronous.depth()
    with face.progress(before, "queue run") as bar:
        left = lab.asynchronous.drain(later=call["wait"], progress=bar.advance)
    unread = lab.asynchronous.unreadable()
    states = lab.asynchronous.table()["state"]
    kept, failing = int((states == "kept").sum()), int((states == "failing").sum())
    words = [f"ran {_counted(left.ran, 'event')}" if left.ran else "ran nothing"]
    if left.events:
        # What another process works on has no time of its own.
        due = "" if left.next_due is None else f", the next is due {left.next_due:%H:%M:%S} UTC"
        words.append(f"{left.events} {'waits' if left.events == 1 else 'wait'} for later{due}")
    else:
        words.append("no event waits")
    if failing:
        words.append(f"{_counted(failing, 'message')} not taken by a service, tried again (queue ls)")
    if kept:
        words.append(f"{_counted(kept, 'message')} kept for a service that nothing here delivers to")
    if unread:
        words.append(f"{_counted(unread, 'event')} kept that this version of faaslab cannot read (queue ls)")
    return DoneAnswer(
        text="; ".join(words),
        facts={
            "ran": left.ran,
            "kept": kept,
            "failing": failing,
            "waiting": left.events,
            "unreadable": unread,
            "next_due": None if left.next_due is None else left.next_due.isoformat() + "Z",
        },
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def drop(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """Take an event out for good."""
    lab.asynchronous.drop(call["id"])
    return DoneAnswer(text=f"dropped {call['id']}", facts={"dropped": call["id"]})


VERBS: tuple[Verb, ...] = (
    Verb(
        name="queue ls",
        summary="asynchronous events that wait or run, with the last error",
        run=ls,
        examples=("queue ls",),
    ),
    Verb(
        name="queue run",
        summary="run what is due in the queue, whoever put it there",
        run=run,
        options=(Option(flags=("--wait",), name="wait", help="wait for retries too, until it is empty"),),
        examples=("queue run", "queue run --wait"),
    ),
    Verb(
        name="queue drop",
        summary="take a waiting event out of the queue for good",
        run=drop,
        positionals=(Positional(name="id", help="its id, as queue ls tells it"),),
        examples=("queue drop 0b6e…",),
    ),
)
