"""The log of a function as it grows: each line once, cheap while nothing comes, long executions too."""

import dataclasses
from datetime import timedelta

import pytest

from faaslab.errors import InvalidValue, NotFound
from faaslab.lab.log_tail import LogTail
from faaslab.model.execution import Execution, ExecutionStatus, LogLine, LogStream
from faaslab.store import Beat, running
from faaslab.store.running import Came

TALK = """
def handler(event, context):
    print("hello", event["n"])
"""


def messages(news):
    return [line.message for line in news.lines if line.stream == "function"]


def test_what_is_there_and_then_what_comes(lab):
    lab.functions.create("talk", TALK)
    lab.functions.create("other", TALK)
    for n in range(3):
        lab.functions.invoke("talk", {"n": n})
    tail = LogTail(lab, "talk")
    first = tail.look()
    assert messages(first) == ["hello 0", "hello 1", "hello 2"]
    assert first.lines[0].message.startswith("INIT_START")
    assert tail.look() == ([], 0)
    lab.functions.invoke("other", {"n": 9})
    lab.functions.invoke("talk", {"n": 3})
    news = tail.look()
    assert messages(news) == ["hello 3"]
    assert [line.message.partition(" ")[0] for line in news.lines] == ["START", "hello", "END", "REPORT"]
    assert tail.look() == ([], 0)
    lab.store.merge()
    assert tail.look() == ([], 0)


def test_the_last_lines_since_a_moment_and_those_that_a_pattern_finds(lab):
    lab.functions.create("talk", TALK)
    executions = [lab.functions.invoke("talk", {"n": n}) for n in range(4)]
    last = LogTail(lab, "talk", first=5).look()
    assert [line.message for line in last.lines] == list(lab.executions.logs("talk", limit=5)["message"])
    assert messages(LogTail(lab, "talk", since=executions[2].started_at).look()) == ["hello 2", "hello 3"]
    found = LogTail(lab, "talk", grep="hello [13]")
    assert messages(found.look()) == ["hello 1", "hello 3"]
    lab.functions.invoke("talk", {"n": 2})
    assert found.look().lines == []
    lab.functions.invoke("talk", {"n": 1})
    assert messages(found.look()) == ["hello 1"]
    one = LogTail(lab, executions[1].id)
    assert messages(one.look()) == ["hello 1"]
    assert messages(LogTail(lab).look()) == ["hello 0", "hello 1", "hello 2", "hello 3", "hello 2", "hello 1"]


def test_what_is_no_pattern_and_no_function(lab):
    lab.functions.create("talk", TALK)
    with pytest.raises(NotFound, match="did you mean 'talk'"):
        LogTail(lab, "tlk")
    with pytest.raises(InvalidValue, match="grep: '\\(' is not a regular expression"):
        LogTail(lab, "talk", grep="(")
    tail = LogTail(lab, "talk")
    with pytest.raises(InvalidValue, match="grep: .* is not a regular expression here"):
        tail.matching([], "(?=ahead)")


def recorded(lab, identity, began, took, *texts, function="talk"):
    ended = began + took
    lab.store.record(
        Execution(
            id=identity,
            function=function,
            request_id=f"r-{identity}",
            status=ExecutionStatus.COMPLETED,
            started_at=began,
            ended_at=ended,
            logs=tuple(LogLine(at=began, message=text, stream=LogStream.FUNCTION) for text in texts),
        )
    )


def test_lines_of_long_executions_come_when_these_end_however_old_the_lines_are(opened, clock):
    lab = opened()
    recorded(lab, "a", clock.now() - timedelta(seconds=5), timedelta(seconds=1), "before")
    tail = LogTail(lab, "talk")
    assert messages(tail.look()) == ["before"]
    began = clock.now()
    clock.advance(850)
    recorded(lab, "b", clock.now() - timedelta(seconds=1), timedelta(seconds=1), "short")
    assert messages(tail.look()) == ["short"]
    recorded(lab, "c", began, timedelta(seconds=850), "early", "early as well")
    assert messages(tail.look()) == ["early", "early as well"]
    for step in range(8):
        clock.advance(40)
        recorded(lab, f"d{step}", clock.now(), timedelta(0), f"then {step}")
        assert messages(tail.look()) == [f"then {step}"]


