"""The reports there are by name: those that are shipped, and the notebooks of the project's own folders.

A notebook is code: looking at one only reads it, and nothing of it runs before somebody names it. A shipped
name is never taken by a file of a project; such a file is run by its path.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.errors import AlreadyExists, FaaslabError, InvalidValue, NotFound
from faaslab.monitoring.shipped import shipped
from faaslab.reports.parameters import cells, declarations, declared, is_executed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,99}")
_ABOUT = 160


@dataclass(frozen=True, kw_only=True)
class Report:
    """A notebook that can be run by its name. `parameters` are NAME=DEFAULT as they are written in it."""

    name: str
    path: Path
    about: str = ""
    parameters: tuple[str, ...] = ()
    own: bool = False
    """Whether it is the project's, not a shipped one."""


def catalogue(folders: Sequence[Path]) -> tuple[Report, ...]:
    """The shipped reports, then those of `folders`; what cannot be read as a report is left out.

    A name that several folders have is the first one's.
    """
    names = shipped_reports()
    home = shipped("notebooks")
    found = [_report(home / f"{name}.ipynb", own=False) for name in names if home is not None]
    own: dict[str, Report] = {}
    for folder in folders:
        for report in _own(folder):
            own.setdefault(report.name, report)
    return (*found, *(report for name, report in own.items() if name not in names))


def shipped_reports() -> tuple[str, ...]:
    """The names of the shipped notebooks that take parameters; the others are for reading and trying."""
    folder = shipped("notebooks")
    paths = () if folder is None else sorted(folder.glob("*.ipynb"))
    return tuple(path.stem for path in paths if declarations(path))


def find(name: str, folders: Sequence[Path]) -> Path:
    """The notebook that `name` stands for: a path that ends in .ipynb, a shipped report, one of `folders`.

    Raises `InvalidValue` for a path where nothing is, `NotFound` with the nearest name.
    """
    given = Path(name).expanduser()
    if given.suffix == ".ipynb":
        if not given.is_file():
            raise InvalidValue(f"there is no notebook {name!r}", place="name")
        return given
    home = shipped("notebooks")
    for place in (home, *folders):
        if place is not None and _NAME.fullmatch(name) and (place / f"{name}.ipynb").is_file():
            return place / f"{name}.ipynb"
    raise NotFound("report", name, [report.name for report in catalogue(folders)])


def parameters(name: str, folders: Sequence[Path]) -> tuple[str, ...]:
    """What can be said to the notebook of `find`, in its own order; the store is known without saying."""
    return tuple(each for each in declared(find(name, folders)) if each != "store")


def is_shipped(notebook: Path) -> bool:
    """Whether `find` gave a notebook that is shipped."""
    return notebook.parent == shipped("notebooks")


def copy(source: Path, name: str, target: Path) -> Path:
    """Write a fresh copy of the report `source` to the new file `target`, under `name` as its heading.

    Raises `AlreadyExists` when something is there; that is left as it is.
    """
    document = json.loads(source.read_text("utf-8"))
    document.get("metadata", {}).pop("papermill", None)
    document.get("metadata", {}).pop("widgets", None)
    own = [
        cell
        for cell in document["cells"]
        if "injected-parameters" not in cell.get("metadata", {}).get("tags", ())
    ]
    document["cells"] = own
    for place, cell in enumerate(own):
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        elif place == 0:
            cell["source"] = _headed(_source(cell), name)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    except FileExistsError:
        raise AlreadyExists(
            f"{target} is there already", place="--to", hint="name another file; nothing is written over"
        ) from None
    return target


def new_name(name: str) -> str:
    """`name`, if a report may be called that. Raises `InvalidValue`, or `AlreadyExists` for a shipped one."""
    if not _NAME.fullmatch(name):
        raise InvalidValue(
            f"{name!r} is no name for a report", place="name", hint="letters, digits, _ and -; no .ipynb"
        )
    if name in shipped_reports():
        raise AlreadyExists(
            f"a report named {name!r} is shipped", place="name", hint="a copy needs a name of its own"
        )
    return name


def apart(target: Path, pages: Path) -> Path:
    """`target`, if it is not among the pages: what is changed by hand stands apart from what is made anew.

    Raises `InvalidValue`.
    """
    if target.absolute().parent.resolve() == pages.resolve():
        raise InvalidValue(
            f"{target.parent} is where the pages of runs land",
            place="--to",
            hint="name another folder, such as notebooks/, or have the setting reports name one",
        )
    return target


def _own(folder: Path) -> Iterator[Report]:
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.ipynb")):
        try:
            # What a run left is no report to run, and a notebook without parameters is for reading.
            if _NAME.fullmatch(path.stem) and not is_executed(path) and declarations(path):
                yield _report(path, own=True)
        except FaaslabError:
            continue


def _report(path: Path, *, own: bool) -> Report:
    parameters = tuple(f"{each.name}={each.default}" for each in declarations(path) if each.name != "store")
    return Report(name=path.stem, path=path, about=_about(path), parameters=parameters, own=own)


def _about(path: Path) -> str:
    """What stands below its heading, in one line."""
    for cell in cells(path):
        if cell.get("cell_type") == "markdown":
            lines = (line.strip() for line in _source(cell).splitlines())
            told = next((line for line in lines if line and not line.startswith("#")), "")
            return told if len(told) <= _ABOUT else f"{told[: _ABOUT - 1]}…"
    return ""


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell.get("source", ""))


def _headed(source: str, name: str) -> str:
    heading = f"# {name.replace('_', ' ').replace('-', ' ').capitalize()}"
    first, line, rest = source.partition("\n")
    return f"{heading}{line}{rest}" if first.startswith("# ") else f"{heading}\n\n{source}"
