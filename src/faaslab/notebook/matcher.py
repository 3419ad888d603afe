"""Completion in the form that IPython asks for (matcher API v2), with what this shell knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from IPython.core.completer import SimpleCompletion, context_matcher

from faaslab.errors import FaaslabError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from faaslab.notebook.labs import Labs

_RUNS = 30
"""Names of so many executions are offered, the latest ones."""


def matcher(shell: Any, labs: Labs) -> Any:
    """The matcher to register. Names of functions are read only where a store exists already."""

    def functions() -> Iterable[str]:
        try:
            lab = labs.known()
            return () if lab is None else lab.functions.names()
        except FaaslabError:
            return ()

    def workflows() -> Iterable[str]:
        try:
            lab = labs.known()
            return () if lab is None else lab.workflows.names()
        except FaaslabError:
            return ()

    def runs() -> Iterable[str]:
        try:
            lab = labs.known()
            return () if lab is None else [each.name for each in lab.workflows.executions(limit=_RUNS)]
        except FaaslabError:
            return ()

    def running() -> Iterable[str]:
        try:
            lab = labs.known()
            if lab is None:
                return ()
            workflows = lab.workflows.executions(status="RUNNING", limit=_RUNS)
            return [*(each.id for each in lab.running.list()), *(each.name for each in workflows)]
        except FaaslabError:
            return ()

    def reports() -> Iterable[str]:
        from faaslab.lab.reports import shipped_reports

        try:
            lab = labs.known()
            return shipped_reports() if lab is None else lab.reports.names()
        except FaaslabError:
            return ()

    def schedules() -> Iterable[str]:
        try:
            lab = labs.known()
            return () if lab is None else [each.name for each in lab.reports.schedules.list()]
        except FaaslabError:
            return ()

    def parameters(name: str, scheduled: bool) -> Iterable[str]:  # noqa: FBT001 - as `candidates` calls it
        from faaslab.lab.report_catalogue import parameters

        try:
            lab = labs.known()
            if lab is None:
                return parameters(name, ())
            if scheduled:
                reports = {each.name: each.report for each in lab.reports.schedules.list()}
                name = reports.get(name, name)
            return parameters(name, lab.reports.folders)
        except FaaslabError:
            return ()

    def samples() -> Iterable[str]:
        from faaslab.lab.sample_events import sample_events

        try:
            return [sample.name for sample in sample_events()]
        except FaaslabError:
            return ()

    def variables() -> Iterable[str]:
        hidden = shell.user_ns_hidden
        return sorted(name for name in shell.user_ns if not name.startswith("_") and name not in hidden)

    names: dict[str, Callable[..., Iterable[str]]] = {
        "function": functions,
        "variable": variables,
        "report": reports,
        "schedule": schedules,
        "scheduled": lambda: (*schedules(), *reports()),
        "parameter": parameters,
        "workflow": workflows,
        "runnable": lambda: (*functions(), *workflows()),
        "run": runs,
        "running": running,
        "timed": lambda: (*functions(), *runs()),
        "sample": samples,
        "format": lambda: ("html", "pdf", "ipynb"),
        "zone": lambda: sorted(available_timezones()),
    }

    @context_matcher(identifier="faaslab", priority=200)  # type: ignore[untyped-decorator]
    def match(context: Any) -> dict[str, Any]:
        if "%faas" not in context.full_text:
            return {"completions": []}
        from faaslab.notebook.completion import candidates

        lines = context.full_text.split("\n")
        in_cell = context.cursor_line > 0 and bool(re.match(r"%%faas\s+sql\b", lines[0]))
        if context.cursor_line and not in_cell and not context.text_until_cursor.lstrip().startswith("%"):
            return {"completions": []}
        found = candidates(context.text_until_cursor, names, in_cell=in_cell)
        if found is None:
            return {"completions": []}
        return {
            "completions": [SimpleCompletion(text=word, type=kind) for word, kind in found.words],
            "matched_fragment": found.fragment,
            "suppress": found.alone,
            "ordered": True,
        }

    return match
