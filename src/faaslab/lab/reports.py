"""The reports of a lab: shipped notebooks or the user's own, run over this store into pages."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, NotFound
from faaslab.monitoring.shipped import shipped
from faaslab.reports.parameters import declared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from faaslab.lab import Lab
    from faaslab.model.report import ReportRun


class Reports:
    """`lab.reports`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def names(self) -> tuple[str, ...]:
        """The reports that are shipped."""
        return shipped_reports()

    def run(
        self,
        name: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        formats: Sequence[str] = ("html",),
        out_dir: str | Path | None = None,
        stem: str | None = None,
        title: str | None = None,
        progress: Callable[[int, str | None], None] | None = None,
    ) -> ReportRun:
        """Run a report (a shipped name, or the path of a notebook) over this store.

        The pages stand in `out_dir` (`reports/` beside the store), named `stem` (the report and the time, so
        that no page replaces another). `progress` is called with (cells, note) as they end. A failing cell is
        the run's status, with the half-done page; the run is recorded either way. A notebook with a
        parameter `store` is given this one.
        """
        from faaslab.reports import run as reports
        from faaslab.reports.parameters import declared

        notebook = self._notebook(name)
        folder = Path(out_dir) if out_dir is not None else Path(self._lab.store.path).parent / "reports"
        values = dict(parameters or {})
        if "store" in declared(notebook):
            values.setdefault("store", str(self._lab.store.path))
        when = self._lab.clock.now()
        run = reports.run(
            notebook,
            parameters=values,
            out_dir=folder,
            formats=tuple(formats),
            stem=stem or _unused(folder, f"{notebook.stem}-{when:%Y%m%d-%H%M%S}"),
            title=title,
            clock=self._lab.clock,
            on_progress=None if progress is None else lambda *_: progress(1, None),
        )
        self._lab.store.record(run)
        return run

    def list(self) -> pd.DataFrame:
        """The runs, newest first."""
        return self._lab.store.sql(
            "SELECT name, status, started_at, ended_at, outputs, failed_cell, error_type, error_message, id "
            "FROM reports ORDER BY started_at DESC"
        )

    def _notebook(self, name: str) -> Path:
        given = Path(name).expanduser()
        if given.suffix == ".ipynb":
            if not given.is_file():
                raise InvalidValue(f"there is no notebook {name!r}", place="name")
            return given
        folder = shipped("notebooks")
        if folder is not None and (folder / f"{name}.ipynb").is_file():
            return folder / f"{name}.ipynb"
        raise NotFound("report", name, self.names())


def _unused(folder: Path, stem: str) -> str:
    """`stem`, with a number where a page of the same second has it already."""
    taken = {path.stem for path in folder.glob(f"{stem}*")}
    return next(
        name
        for name in itertools.chain([stem], (f"{stem}-{n}" for n in itertools.count(2)))
        if name not in taken
    )


def shipped_reports() -> tuple[str, ...]:
    """The names of the shipped notebooks that take parameters; the others are for reading and trying."""
    folder = shipped("notebooks")
    paths = () if folder is None else sorted(folder.glob("*.ipynb"))
    return tuple(path.stem for path in paths if declared(path))
