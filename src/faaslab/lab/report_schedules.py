"""`lab.reports.schedules`: reports that run by themselves.

A schedule stands in the store and is changed by compare-and-swap; every change of it stays in the history.
It is run by whoever is there: `report daemon`, a `serve`, or `tick` when something else calls that. Any
number of them may be there at once. How it goes: `report_turns`.
"""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from faaslab.errors import InvalidValue, NotFound, nearest
from faaslab.events import schedule as schedules
from faaslab.lab.report_catalogue import find
from faaslab.lab.report_turns import Outcome, ReportTurns, run_of
from faaslab.lab.secrets import secret_names
from faaslab.model.report import NotifyOn, Overlap, ReportRun, ReportSchedule
from faaslab.reports import due as dues
from faaslab.reports.delivery import targets
from faaslab.reports.times import Times, resolved, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import pandas as pd

    from faaslab.lab import Lab
    from faaslab.lab.report_turns import Deliver, Make

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_MOST_RETRIES = 10
_LATE = timedelta(minutes=3)
_UNITS = {"m": "minute", "h": "hour", "d": "day"}
_EVERY = re.compile(r"([1-9]\d{0,5})([mhd])", re.ASCII)


class ReportSchedules:
    """Schedules of reports: what they are, and running what is due."""

    def __init__(self, lab: Lab, *, make: Make, deliver: Deliver) -> None:
        self._lab = lab
        self._definitions = lab.store.definitions
        self._turns = ReportTurns(lab, make, deliver)
        self._watchers: list[Callable[[], None]] = []

    # -- what they are

    def create(
        self,
        name: str,
        expression: str,
        *,
        report: str | None = None,
        timezone: str = "UTC",
        parameters: Mapping[str, Any] | None = None,
        formats: Sequence[str] = ("html",),
        title: str | None = None,
        theme: str = "light",
        keep: int | None = None,
        timeout_s: float | None = None,
        retries: int = 0,
        overlap: str = "skip",
        notify: Sequence[str] = (),
        notify_on: str = "always",
        folder: str | Path | None = None,
    ) -> ReportSchedule:
        """Have `report` (the name of one, or a notebook's path; the schedule's own name by default) run.

        `expression` is AWS's `cron(...)` or `rate(...)`, crontab's five fields or `@daily`, local to
        `timezone`. `parameters` are checked against the notebook now; times in them count from the time that
        a run is due. The files of the newest `keep` due times stay. `retries` are for runs that fail. The
        notebook runs in `folder`, the one where it was scheduled. Raises
        `AlreadyExists`, and `InvalidValue` or `NotFound` with the place of what is wrong.
        """
        now = self._lab.clock.now()
        made = ReportSchedule(
            name=name,
            report=_absolute(report or name),
            expression=expression,
            timezone=timezone,
            parameters=dict(parameters or {}),
            formats=tuple(formats),
            title=title,
            theme=theme,  # type: ignore[arg-type]  # looked at by the check
            keep=keep,
            timeout_s=timeout_s,
            retries=retries,
            overlap=overlap,  # type: ignore[arg-type]
            notify=_settled(notify),
            notify_on=notify_on,  # type: ignore[arg-type]
            folder=str(Path(folder or Path.cwd()).expanduser().absolute()),
            created_at=now,
            updated_at=now,
        )
        self._check(made)
        kept = self._definitions.put(made)
        self._changed(kept)
        return kept

    def update(self, name: str, *, revision_id: str | None = None, **changes: Any) -> ReportSchedule:
        """Change what is named of `create`'s arguments, and nothing else; the runs stay its runs.

        A time that is reckoned anew counts from now. Raises as `create`, and `Conflict` when `revision_id` is
        not that of the schedule any more, or somebody else changes it in this moment.
        """
        before = self.get(name)
        known = {field.name for field in dataclasses.fields(ReportSchedule)} - _OWN
        for word in changes:
            if word not in known:
                raise InvalidValue(f"a schedule has no {word!r}", hint=_offer(word, known))
        if "report" in changes:
            changes["report"] = _absolute(changes["report"])
        if "formats" in changes:
            changes["formats"] = tuple(changes["formats"])
        if "notify" in changes:
            changes["notify"] = _settled(changes["notify"])
        if changes.get("folder") is not None:
            changes["folder"] = str(Path(changes["folder"]).expanduser().absolute())
        changed = dataclasses.replace(before, **changes)
        if changed == before and revision_id in (None, before.revision_id):
            return before
        self._check(changed)
        return self._put(before, changed, revision_id)

    def get(self, name: str) -> ReportSchedule:
        """The schedule. Raises `NotFound` with the nearest name."""
        found = self._definitions.get(ReportSchedule, name)
        if found is None:
            raise NotFound("report schedule", name, self._definitions.names(ReportSchedule))
        return found

    def list(self) -> tuple[ReportSchedule, ...]:
        """All of them, by name."""
        return self._definitions.list(ReportSchedule)

    def delete(self, name: str, *, revision_id: str | None = None) -> None:
        """Forget it; a run that goes ends as ever, and its runs and their files stay. Raises `NotFound`."""
        self.get(name)
        self._definitions.delete(ReportSchedule, name, expected_revision=revision_id)
        self._turns.drop(name)

    def pause(self, name: str) -> ReportSchedule:
        """Let nothing of it be due until it is resumed; a run that goes ends as ever."""
        before = self.get(name)
        if before.paused:
            return before
        kept = self._put(before, dataclasses.replace(before, paused=True), None)
        self._turns.drop(name)
        return kept

    def resume(self, name: str) -> ReportSchedule:
        """Have it be due again, from now on: what passed meanwhile is not caught up."""
        before = self.get(name)
        return before if not before.paused else self._put(before, dataclasses.replace(before, paused=False))

    def next_times(self, name: str, count: int = 3) -> tuple[datetime, ...]:
        """Its next times, in its own time zone; none of one that is paused or has ended."""
        return local_times(self.get(name), self._lab.clock.now(), count)

    def table(self) -> pd.DataFrame:
        """Each schedule with when it runs next (in its time zone) and how the last run ended.

        `next_at` and `last_at` are the same times as naive UTC, for programs; missing where there is none.
        """
        import pandas as pd

        last = self._last_runs()
        coming = self._turns.coming()
        going = {each.run.schedule: each.run for each in self._lab.store.report_runs.going()}
        rows = []
        for schedule in self.list():
            entry, run = coming.get(schedule.name), going.get(schedule.name) or last.get(schedule.name)
            due = None if entry is None else self._turns.due_of(schedule.name)
            instant = next(iter(dues.times(schedule, self._lab.clock.now(), 1)), None)
            if entry is not None and due is not None and due.holds_for(schedule):
                instant = entry.due if due.attempt > 1 else due.instant
            if schedule.paused:
                following, instant = "paused", None
            elif run is not None and run.ended_at is None:
                following, instant = "when this run has ended", None
            else:
                following = "never" if instant is None else _told(instant, schedule)
            last_at = None if run is None else run.scheduled_for or run.started_at
            rows.append(
                (
                    schedule.name,
                    Path(schedule.report).name.removesuffix(".ipynb"),
                    schedule.expression,
                    schedule.timezone,
                    following,
                    None if last_at is None else _told(last_at, schedule),
                    None if run is None else str(run.status),
                    None if run is None else run.error_message,
                    instant,
                    last_at,
                )
            )
        names = ["name", "report", "expression", "timezone", "next", "last", "status", "error"]
        df = pd.DataFrame(rows, columns=[*names, "next_at", "last_at"])
        return df.astype({"next_at": "datetime64[us]", "last_at": "datetime64[us]"})

    # -- running them

    def tick(self) -> tuple[Outcome, ...]:
        """Run what is due now, whoever scheduled it, and wait for it; what came of each.

        May be called at any time and by many at once: each due time runs once.
        """
        return self._turns.drain(self._look)

    def start(self, *, everybodys: bool = True) -> bool:
        """Run what is due, from now on, in the background until the lab is closed; False when it does so.

        Without `everybodys` nothing of a store runs that this user has never scheduled anything in on this
        machine: serving one that somebody sent runs and delivers nothing that came with it.
        """
        return self._turns.start(self._look, lambda: everybodys or self._lab.asynchronous.is_used_here())

    def listen(self, tell: Callable[[Outcome], None], changed: Callable[[], None] | None = None) -> None:
        """Have `tell` called with what became of each due time, in the thread that ran it.

        `changed` is called when schedules were changed, by whatever process, while this one runs them.
        """
        self._turns.listen(tell)
        if changed is not None:
            self._watchers.append(changed)

    def stop(self) -> None:
        """Begin nothing more; what runs goes on."""
        self._turns.stop()

    def finish(self, timeout_s: float | None = None) -> bool:
        """Begin nothing more, and wait for what runs here; False when `timeout_s` passed before."""
        return self._turns.finish(timeout_s)

    def cut_off(self) -> None:
        """Begin nothing more, and end what runs here as failed; `finish` waits for that."""
        self._turns.cut_off()

    def busy(self) -> tuple[str, ...]:
        """The schedules that run in this process now."""
        return self._turns.busy()

    def coming(self) -> tuple[tuple[ReportSchedule, datetime], ...]:
        """The schedules that will run, with their next time (naive UTC), the next one first."""
        found = []
        for schedule in self.list():
            instants = dues.times(schedule, self._lab.clock.now(), 1)
            due = self._turns.due_of(schedule.name)
            if (
                due is not None
                and due.instant is not None
                and due.holds_for(schedule)
                and not schedule.paused
            ):
                instants = (due.instant,)
            found += [(schedule, instant) for instant in instants]
        return tuple(sorted(found, key=lambda each: (each[1], each[0].name)))

    def overdue(self) -> dict[str, datetime]:
        """Schedules whose time came minutes ago and that nobody runs: its time (in their zones) by name."""
        latest = self._lab.clock.now() - _LATE
        return {
            schedule.name: in_zone(entry.due, schedule.timezone)
            for schedule in self.list()
            if (entry := self._turns.coming().get(schedule.name)) is not None
            and not schedule.paused
            and entry.due < latest
            and (entry.held_until is None or entry.held_until < latest)
        }

    @property
    def last_error(self) -> BaseException | None:
        """What keeps it from running what is due; None when all is well."""
        return self._turns.last_error

    def close(self) -> None:
        """End what `start` began; may be called twice."""
        self._turns.close()

    # -- within

    @property
    def turns(self) -> ReportTurns:
        """What carries them out."""
        return self._turns

    def _look(self) -> None:
        self._turns.ensure(self.list())
        for changed in tuple(self._watchers):
            changed()

    def _put(
        self, before: ReportSchedule, changed: ReportSchedule, revision_id: str | None = None
    ) -> ReportSchedule:
        kept = self._definitions.put(
            dataclasses.replace(changed, updated_at=self._lab.clock.now()),
            expected_revision=revision_id or before.revision_id,
            action="updated",
        )
        self._changed(kept)
        return kept

    def _changed(self, schedule: ReportSchedule) -> None:
        self._lab.asynchronous.note_place()
        self._turns.ensure([schedule])

    def _last_runs(self) -> dict[str, ReportRun]:
        """The last run of each schedule."""
        self._lab.reports.settle()
        df = self._lab.store.sql(
            "SELECT schedule, CAST(to_json(reports) AS VARCHAR) AS run FROM reports "
            "WHERE schedule IS NOT NULL "
            "QUALIFY row_number() OVER (PARTITION BY schedule ORDER BY started_at DESC) = 1"
        )
        return {name: run_of(text) for name, text in zip(df["schedule"], df["run"], strict=True)}

    def _check(self, schedule: ReportSchedule) -> None:
        """Raise what is wrong with it, before anything is kept."""
        if not _NAME.fullmatch(schedule.name):
            raise InvalidValue(
                f"{schedule.name[:100]!r} is no name for a schedule",
                place="name",
                hint="letters, digits, - and _; --report says which notebook",
            )
        for word, value, known in (
            ("overlap", schedule.overlap, get_args(Overlap)),
            ("notify_on", schedule.notify_on, get_args(NotifyOn)),
        ):
            if value not in known:
                raise InvalidValue(
                    f"{value!r} is none of {', '.join(known)}", place=word, hint=_offer(value, known)
                )
        if schedule.keep is not None and schedule.keep < 1:
            raise InvalidValue(f"{schedule.keep} is not 1 or more", place="keep")
        if not 0 <= schedule.retries <= _MOST_RETRIES:
            raise InvalidValue(f"{schedule.retries} is not 0 to {_MOST_RETRIES}", place="retries")
        if schedule.timeout_s is not None and not 0 < schedule.timeout_s < 1e8:
            raise InvalidValue(f"{schedule.timeout_s:g} is no number of seconds", place="timeout")
        for name in secret_names(dict(schedule.parameters)):
            raise InvalidValue(
                f"{name!r} looks like a secret, and a schedule is kept as it stands",
                place="parameters",
                hint="let the notebook read it from the environment or the keyring",
            )
        if schedule.folder is not None and not Path(schedule.folder).is_dir():
            raise InvalidValue(f"there is no folder {schedule.folder!r}", place="--folder")
        for target in schedule.notify:
            targets.parsed(target)
        schedules.zone_of(schedule.timezone)
        schedules.understood(schedule.expression)
        if not schedule.paused and not dues.times(schedule, self._lab.clock.now(), 1):
            raise InvalidValue(f"{schedule.expression!r} never comes", place="expression")
        self._check_report(schedule)

    def _check_report(self, schedule: ReportSchedule) -> None:
        """The notebook is there, and takes these parameters as they would be if it ran at its next time."""
        from faaslab.reports import run as reports

        now = self._lab.clock.now()
        next_time = next(iter(dues.times(schedule, now, 1)), now)
        times = Times(now=next_time, scheduled_for=next_time)
        given = {key: resolved(value, times, place=f"-p {key}") for key, value in schedule.parameters.items()}
        look = reports.Look(
            title=None if schedule.title is None else written(schedule.title, times, place="--title"),
            theme=schedule.theme,
            chromium=next((each.value for each in self._lab.settings if each.name == "chromium"), None),
        )
        notebook = find(schedule.report, self._lab.reports.folders)
        reports.prepared(notebook, given, schedule.formats, look)


