"""Carries out the reports that are due: each is an entry of a queue in the store, taken by one process.

An entry stands for the next time of one schedule. Whoever claims it runs the report, and replaces it by the
entry for the time after in one transaction; so no time runs twice, whoever dies when and however many do
this. What a run that was cut off has come to stands in the history: a claim that somebody had before looks
there first. Rule: what is due when is decided in `reports.due`; here it is done.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.errors import AlreadyExists, Closed, InvalidValue
from faaslab.lab.pump import CLAIM_S, Pump
from faaslab.lab.secrets import without_secrets
from faaslab.model.json import from_json, to_json
from faaslab.model.report import ReportRun, ReportSchedule, ReportStatus
from faaslab.reports import due as dues
from faaslab.reports.due import Due, Next
from faaslab.store import Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.lab import Lab
    from faaslab.store import Claim, Waiting

QUEUE = "reports"
Make = Callable[..., ReportRun]
"""Runs a report and records it, as `Reports.run` does."""
Deliver = Callable[..., "tuple[Any, ...]"]
"""Brings a run to where its schedule wants it; what became of each target. See `report_delivery.deliver`."""

NEVER = datetime(9999, 1, 1)
"""When the entry of a schedule is due that fires no more: it says that there is nothing to be made up for."""
_AT_ONCE = 2
_PAUSE_S = 0.1
_CLEARED_AT_ONCE = 500
_WRITTEN = (".html", ".pdf", ".ipynb", ".log")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a time that was due. `next_at` is the next time of the schedule (naive UTC).

    `timezone` is the schedule's.
    `skipped` is the latest time that was left out because this run still went; `again` says that it failed
    and will be tried again. `delivered` are as `lab.report_delivery` has them.
    """

    run: ReportRun
    schedule: str
    timezone: str = "UTC"
    next_at: datetime | None
    again: bool = False
    skipped: datetime | None = None
    delivered: tuple[Any, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the run failed."""
        return self.run.status is ReportStatus.FAILED


class ReportTurns:
    """Of one Lab. `make` runs a report, `deliver` brings it somewhere; nothing is begun before `start`."""

    def __init__(self, lab: Lab, make: Make, deliver: Deliver) -> None:
        self._lab = lab
        self._make = make
        self._deliver = deliver
        self._queue = lab.store.queue
        self._guard = threading.Lock()
        self._pump: Pump | None = None
        self._generation: int | None = None
        self._listeners: list[Callable[[Outcome], None]] = []
        self._ending = threading.Event()

    # -- the entries

    def ensure(self, schedules: Sequence[ReportSchedule]) -> None:
        """Have an entry for each schedule that is not paused, for what it is now; unless it is worked on."""
        for schedule in schedules:
            entry = self._queue.find(_id(schedule.name))
            known = None if entry is None else _read(entry.body)
            if schedule.paused or (known is not None and known.holds_for(schedule)):
                continue
            if entry is not None and not self._queue.remove(entry.id):
                continue  # whoever works on it sees what the schedule is by then
            # By now another may have done the same, and run it: so it is looked for before it runs.
            self.put(dues.first(schedule, schedule.updated_at, anew=True))

    def put(self, following: Next) -> None:
        """Queue what follows, unless there is an entry already."""
        entry = _entry(following)
        with suppress(AlreadyExists):
            self._queue.put(entry.queue, entry.body, due=entry.due, id=entry.id)

    def drop(self, name: str) -> bool:
        """Take the entry of a schedule out, unless it is worked on; whether it was there."""
        return self._queue.exists() and self._queue.remove(_id(name))

    def coming(self) -> dict[str, Waiting]:
        """The entry of each schedule that has one, by its name."""
        return {each.id.removeprefix(_id("")): each for each in self._waiting()}

    def due_of(self, name: str) -> Due | None:
        """What a schedule runs next or now; None when it has no entry, or never fires again."""
        found = self._queue.find(_id(name)) if self._queue.exists() else None
        return None if found is None else _read(found.body)

    def _waiting(self) -> tuple[Waiting, ...]:
        return self._queue.waiting(QUEUE, limit=100_000) if self._queue.exists() else ()

    # -- one turn

    def take(self, claim: Claim) -> Outcome | None:
        """Carry out one entry that is due and claimed; None when there was nothing to run, or not yet."""
        due = _read(claim.body)
        if due is None or due.instant is None:
            self._lab.store.reject("report schedule", "cannot be read", repr(claim.body)[:10_000])
            self._lab.settle(claim)
            return None
        schedule = self._lab.store.definitions.get(ReportSchedule, due.schedule)
        if claim.attempt > 1 or due.anew:  # somebody had it before, and may have begun
            known = self._known(due)
            if isinstance(known, ReportRun):
                return self._ended(claim, due, known, went=False)
            if known:
                self._lab.settle(claim, again_in_s=CLAIM_S)
                return None
        if schedule is None or schedule.paused:
            self._lab.settle(claim)
            self._recheck(due.schedule)
            return None
        if not due.holds_for(schedule):
            self._lab.settle(claim, put=[_entry(dues.first(schedule, schedule.updated_at, anew=True))])
            return None
        now = self._lab.clock.now()
        wanted = dues.caught_up(due, now)
        if wanted != due:
            # Kept before anything runs: whoever comes after a crash looks for the run of that very time.
            self._lab.settle(claim, put=[_entry(Next(due=wanted, at=now))])
            return None
        return self._ended(claim, due, self._run(schedule, due), went=True)

    def _run(self, schedule: ReportSchedule, due: Due) -> ReportRun:
        """Run it; what keeps it from running is a run that failed."""
        assert due.instant is not None
        began = self._lab.clock.now()
        try:
            return self._make(
                schedule.report,
                parameters=schedule.parameters,
                formats=schedule.formats,
                stem=stem(schedule.name, due.instant, due.attempt),
                title=schedule.title,
                theme=schedule.theme,
                timeout_s=schedule.timeout_s,
                scheduled_for=due.instant,
                schedule=schedule.name,
                attempt=due.attempt,
                cwd=schedule.folder,
                stop=self._ending,
            )
        except Closed:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is the run's end, and seen
            known = self._known(due)
            if isinstance(known, ReportRun):
                return known  # it had begun, and is recorded
            told = str(getattr(error, "message", error))
            hint = getattr(error, "hint", None)
            failed = ReportRun(
                id=str(uuid.uuid4()),
                name=Path(schedule.report).stem,
                notebook=schedule.report,
                parameters=without_secrets(dict(schedule.parameters)),
                status=ReportStatus.FAILED,
                started_at=began,
                ended_at=self._lab.clock.now(),
                error_type=type(error).__name__,
                error_message=f"{told} ({hint})" if hint else told,
                schedule=schedule.name,
                scheduled_for=due.instant,
                attempt=due.attempt,
            )
            self._lab.store.record(failed)
            return failed

    def _ended(self, claim: Claim, due: Due, run: ReportRun, *, went: bool) -> Outcome:
        """Deliver what it made, remove what is too old, and have the next time come."""
        schedule = self._lab.store.definitions.get(ReportSchedule, due.schedule)
        delivered: tuple[Any, ...] = ()
        if schedule is not None:
            if schedule.notify:
                again = self._comes_again(due, schedule, run, went=went)
                delivered = self._deliver(self._lab, run, schedule, to_be_retried=again)
            self._clear(schedule)
            schedule = self._lab.store.definitions.get(ReportSchedule, due.schedule)
        if schedule is None or schedule.paused:
            self._lab.settle(claim)
            outcome = Outcome(
                run=run, schedule=due.schedule, timezone=due.timezone, next_at=None, delivered=delivered
            )
        else:
            now = self._lab.clock.now()
            following = dues.after(due, schedule, run.status, now, went=went)
            skipped = [] if following.skipped is None else [_skipped(schedule, run, following.skipped, now)]
            self._lab.settle(claim, *skipped, put=[_entry(following)])
            outcome = Outcome(
                run=run,
                schedule=due.schedule,
                timezone=schedule.timezone,
                next_at=following.at,
                again=following.due.instant == due.instant,
                skipped=following.skipped,
                delivered=delivered,
            )
        self._recheck(due.schedule)
        for tell in tuple(self._listeners):
            tell(outcome)
        return outcome

    def _comes_again(self, due: Due, schedule: ReportSchedule, run: ReportRun, *, went: bool) -> bool:
        """Whether the same time is tried again, as far as can be known by now."""
        if schedule.paused:
            return False
        following = dues.after(due, schedule, run.status, self._lab.clock.now(), went=went)
        return following.due.instant == due.instant

    def _recheck(self, name: str) -> None:
        """Whoever changed the schedule while its entry was held here has left that to us."""
        schedule = self._lab.store.definitions.get(ReportSchedule, name)
        if schedule is not None:
            self.ensure([schedule])

    def _known(self, due: Due) -> ReportRun | bool:
        """The run of that time and attempt as it ended; True while it goes on, False for none."""
        self._lab.reports.settle()
        for going in self._lab.store.report_runs.going():
            run = going.run
            if (run.schedule, run.scheduled_for, run.attempt) == (due.schedule, due.instant, due.attempt):
                return True
        df = self._lab.store.sql(
            "SELECT CAST(to_json(reports) AS VARCHAR) AS run FROM reports WHERE schedule = $schedule "
            "AND scheduled_for = $instant AND attempt = $attempt AND status <> 'skipped' "
            "ORDER BY started_at LIMIT 1",
            {"schedule": due.schedule, "instant": due.instant, "attempt": due.attempt},
        )
        return run_of(df["run"][0]) if len(df) else False

    def _clear(self, schedule: ReportSchedule) -> None:
        """Remove the files of its own runs beyond the newest that are kept, and nothing else."""
        if schedule.keep is None:
            return
        df = self._lab.store.sql(
            "SELECT scheduled_for, attempt, CAST(outputs AS VARCHAR) AS outputs, log FROM reports "
            "WHERE schedule = $name AND started_at >= $since AND status <> 'skipped' "
            "AND scheduled_for IS NOT NULL "
            "QUALIFY dense_rank() OVER (ORDER BY scheduled_for DESC) BETWEEN $first AND $last",
            {
                "name": schedule.name,
                "since": schedule.created_at,  # one of the same name that was there before is another
                "first": schedule.keep + 1,
                "last": schedule.keep + _CLEARED_AT_ONCE,
            },
        )
        # The rows say what was written, but anybody may have changed them: only what is ours by its name and
        # stands where the pages of schedules stand.
        folder = self._lab.reports.pages.resolve()
        for instant, attempt, outputs, log in df.itertuples(index=False, name=None):
            made = stem(schedule.name, instant.to_pydatetime(), int(attempt))
            written = [*json.loads(outputs or "[]"), *([log] if isinstance(log, str) else [])]
            for path in map(Path, written):
                ours = path.stem == made and path.suffix in _WRITTEN
                with suppress(OSError):
                    if ours and path.parent.resolve() == folder and path.is_file() and not path.is_symlink():
                        path.unlink()

    # -- by itself

    def start(self, look: Callable[[], None], may: Callable[[], bool]) -> bool:
        """Carry out what is due from now on, while it `may`; False when it does so already.

        `look` is called when any definition may have changed.
        """
        with self._guard:
            if self._pump is not None:
                return False
            self._generation = None
            self._ending.clear()
            self._pump = self._new_pump(look, may)
            self._pump.start()
            return True

    def drain(self, look: Callable[[], None]) -> tuple[Outcome, ...]:
        """Carry out what is due now, and wait for it; what came of it."""
        outcomes: list[Outcome] = []
        pump = self._new_pump(look, lambda: True)
        self._listeners.append(outcomes.append)
        try:
            pump.start()
            try:
                pump.wait()
            except KeyboardInterrupt:
                pump.stop()
                raise
        finally:
            pump.close()
            self._listeners.remove(outcomes.append)
        if pump.last_error is not None:
            raise pump.last_error
        return tuple(outcomes)

    def listen(self, tell: Callable[[Outcome], None]) -> None:
        """Have `tell` called with what became of each time that was due, in the thread that ran it."""
        self._listeners.append(tell)

    @property
    def last_error(self) -> BaseException | None:
        """What keeps it from its work; None when all is well."""
        return None if self._pump is None else self._pump.last_error

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._pump is not None

    def stop(self) -> None:
        """Begin nothing more; what runs goes on."""
        if self._pump is not None:
            self._pump.stop()

    def finish(self, timeout_s: float | None = None) -> bool:
        """Begin nothing more, and wait for what runs here; False when `timeout_s` passed before."""
        self.stop()
        deadline = None if timeout_s is None else self._lab.clock.monotonic() + timeout_s
        while self.busy():
            if deadline is not None and self._lab.clock.monotonic() >= deadline:
                return False
            self._lab.clock.wait(threading.Event(), _PAUSE_S)
        return True

    def cut_off(self) -> None:
        """Begin nothing more, and end what runs here as failed."""
        self.stop()
        self._ending.set()

    def busy(self) -> tuple[str, ...]:
        """The schedules that run here now."""
        pump = self._pump
        return () if pump is None else tuple(name for name in self.coming() if pump.holds(_id(name)))

    def close(self) -> None:
        """End it, and wait for what runs as long as a pump does; may be called twice."""
        with self._guard:
            pump, self._pump = self._pump, None
        if pump is not None:
            pump.close()

    def _new_pump(self, look: Callable[[], None], may: Callable[[], bool]) -> Pump:
        def looked() -> None:
            if not may():
                return
            generation = self._lab.store.definitions.generation()
            if generation != self._generation:
                look()
                self._generation = generation

        return Pump(
            self._queue,
            self._lab.clock,
            queues=lambda: (QUEUE,),
            work=self._worked,
            look=looked,
            only=lambda: None if may() else (),
            at_once=_AT_ONCE,
        )

    def _worked(self, claim: Claim) -> None:
        self.take(claim)


def stem(schedule: str, instant: datetime, attempt: int) -> str:
    """What the files of a run are called: the schedule and the time that it was due (UTC)."""
    return f"{schedule}-{instant:%Y%m%d-%H%M%S}" + ("" if attempt == 1 else f"-{attempt}")


def run_of(text: str) -> ReportRun:
    """A run from its row as JSON: DuckDB's instants have no T and no Z."""
    row = json.loads(text)
    for name in ("started_at", "ended_at", "scheduled_for"):
        if row.get(name):
            row[name] = str(row[name]).replace(" ", "T") + "Z"
    return from_json(ReportRun, {name: value for name, value in row.items() if value is not None})


def _skipped(schedule: ReportSchedule, run: ReportRun, instant: datetime, now: datetime) -> ReportRun:
    return ReportRun(
        id=str(uuid.uuid4()),
        name=run.name,
        notebook=run.notebook,
        status=ReportStatus.SKIPPED,
        started_at=now,
        ended_at=now,
        error_message=f"the run for {run.scheduled_for:%Y-%m-%d %H:%M} UTC still went",
        schedule=schedule.name,
        scheduled_for=instant,
    )


def _id(name: str) -> str:
    return f"report/{name}"


def _entry(following: Next) -> Entry:
    return Entry(
        queue=QUEUE,
        id=_id(following.due.schedule),
        body=to_json(following.due),
        due=following.at or NEVER,
    )


def _read(body: Any) -> Due | None:
    try:
        return from_json(Due, body)
    except InvalidValue:
        return None
