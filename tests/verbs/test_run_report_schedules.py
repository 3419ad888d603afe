"""The verbs for reports that run by themselves."""

import uuid
from pathlib import Path

import nbformat
import pytest

from faaslab.errors import InvalidValue, NotFound
from faaslab.model.report import ReportRun, ReportSchedule
from faaslab.verbs.text import plain_text


@pytest.fixture
def mine(tmp_path):
    """A notebook that fails when it is told to."""
    node = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        cells=[
            nbformat.v4.new_code_cell("n = 1\nsince = '-7d'", metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell("assert n < 3, 'too many'\nprint(since)"),
        ],
    )
    path = tmp_path / "mine.ipynb"
    nbformat.write(node, path)
    return path


def make_due(lab, name):
    """As if its time had come long ago."""
    kept = lab.store.definitions.get(ReportSchedule, name)
    turns = lab.reports.schedules.turns
    turns.drop(name)
    from datetime import timedelta

    from faaslab.reports import due

    turns.put(due.first(kept, kept.created_at))
    entry = lab.store.queue.find(f"report/{name}")
    body = dict(entry.body)
    body["instant"] = (lab.clock.now() - timedelta(seconds=5)).isoformat() + "Z"
    lab.store.queue.remove(entry.id)
    lab.store.queue.put("reports", body, id=entry.id)


def test_a_report_is_scheduled_changed_paused_and_forgotten(do):
    said = do(
        'report schedule weekly --report costs --cron "0 7 * * MON" --tz Europe/Madrid --keep 12 -p since -7d '
        "--retries 2 --timeout 600 --overlap queue --notify-on failure --theme dark --title Costs"
    )
    lines = plain_text(said).splitlines()
    assert lines[0] == (
        "scheduled: weekly runs costs, 0 7 * * MON in Europe/Madrid, to html, keeps 12, 2 retries, ends after 600 s"
    )
    assert lines[1].startswith("next Mon ")
    assert lines[1].count(" 07:00 CE") == 3
    assert len(said.facts["next"]) == 3
    kept = do.lab.reports.schedules.get("weekly")
    assert (kept.parameters, kept.timeout_s, kept.overlap) == ({"since": "-7d"}, 600, "queue")
    again = do('report schedule weekly --report costs --cron "0  8 * * MON" --tz Europe/Madrid')
    assert plain_text(again).startswith("changed: weekly runs costs, 0 8 * * MON")
    same = do('report schedule weekly --report costs --cron "0 8 * * MON" --tz Europe/Madrid')
    assert plain_text(same).startswith("unchanged: ")
    (row,) = do("report schedules").df.to_dict("records")
    assert (row["name"], row["report"], row["status"]) == ("weekly", "costs", None)
    assert row["next"].startswith("Mon ")
    assert "report resume weekly" in plain_text(do("report pause weekly"))
    assert do("report schedules").df["next"].tolist() == ["paused"]
    assert plain_text(do("report schedule weekly --report costs --cron @daily")).endswith(
        "report resume weekly"
    )
    assert "next " in plain_text(do("report resume weekly"))
    assert "not scheduled any more" in plain_text(do("report unschedule weekly"))
    assert "no report is scheduled" in plain_text(do("report schedules"))


def test_what_is_said_of_a_schedule_is_changed_and_nothing_else(do):
    do(
        'report schedule mondays --report cold_starts --cron "0 7 * * MON" --tz Europe/Madrid --keep 12 '
        "-p since -7d --title Monday --timeout 60 --overlap queue --theme dark --to html,ipynb"
    )
    before = do.lab.reports.schedules.get("mondays")
    later = do('report schedule mondays --cron "0 8 * * MON"')
    assert plain_text(later).splitlines()[:2] == [
        "changed: mondays runs cold_starts, 0 8 * * MON in Europe/Madrid, to html, ipynb, keeps 12, ends after 60 s",
        "  time: 0 8 * * MON, was 0 7 * * MON",
    ]
    fewer = do("report schedule mondays --keep 5")
    assert plain_text(fewer).splitlines()[1] == "  keep: 5, was 12"
    assert fewer.facts["changed"] == {"keep": {"before": 12, "after": 5}}
    more = do("report schedule mondays -p until now")
    assert "  parameters: since -7d, until now, was since -7d" in plain_text(more)
    do("report schedule mondays --tz Asia/Tokyo --theme light --retries 1 --overlap skip --notify-on failure")
    after = do.lab.reports.schedules.get("mondays")
    assert (after.expression, after.timezone, after.keep) == ("0 8 * * MON", "Asia/Tokyo", 5)
    assert after.parameters == {"since": "-7d", "until": "now"}
    assert (after.theme, after.retries, after.overlap, after.notify_on) == ("light", 1, "skip", "failure")
    for field in ("report", "title", "timeout_s", "formats", "created_at"):
        assert getattr(after, field) == getattr(before, field)
    assert plain_text(do("report schedule mondays --keep 5")).startswith("unchanged: ")
    assert plain_text(do("report schedule mondays --keep 6 --print crontab")).startswith("# faaslab runs")
    assert "  keep: 6, was 5" in do.face.notes[-1]


