"""The process that runs one notebook: a job as JSON on standard input, its progress as JSON lines out.

It writes `report.ipynb`, `report.html` and, where that is asked for, `report.pdf` into the job's folder (the
pages by processes of their own) and says at the end how it went. Whoever started it may end it with SIGTERM;
its kernel goes with it. Standard input stays open as long as somebody waits for the page: when it closes, the
worker ends its kernel, removes the job's folder and goes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any, NoReturn

from faaslab.clock import SYSTEM
from faaslab.errors import FaaslabError
from faaslab.reports.journal import Journal


def main() -> None:
    """Read the job, run it, say how it ended."""
    job = json.loads(sys.stdin.buffer.readline())
    signal.signal(signal.SIGTERM, _leave)
    folder = Path(job["folder"])
    alone = threading.Event()
    threading.Thread(target=_watch, args=(alone,), name="faaslab-report-watch", daemon=True).start()
    try:
        _run(job, folder)
    finally:
        if alone.is_set():
            shutil.rmtree(folder, ignore_errors=True)


def _run(job: dict[str, Any], folder: Path) -> None:
    # Connection files and profiles go away with the folder, and the user's own profile is not read.
    os.environ["JUPYTER_RUNTIME_DIR"] = str(folder / "runtime")
    # Of this process alone: a notebook's own temporary files stay where they are.
    tempfile.tempdir = str(folder)
    os.environ["IPYTHONDIR"] = str(folder / "ipython")
    os.environ["JUPYTER_PLATFORM_DIRS"] = "1"
    # A report looks at a store and ends: it does not begin with what waits in its queue.
    os.environ["FAASLAB_RUN_QUEUE"] = "off"
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    warnings.simplefilter("ignore")  # what libraries say of each other is not the report's matter
    journal = Journal(job["log"], hide=job["hide"])
    try:
        _make(job, folder, journal)
    finally:
        journal.close()


def _make(job: dict[str, Any], folder: Path, journal: Journal) -> None:
    from faaslab.reports import pdf, rendering
    from faaslab.reports.executing import execute

    began = SYSTEM.monotonic()

    def left_s(most_s: float) -> float:
        return rendering.limit_s(job["timeout_s"], SYSTEM.monotonic() - began, most_s=most_s)

    ended = execute(job, folder / "executed.ipynb", journal, _say)
    page = folder / "report.html"
    try:
        rendering.make_page(job, folder, ended, limit_s=left_s(rendering.LIMIT_S))
        if job["browser"] is not None:
            journal.note("printing")
            limit_s = left_s(pdf.LIMIT_S)
            pdf.print_page(page, folder / "report.pdf", Path(job["browser"]), limit_s=limit_s)
        journal.note("the pages are made")
    except FaaslabError as error:
        # What there is besides is as good as it was.
        journal.note(f"{'no PDF' if page.is_file() else 'no page'}: {error}")
        if ended["error_type"] is None:
            ended |= {"error_type": type(error).__name__, "error_message": str(error)}
    _say(ended=ended)


def _say(**message: Any) -> None:
    print(json.dumps(message), flush=True)  # noqa: T201 - the protocol with whoever started us


def _watch(alone: threading.Event) -> None:
    # Not through sys.stdin: a thread that waits there holds a lock that the interpreter's end asks for.
    while os.read(0, 4096):
        pass
    alone.set()
    os.kill(os.getpid(), signal.SIGTERM)


def _leave(*_: Any) -> NoReturn:
    raise SystemExit(143)


if __name__ == "__main__":
    main()