def test_of_a_flood_between_two_looks_the_latest_are_told_and_the_others_counted(opened, clock):
    lab = opened()
    recorded(lab, "a", clock.now(), timedelta(0), "first")
    tail = LogTail(lab, "talk", most=10)
    tail.look()
    clock.advance(1)
    recorded(lab, "b", clock.now(), timedelta(0), *(f"line {n}" for n in range(25)))
    news = tail.look()
    assert messages(news) == [f"line {n}" for n in range(15, 25)]
    assert news.left_out == 15


def test_which_lines_a_pattern_finds(opened, clock):
    lab = opened()
    recorded(lab, "a", clock.now(), timedelta(0), "ERROR one", "fine", "error two")
    tail = LogTail(lab, "talk")
    lines = tail.look().lines
    assert tail.matching(lines, "(?i)^error") == [True, False, True]
    assert tail.matching([], "x") == []


# -- of what runs


def parts_of(lines):
    return lambda first, most: Came(lines[first : first + most], more=len(lines) > first + most)


def beaten(lab, identity, *texts, function="talk", owner="elsewhere"):
    """What another process tells of an invocation that runs."""
    at = lab.clock.now()
    lines = [LogLine(at=at, message=text, stream=LogStream.FUNCTION) for text in texts]
    beat = Beat(
        id=identity,
        request_id=f"r-{identity}",
        function=function,
        version="$LATEST",
        definition=1,
        environment_id="env",
        started_at=at,
        lines=parts_of(lines),
    )
    lab.store.running.keep(owner, [beat], ttl_s=30)
    return beat


def ended(lab, identity, *texts, function="talk"):
    at = lab.clock.now()
    execution = Execution(
        id=identity,
        function=function,
        request_id=f"r-{identity}",
        status=ExecutionStatus.COMPLETED,
        started_at=at,
        ended_at=at,
        logs=tuple(LogLine(at=at, message=text, stream=LogStream.FUNCTION) for text in texts),
    )
    lab.store.record(execution, ended=[identity])


def test_lines_of_what_runs_come_while_it_runs_and_the_rest_when_it_has_ended(opened, clock):
    lab = opened()
    recorded(lab, "a", clock.now(), timedelta(0), "before")
    clock.advance(1)
    beaten(lab, "b", "one", "two")
    tail = LogTail(lab, "talk")
    assert messages(tail.look()) == ["before", "one", "two"]
    assert tail.look() == ([], 0)
    beaten(lab, "b", "one", "two", "three")
    assert messages(tail.look()) == ["three"]
    beaten(lab, "o", "another function's", function="other")
    assert messages(tail.look()) == []
    ended(lab, "b", "one", "two", "three", "four", "five")
    assert messages(tail.look()) == ["four", "five"]
    assert tail.look() == ([], 0)
    clock.advance(300)
    recorded(lab, "c", clock.now(), timedelta(0), "after")
    assert messages(tail.look()) == ["after"]
    assert tail._told == {}, "nothing is kept of what has ended"


def test_what_ends_while_one_looks_is_told_once(opened, clock, monkeypatch):
    lab = opened()
    recorded(lab, "a", clock.now(), timedelta(0), "before")
    for begins in (True, False):
        name = f"b{begins}"
        tail = LogTail(lab, "talk", since=clock.now())
        if not begins:
            tail.look()
        beaten(lab, name, "one", "two")
        marks = lab.running.marks

        def then_it_ends(name=name, marks=marks, **which):
            found = marks(**which)
            monkeypatch.undo()
            lines = lab.running.lines
            monkeypatch.setattr(
                lab.running,
                "lines",
                lambda *args: (lines(*args), ended(lab, name, "one", "two", "three"), monkeypatch.undo())[0],
            )
            return found

        monkeypatch.setattr(lab.running, "marks", then_it_ends)
        assert messages(tail.look())[-3:] == ["one", "two", "three"]
        assert tail.look() == ([], 0)


