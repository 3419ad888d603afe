"""What a notebook declares in its `parameters` cell, and what it is given: checked by name and by kind.

Pure but for reading the notebook. The cell is read, never run.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_MOST_BYTES = 64 * 1024 * 1024
_KINDS: dict[str, tuple[type, ...]] = {
    "a text": (str,),
    "true or false": (bool,),
    "a whole number": (int,),
    "a number": (int, float),
    "a list": (list, tuple),
    "a mapping": (dict,),
}
_NAMED = {
    "str": "a text", "bool": "true or false", "int": "a whole number", "float": "a number",
    "list": "a list", "List": "a list", "dict": "a mapping", "Dict": "a mapping",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A parameter of a notebook: its name, its default as it is written, and what kind of value it takes.

    `kind` is None where the default does not tell (None, a call) and no plain type is noted at it.
    """

    name: str
    default: str
    kind: str | None = None


def declared(notebook: Path) -> tuple[str, ...]:
    """The names that the cell tagged `parameters` assigns, in order; none where there is no such cell.

    Raises `InvalidValue` for a file that is no notebook or a parameters cell that is no Python.
    """
    return tuple(each.name for each in declarations(notebook))


def declarations(notebook: Path) -> tuple[Declared, ...]:
    """The same with defaults and kinds."""
    for cell in cells(notebook):
        if "parameters" in _tags(cell):
            return _assigned("".join(cell.get("source", "")), notebook)
    return ()


def language(notebook: Path) -> str:
    """What its kernel speaks, in small letters; empty where it does not say."""
    metadata = _document(notebook).get("metadata")
    for part, key in (("kernelspec", "language"), ("language_info", "name")):
        told = metadata.get(part) if isinstance(metadata, dict) else None
        if isinstance(told, dict) and isinstance(told.get(key), str):
            return str(told[key]).lower()
    return ""


def cells(notebook: Path) -> list[dict[str, Any]]:
    """The cells of a notebook of format 4, as they are in the file."""
    found: list[dict[str, Any]] = _document(notebook)["cells"]
    return found


def _document(notebook: Path) -> dict[str, Any]:
    try:
        size = notebook.stat().st_size
        if size > _MOST_BYTES:
            raise InvalidValue(
                f"this notebook has {size:,} bytes, the most is {_MOST_BYTES:,}",
                place=str(notebook),
                hint="clear its outputs and save it",
            )
        found: dict[str, Any] = json.loads(notebook.read_text("utf-8"))
        if not all(isinstance(cell, dict) for cell in found["cells"]):
            raise TypeError
        return found
    except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        raise InvalidValue(
            "this is no Jupyter notebook of format 4",
            place=str(notebook),
            hint="open and save it in JupyterLab",
        ) from error


def is_executed(notebook: Path) -> bool:
    """Whether it is what a run left, as papermill notes in it, and not one to run."""
    metadata = _document(notebook).get("metadata")
    ran = metadata.get("papermill") if isinstance(metadata, dict) else None
    injected = any("injected-parameters" in _tags(cell) for cell in cells(notebook))
    return injected or (isinstance(ran, dict) and bool(ran.get("start_time")))


def check(notebook: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given` as the notebook can take it; a list may be given as one text with commas.

    Raises `InvalidValue` with the nearest name for one that the notebook does not declare, and for a value
    of another kind than the default's. None is always taken.
    """
    known = {each.name: each for each in declarations(notebook)}
    taken: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            near = nearest(name, known)
            offer = f"did you mean {near!r}?" if near else f"it has: {', '.join(known)}"
            if not known:
                offer = "it has none: give the cell that sets them the tag `parameters`"
            raise InvalidValue(f"{notebook.name} has no parameter {name!r}", place="-p", hint=offer)
        taken[name] = _as_declared(value, known[name])
    return taken


def _as_declared(value: Any, parameter: Declared) -> Any:
    kind = parameter.kind
    if kind is None or value is None:
        return value
    if kind == "a list" and isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    fits = isinstance(value, _KINDS[kind]) and (kind == "true or false" or not isinstance(value, bool))
    if fits:
        return value
    hint = f"its default is {parameter.default}"
    if kind == "a text":
        hint = f"-r {parameter.name} {value} gives it as a text; {hint}"
    raise InvalidValue(
        f"{parameter.name} takes {kind}, not {_told(value)}", place=f"-p {parameter.name}", hint=hint
    )


def _told(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _tags(cell: Mapping[str, Any]) -> tuple[str, ...]:
    metadata = cell.get("metadata")
    tags = metadata.get("tags", ()) if isinstance(metadata, dict) else ()
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _assigned(source: str, notebook: Path) -> tuple[Declared, ...]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        said = error.msg if isinstance(error, SyntaxError) else "it cannot be read"
        raise InvalidValue(f"the parameters cell is no Python: {said}{line}", place=str(notebook)) from None
    found: dict[str, Declared] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets, noted = node.targets, None
        elif isinstance(node, ast.AnnAssign):
            targets, noted = [node.target], node.annotation
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                default = ast.unparse(node.value) if node.value is not None else ""
                kind = _kind(noted, node.value)
                found[target.id] = Declared(name=target.id, default=default, kind=kind)
    return tuple(found.values())


def _kind(noted: ast.expr | None, default: ast.expr | None) -> str | None:
    """By what is noted at it (`int`, `list[str]`, `int | None`), else by a plain default."""
    if noted is not None:
        return _noted(noted)
    try:
        value = ast.literal_eval(default) if default is not None else None
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    # Of 3 nobody knows whether 3.5 is as good.
    kinds = (kind for kind, types in _KINDS.items() if type(value) in types)
    return next((kind for kind in kinds if kind != "a whole number"), None)


def _noted(noted: ast.expr) -> str | None:
    if isinstance(noted, ast.Name):
        return _NAMED.get(noted.id)
    if isinstance(noted, ast.Subscript):
        outer = noted.value
        if isinstance(outer, ast.Name) and outer.id == "Optional":
            return _noted(noted.slice)
        return _noted(outer)
    if isinstance(noted, ast.BinOp) and isinstance(noted.op, ast.BitOr):
        sides = [side for side in (noted.left, noted.right) if not _is_none(side)]
        return _noted(sides[0]) if len(sides) == 1 else None
    return None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
