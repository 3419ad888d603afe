"""The notebook through papermill, in the worker: cell by cell into the journal, and never longer than it may.

A cell that raises, a kernel that dies and a time that is over are ends like another: the notebook is kept as
far as it came, and what ended it stands at the cell where it did.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faaslab.reports.journal import Journal, Stream, hidden, plain
from faaslab.reports.page import failed_cell, own_numbers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_GRACE_S = 5.0
"""So long after it was asked to stop a kernel is killed."""

_DIED = "the kernel died, which a lack of memory or a crash of compiled code does"


@dataclass
class _Going:
    """Where the run stands, for all that look at it."""

    index: int = -1
    late: bool = False
    done: threading.Event = field(default_factory=threading.Event)


def execute(job: dict[str, Any], output: Path, journal: Journal, say: Callable[..., None]) -> dict[str, Any]:
    """Run the job's notebook and write it to `output`, secrets and all; how it ended, as the fields of a run.

    `failed_cell` counts the notebook's own code cells from 1. `say` is told each cell that begins or ends.
    """
    import nbformat
    import papermill
    from papermill.engines import papermill_engines
    from papermill.exceptions import PapermillExecutionError

    from faaslab.reports.kernel import OwnKernelManager, tell_kernels

    going = _Going()
    journal.note(f"report {job['notebook']}, Python {platform.python_version()}, process {os.getpid()}")
    shown = job["parameters"] | job["shown"]
    journal.note(f"parameters {json.dumps(shown, ensure_ascii=False)}")
    papermill_engines.register("faaslab", _engine(going, job, journal, say))
    late = threading.Thread(target=_end_when_late, args=(going, job["timeout_s"], tell_kernels), daemon=True)
    late.start()
    ended: dict[str, Any] = {"failed_cell": None, "error_type": None, "error_message": None}
    try:
        papermill.execute_notebook(
            # Papermill takes a path for a format.
            job["notebook"].replace("{", "{{").replace("}", "}}"),
            str(output).replace("{", "{{").replace("}", "}}"),
            parameters=job["parameters"],
            engine_name="faaslab",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            kernel_manager_class=OwnKernelManager,
            stdout_file=Stream(journal, "stdout"),
            stderr_file=Stream(journal, "stderr"),
            resources={"metadata": {"path": job["cwd"]}},
        )
    except PapermillExecutionError as error:
        ended = {
            "failed_cell": failed_cell(nbformat.read(output, as_version=4)),
            "error_type": hidden(error.ename, job["hide"]),
            "error_message": hidden(plain(error.evalue), job["hide"]),
        }
    finally:
        going.done.set()
    return ended


def _end_when_late(going: _Going, timeout_s: float | None, tell: Callable[[signal.Signals], None]) -> None:
    if timeout_s is None or going.done.wait(timeout_s):
        return
    going.late = True
    tell(signal.SIGINT)
    if not going.done.wait(_GRACE_S):
        tell(signal.SIGKILL)


def _engine(going: _Going, job: dict[str, Any], journal: Journal, say: Callable[..., None]) -> type:
    """Papermill's own engine, which also says how far it is, and takes a dead kernel for a failed cell."""
    from nbclient.exceptions import DeadKernelError
    from papermill.engines import NBClientEngine

    class Engine(NBClientEngine):  # type: ignore[misc]  # papermill has no types
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            start, complete, cells = nb_man.cell_start, nb_man.cell_complete, nb_man.nb.cells
            numbers = own_numbers(nb_man.nb)
            most = max(numbers.values(), default=0)

            def cell_start(cell: Any, cell_index: int | None = None, **rest: Any) -> None:
                start(cell, cell_index=cell_index, **rest)
                going.index = cell_index or 0
                if cell.cell_type == "code":
                    number = numbers.get(going.index)
                    which = "the parameters" if number is None else f"cell {number} of {most}"
                    journal.note(f"{which}: {_first_line(cell.source)}" if number else f"{which} are set")
                    if number is not None:
                        say(cell=number, cells=most, over=False)

            def cell_complete(cell: Any, cell_index: int, **rest: Any) -> None:
                complete(cell, cell_index=cell_index, **rest)
                _end_cell(cell, numbers.get(cell_index), going, job, journal)
                if cell_index in numbers:
                    say(cell=numbers[cell_index], cells=most, over=True)
                say(done=cell_index + 1, of=len(cells))

            nb_man.cell_start, nb_man.cell_complete = cell_start, cell_complete
            try:
                return super().execute_managed_notebook(nb_man, kernel_name, **options)
            except DeadKernelError:
                cell = cells[max(going.index, 0)]
                error = _timed_out(job) if going.late else ("KernelDied", _DIED)
                _put_error(cell, *error)
                journal.note(": ".join(error))
                nb_man.cell_exception(cell, cell_index=going.index)
                return nb_man.nb

    return Engine


def _end_cell(cell: Any, number: int | None, going: _Going, job: dict[str, Any], journal: Journal) -> None:
    if cell.cell_type != "code":
        return
    errors = [output for output in cell.outputs if output.output_type == "error"]
    if errors and going.late:
        errors[-1].ename, errors[-1].evalue = _timed_out(job)
    for error in errors:
        journal.note("\n".join([f"{error.ename}: {error.evalue}", *"\n".join(error.traceback).splitlines()]))
    if number is not None:
        took_s = cell.metadata.get("papermill", {}).get("duration") or 0.0
        journal.note(f"cell {number} {'failed' if errors else 'done'} after {took_s:.1f} s")


def _timed_out(job: dict[str, Any]) -> tuple[str, str]:
    return "TimedOut", f"the report was not done after {job['timeout_s']:g} s (--timeout)"


def _put_error(cell: Any, name: str, message: str) -> None:
    import nbformat

    cell.outputs.append(nbformat.v4.new_output("error", ename=name, evalue=message, traceback=[message]))


def _first_line(source: str) -> str:
    lines = [
        line.strip() for line in source.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    first = lines[0] if lines else ""
    return first if len(first) <= 80 else f"{first[:79]}…"
