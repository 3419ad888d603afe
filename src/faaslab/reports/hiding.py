"""Takes secrets out of an executed notebook before anybody sees it or makes a page of it.

They are looked for in what cells printed, showed and raised, in all the forms that `model.secret_forms` lists
(escaped for HTML, quoted by Python or JSON, in a URL, in base64 and hex). Pictures are left alone: a few
letters of a secret stand in the bytes of any of them. Pure: data in, data out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faaslab.model.secret_forms import forms
from faaslab.reports.journal import hidden, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["forms", "hide_in"]

_TEXTS = ("text/", "application/json", "application/javascript", "image/svg+xml", "application/vnd.")
_INJECTED = "injected-parameters"


def hide_in(node: Any, hide: Sequence[str], shown: Mapping[str, Any]) -> None:
    """Change the notebook `node` (nbformat's, or its JSON) in place.

    `hide` are `forms`; `shown` has, for each parameter with a secret in it, what may be shown in its place.
    """
    metadata = node["metadata"]
    given = metadata.get("papermill", {}).get("parameters", {})
    given.update({name: value for name, value in shown.items() if name in given})
    for name in ("papermill", "widgets"):
        if name in metadata:
            metadata[name] = _without(metadata[name], hide)
    for cell in node["cells"]:
        source = cell["source"]
        if _INJECTED in cell["metadata"].get("tags", ()):
            for name, value in shown.items():
                line = f"{name} = {value!r}".replace("\\", "\\\\")
                source = re.sub(rf"(?m)^{re.escape(name)} = .*$", line, source)
        cell["source"] = hidden(source, hide)
        for output in cell.get("outputs", ()):
            _hide_in_output(output, hide)


def _hide_in_output(output: Any, hide: Sequence[str]) -> None:
    for name in ("text", "ename", "evalue", "metadata"):
        if name in output:
            output[name] = _without(output[name], hide)
    if "traceback" in output:
        output["traceback"] = [_line(line, hide) for line in output["traceback"]]
    data = output.get("data", {})
    for kind in data:
        if kind.startswith(_TEXTS):
            data[kind] = _without(data[kind], hide)


def _line(line: str, hide: Sequence[str]) -> str:
    """Colours may stand in the middle of a secret; such a line loses them."""
    without = plain(line)
    masked = hidden(without, hide)
    return line if masked == without else masked


def _without(value: Any, hide: Sequence[str]) -> Any:
    if isinstance(value, str):
        return hidden(value, hide)
    if isinstance(value, dict):
        # The notebook's own kind of mapping stays one.
        return type(value)({hidden(name, hide): _without(each, hide) for name, each in value.items()})
    if isinstance(value, (list, tuple)):
        return [_without(each, hide) for each in value]
    return value
