"""Schedules of reports: defined, changed, run when they are due, by a callable in place of notebooks."""

import dataclasses
import json
import uuid
from datetime import datetime, timedelta

import pytest

from faaslab.errors import AlreadyExists, Conflict, InvalidValue, NotFound
from faaslab.lab import owners
from faaslab.lab.report_schedules import ReportSchedules, every
from faaslab.lab.report_turns import QUEUE
from faaslab.model.report import ReportRun, ReportSchedule, ReportStatus

HOUR = 3600


@pytest.fixture
def lab(opened, clock):
    clock.advance(10 * 60)  # 2026-01-01 00:10
    return opened(run_queue=False)


class Notebook:
    """What a report does when it runs: by default it leaves a page, and that is all."""

    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        self.ran, self.deeds, self.told = [], [], []

    def __call__(self, report, *, schedule, scheduled_for, attempt, stem, parameters, **rest):
        self.ran.append((schedule, scheduled_for, attempt))
        run = ReportRun(
            id=str(uuid.uuid4()), name=report, notebook=report, status=ReportStatus.RUNNING,
            parameters=parameters, started_at=self.lab.clock.now(), schedule=schedule,
            scheduled_for=scheduled_for, attempt=attempt, log=str(self.folder / f"{stem}.log"),
        )  # fmt: skip
        self.lab.store.report_runs.begin(run, owners.this_process(), ttl_s=180)
        deed = self.deeds.pop(0) if self.deeds else None
        error = deed() if deed is not None else None
        for ending in ("html", "log"):
            (self.folder / f"{stem}.{ending}").write_text(stem)
        done = dataclasses.replace(
            run,
            status=ReportStatus.FAILED if error else ReportStatus.COMPLETED,
            error_message=error,
            ended_at=self.lab.clock.now(),
            outputs=(str(self.folder / f"{stem}.html"),),
        )
        self.lab.store.report_runs.end(done)
        return done

    def deliver(self, lab, run, schedule, *, to_be_retried):
        self.told.append((schedule.name, run.scheduled_for, str(run.status)))
        self.to_be_retried = to_be_retried
        return ()


@pytest.fixture
def notebook(lab, tmp_path):
    (tmp_path / "pages").mkdir()
    return Notebook(lab, tmp_path / "pages")


@pytest.fixture
def schedules(lab, notebook):
    return ReportSchedules(lab, make=notebook, deliver=notebook.deliver)


@pytest.fixture
def look(lab, schedules):
    """What is due is run, as a daemon's pump would; what came of it."""
    owner = owners.this_process()

    def look():
        outcomes = []
        while claims := lab.store.queue.claim(QUEUE, owner, ttl_s=30):
            outcomes += [schedules.turns.take(claim) for claim in claims]
        return [outcome for outcome in outcomes if outcome is not None]

    return look


def at(text):
    return datetime.fromisoformat(f"2026-01-{text}")


def rows(lab, *columns):
    df = lab.sql(f"SELECT {', '.join(columns)} FROM reports ORDER BY started_at, scheduled_for")
    return list(df.itertuples(index=False, name=None))


# -- what they are


def test_a_schedule_is_kept_and_says_when_it_runs(lab, schedules):
    kept = schedules.create("weekly", "0 7 * * MON", report="costs", timezone="Europe/Madrid", keep=12)
    assert schedules.get("weekly") == kept
    assert schedules.list() == (kept,)
    assert [f"{each:%a %d %b %H:%M %Z}" for each in schedules.next_times("weekly")] == [
        "Mon 05 Jan 07:00 CET",
        "Mon 12 Jan 07:00 CET",
        "Mon 19 Jan 07:00 CET",
    ]
    with pytest.raises(AlreadyExists):
        schedules.create("weekly", "0 7 * * MON", report="costs")


