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
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.clock import SYSTEM, Clock
from faaslab.errors import FaaslabError, InvalidValue, NotFound, nearest
from faaslab.model.report import ReportRun, ReportStatus
from faaslab.reports.parameters import declared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FORMATS = ("html", "ipynb")
_ERROR = re.compile(r"[\w.]+(Error|Exception|NotFound|Interrupt)\b")


class WorkerFailed(FaaslabError):
    """The process that runs the notebook broke down (not: a cell of the notebook failed)."""


def run(
    notebook: Path,
    *,
    parameters: Mapping[str, Any],
    out_dir: Path,
    formats: Sequence[str] = ("html",),
    stem: str | None = None,
    title: str | None = None,
    subtitle: str = "",
    clock: Clock = SYSTEM,
    on_progress: Callable[[int, int], None] | None = None,
) -> ReportRun:
    """Run `notebook` and write `out_dir/STEM.FORMAT` for each format.

    `on_progress` is called with (cells done, cells). Raises `NotFound` or `InvalidValue` before anything
    runs, `WorkerFailed` when the machinery breaks; a failing cell gives a run with status failed.
    """
    if not notebook.is_file():
        raise NotFound("notebook", str(notebook))
    _check_formats(formats)
    check_parameters(notebook, parameters)
    out_dir.mkdir(parents=True, exist_ok=True)
    name = notebook.stem
    started = clock.now()
    with tempfile.TemporaryDirectory(prefix="faaslab-report-", ignore_cleanup_errors=True) as folder:
        job = {
            "notebook": str(notebook.resolve()),
            "parameters": dict(parameters),
            "folder": folder,
            "cwd": str(Path.cwd()),
            "title": title or name.replace("_", " ").capitalize(),
            "subtitle": subtitle or f"{started:%d %B %Y, %H:%M} UTC",
        }
        ended = _work(job, Path(folder), on_progress)
        outputs = tuple(
            str(_place(Path(folder) / f"report.{suffix}", out_dir / f"{stem or name}.{suffix}"))
            for suffix in formats
        )
    return ReportRun(
        id=str(uuid.uuid4()),
        name=name,
        notebook=str(notebook),
        parameters=dict(parameters),
        status=ReportStatus.FAILED if ended["error_type"] else ReportStatus.COMPLETED,
        started_at=started,
        ended_at=clock.now(),
        outputs=outputs,
        failed_cell=ended["failed_cell"],
        error_type=ended["error_type"],
        error_message=ended["error_message"],
    )


def check_parameters(notebook: Path, parameters: Mapping[str, Any]) -> None:
    """Raise `InvalidValue` with the nearest name for a parameter that the notebook does not declare."""
    known = declared(notebook)
    for name in parameters:
        if name not in known:
            near = nearest(name, known)
            offer = f"did you mean {near!r}?" if near else f"it has: {', '.join(known) or 'none'}"
            raise InvalidValue(f"{notebook.name} has no parameter {name!r}", place="-p", hint=offer)


def _check_formats(formats: Sequence[str]) -> None:
    for wanted in formats:
        if wanted not in FORMATS:
            near = nearest(wanted, FORMATS)
            raise InvalidValue(
                f"{wanted!r} is none of {', '.join(FORMATS)}",
                place="--to",
                hint=f"did you mean {near!r}?" if near else None,
            )


def _work(
    job: Mapping[str, Any], folder: Path, on_progress: Callable[[int, int], None] | None
) -> dict[str, Any]:
    """Run the worker to its end; its last line says how it ended."""
    complaints = folder / "stderr.txt"
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
            # It stays open: the worker sees by its end that we are gone, however we went.
            worker.stdin.write(json.dumps(job).encode() + b"\n")
            worker.stdin.flush()
            ended: dict[str, Any] | None = None
            for line in worker.stdout:
                message = json.loads(line)
                if "ended" in message:
                    ended = message["ended"]
                elif on_progress is not None:
                    on_progress(message["done"], message["of"])
        except BaseException:
            _end(worker)
            raise
        worker.wait()
    if ended is None:
        told = complaints.read_text("utf-8", "replace").strip().splitlines()
        raise WorkerFailed(
            f"the process that runs the notebook ended with status {worker.returncode}: "
            + next(
                (line for line in reversed(told) if _ERROR.match(line)), told[-1] if told else "nothing said"
            )
        )
    return ended


def _end(worker: subprocess.Popen[bytes]) -> None:
    """Ask it to end its kernel and itself; insist after ten seconds."""
    worker.send_signal(signal.SIGTERM)
    try:
        worker.wait(timeout=10)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


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
