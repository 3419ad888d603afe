"""The reports of a lab: shipped notebooks or the user's own, run over this store into pages."""

from __future__ import annotations

import itertools
import json
import os
import re
import tempfile
import threading
import uuid
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.errors import AlreadyExists, FaaslabError, InvalidValue, NotFound, StoreError
from faaslab.lab import owners
from faaslab.lab.report_catalogue import (
    Report,
    apart,
    catalogue,
    copy,
    find,
    is_shipped,
    new_name,
    shipped_reports,
)
from faaslab.lab.report_signs import BEAT_S, TTL_S, last_sign, log_written
from faaslab.lab.secrets import looks_secret, secret_texts, variables, without_secrets
from faaslab.model.json import from_json
from faaslab.model.moment import moment
from faaslab.model.report import ReportRun, ReportStatus
from faaslab.reports.given import kept
from faaslab.reports.hiding import forms
from faaslab.reports.journal import hidden
from faaslab.reports.parameters import cells, declared
from faaslab.reports.times import Times, resolved, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    import pandas as pd

    from faaslab.lab import Lab
    from faaslab.lab.report_schedules import ReportSchedules

__all__ = ["Reports", "shipped_reports"]

_SHORTEST_ID = 4
_LEAST_HIDDEN = 8
"""A variable of the environment that is shorter is a word that logs are full of."""

_STEM = re.compile(r"[^/\\\x00-\x1f]+")
_LONGEST_STEM_BYTES = 200
"""A file's name has 255 at most, with its ending and what it is called while it is written."""