def test_a_change_keeps_the_history_and_is_compared_and_swapped(lab, schedules, clock):
    before = schedules.create("weekly", "0 7 * * MON", report="costs")
    clock.advance(60)
    after = schedules.update("weekly", expression="0 8 * * MON", keep=3, revision_id=before.revision_id)
    assert (after.keep, after.created_at, after.updated_at) == (3, before.created_at, clock.now())
    assert schedules.turns.due_of("weekly").instant == at("05T08:00")
    with pytest.raises(Conflict):
        schedules.update("weekly", keep=4, revision_id=before.revision_id)
    assert schedules.update("weekly", keep=3) == after, "nothing changed, and nothing was written"
    history = lab.sql(
        "SELECT action, body->>'expression' AS expression FROM definitions "
        "WHERE kind = 'report_schedule' ORDER BY timestamp"
    )
    assert history.to_dict("list") == {
        "action": ["created", "updated"],
        "expression": ["0 7 * * MON", "0 8 * * MON"],
    }


@pytest.mark.parametrize(
    ("arguments", "error", "place"),
    [
        ({"name": "no/name"}, InvalidValue, "name"),
        ({"name": ""}, InvalidValue, "name"),
        ({"name": "a\nb"}, InvalidValue, "name"),
        ({"expression": "0 7 * *"}, InvalidValue, "cron"),
        ({"expression": "61 7 * * *"}, InvalidValue, "minute"),
        ({"expression": "cron(0 0 1 1 ? 2025)"}, InvalidValue, "expression"),
        ({"timezone": "Europe/Madird"}, InvalidValue, "time zone"),
        ({"report": "cots"}, NotFound, None),
        ({"report": "gone.ipynb"}, InvalidValue, "name"),
        ({"parameters": {"sinse": "-7d"}}, InvalidValue, "-p"),
        ({"parameters": {"api_token": "x"}}, InvalidValue, "parameters"),
        ({"formats": ("hmtl",)}, InvalidValue, "--to"),
        ({"theme": "drak"}, InvalidValue, "--theme"),
        ({"overlap": "skp"}, InvalidValue, "overlap"),
        ({"notify_on": "fail"}, InvalidValue, "notify_on"),
        ({"keep": 0}, InvalidValue, "keep"),
        ({"retries": 11}, InvalidValue, "retries"),
        ({"timeout_s": 0}, InvalidValue, "timeout"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_scheduled(lab, schedules, arguments, error, place):
    arguments = {"name": "weekly", "expression": "@weekly", "report": "costs", **arguments}
    with pytest.raises(error) as raised:
        schedules.create(arguments.pop("name"), arguments.pop("expression"), **arguments)
    assert place is None or raised.value.place == place
    assert schedules.list() == ()
    assert lab.store.queue.depth(QUEUE) == 0


def test_a_word_that_no_schedule_has(schedules):
    schedules.create("weekly", "@weekly", report="costs")
    with pytest.raises(InvalidValue, match="has no 'kep'"):
        schedules.update("weekly", kep=3)
    with pytest.raises(NotFound, match="weekly"):
        schedules.get("wekly")


@pytest.mark.parametrize(
    ("text", "rate"), [("30m", "rate(30 minutes)"), ("1h", "rate(1 hour)"), ("7d", "rate(7 days)")]
)
def test_periods(text, rate):
    assert every(text) == rate


@pytest.mark.parametrize("text", ["", "0h", "30s", "1w", "h", "1.5h", "-1h"])
def test_what_is_no_period(text):
    with pytest.raises(InvalidValue):
        every(text)


# -- running


def test_what_is_due_runs_once_and_is_told_the_time_it_was_due(lab, schedules, look, notebook, clock):
    schedules.create("hourly", "@hourly", report="costs", parameters={"since": "-1h"}, notify=["x/"])
    assert look() == []
    clock.advance(50 * 60 + 7)
    (outcome,) = look()
    assert (outcome.run.scheduled_for, outcome.next_at) == (at("01T01:00"), at("01T02:00"))
    assert look() == []
    assert notebook.ran == [("hourly", at("01T01:00"), 1)]
    assert notebook.told == [("hourly", at("01T01:00"), "completed")]
    assert rows(lab, "schedule", "scheduled_for", "attempt", "status") == [
        ("hourly", at("01T01:00"), 1, "completed")
    ]


def test_of_what_was_missed_the_latest_is_run(schedules, look, notebook, clock):
    schedules.create("hourly", "@hourly", report="costs")
    clock.advance(30 * HOUR)
    assert [outcome.run.scheduled_for for outcome in look()] == [at("02T06:00")]
    assert look() == []


def test_a_run_that_fails_is_tried_again_and_then_let_be(lab, schedules, look, notebook, clock):
    schedules.create("daily", "@daily", report="costs", retries=2)
    notebook.deeds = [lambda: "no"] * 3
    clock.advance(24 * HOUR)
    assert [(o.again, o.next_at) for o in look()] == [(True, clock.now() + timedelta(seconds=30))]
    assert look() == []
    clock.advance(30)
    assert [(o.again, o.next_at) for o in look()] == [(True, clock.now() + timedelta(seconds=60))]
    clock.advance(60)
    assert [(o.again, o.next_at) for o in look()] == [(False, at("03T00:00"))]
    assert rows(lab, "attempt", "status") == [(1, "failed"), (2, "failed"), (3, "failed")]
    assert schedules.table()["status"].tolist() == ["failed"]


def test_what_is_due_while_it_still_goes_is_skipped_and_seen(lab, schedules, look, notebook, clock):
    schedules.create("hourly", "@hourly", report="costs")
    notebook.deeds = [lambda: clock.advance(2 * HOUR + 60)]
    clock.advance(50 * 60)
    (outcome,) = look()
    assert (outcome.skipped, outcome.next_at) == (at("01T03:00"), at("01T04:00"))
    assert rows(lab, "scheduled_for", "status") == [
        (at("01T01:00"), "completed"),
        (at("01T03:00"), "skipped"),
    ]


def test_or_it_waits_until_that_has_ended(lab, schedules, look, notebook, clock):
    schedules.create("hourly", "@hourly", report="costs", overlap="queue")
    notebook.deeds = [lambda: clock.advance(2 * HOUR + 60)]
    clock.advance(50 * 60)
    assert [outcome.run.scheduled_for for outcome in look()] == [at("01T01:00"), at("01T03:00")]


def test_nothing_is_due_while_it_is_paused_and_nothing_of_that_is_caught_up(schedules, look, notebook, clock):
    schedules.create("hourly", "@hourly", report="costs")
    assert schedules.pause("hourly").paused
    assert schedules.next_times("hourly") == ()
    assert schedules.table()["next"].tolist() == ["paused"]
    clock.advance(10 * HOUR)
    assert look() == []
    schedules.resume("hourly")
    assert look() == []
    clock.advance(HOUR)
    assert [outcome.run.scheduled_for for outcome in look()] == [at("01T11:00")]


def test_what_is_unscheduled_runs_no_more(lab, schedules, look, notebook, clock):
    schedules.create("hourly", "@hourly", report="costs")
    schedules.delete("hourly")
    clock.advance(10 * HOUR)
    assert (look(), notebook.ran) == ([], [])
    with pytest.raises(NotFound):
        schedules.delete("hourly")


@pytest.mark.parametrize("deed", ["pause", "delete", "pause and resume", "update", "delete and create"])
def test_a_schedule_that_is_changed_while_it_runs(lab, schedules, look, notebook, clock, deed):
    schedules.create("hourly", "@hourly", report="costs")

    def meanwhile():
        if deed == "update":
            schedules.update("hourly", expression="30 * * * *")
        elif deed.startswith("pause"):
            schedules.pause("hourly")
        else:
            schedules.delete("hourly")
        clock.advance(60)
        if deed.endswith("resume"):
            schedules.resume("hourly")
        elif deed.endswith("create"):
            schedules.create("hourly", "45 * * * *", report="costs")

    notebook.deeds = [meanwhile]
    clock.advance(50 * 60)
    (outcome,) = look()
    assert outcome.run.status == "completed", "what ran is recorded, whatever came of its schedule"
    assert len(rows(lab, "id")) == 1
    following = {
        "pause and resume": at("01T02:00"),
        "update": at("01T01:30"),
        "delete and create": at("01T01:45"),
    }.get(deed)
    due = schedules.turns.due_of("hourly")
    assert (due and due.instant) == following


def test_a_change_that_came_after_the_last_look_is_not_forgotten(lab, schedules, look, notebook, clock):
    """Between the run's last look at the definition and its end: what follows is put right at once."""
    schedules.create("weekly", "@weekly", report="costs")
    settle = lab.settle

    def late(claim, *entities, **follows):
        if schedules.get("weekly").expression == "@weekly":
            schedules.update("weekly", expression="@hourly")
        return settle(claim, *entities, **follows)

    lab.settle = late
    clock.advance(4 * 24 * HOUR)
    assert len(look()) == 1
    assert schedules.turns.due_of("weekly").instant == at("05T01:00")


def test_a_notebook_that_is_gone_is_a_failed_run_and_the_next_time_comes(
    lab, schedules, look, clock, tmp_path
):
    import nbformat

    path = tmp_path / "mine.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), path)
    real = ReportSchedules(lab, make=lab.reports.run, deliver=lambda *_: ())
    real.create("mine", "@hourly", report=str(path))
    path.unlink()
    clock.advance(HOUR)
    (claim,) = lab.store.queue.claim(QUEUE, owners.this_process(), ttl_s=30)
    outcome = real.turns.take(claim)
    assert (outcome.failed, outcome.next_at) == (True, at("01T02:00"))
    assert "mine.ipynb" in outcome.run.error_message
    assert real.table()[["name", "status"]].to_dict("list") == {"name": ["mine"], "status": ["failed"]}


def test_the_files_of_old_runs_are_removed_and_nothing_else(lab, schedules, look, notebook, clock):
    schedules.create("hourly", "@hourly", report="costs", keep=2)
    for name in ("notes.html", "hourly-20260101-010000-mine.html", "other-20260101-010000.html"):
        (notebook.folder / name).write_text("mine")
    for _ in range(5):
        clock.advance(HOUR)
        look()
    assert sorted(path.name for path in notebook.folder.iterdir()) == [
        "hourly-20260101-010000-mine.html",
        *(f"hourly-20260101-0{hour}0000.{ending}" for hour in (4, 5) for ending in ("html", "log")),
        "notes.html",
        "other-20260101-010000.html",
    ]
    assert len(rows(lab, "id")) == 5, "what they were stays known"


def test_a_link_in_place_of_a_page_is_let_be(lab, schedules, look, notebook, clock, tmp_path):
    schedules.create("hourly", "@hourly", report="costs", keep=1)
    clock.advance(HOUR)
    look()
    page = notebook.folder / "hourly-20260101-010000.html"
    page.unlink()
    (tmp_path / "precious").write_text("x")
    page.symlink_to(tmp_path / "precious")
    clock.advance(HOUR)
    look()
    assert (tmp_path / "precious").exists()
    assert page.is_symlink()


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


def test_an_entry_that_nobody_can_read_is_put_aside(lab, schedules, look):
    lab.store.queue.put(QUEUE, {"schedule": 3}, id="report/odd")
    assert look() == []
    assert lab.sql("SELECT kind FROM rejects")["kind"].tolist() == ["report schedule"]


# -- by itself


def test_a_tick_runs_what_is_due_and_a_second_nothing(lab, schedules, notebook, clock):
    schedules.create("hourly", "@hourly", report="costs")
    schedules.create("daily", "@daily", report="costs")
    assert schedules.tick() == ()
    clock.advance(24 * HOUR)
    assert sorted(outcome.schedule for outcome in schedules.tick()) == ["daily", "hourly"]
    assert schedules.tick() == ()


def test_in_the_background_until_it_is_closed(lab, schedules, notebook, clock):
    import threading

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
