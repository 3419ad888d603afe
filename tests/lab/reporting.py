"""What the tests of scheduled reports share: a callable in place of a notebook, and a pump's turn by hand."""

import dataclasses
import uuid
from datetime import datetime

from faaslab.lab import owners
from faaslab.lab.report_turns import QUEUE
from faaslab.model.report import ReportRun, ReportStatus

HOUR = 3600


class Notebook:
    """What a report does when it runs: by default it leaves a page, and that is all."""

    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        self.ran, self.deeds, self.told, self.leaves = [], [], [], []

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
            outputs=(str(self.folder / f"{stem}.html"), *map(str, self.leaves)),
        )
        self.lab.store.report_runs.end(done)
        return done

    def deliver(self, lab, run, schedule, *, to_be_retried):
        self.told.append((schedule.name, run.scheduled_for, str(run.status)))
        self.to_be_retried = to_be_retried
        return ()


def looker(lab, schedules):
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
