"""Runs one report: checks the parameters, starts the worker, puts what it made in place.

Rule: a page appears whole or not at all (written under a temporary name and renamed), and a notebook that
fails is a result with a half-done page, not an exception.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.clock import SYSTEM, Clock
from faaslab.errors import FaaslabError, InvalidValue, NotFound, Unsupported, nearest
from faaslab.model.report import ReportRun, ReportStatus
from faaslab.reports import pdf
from faaslab.reports.hiding import forms
from faaslab.reports.page import PAPERS, THEMES
from faaslab.reports.parameters import check, language

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

FORMATS = ("html", "pdf", "ipynb")
_ERROR = re.compile(r"[\w.]+(Error|Exception|NotFound|Interrupt)\b")
_OVERTIME_S = 60.0
"""What a worker has beyond the report's own time, for making pages of what there is."""
_STOP_LOOK_S = 0.2


class WorkerFailed(FaaslabError):
    """The process that runs the notebook broke down (not: a cell of the notebook failed)."""


class NotPlaced(WorkerFailed):
    """The page was made, and there was no room for it where it is wanted."""


class Stopped(WorkerFailed):
    """It was ended by whoever ran it, before it was done."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How the pages look. `theme` is one of `THEMES`, `paper` (of PDF) one of `PAPERS`."""

    title: str | None = None
    subtitle: str = ""
    theme: str = "light"
    paper: str = "A4"
    chromium: str | None = None
    """What prints PDF; None: the first that is installed."""


def run(
    notebook: Path,
    *,
    parameters: Mapping[str, Any],
    out_dir: Path,
    formats: Sequence[str] = ("html",),
    stem: str | None = None,
    look: Look | None = None,
    timeout_s: float | None = None,
    log: Path | None = None,
    hide: Sequence[str] = (),
    shown: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    clock: Clock = SYSTEM,
    on_progress: Callable[[int, int], None] | None = None,
    on_cell: Callable[[int, int, bool], None] | None = None,
    cwd: Path | None = None,
    stop: threading.Event | None = None,
) -> ReportRun:
    """Run `notebook` and write `out_dir/STEM.FORMAT` for each format.

    What its cells take longer than `timeout_s` is cut off. `log` is written while it runs, with each of
    `hide` masked, as the notebook and the pages are; a parameter in `shown` stands there as it has it.
    `on_progress` is called with (cells done, cells), `on_cell` with (number, code cells, whether it is done)
    as the author counts them. The notebook runs in `cwd` (that of this process), and ends when `stop` is set.
    Raises `NotFound`, `InvalidValue` or `Unsupported` before anything runs, `WorkerFailed` when the machinery
    breaks (`Stopped`: was told to end); a failing cell gives a run with status failed.
    """
    look = look or Look()
    given, program = prepared(notebook, parameters, formats, look)
    out_dir.mkdir(parents=True, exist_ok=True)
    name = notebook.stem
    started = clock.now()
    with tempfile.TemporaryDirectory(prefix="faaslab-report-", ignore_cleanup_errors=True) as folder:
        job = {
            "notebook": str(notebook.resolve()),
            "parameters": given,
            "shown": {name: value for name, value in (shown or {}).items() if name in given},
            "folder": folder,
            "cwd": str(cwd or Path.cwd()),
            "headline": look.title,
            "title": look.title or name.replace("_", " ").capitalize(),
            "subtitle": look.subtitle or f"{started:%d %B %Y, %H:%M} UTC",
            "theme": look.theme,
            "paper": look.paper,
            "browser": None if program is None else str(program),
            "timeout_s": timeout_s,
            "log": None if log is None else str(log.absolute()),
            "hide": list(forms(hide)),
        }
        ended = _work(job, Path(folder), _Told(on_progress, on_cell), stop)
        made = [suffix for suffix in formats if (Path(folder) / f"report.{suffix}").is_file()]
        if not (Path(folder) / "report.html").is_file():
            # No page could be made: what the cells came to is not lost with it.
            made = ["ipynb"] if (Path(folder) / "report.ipynb").is_file() else []
        try:
            outputs = tuple(
                str(_place(Path(folder) / f"report.{suffix}", out_dir / f"{stem or name}.{suffix}"))
                for suffix in made
            )
        except OSError as error:
            raise NotPlaced(f"the page cannot be written to {out_dir}: {error.strerror}") from None
    return ReportRun(
        id=run_id or str(uuid.uuid4()),
        name=name,
        notebook=str(notebook),
        parameters=given,
        status=ReportStatus.FAILED if ended["error_type"] else ReportStatus.COMPLETED,
        started_at=started,
        ended_at=clock.now(),
        outputs=outputs,
        failed_cell=ended["failed_cell"],
        error_type=ended["error_type"],
        error_message=ended["error_message"],
        log=None if log is None else str(log.absolute()),
    )


