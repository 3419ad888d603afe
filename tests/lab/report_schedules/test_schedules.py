"""Schedules of reports: defined, changed, run when they are due, by a callable in place of notebooks."""

from datetime import timedelta
from pathlib import Path

import pytest

from faaslab.errors import AlreadyExists, Conflict, InvalidValue, NotFound
from faaslab.lab import owners
from faaslab.lab.report_schedules import ReportSchedules, every
from faaslab.lab.report_turns import QUEUE
from tests.lab.reporting import HOUR, at, rows

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
        ({"parameters": {"db": [{"password": "x"}]}}, InvalidValue, "parameters"),
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
    assert schedules.table()["next"].tolist() == ["Fri 2026-01-02 00:10 UTC"]
    assert schedules.table()["next_at"].tolist() == [clock.now() + timedelta(seconds=30)]
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


def test_pages_of_another_schedule_of_the_same_name_stay(lab, schedules, look, notebook, clock):
    schedules.create("hourly", "@hourly", report="costs")
    for _ in range(3):
        clock.advance(HOUR)
        look()
    schedules.delete("hourly")
    clock.advance(1)
    schedules.create("hourly", "@hourly", report="durations", keep=1)
    for _ in range(2):
        clock.advance(HOUR)
        look()
    assert sorted(path.name for path in notebook.folder.glob("*.html")) == [
        f"hourly-20260101-0{hour}0000.html" for hour in (1, 2, 3, 5)
    ]


@pytest.mark.parametrize("place", ["{elsewhere}/hourly-20260101-010000.html", "{reports}/hourly-20260101-010000-x.html",
                                   "{reports}/hourly-20260101-010000.duckdb"])  # fmt: skip
def test_a_row_that_was_changed_has_nothing_else_removed(
    lab, schedules, look, notebook, clock, tmp_path, place
):
    precious = Path(place.format(elsewhere=tmp_path, reports=notebook.folder))
    precious.write_text("mine")
    schedules.create("hourly", "@hourly", report="costs", keep=1)
    notebook.leaves = [precious]
    for _ in range(3):
        clock.advance(HOUR)
        look()
    assert precious.exists()


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
