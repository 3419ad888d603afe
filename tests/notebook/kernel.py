"""Cells through a real kernel, as a notebook runs them."""

import os
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]


def environment(folder: Path) -> dict[str, str]:
    """What a kernel of a test gets: a store and a cache of its own, and this source tree."""
    return {
        **os.environ,
        "FAASLAB_STORE": str(folder / "faaslab.duckdb"),
        "FAASLAB_CACHE": str(folder / "cache"),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONPATH": str(ROOT / "src"),
    }


@dataclass
class Cell:
    """The outputs of a cell."""

    source: str
    outputs: list

    @property
    def html(self) -> list[str]:
        return [output.data["text/html"] for output in self.outputs if "text/html" in output.get("data", {})]

    @property
    def text(self) -> str:
        """Everything that was said as plain text."""
        parts = []
        for output in self.outputs:
            if output.output_type == "stream":
                parts.append(output.text)
            elif output.output_type != "error":
                parts.append(output.data["text/plain"])
        return "\n".join(parts)

    @property
    def error(self) -> tuple[str, str] | None:
        """(name, message) of its error output."""
        found = [output for output in self.outputs if output.output_type == "error"]
        assert len(found) <= 1
        return (found[0].ename, found[0].evalue) if found else None

    @property
    def trace(self) -> list[str]:
        return next(output.traceback for output in self.outputs if output.output_type == "error")


def client(notebook, folder: Path, **options) -> NotebookClient:
    return NotebookClient(
        notebook, timeout=90, resources={"metadata": {"path": str(folder)}}, kernel_name="python3", **options
    )


def run(cells: dict[str, str], folder: Path) -> dict[str, Cell]:
    """Run all cells in one kernel, past errors; the cells by their keys."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells.values()])
    client(notebook, folder, allow_errors=True).execute(env=environment(folder))
    return {key: Cell(cell.source, cell.outputs) for key, cell in zip(cells, notebook.cells, strict=True)}