class Reports:
    """`lab.reports`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    @cached_property
    def schedules(self) -> ReportSchedules:
        """The reports that run by themselves. Imported with the first use."""
        from faaslab.lab.report_delivery import deliver
        from faaslab.lab.report_schedules import ReportSchedules

        return ReportSchedules(self._lab, make=self.run, deliver=deliver)

    def close(self) -> None:
        """End what runs by itself; may be called twice."""
        if "schedules" in vars(self):
            self.schedules.close()

    def names(self) -> tuple[str, ...]:
        """The reports that can be run by name: the shipped ones, and those of the project's own folders."""
        return tuple(report.name for report in self.catalogue())

    def catalogue(self) -> tuple[Report, ...]:
        """The same with what they are about, their parameters and where they are."""
        return catalogue(self.folders)

    @property
    def folder(self) -> Path | None:
        """Where the project's own notebooks live (the setting `reports`)."""
        found = self._setting("reports")
        return None if found is None else Path(found)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where they are looked for: there, and unless somebody has set that, where 0.4 copied them to."""
        folder = self.folder
        if folder is None:
            return ()
        is_set = any(each.name == "reports" and each.origin != "default" for each in self._lab.settings)
        return (folder,) if is_set else (folder, folder.parent / "reports")

    @property
    def pages(self) -> Path:
        """Where pages stand that nobody wants elsewhere."""
        return Path(self._lab.store.path).parent / "reports"

    def cells(self, name: str) -> int:
        """How many code cells a report has."""
        return sum(cell.get("cell_type") == "code" for cell in cells(find(name, self.folders)))

    def run(
        self,
        name: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        formats: Sequence[str] = ("html",),
        out_dir: str | Path | None = None,
        stem: str | None = None,
        title: str | None = None,
        theme: str = "light",
        timeout_s: float | None = None,
        scheduled_for: datetime | None = None,
        schedule: str | None = None,
        attempt: int = 1,
        cwd: str | Path | None = None,
        stop: threading.Event | None = None,
        progress: Callable[[int, str | None], None] | None = None,
    ) -> ReportRun:
        """Run a report (a name of `names()`, or the path of a notebook) over this store.

        `formats` are of html, pdf and ipynb. The pages stand in `out_dir` (`reports/` beside the store),
        named `stem` (the report and the time, so that no page replaces another), with the log. Times in
        parameters, title and stem (`-7d`, `{{ scheduled_for:%Y-%m-%d }}`) count from `scheduled_for`, or from
        now. After `timeout_s` seconds it is cut off. `progress` is called with (cells done, note).
        The notebook runs in the folder `cwd` (that of this process); it ends as failed when `stop` is set.

        A failing cell is the run's status, with the half-done page, and so is a process that breaks down; the
        run is recorded either way, also when it is interrupted. A notebook with a parameter `store` is given
        this one. Raises `InvalidValue`, `NotFound` or `Unsupported` before anything runs.
        """
        from faaslab.reports import run as reports

        notebook = find(name, self.folders)
        when = self._lab.clock.now()
        times = Times(now=when, scheduled_for=scheduled_for or when)
        given = {
            key: resolved(kept(value, f"-p {key}"), times, place=f"-p {key}")
            for key, value in (parameters or {}).items()
        }
        if "store" in declared(notebook):
            given.setdefault("store", str(self._lab.store.path))
        look = reports.Look(
            title=None if title is None else written(title, times, place="--title"),
            theme=theme,
            paper=self._setting("paper") or "A4",
            chromium=self._setting("chromium"),
        )
        if cwd is not None and not Path(cwd).is_dir():
            raise InvalidValue(f"the folder {str(cwd)!r} that it runs in is not there", place="--folder")
        wanted = tuple(dict.fromkeys(formats))
        hide = forms(secret_texts(given))
        try:
            given, _ = reports.prepared(notebook, given, wanted, look)
        except InvalidValue as error:
            said, hint = hidden(error.message, hide), hidden(error.hint or "", hide)
            raise InvalidValue(said, place=error.place, hint=hint or None) from None
        if is_shipped(notebook):
            # Their cells would say the same, after a kernel has started.
            for key in ("since", "until"):
                if isinstance(value := given.get(key), str) and value:
                    moment(value, now=when, place=f"-p {key}")
        if timeout_s is not None and not 0 < timeout_s < 1e8:
            raise InvalidValue(f"{timeout_s:g} is no number of seconds from 1 on", place="--timeout")
        folder = Path(out_dir) if out_dir is not None else self.pages
        # What is recorded is found from any folder.
        folder = Path(os.path.abspath(folder.expanduser()))  # noqa: PTH100 - links stay as they are
        stem = _file_stem(written(stem, times, place="--stem")) if stem is not None else None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Tried before anything runs: what cannot be written would be told when all the work is done.
            with tempfile.TemporaryFile(dir=folder):
                pass
            stem = stem or _reserved(folder, f"{_cut(notebook.stem)}-{when:%Y%m%d-%H%M%S}")
        except OSError as error:
            raise InvalidValue(f"cannot be written to: {error.strerror}", place=f"--dir {folder}") from None
        shown = without_secrets(given)
        known = [*secret_texts(given), *self._known_secrets()]
        begun = ReportRun(
            id=str(uuid.uuid4()),
            name=notebook.stem,
            notebook=str(notebook),
            parameters=shown,
            status=ReportStatus.RUNNING,
            started_at=when,
            schedule=schedule,
            scheduled_for=scheduled_for,
            attempt=attempt,
            log=str(folder / f"{stem}.log"),
        )
        heard = _Heard(progress)
        self.settle()
        with self._going(begun):
            try:
                ended = reports.run(
                    notebook,
                    parameters=given,
                    out_dir=folder,
                    formats=wanted,
                    stem=stem,
                    look=look,
                    timeout_s=timeout_s,
                    log=folder / f"{stem}.log",
                    hide=known,
                    shown={key: value for key, value in shown.items() if value != given[key]},
                    run_id=begun.id,
                    clock=self._lab.clock,
                    on_cell=heard.cell,
                    cwd=None if cwd is None else Path(cwd),
                    stop=stop,
                )
            except BaseException as error:
                done = self._broken(begun, error, heard, known)
                self._lab.store.report_runs.end(done)
                if isinstance(error, reports.WorkerFailed):
                    return done
                raise
            done = replace(
                begun,
                status=ended.status,
                ended_at=ended.ended_at,
                outputs=ended.outputs,
                failed_cell=ended.failed_cell,
                error_type=ended.error_type,
                error_message=ended.error_message,
            )
            self._lab.store.report_runs.end(done)
        return done

    def _broken(
        self, begun: ReportRun, error: BaseException, heard: _Heard, hide: Sequence[str]
    ) -> ReportRun:
        from faaslab.reports.run import NotPlaced

        stopped = isinstance(error, KeyboardInterrupt)
        kind = "Interrupted" if stopped else type(error).__name__
        message = f"stopped {heard.where}" if stopped else str(error)
        return replace(
            begun,
            status=ReportStatus.FAILED,
            ended_at=self._lab.clock.now(),
            failed_cell=None if isinstance(error, NotPlaced) else heard.number,
            log=begun.log if begun.log is not None and Path(begun.log).is_file() else None,
            error_type=kind,
            error_message=hidden(message, forms(hide)),
        )

    @contextmanager
    def _going(self, run: ReportRun) -> Iterator[None]:
        """While it lasts everybody can see that the run goes, and that it goes no more when we are killed."""
        runs, over = self._lab.store.report_runs, threading.Event()
        runs.begin(run, owners.this_process(), ttl_s=TTL_S)

        def beat() -> None:
            while not over.wait(BEAT_S):
                with suppress(FaaslabError):
                    runs.keep(run.id, ttl_s=TTL_S)

        beating = threading.Thread(target=beat, name="faaslab-report-beat", daemon=True)
        beating.start()
        try:
            yield
        finally:
            over.set()
            beating.join()

    def _known_secrets(self) -> Iterator[str]:
        """What else no page and no log may show: values under telling names, and what functions get.

        A system's keyring is not asked: it may ask a person.
        """
        configurations = [function.configuration for function in self._lab.functions.list()]
        names = {name for each in configurations for secret in each.secrets for name in variables(secret)}
        for name, value in os.environ.items():
            if (looks_secret(name) or name in names) and len(value) >= _LEAST_HIDDEN:
                yield value
        for each in configurations:
            yield from (text for text in secret_texts(dict(each.environment)) if len(text) >= _LEAST_HIDDEN)

    def settle(self) -> int:
        """Record as failed the runs whose process has ended without a word; how many there were."""
        count = 0
        for run in self._gone():
            with suppress(StoreError):
                count += self._lab.store.report_runs.end(run)
        return count

    def _gone(self) -> tuple[ReportRun, ...]:
        now = self._lab.clock.now()
        return tuple(
            replace(
                going.run,
                status=ReportStatus.FAILED,
                ended_at=last_sign(going, log_written(going.run.log), now),
                error_type="ProcessEnded",
                error_message="the process that ran it was killed, or its machine went down",
            )
            for going in self._lab.store.report_runs.going()
            if owners.is_gone(going.owner) or (going.lapsed and owners.pid_here(going.owner) is None)
        )

    def list(self, schedule: str | None = None) -> pd.DataFrame:
        """The runs (of one schedule), newest first, those that go on among them."""
        import pandas as pd

        self.settle()
        ended = self._lab.store.sql(
            f"SELECT {_COLUMNS} FROM reports WHERE $schedule IS NULL OR schedule = $schedule "
            "ORDER BY started_at DESC",
            {"schedule": schedule},
        )
        ended["outputs"] = [json.loads(text) if text else [] for text in ended["outputs"]]
        going = [
            each.run for each in self._lab.store.report_runs.going() if schedule in (None, each.run.schedule)
        ]
        if not going:
            return ended
        rows = [{name: _column(run, name) for name in ended.columns} for run in going]
        return pd.concat(
            [pd.DataFrame(rows, columns=ended.columns).astype(object), ended.astype(object)],
            ignore_index=True,
        ).sort_values("started_at", ascending=False, ignore_index=True)

    def get(self, name: str | None = None) -> ReportRun:
        """The run with the id `name` (or the only one whose id begins so), else the last of that report.

        Where no report is named so, the last of the schedule of that name. None: the last run of all.
        Raises `NotFound`.
        """
        going = (each.run for each in self._lab.store.report_runs.going())
        found = [
            *self._found(name),
            *(run for run in going if name in (None, run.name, run.id, run.schedule)),
        ]
        if not found and name is None:
            raise InvalidValue("no report has run yet", place="run", hint="run one: report run cold_starts")
        if not found:
            raise NotFound("run of a report", name or "", self.names(), hint="see: report ls")
        return max(found, key=lambda run: run.started_at)

    def latest_page(self, name: str | None = None) -> tuple[ReportRun, Path]:
        """The last run of `get` that left a page which is still there, and that page (HTML before PDF).

        Raises `NotFound`.
        """
        for run in self._found(name, "len(CAST(outputs AS VARCHAR)) > 2"):
            for suffix in (".html", ".pdf"):
                for path in map(Path, run.outputs):
                    if path.suffix == suffix and path.is_file():
                        return run, path
        hint = "run it: report run " + (name or "cold_starts")
        raise NotFound("page of a report", name or "", [], hint=hint)

    def _found(self, name: str | None, such: str = "true") -> tuple[ReportRun, ...]:
        """The runs that `name` stands for and that are `such`, newest first."""
        self.settle()
        if name is None:
            return self._runs(such, {})
        named = self._runs(f"{such} AND (name = $name OR id = $name)", {"name": name})
        if not named:
            named = self._runs(f"{such} AND schedule = $name AND status <> 'skipped'", {"name": name})
        if named or len(name) < _SHORTEST_ID:
            return named
        alike = self._runs(f"{such} AND starts_with(id, $name)", {"name": name})
        return alike if len({run.id for run in alike}) == 1 else ()

    def _runs(self, such: str, given: Mapping[str, Any]) -> tuple[ReportRun, ...]:
        df = self._lab.store.sql(
            f"SELECT CAST(to_json(reports) AS VARCHAR) AS run FROM reports WHERE {such} "
            "ORDER BY started_at DESC LIMIT 200",
            dict(given) or None,
        )
        return tuple(from_json(ReportRun, _dated(json.loads(text))) for text in df["run"])

    def new(self, name: str, *, like: str = "cold_starts", to: str | Path | None = None) -> Path:
        """Copy the report `like` to a notebook of one's own, to change it; where that is.

        `to` is a file or a folder (the project's folder of notebooks). Nothing is written over, and
        nothing is put among the pages: raises `AlreadyExists`, `InvalidValue`.
        """
        new_name(name)
        source = find(like, self.folders)
        target = Path(to).expanduser() if to is not None else (self.folder or Path("notebooks"))
        if target.suffix != ".ipynb":
            target = target / f"{name}.ipynb"
        older = (folder / f"{name}.ipynb" for folder in self.folders[1:])
        if to is None and (there := next((each for each in older if each.exists()), None)) is not None:
            raise AlreadyExists(
                f"{there} is there already", place="name", hint="name another report; nothing is written over"
            )
        return copy(source, name, apart(target, self.pages))

    def _setting(self, name: str) -> Any:
        return next((setting.value for setting in self._lab.settings if setting.name == name), None)


_COLUMNS = (
    "name, status, started_at, date_diff('millisecond', started_at, ended_at) / 1000 AS duration_s, "
    "failed_cell, error_type, error_message, schedule, scheduled_for, attempt, outputs, log, ended_at, id"
)


def _column(run: ReportRun, name: str) -> Any:
    return (
        None
        if name == "duration_s"
        else str(run.status)
        if name == "status"
        else list(run.outputs)
        if name == "outputs"
        else getattr(run, name)
    )


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    """A row of DuckDB as the model's JSON: its instants have no T and no Z, its JSON columns are JSON."""
    for name in ("started_at", "ended_at", "scheduled_for"):
        if row.get(name):
            row[name] = str(row[name]).replace(" ", "T") + "Z"
    return {name: value for name, value in row.items() if value is not None}


class _Heard:
    """Where a run is, for its progress and for what is said when it is stopped."""

    def __init__(self, progress: Callable[[int, str | None], None] | None) -> None:
        self._progress = progress
        self.number: int | None = None
        self.where = "before its first cell"

    def cell(self, number: int, count: int, ended: bool) -> None:  # noqa: FBT001 - the worker's word
        """A cell has begun or ended."""
        self.number, self.where = number, f"in cell {number} of {count}"
        if self._progress is not None:
            self._progress(int(ended), self.where)


def _file_stem(stem: str) -> str:
    hint = "a name without /; --dir says where"
    if len(stem.encode("utf-8", "surrogatepass")) > _LONGEST_STEM_BYTES:
        raise InvalidValue(f"is longer than {_LONGEST_STEM_BYTES} bytes", place="--stem", hint=hint)
    if not _STEM.fullmatch(stem) or stem.startswith("."):
        raise InvalidValue(f"{stem!r} is no name for a file", place="--stem", hint=hint)
    return stem


def _cut(stem: str) -> str:
    """A notebook's name, so short that a time and an ending have room behind it."""
    return stem.encode("utf-8", "surrogateescape")[:160].decode("utf-8", "ignore")


def _reserved(folder: Path, stem: str) -> str:
    """`stem`, with a number where one of the same second has it already; its log is there from now on.

    Of runs that begin at once each gets another. Raises `OSError` for a folder that takes no file.
    """
    taken = {path.name.rpartition(".")[0] for path in folder.iterdir()}
    for name in itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2))):
        if name in taken:
            continue
        try:
            os.close(os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            continue
        return name
    raise AssertionError
