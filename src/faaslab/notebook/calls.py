"""One `%faas` line carried out: parsed, run, bound, shown, or raised."""

from __future__ import annotations

import builtins
import keyword
import os
import re
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from IPython.display import display

from faaslab import verbs
from faaslab.errors import FaaslabError, InvalidValue, ReportFailed, RunFailed
from faaslab.lab.workflow_run import failed as workflow_failed
from faaslab.model.function import InlineCode
from faaslab.notebook import units
from faaslab.notebook.debugger import asks
from faaslab.notebook.display import Surroundings, View, notes_view, view
from faaslab.notebook.execution_view import in_the_cell
from faaslab.notebook.face import NotebookFace
from faaslab.notebook.failures import Interrupted, invocation_failed, unexpected
from faaslab.notebook.formatters import link
from faaslab.notebook.handle import Handle
from faaslab.notebook.progress import Going
from faaslab.notebook.widgets.opened import live_of

if TYPE_CHECKING:
    from faaslab.notebook.labs import Labs

_NO_PYTHON = "`{name}` is a Python builtin and was not replaced; %faas knows the function all the same"


class Magics(Protocol):
    """What a call needs of the magics that it was typed into."""

    shell: Any
    labs: Labs
    rows: int
    cells: dict[str, tuple[int, int]]


def carry_out(magics: Magics, line: str, cell: str | None) -> View | None:
    """The answer as a view, or None where it was bound or silenced; everything raised is short."""
    try:
        return _run(magics, line, cell)
    except KeyboardInterrupt as error:
        if isinstance(error, Interrupted):
            raise
        raise Interrupted(*error.args) from None
    except FaaslabError:
        raise
    except Exception as error:
        if os.environ.get("FAASLAB_DEBUG"):
            raise
        raise unexpected(error) from error


def _run(magics: Magics, line: str, cell: str | None) -> View | None:
    call, silent = parsed(line, cell)
    going = _going(magics, call)
    face = NotebookFace(magics.shell, magics.cells, going)
    try:
        with going or nullcontext():
            lab = magics.labs.get() if call.verb.needs_lab else None
            answer = verbs.run(lab, call, face)
    except BaseException:
        _show_notes(face)  # what was noticed before it failed may be why
        raise
    value = Handle(answer.future) if isinstance(answer, verbs.SubmittedAnswer) else answer.value
    if isinstance(answer, verbs.FunctionCard) and call.verb.name in {"define", "create"}:
        _bind_function(magics, answer, face, typed=call.cell is not None)
    if call.output is not None:
        magics.shell.user_ns[call.output] = value
    failure = _failure(answer, magics.cells)
    if failure is not None and face.raised is not None:
        # So %debug in the next cell stands where the function failed.
        failure = failure.with_traceback(face.raised.__traceback__)
    if silent or call.output is not None:
        _show_notes(face)
        if failure is not None:
            raise failure
        return None
    around = surroundings(magics, tuple(face.notes))
    if isinstance(answer, verbs.RunAnswer) and not answer.looked_at and failure is None:
        return _live(magics, lab, answer, around)
    live = live_of(answer, lab, around)
    if live is not None:
        magics.labs.show(live, attended=face.attended())
        return None
    shown = view(answer, around, value=value)
    if failure is not None:
        display(shown)
        raise failure
    return shown


def _going(magics: Magics, call: verbs.Call) -> Going | None:
    """What shows that the call takes its time; None where nobody could click, or is asked questions."""
    if not hasattr(magics.shell, "kernel") or not asks(magics.shell) or call.values.get("debug"):
        return None
    words = (call.verb.name, call.values.get("name"))
    label = " ".join(word for word in words if isinstance(word, str))
    return Going(label, pulse=magics.labs.pulse, beside=magics.labs.beside)


def _live(magics: Magics, lab: Any, answer: verbs.RunAnswer, around: Surroundings) -> View:
    """The view of a run that is shown already, and goes on to be."""
    from faaslab.lab.workflow_pictures import Watched
    from faaslab.notebook.live_run import LiveRun, ShownView

    def draw(watched: Watched) -> View:
        picture = watched.graph()
        now = replace(answer, execution=watched.execution, svg=picture.svg, drawn=picture.text)
        return view(now, around)

    watched = Watched(lab, answer.execution)
    watched.look()
    magics.labs.follow(LiveRun(watched, draw))
    shown = view(answer, around)
    return ShownView(shown.html, shown.text, answer.run)