def prepared(
    notebook: Path, parameters: Mapping[str, Any], formats: Sequence[str], look: Look
) -> tuple[dict[str, Any], Path | None]:
    """(the parameters as the notebook takes them, what prints PDF). Raises for what is wrong with any."""
    if not notebook.is_file():
        raise NotFound("notebook", str(notebook))
    if not formats:
        raise InvalidValue("no format is given", place="--to", hint=", ".join(FORMATS))
    for wanted, known, place in (
        *((each, FORMATS, "--to") for each in formats),
        (look.theme, THEMES, "--theme"),
        (look.paper, PAPERS, "paper"),
    ):
        if wanted not in known:
            near = nearest(wanted, known)
            raise InvalidValue(
                f"{wanted!r} is none of {', '.join(known)}",
                place=place,
                hint=f"did you mean {near!r}?" if near else None,
            )
    spoken = language(notebook)
    if spoken not in ("", "python"):
        raise Unsupported(
            f"{notebook.name} is a notebook in {spoken}", place="name", hint="reports run in this Python"
        )
    given = check(notebook, parameters)
    return given, pdf.browser(look.chromium) if "pdf" in formats else None


@dataclass(frozen=True)
class _Told:
    """Who is told how far it is: `on_progress` and `on_cell` of `run`, or None."""

    progress: Any
    cell: Any

    def hear(self, message: Mapping[str, Any]) -> None:
        if "cell" in message and self.cell is not None:
            self.cell(message["cell"], message["cells"], message["over"])
        if "done" in message and self.progress is not None:
            self.progress(message["done"], message["of"])


def _work(
    job: Mapping[str, Any], folder: Path, told: _Told, stop: threading.Event | None = None
) -> dict[str, Any]:
    """Run the worker to its end; its last line says how it ended. `stop` ends it before."""
    complaints = folder / "stderr.txt"
    late = threading.Event()
    with (
        complaints.open("wb") as stderr,
        # A session of its own: a Ctrl-C in the terminal is ours to pass on, once.
        subprocess.Popen(
            [sys.executable, "-m", "faaslab.reports.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        ) as worker,
    ):
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            with _alarm(worker, job, late), _stopped(worker, stop):
                # It stays open: the worker sees by its end that we are gone, however we went.
                worker.stdin.write(json.dumps(job).encode() + b"\n")
                worker.stdin.flush()
                ended: dict[str, Any] | None = None
                for line in worker.stdout:
                    message = json.loads(line)
                    if "ended" in message:
                        ended = message["ended"]
                    else:
                        told.hear(message)
        except BaseException:
            _end(worker)
            raise
        finally:
            _end_group(worker)
        worker.wait()
    if ended is None and stop is not None and stop.is_set():
        raise Stopped("the process that ran it was asked to end, and it was not done in time")
    if ended is None:
        raise WorkerFailed(_broke(worker.returncode, complaints, late=late.is_set(), job=job))
    return ended


@contextmanager
def _alarm(worker: subprocess.Popen[bytes], job: Mapping[str, Any], late: threading.Event) -> Iterator[None]:
    """End a worker that does not end itself when its time is over."""
    if job["timeout_s"] is None:
        yield
        return

    def ring() -> None:
        late.set()
        _end(worker)

    timer = threading.Timer(job["timeout_s"] + _OVERTIME_S, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def _stopped(worker: subprocess.Popen[bytes], stop: threading.Event | None) -> Iterator[None]:
    """End the worker when `stop` is set."""
    if stop is None:
        yield
        return
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_STOP_LOOK_S):
            if stop.is_set():
                _end(worker)
                return

    watching = threading.Thread(target=watch, name="faaslab-report-stop", daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def _broke(status: int | None, complaints: Path, *, late: bool, job: Mapping[str, Any]) -> str:
    if late:
        return f"the report was not done after {job['timeout_s']:g} s, and did not stop when asked to"
    told = complaints.read_text("utf-8", "replace").strip().splitlines()
    last = next((line for line in reversed(told) if _ERROR.match(line)), told[-1] if told else "nothing said")
    return f"the process that runs the notebook ended with status {status}: {last}"


def _end(worker: subprocess.Popen[bytes]) -> None:
    """Ask it to end its kernel and itself; insist after ten seconds."""
    with suppress(OSError):
        worker.send_signal(signal.SIGTERM)
    try:
        worker.wait(timeout=10)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def _end_group(worker: subprocess.Popen[bytes]) -> None:
    """What it started and left behind; its kernel, in a session of its own, sees that it is gone."""
    with suppress(subprocess.TimeoutExpired):
        worker.wait(timeout=10)  # it has said its last line
    with suppress(OSError, AttributeError):
        os.killpg(worker.pid, signal.SIGKILL)


def _place(made: Path, target: Path) -> Path:
    """Move a finished file to where it is wanted, in one step that is seen whole or not at all."""
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(made.read_bytes())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return target
