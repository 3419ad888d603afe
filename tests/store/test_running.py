"""What runs, as the store knows it: kept by its process, gone in the transaction that records the execution."""

import dataclasses
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from faaslab.clock import SteppedClock
from faaslab.errors import RecordRejected
from faaslab.model.execution import LogLine, LogStream
from faaslab.store import Beat, Entry, Store, running
from faaslab.store.running import Came
from tests.store.processes import execution


@pytest.fixture
def clock():
    return SteppedClock()


@pytest.fixture
def store(tmp_path, clock):
    with Store(tmp_path / "s.duckdb", clock=clock) as store:
        yield store


def parts_of(lines):
    return lambda first, most: Came(lines[first : first + most], more=len(lines) > first + most)


def beat(clock, identity="e1", lines=(), **fields):
    at = clock.now()
    written = [LogLine(at=at, message=text, stream=LogStream.FUNCTION, level=None) for text in lines]
    values = {
        "request_id": f"r-{identity}",
        "function": "f",
        "version": "$LATEST",
        "definition": 3,
        "environment_id": "env",
        "started_at": at,
    }
    return Beat(id=identity, lines=parts_of(written), **values | fields)


def messages(store, identity="e1", first=0):
    return [(seq, line.message) for seq, line in store.running.lines(identity, first)]


def test_a_store_that_is_not_there_has_nothing_that_runs_and_stays_away(store):
    assert store.running.present() == ()
    assert store.running.found("e1", shortest=6) == ()
    assert not store.path.with_name("s.duckdb.state").exists()


def test_it_stands_there_with_its_lines_from_beat_to_beat(store, clock):
    written = [LogLine(at=clock.now(), message=text, level="INFO") for text in ("one", "two")]
    one = dataclasses.replace(beat(clock), lines=parts_of(written))
    assert store.running.keep("me", [one], ttl_s=30) == (frozenset(), False)
    (row,) = store.running.present()
    assert (row.id, row.request_id, row.function, row.definition) == ("e1", "r-e1", "f", 3)
    assert (row.owner, row.lines, row.asked) == ("me", 2, False)
    assert row.until == clock.now() + timedelta(seconds=30)
    assert messages(store) == [(0, "one"), (1, "two")]
    clock.advance(1)
    written.append(LogLine(at=clock.now(), message="three", stream=LogStream.PLATFORM))
    store.running.keep("me", [one], ttl_s=30)
    assert messages(store, first=2) == [(2, "three")]
    line = store.running.lines("e1", 2)[0].line
    assert (line.at, line.stream, line.level) == (clock.now(), LogStream.PLATFORM, None)
    (row,) = store.running.present(function="f")
    assert row.until == clock.now() + timedelta(seconds=30)
    assert store.running.present(function="g") == ()


def test_a_row_that_was_taken_away_comes_back_with_all_its_lines(store, clock):
    store.running.keep("me", [beat(clock, lines=["one"])], ttl_s=30)
    store.running.forget(["e1"])
    assert (store.running.present(), messages(store)) == ((), [])
    store.running.keep("me", [beat(clock, lines=["one", "two"])], ttl_s=30)
    assert messages(store) == [(0, "one"), (1, "two")]


def test_it_goes_with_the_record_or_stays_when_that_fails(store, clock):
    store.running.keep("me", [beat(clock, lines=["one"]), beat(clock, "e2")], ttl_s=30)
    with pytest.raises(RecordRejected):
        store.record(execution("e1"), object(), ended=["e1"])
    assert {row.id for row in store.running.present()} == {"e1", "e2"}
    store.record(execution("e1"), ended=["e1"])
    assert [row.id for row in store.running.present()] == ["e2"]
    assert messages(store) == []
    assert store.sql("SELECT id FROM executions")["id"].tolist() == ["e1"]