def test_of_what_runs_only_what_was_asked_for(opened, clock):
    lab = opened()
    lab.functions.create("talk", TALK)
    beaten(lab, "abcdef01", "one", "two 2", "three")
    beaten(lab, "abcdef02", "two 3")
    assert messages(LogTail(lab, "abcdef01").look()) == ["one", "two 2", "three"]
    assert messages(LogTail(lab, "r-abcdef02").look()) == ["two 3"]
    assert messages(LogTail(lab, "talk", first=2, grep="two").look()) == ["two 2", "two 3"]
    assert messages(LogTail(lab, "talk", first=2).look()) == ["three", "two 3"]
    tail = LogTail(lab, "talk", most=2)
    tail.look()
    beaten(lab, "abcdef02", "two 3", "x", "y", "z")
    news = tail.look()
    assert (messages(news), news.left_out) == (["y", "z"], 1)


def test_lines_of_a_process_that_was_asleep_do_not_come_again(opened, clock):
    lab = opened()
    lab.functions.create("talk", TALK)
    beaten(lab, "b", "one", "two")
    tail = LogTail(lab, "talk")
    assert messages(tail.look()) == ["one", "two"]
    clock.advance(120)
    assert lab.running.list() == ()
    recorded(lab, "c", clock.now(), timedelta(0), "another")
    assert messages(tail.look()) == ["another"]
    beaten(lab, "b", "one", "two", "three")
    assert messages(tail.look()) == ["three"]


@pytest.mark.parametrize("begins", [True, False])
def test_what_is_recorded_before_its_lines_are_read_loses_none(opened, clock, monkeypatch, begins):
    lab = opened()
    recorded(lab, "a", clock.now(), timedelta(0), "before")
    tail = LogTail(lab, "talk")
    told = [] if begins else messages(tail.look())
    beaten(lab, "b", "one", "two")
    marks = lab.running.marks

    def then_it_ends(**which):
        found = marks(**which)
        monkeypatch.undo()
        ended(lab, "b", "one", "two", "three")
        return found

    monkeypatch.setattr(lab.running, "marks", then_it_ends)
    told += messages(tail.look())
    assert sorted(told) == sorted(["before", "one", "two", "three"])
    assert tail.look() == ([], 0)


def test_a_process_that_was_asleep_and_tells_in_parts_repeats_nothing(opened, clock, monkeypatch):
    lab = opened()
    lab.functions.create("talk", TALK)
    beaten(lab, "b", "one", "two", "three")
    tail = LogTail(lab, "talk")
    assert messages(tail.look()) == ["one", "two", "three"]
    lab.store.running.forget(["b"])
    monkeypatch.setattr(running, "MOST_LINES", 1)
    for _ in range(3):
        beaten(lab, "b", "one", "two", "three", "four")
        assert messages(tail.look()) == []
    beaten(lab, "b", "one", "two", "three", "four")
    assert messages(tail.look()) == ["four"]


def test_of_what_runs_only_what_it_wrote_since_that_moment(opened, clock):
    lab = opened()
    lab.functions.create("talk", TALK)
    at = clock.now()
    lines = [
        LogLine(at=at + timedelta(minutes=n), message=f"minute {n}", stream=LogStream.FUNCTION)
        for n in range(4)
    ]
    beat = beaten(lab, "b")
    clock.advance(240)
    lab.store.running.keep("elsewhere", [dataclasses.replace(beat, lines=parts_of(lines))], ttl_s=30)
    tail = LogTail(lab, "talk", since=timedelta(minutes=2))
    assert messages(tail.look()) == ["minute 2", "minute 3"]
    assert list(lab.executions.logs("talk", since=timedelta(minutes=1))["message"]) == ["minute 3"]
    assert tail.look() == ([], 0)
    ended(lab, "b", *(line.message for line in lines), "the end")
    assert messages(tail.look()) == ["the end"]