def test_a_notebook_runs_where_it_was_scheduled_or_where_the_line_says(do, tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    monkeypatch.chdir(here)
    do("report schedule costs --cron @daily")
    assert do.lab.reports.schedules.get("costs").folder == str(here)
    monkeypatch.chdir(there)
    do("report schedule costs --keep 3")
    assert do.lab.reports.schedules.get("costs").folder == str(here)
    assert f"  folder: {there}, was {here}" in plain_text(do("report schedule costs --folder ."))
    with pytest.raises(InvalidValue, match="--folder: there is no folder"):
        do("report schedule costs --folder nowhere")


def test_what_was_said_of_a_schedule_can_be_taken_back(do, tmp_path):
    do(
        f"report schedule costs --cron @daily --keep 12 --title X --timeout 60 -p since -7d --notify {tmp_path}/a"
    )
    do("report schedule costs --clear parameters -p until now")
    assert do.lab.reports.schedules.get("costs").parameters == {"until": "now"}
    said = do(
        "report schedule costs --clear keep --clear title --clear timeout --clear parameters --clear notify"
    )
    kept = do.lab.reports.schedules.get("costs")
    assert (kept.keep, kept.title, kept.timeout_s, kept.parameters, kept.notify) == (None, None, None, {}, ())
    assert f"  notify: none, was {tmp_path}/a" in plain_text(said)


def test_a_new_schedule_needs_its_time_and_a_wrong_name_is_told(do):
    do("report schedule mondays --report costs --cron @daily")
    with pytest.raises(InvalidValue, match="no schedule is named 'monday'.*did you mean 'mondays'"):
        do("report schedule monday --keep 5")
    assert [each.name for each in do.lab.reports.schedules.list()] == ["mondays"]


def test_help_says_how_they_end_and_how_often_they_look(do):
    tick, daemon = plain_text(do("help report tick")), plain_text(do("help report daemon"))
    assert "Exit status: 0" in tick
    assert "Exit status: 0" in daemon
    assert "every second" in daemon
    assert "SIGTERM" in daemon
    assert "A new schedule needs its time" in plain_text(do("help report schedule"))


def test_a_notebook_by_its_path_has_its_own_name(do, mine):
    do(f"report schedule {mine} --every 1h")
    kept = do.lab.reports.schedules.get("mine")
    assert (kept.report, kept.expression) == (str(mine), "rate(1 hour)")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("report schedule costs", "--cron: no schedule is named 'costs', and a new one needs its time"),
        ("report schedule costs --cron @daily --every 1h", "--cron: say when it runs"),
        ("report schedule costs --every 10s", "--every: '10s' is no period"),
        ("report schedule costs --cron '61 * * * *'", "--cron, minute: '61' is no minute"),
        ("report schedule costs --cron 'cron(0 25 ? * MON *)'", "--cron, hours: '25' is none of 0 to 23"),
        ("report schedule costs --cron '0 7 * *'", "--cron: "),
        (
            "report schedule costs --cron @daily --tz Europe/Madird",
            "--tz: no time zone is named 'Europe/Madird' (did you mean Europe/Madrid?)",
        ),
        (
            "report schedule costs --cron @daily --tz Mars/Base",
            "--tz: no time zone is named 'Mars/Base' (an IANA name",
        ),
        ("report schedule costs --cron @daily -p sinse 7d", "did you mean 'since'"),
        ("report schedule costs --cron @daily --to hmtl", "did you mean 'html'"),
        ("report schedule costs --cron @daily --overlap both", "--overlap: 'both' is none of skip, queue"),
        ("report schedule costs --cron @daily --keep 0", "--keep: '0' is not 1 or more"),
    ],
)
def test_what_is_wrong_is_said_at_once(do, line, told):
    with pytest.raises(InvalidValue) as error:
        do(line)
    assert told in str(error.value)
    assert len(do("report schedules").df) == 0


def test_names_that_are_not_there(do):
    do("report schedule costs --cron @daily")
    for line in ("report pause cots", "report resume cots", "report unschedule cots"):
        with pytest.raises(NotFound, match="did you mean 'costs'"):
            do(line)


@pytest.mark.parametrize("kind", ["crontab", "systemd", "github-actions", "eventbridge"])
def test_what_another_clock_needs_is_printed(do, kind):
    made = do(f"report schedule costs --cron @daily --print {kind}")
    words = "".join(each if each.isalpha() else " " for each in plain_text(made)).split()
    assert " report tick store " in " ".join(words)
    assert do.face.notes[-1].startswith("scheduled: costs, @daily in UTC")
    assert plain_text(do(f"report schedule costs --print {kind}")) == plain_text(made)


def test_nothing_is_printed_for_what_is_not_scheduled(do):
    with pytest.raises(NotFound, match="no report schedule"):
        do("report schedule costs --print crontab")
    with pytest.raises(InvalidValue, match="did you mean 'systemd'"):
        do("report schedule costs --print sytemd")