@pytest.mark.parametrize("again_in_s", [None, 60.0])
@pytest.mark.parametrize("lost", [False, True])
def test_what_came_out_of_a_queue_goes_with_what_follows(store, clock, again_in_s, lost):
    store.queue.put("events", {}, id="q1")
    (claim,) = store.queue.claim("events", "me", ttl_s=10)
    store.running.keep("me", [beat(clock, lines=["one"])], ttl_s=30)
    if lost:
        store.queue.take_from("me")
        store.queue.claim("events", "another", ttl_s=10)
    settled = store.settle(
        claim,
        execution("e1"),
        again_in_s=again_in_s,
        put=() if again_in_s else [Entry(queue="x", id="q2", body=1)],
        ended=["e1"],
    )
    assert settled is not lost
    assert store.running.present() == ()
    assert store.sql("SELECT id FROM executions")["id"].tolist() == ["e1"]


def test_a_long_line_has_the_numbers_that_it_will_have_in_the_history(store, clock):
    lines = ["a", "b" * 200_000, "c"]
    store.running.keep("me", [beat(clock, lines=lines[:2])], ttl_s=30)
    store.running.keep("me", [beat(clock, lines=lines)], ttl_s=30)
    kept = messages(store)
    at = clock.now()
    logs = tuple(LogLine(at=at, message=text) for text in lines)
    store.record(execution("e1", logs=logs, started_at=at), ended=["e1"])
    history = store.sql("SELECT seq, message FROM logs ORDER BY seq").itertuples(index=False, name=None)
    assert kept == list(history)


def test_a_flood_comes_in_parts(store, clock, monkeypatch):
    monkeypatch.setattr(running, "MOST_LINES", 3)
    flood = beat(clock, lines=[str(n) for n in range(7)])
    assert [store.running.keep("me", [flood], ttl_s=30).more for _ in range(3)] == [True, True, False]
    assert [text for _, text in messages(store)] == [str(n) for n in range(7)]


def test_others_write_while_the_lines_of_a_beat_are_made(store, clock):
    store.running.keep("me", [beat(clock, lines=["one"])], ttl_s=30)
    written = parts_of([LogLine(at=clock.now(), message=text) for text in ("one", "two")])
    other = sqlite3.connect(store.path.with_name("s.duckdb.state"), timeout=0, isolation_level=None)

    def lines(first, most):
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
        return written(first, most)

    with closing(other):
        kept = store.running.keep("me", [dataclasses.replace(beat(clock), lines=lines)], ttl_s=30)
    assert not kept.more
    assert messages(store) == [(0, "one"), (1, "two")]


def test_a_row_that_is_taken_away_while_its_lines_are_made_has_all_of_them_with_the_next(store, clock):
    store.running.keep("me", [beat(clock, lines=["one"])], ttl_s=30)
    again = beat(clock, lines=["one", "two"])

    def lines(first, most):
        store.running.forget(["e1"])
        return again.lines(first, most)

    assert store.running.keep("me", [dataclasses.replace(again, lines=lines)], ttl_s=30).more
    assert messages(store) == []
    assert not store.running.keep("me", [again], ttl_s=30).more
    assert messages(store) == [(0, "one"), (1, "two")]


def test_half_a_character_keeps_nobody_from_seeing_the_rest(store, clock):
    store.running.keep("me", [beat(clock, lines=["x\ud800y", "z"])], ttl_s=30)
    assert [text for _, text in messages(store)] == ["x\ufffdy", "z"]


def test_who_is_asked_to_end_hears_it_with_the_next_beat(store, clock):
    store.running.keep("me", [beat(clock)], ttl_s=30)
    assert store.running.ask("e1")
    assert store.running.present()[0].asked
    assert store.running.keep("me", [beat(clock), beat(clock, "e2")], ttl_s=30).asked == {"e1"}
    assert not store.running.ask("e9")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("abcdef01", ["abcdef01"]),
        ("r-abcdef02", ["abcdef02"]),
        ("abcdef", ["abcdef01", "abcdef02"]),
        ("abcde", []),
        ("zzzzzz", []),
        ("abc%ef", []),
    ],
)
def test_it_is_found_by_its_ids_and_their_beginnings(store, clock, text, found):
    store.running.keep("me", [beat(clock, "abcdef01"), beat(clock, "abcdef02")], ttl_s=30)
    assert [row.id for row in store.running.found(text, shortest=6)] == found
