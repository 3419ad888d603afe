"""The process that runs one notebook: a job as JSON on standard input, its progress as JSON lines out.

It writes `report.ipynb` and `report.html` into the job's folder and says at the end how it went. Whoever
started it may end it with SIGTERM; its kernel goes with it. Standard input stays open as long as somebody
waits for the page: when it closes, the worker ends its kernel, removes the job's folder and goes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any, NoReturn

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


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
    ended = execute(job, folder / "report.ipynb")
    from faaslab.reports.page import render

    (folder / "report.html").write_text(
        render(folder / "report.ipynb", title=job["title"], subtitle=job["subtitle"]), "utf-8"
    )
    _say(ended=ended)


def execute(job: dict[str, Any], output: Path) -> dict[str, Any]:
    """Run the notebook through papermill; `failed_cell` counts the notebook's own code cells from 1."""
    import nbformat
    import papermill
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError

    from faaslab.reports.kernel import OwnKernelManager
    from faaslab.reports.page import failed_cell

    papermill_engines.register("faaslab", _engine())
    try:
        papermill.execute_notebook(
            job["notebook"],
            str(output),
            parameters=job["parameters"],
            engine_name="faaslab",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            kernel_manager_class=OwnKernelManager,
            resources={"metadata": {"path": job["cwd"]}},
        )
    except PapermillExecutionError as error:
        return {
            "failed_cell": failed_cell(nbformat.read(output, as_version=4)),
            "error_type": error.ename,
            "error_message": _COLOURS.sub("", error.evalue),
        }
    return {"failed_cell": None, "error_type": None, "error_message": None}


def _engine() -> type:
    """Papermill's own engine, which also says how far it is."""
    from papermill.engines import NBClientEngine

    class Engine(NBClientEngine):  # type: ignore[misc]  # papermill has no types
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            complete, count = nb_man.cell_complete, len(nb_man.nb.cells)

            def cell_complete(cell: Any, cell_index: int, **rest: Any) -> None:
                complete(cell, cell_index=cell_index, **rest)
                _say(done=cell_index + 1, of=count)

            nb_man.cell_complete = cell_complete
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    return Engine


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