def test_pages_are_brought_to_where_the_schedule_says(do, mine, tmp_path, monkeypatch):
    with pytest.raises(InvalidValue, match="--notify"):
        do(f"report schedule {mine} --cron @yearly --notify mailto:nobody")
    monkeypatch.chdir(tmp_path)
    said = do(
        f"report schedule {mine} --cron @yearly --notify shared --notify https://127.0.0.1:1/secret#sign=NO_KEY"
    )
    assert f"goes to {tmp_path}/shared and https://127.0.0.1/…" in plain_text(said)
    monkeypatch.chdir(tmp_path.parent)
    make_due(do.lab, "mine")
    ran = plain_text(do("report tick"))
    assert f"  delivered to {tmp_path}/shared: " in ran
    assert "  NOT delivered to https://127.0.0.1/…: " in ran
    assert "secret#" not in ran
    assert (tmp_path / "shared" / "index.html").is_file()


def test_a_tick_says_what_another_runs_and_no_time_that_has_passed(do, mine):
    do(f"report schedule {mine} --cron @yearly")
    do("report schedule costs --cron @yearly")
    make_due(do.lab, "mine")
    (claim,) = do.lab.store.queue.claim("reports", "another", ttl_s=60)
    said = plain_text(do("report tick"))
    assert said.startswith("nothing is due but mine, which another runs; next costs at ")
    do.lab.store.queue.release(claim)


def test_a_tick_runs_what_is_due_and_says_what_it_did(do, mine):
    idle = do("report tick")
    assert (plain_text(idle), idle.exit_status, idle.facts) == ("nothing is due", 0, {"ran": []})
    do(f"report schedule {mine} --cron @yearly -p n 2")
    assert plain_text(do("report tick")).startswith("nothing is due; next mine at ")
    make_due(do.lab, "mine")
    ran = do("report tick")
    first, page, following = plain_text(ran).splitlines()
    assert first.startswith("mine for ")
    assert "completed in" in first
    assert page.endswith(".html")
    assert following.startswith("  next ")
    assert (ran.exit_status, len(ran.facts["ran"]), ran.facts["ran"][0]["schedule"]) == (0, 1, "mine")
    do(f"report schedule other --report {mine} --cron @yearly")
    make_due(do.lab, "other")
    do("report tick")
    assert do("report show other").run.schedule == "other", "a schedule's name stands for its last run"
    assert Path(do("report open other").facts["opened"]).name.startswith("other-")
    do("report unschedule other")
    do(f"report schedule {mine} --cron @yearly -p n 3 --retries 1")
    make_due(do.lab, "mine")
    failed = do("report tick")
    assert failed.exit_status == 1
    assert "failed in cell 2: AssertionError: too many" in plain_text(failed)
    assert "  tried again at " in plain_text(failed)
    df = do("report schedules").df
    assert df[["status", "error"]].to_dict("records") == [{"status": "failed", "error": "too many"}]


def test_the_daemon_says_what_it_will_do_and_what_it_did(do, mine):
    do(f"report schedule {mine} --cron @yearly -p n 2")
    started = do("report daemon")
    assert "next mine at " in plain_text(started), "in a notebook it goes on until the lab is closed"
    assert started.facts["next"][0]["schedule"] == "mine"
    do.lab.reports.schedules.close()

    def stay(ready):
        do.face.lines.append(ready)
        make_due(do.lab, "mine")
        while not any("completed" in line for line in do.face.lines):
            do.lab.clock.wait(__import__("threading").Event(), 0.05)
        return True

    do.face.stay, do.face.lines = stay, []
    ended = do("report daemon")
    assert do.face.lines[0].splitlines()[0] == "READY"
    assert (ended.facts, ended.exit_status) == ({"ended": True}, 0)


def test_report_ls_tells_which_schedule_made_a_run_and_shows_those_of_one(do):
    for name, schedule in (("costs", "mondays"), ("weekly", None), ("costs", None)):
        now = do.lab.clock.now()
        run = ReportRun(
            id=str(uuid.uuid4()), name=name, notebook=f"{name}.ipynb", status="completed",
            started_at=now, ended_at=now, schedule=schedule,
        )  # fmt: skip
        do.lab.store.record(run)
    do("report schedule quiet --report costs --cron @daily")
    listed = do("report ls")
    assert sorted(listed.df["schedule"].dropna()) == ["mondays"]
    assert "schedule" in plain_text(listed)
    one = do("report ls --schedule mondays")
    assert one.df[["name", "schedule"]].to_numpy().tolist() == [["costs", "mondays"]]
    assert one.reports["report"].tolist() == ["costs"]
    assert "weekly" not in plain_text(one)
    assert plain_text(do("report ls --schedule quiet")) == "quiet has not run yet"
    with pytest.raises(
        NotFound, match=r"no schedule of a report is named 'quite' \(did you mean 'quiet'\?\)"
    ):
        do("report ls --schedule quite")
