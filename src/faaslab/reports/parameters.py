"""What a notebook declares: the names in its `parameters` cell."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue

if TYPE_CHECKING:
    from pathlib import Path


def declared(notebook: Path) -> tuple[str, ...]:
    """The names that the cell tagged `parameters` assigns, in order; none where there is no such cell.

    Raises `InvalidValue` for a file that is no notebook or a parameters cell that is no Python.
    """
    for cell in _cells(notebook):
        if "parameters" in cell.get("metadata", {}).get("tags", ()):
            return _assigned("".join(cell.get("source", "")), notebook)
    return ()


def _cells(notebook: Path) -> list[dict[str, Any]]:
    try:
        document = json.loads(notebook.read_text("utf-8"))
        cells: list[dict[str, Any]] = document["cells"]
        return list(cells)
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise InvalidValue(
            "this is no Jupyter notebook of format 4",
            place=str(notebook),
            hint="open and save it in JupyterLab",
        ) from error


def _assigned(source: str, notebook: Path) -> tuple[str, ...]:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise InvalidValue(
            f"the parameters cell is no Python: {error.msg}, line {error.lineno}", place=str(notebook)
        ) from None
    names: list[str] = []
    for node in tree.body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        names += [target.id for target in targets if isinstance(target, ast.Name)]
    return tuple(names)
