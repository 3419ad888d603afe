"""Schedules of reports where processes end, sleep or come late, and what runs them by itself."""

import json
import threading

import pytest

from faaslab.lab import doctor, owners
from faaslab.lab.report_turns import QUEUE
from faaslab.model.report import ReportSchedule
from tests.lab.reporting import HOUR, at, rows

# -- processes that end, and some that only seem to


def test_a_run_that_was_cut_off_is_a_failed_one_and_is_tried_again(
    lab, schedules, look, notebook, clock, monkeypatch
):
    dead = set()
    monkeypatch.setattr(owners, "is_gone", dead.__contains__)
    schedules.create("hourly", "@hourly", report="costs", retries=1, notify=["x/"])
    clock.advance(HOUR)

    def killed():
        raise KeyboardInterrupt

    notebook.deeds = [killed]
    with pytest.raises(KeyboardInterrupt):
        look()
    dead |= {each.owner for each in lab.store.report_runs.going()} | lab.store.queue.owners()
    assert schedules.table()["status"].tolist() == ["failed"], "as soon as anybody looks"
    for owner in dead:
        lab.store.queue.take_from(owner)
    (outcome,) = look()
    assert (outcome.run.error_type, outcome.again) == ("ProcessEnded", True)
    assert notebook.told == [("hourly", at("01T01:00"), "failed")]
    assert notebook.to_be_retried
    clock.advance(30)
    assert [(o.run.attempt, o.failed) for o in look()] == [(2, False)]
    assert not notebook.to_be_retried
    assert rows(lab, "attempt", "status") == [(1, "failed"), (2, "completed")]


def test_a_claim_that_lapsed_while_its_process_lives_runs_nothing_twice(
    lab, schedules, look, notebook, clock
):
    schedules.create("hourly", "@hourly", report="costs")
    clock.advance(HOUR)
    found = []

    def slept():
        clock.advance(10 * 60)  # the machine was suspended: nobody renewed the claim
        found.extend(look())

    notebook.deeds = [slept]
    look()
    assert found == []
    clock.advance(60)
    assert [outcome.run.status for outcome in look()] == ["completed"], "the other's run, as it ended"
    assert notebook.ran == [("hourly", at("01T01:00"), 1)]
    assert len(rows(lab, "id")) == 1
    assert schedules.turns.due_of("hourly").instant == at("01T02:00")


def test_what_a_process_left_between_the_definition_and_its_entry_is_made_up_for(lab, schedules, look, clock):
    kept = schedules.create("hourly", "@hourly", report="costs")
    lab.store.queue.remove("report/hourly")
    clock.advance(3 * HOUR)
    schedules.turns.ensure([kept])
    assert [outcome.run.scheduled_for for outcome in look()] == [at("01T03:00")]


def test_a_schedule_that_has_ended_stays_so(lab, schedules, look, notebook, clock):
    schedules.create("once", "at(2026-01-01T02:00:00)", report="costs")
    clock.advance(10 * HOUR)
    assert len(look()) == 1
    schedules.turns.ensure(schedules.list())
    clock.advance(10 * HOUR)
    assert look() == []
    assert schedules.table()["next"].tolist() == ["never"]
    assert schedules.coming() == ()


def test_an_entry_that_another_process_put_late_runs_nothing_twice(lab, schedules, look, notebook, clock):
    """It saw that there was none, slept, and put one in for a time that has run meanwhile."""
    kept = schedules.create("daily", "@daily", report="costs")
    clock.advance(24 * HOUR)
    assert len(look()) == 1
    schedules.turns.drop("daily")
    schedules.turns.ensure([kept])
    assert schedules.turns.due_of("daily").instant == at("02T00:00")
    look()
    assert notebook.ran == [("daily", at("02T00:00"), 1)]
    assert schedules.turns.due_of("daily").instant == at("03T00:00")


def test_what_is_overdue_is_told(lab, schedules, look, clock):
    assert doctor._reports(lab) == []
    schedules.create("hourly", "@hourly", report="costs", timezone="Europe/Madrid")
    assert doctor._reports(lab)[0][:2] == ("reports", "ok")
    clock.advance(HOUR)
    assert {name: f"{each:%H:%M %Z}" for name, each in schedules.overdue().items()} == {"hourly": "02:00 CET"}
    (row,) = doctor._reports(lab)
    assert row[:2] == ("reports", "bad")
    assert "hourly on 2026-01-01 02:00 CET" in row[2]
    look()
    assert schedules.overdue() == {}


def test_an_entry_that_nobody_can_read_is_put_aside(lab, schedules, look):
    lab.store.queue.put(QUEUE, {"schedule": 3}, id="report/odd")
    assert look() == []
    assert lab.sql("SELECT kind FROM rejects")["kind"].tolist() == ["report schedule"]


# -- by itself


def serve_and_wait(lab, clock, notebook):
    with lab.serve():
        clock.advance(HOUR)
        for _ in range(40):
            if notebook.ran:
                break
            lab.reports.schedules.turns._pump.notice()
            lab.reports.schedules.turns._pump.wait(0.25)
    assert not lab.reports.schedules.turns.running


def test_a_home_that_serves_runs_what_is_due(lab, schedules, notebook, clock):
    vars(lab.reports)["schedules"] = schedules
    schedules.create("hourly", "@hourly", report="costs")
    serve_and_wait(lab, clock, notebook)
    assert notebook.ran == [("hourly", at("01T01:00"), 1)]


def test_but_not_of_a_store_that_somebody_sent(lab, schedules, notebook, clock, monkeypatch):
    vars(lab.reports)["schedules"] = schedules
    schedules.create("hourly", "@hourly", report="costs")
    monkeypatch.setattr(lab.asynchronous, "is_used_here", lambda: False)
    serve_and_wait(lab, clock, notebook)
    assert notebook.ran == []
    assert len(schedules.tick()) == 1, "who asks for it gets it"


def test_a_tick_runs_what_is_due_and_a_second_nothing(lab, schedules, notebook, clock):
    schedules.create("hourly", "@hourly", report="costs")
    schedules.create("daily", "@daily", report="costs")
    assert schedules.tick() == ()
    clock.advance(24 * HOUR)
    assert sorted(outcome.schedule for outcome in schedules.tick()) == ["daily", "hourly"]
    assert schedules.tick() == ()


def test_in_the_background_until_it_is_closed(lab, schedules, notebook, clock):
    schedules.create("hourly", "@hourly", report="costs")
    told, heard = [], threading.Event()
    schedules.listen(lambda outcome: (told.append(outcome), heard.set()))
    schedules.start()
    assert [name.name for name, _ in schedules.coming()] == ["hourly"]
    clock.advance(HOUR)
    assert heard.wait(20)
    schedules.finish()
    schedules.close()
    schedules.close()
    assert [outcome.run.scheduled_for for outcome in told] == [at("01T01:00")]
    assert not [thread for thread in threading.enumerate() if thread.name == "faaslab-queue"]


def test_a_definition_as_the_store_has_it(lab, schedules):
    schedules.create("weekly", "@weekly", report="costs", parameters={"since": "-7d"})
    kept = json.loads(lab.sql("SELECT body FROM definitions")["body"][0])
    assert kept["parameters"] == {"since": "-7d"}, "as it was written: it counts from the time that is due"
    assert isinstance(lab.store.definitions.get(ReportSchedule, "weekly"), ReportSchedule)