_OWN = {"name", "paused", "revision_id", "created_at", "updated_at"}


def local_times(schedule: ReportSchedule, now: datetime, count: int) -> tuple[datetime, ...]:
    """The next times of a schedule, in its own time zone."""
    return tuple(in_zone(instant, schedule.timezone) for instant in dues.times(schedule, now, count))


def in_zone(instant: datetime, timezone: str) -> datetime:
    """A naive UTC instant as the clock on the wall shows it."""
    return instant.replace(tzinfo=UTC).astimezone(schedules.zone_of(timezone))


def every(text: str) -> str:
    """`90m`, `1h` or `7d` as a rate."""
    match = _EVERY.fullmatch(text)
    if match is None:
        raise InvalidValue(
            f"{text[:40]!r} is no period", place="--every", hint="whole minutes, hours or days: 30m, 1h, 7d"
        )
    count, unit = int(match[1]), _UNITS[match[2]]
    return f"rate({count} {unit}{'s' if count > 1 else ''})"


def _told(instant: datetime, schedule: ReportSchedule) -> str:
    return f"{in_zone(instant, schedule.timezone):%a %Y-%m-%d %H:%M %Z}"


def _absolute(report: str) -> str:
    """A notebook's path as it can be found from any folder; a name as it stands."""
    if report.endswith(".ipynb"):
        return str(Path(report).expanduser().absolute())
    return report


def _settled(notify: Sequence[str]) -> tuple[str, ...]:
    """The targets, each once, as whoever runs the schedule finds them from any folder."""
    return tuple(dict.fromkeys(targets.settled(each, Path.cwd()) for each in notify))


def _offer(word: str, known: Any) -> str:
    near = nearest(str(word), known)
    return f"did you mean {near!r}?" if near else ", ".join(sorted(known))
