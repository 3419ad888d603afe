"""A year of scheduled reports: two daemons, crashes at any moment, outages, two changes of daylight saving."""

import bisect
import dataclasses
import random
import tempfile
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from faaslab import app
from faaslab.lab import owners
from faaslab.lab.pump import CLAIM_S
from faaslab.lab.report_schedules import ReportSchedules
from faaslab.lab.report_turns import QUEUE
from faaslab.model.report import ReportRun, ReportStatus
from tests.events.test_crontab import by_croniter

START = datetime(2026, 1, 15, 9, 30)
SCHEDULES = {
    "hourly": ("0 * * 3,10 *", "Europe/Madrid"),  # in the months of the two changes
    "half_past": ("30 2 * * *", "Europe/Madrid"),
    "half_past_there": ("30 2 * * *", "America/New_York"),
    "weekly": ("0 7 * * MON", "Europe/Madrid"),
    "month_end": ("cron(0 18 L * ? *)", "Australia/Lord_Howe"),
    "rate": ("rate(13 hours)", "UTC"),
}


class Crash(BaseException):
    """The process is gone: nothing that stands above it is done."""


class Daemon:
    """One process after the other: when one has crashed, the next has another name."""

    def __init__(self, lab, dead, chance):
        self.lab, self.dead, self.chance = lab, dead, chance
        self.schedules = ReportSchedules(lab, make=self.make, deliver=self.deliver)
        self.owner, self.begun, self.crashes = owners.this_process(), [], 0
        self.where, self.crashing = None, True

    def look(self):
        """What a pump does: free what the dead hold, look at the definitions, take what is due."""
        queue = self.lab.store.queue
        self.where = self.chance.choice(WHERE) if self.crashing and self.chance.random() < 0.1 else None
        try:
            for owner in queue.owners():
                if owner in self.dead:
                    queue.take_from(owner)
            while claims := queue.claim(QUEUE, self.owner, ttl_s=CLAIM_S, limit=2):
                self.crash("claimed")
                for claim in claims:
                    self.schedules.turns.take(claim)
                    self.crash("settled")
        except Crash:
            self.crashes += 1
            self.dead.add(self.owner)
            self.owner = owners.this_process()
            return False
        return True

    def crash(self, where):
        if where == self.where:
            raise Crash

    def make(self, report, *, parameters, schedule, scheduled_for, attempt, **_):
        self.crash("not begun")
        run = ReportRun(
            id=str(uuid.uuid4()),
            name=report,
            notebook=report,
            status=ReportStatus.RUNNING,
            started_at=self.lab.clock.now(),
            schedule=schedule,
            scheduled_for=scheduled_for,
            attempt=attempt,
        )
        self.lab.store.report_runs.begin(run, self.owner, ttl_s=180)
        self.begun.append((schedule, scheduled_for, attempt))
        self.crash("begun")
        done = dataclasses.replace(run, status=ReportStatus.COMPLETED, ended_at=self.lab.clock.now())
        self.lab.store.report_runs.end(done)
        self.crash("ended")
        return done

    def deliver(self, lab, run, schedule, **_):
        self.crash("delivering")
        return ()


WHERE = ["claimed", "settled", "not begun", "begun", "ended", "delivering"]


@pytest.fixture
def dead(monkeypatch):
    found = set()
    monkeypatch.setattr(owners, "is_gone", found.__contains__)
    return found


@pytest.fixture
def store():
    """In memory, where the machine has such a folder: three thousand runs are synced to the disk, each."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder) / "s.duckdb"


def dues(name, until):
    """All due times of a schedule, by another library."""
    expression, timezone = SCHEDULES[name]
    if name == "rate":
        return [START + timedelta(hours=13 * n) for n in range(1, (until - START) // timedelta(hours=13) + 1)]
    fields = expression.removeprefix("cron(").removesuffix(" *)").replace("?", "*")
    found, following = [], by_croniter(fields, START, timezone)
    while following <= until:
        found.append(following)
        following = by_croniter(fields, following, timezone)
    return found


@pytest.mark.parametrize("seed", [1])
def test_each_due_time_of_a_year_runs_once(store, cache, clock, dead, seed):
    chance = random.Random(seed)
    clock.advance((START - clock.now()).total_seconds())
    with (
        app.open(store=store, cache=cache, clock=clock, run_queue=False) as one,
        app.open(store=store, cache=cache, clock=clock, run_queue=False) as other,
    ):
        daemons = [Daemon(lab, dead, chance) for lab in (one, other)]
        for name, (expression, timezone) in SCHEDULES.items():
            one.reports.schedules.create(name, expression, timezone=timezone, report="costs", notify=["x/"])
        looks, cut_off = year(clock, chance, daemons)
        df = one.sql("SELECT schedule, scheduled_for, attempt, status FROM reports")
    assert cut_off > 100
    begun = [each for daemon in daemons for each in daemon.begun]
    assert len(begun) == len(set(begun)), "no time was begun twice"
    assert len(df) == len(begun), "each has its row"
    assert len(df.drop_duplicates(["schedule", "scheduled_for", "attempt"])) == len(df), "and one only"
    assert set(df["status"]) == {"completed", "failed"}
    for name in SCHEDULES:
        ran = {each.to_pydatetime() for each in df[df["schedule"] == name]["scheduled_for"]}
        due = dues(name, clock.now())
        # At every look the latest that was due by then: all of them, but those that an outage left behind.
        wanted = {due[place - 1] for at, _ in looks if (place := bisect.bisect_right(due, at))}
        whole = {due[place - 1] for at, ended in looks if ended and (place := bisect.bisect_right(due, at))}
        assert whole <= ran <= wanted
        assert len(ran) > 0.8 * len(due)


def year(clock, chance, daemons):
    """When anybody looked, and whether one of them came to the end of it; and how often one crashed."""
    looks, end, queue = [], START + timedelta(days=366), daemons[0].lab.store.queue
    while clock.now() < end:
        if chance.random() < 0.006:  # nobody is there
            clock.advance(chance.uniform(0, 2 * 86_400))
        else:
            due_in_s = (queue.next_due(QUEUE) - clock.now()).total_seconds()
            clock.advance(max(due_in_s, 0) + chance.uniform(0, 90))
        there = chance.sample(daemons, chance.choice([1, 2]))
        ended = [daemon.look() for daemon in there]
        looks.append((clock.now(), any(ended)))
    for daemon in daemons:
        daemon.crashing = False
        daemon.look()
    looks.append((clock.now(), True))
    return looks, sum(daemon.crashes for daemon in daemons)