def _failure(answer: verbs.Answer, cells: dict[str, tuple[int, int]]) -> RunFailed | None:
    """What a failed answer is raised as; None for one that went well or is only looked at."""
    if not answer.exit_status:
        return None
    if isinstance(answer, verbs.ExecutionAnswer):
        cell = None if answer.code is None else cells.get(answer.code)
        return invocation_failed(answer.execution, answer.filename, cell)
    if isinstance(answer, verbs.RunAnswer):
        return workflow_failed(answer.execution)
    if isinstance(answer, verbs.ReportAnswer):
        run = answer.run
        if run.status != "failed":
            missed = [each for each in answer.delivered if not each.ok]
            told = "; ".join(f"{each.target}: {each.detail}" for each in missed)
            return ReportFailed(f"{run.name} was not delivered to {told}", report=run)
        where = "" if run.failed_cell is None else f" in cell {run.failed_cell}"
        return ReportFailed(f"{run.name} failed{where}: {run.error_type}: {run.error_message}", report=run)
    if isinstance(answer, verbs.DiagnosticsAnswer):
        wrong = int((answer.df["severity"] == "error").sum())
        return RunFailed(f"the definition has {units.amount(wrong, 'mistake')}")
    return RunFailed(answer.text) if isinstance(answer, verbs.DoneAnswer) else None


def _show_notes(face: NotebookFace) -> None:
    if face.notes:
        display(notes_view(tuple(face.notes)))


def _bind_function(magics: Magics, card: verbs.FunctionCard, face: NotebookFace, *, typed: bool) -> None:
    function = card.function
    if typed and isinstance(function.code, InlineCode):
        number, above = magics.cells[function.code.source] = _typed_at(magics.shell)
        face.notes = [in_the_cell(note, function.code.filename, (number, above)) for note in face.notes]
    name = identifier(function.name)
    if hasattr(builtins, name):
        face.note(_NO_PYTHON.format(name=name))
    else:
        magics.shell.user_ns[name] = function


def _typed_at(shell: Any) -> tuple[int, int]:
    """(number of the cell that runs, lines that stand above its code: the magic's and empty ones)."""
    cells = shell.history_manager.input_hist_raw
    lines = enumerate(cells[-1].splitlines(), 1) if cells else ()
    above = next((number for number, line in lines if line.startswith("%%faas")), 1)
    return len(cells) - 1, above


def surroundings(magics: Magics, notes: tuple[str, ...] = ()) -> Surroundings:
    """What views of this shell may show."""
    return Surroundings(notes=notes, rows=magics.rows, cost=_cost, cell=magics.cells.get, link=link)


def parsed(line: str, cell: str | None) -> tuple[verbs.Call, bool]:
    """(the call, whether a semicolon silences it). The end of a statement in SQL is no such semicolon."""
    stripped = line.rstrip()
    silent = stripped.endswith(";")
    call = verbs.parse(stripped.rstrip("; ") if silent else line, cell)
    if silent and call.verb.raw:
        call, silent = verbs.parse(line, cell), False
    name = call.output
    if name is not None and (not name.isidentifier() or keyword.iskeyword(name)):
        raise InvalidValue(f"{name!r} is not a Python name", place="-o", hint="letters, digits and _")
    return call, silent


def identifier(name: str) -> str:
    """A function's name as a Python name: `send-mail` is `send_mail`, `class` is `class_`."""
    word = re.sub(r"\W", "_", name)
    if word[:1].isdigit():
        word = f"_{word}"
    return f"{word}_" if keyword.iskeyword(word) else word


def _cost(execution: Any) -> float | None:
    """Dollars at list price; None where the source does not tell what is billed."""
    if execution.billed_ms is None or execution.memory_mb is None:
        return None
    from faaslab.monitoring import cost, prices

    try:
        gb_seconds = execution.memory_mb / 1024 * execution.billed_ms / 1000
        price = cost.price(gb_seconds, 1, execution.architecture, execution.region, prices.read())
    except FaaslabError:
        return None
    return float(price.total)
