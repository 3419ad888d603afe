"""What stands after `-p` and after `map NAME`: JSON, a variable, a file, a sample, standard input."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.deploy import regular
from faaslab.errors import InvalidValue
from faaslab.lab.sample_events import sample_event
from faaslab.model.quotas import REQUEST_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.verbs.face import Face

_A_LITTLE = 4096
"""More than Lambda takes is read, so that what is too large is told with its size."""
_MAP_BYTES = 1024 * 1024 * 1024
SAMPLE = "sample:"
"""What stands before the name of a sample event."""
_VARIABLE = re.compile(r"\{\s*([A-Za-z_]\w*)\s*\}")
_RANGE = re.compile(r"range\(\s*(-?\d+)\s*(?:,\s*(-?\d+)\s*)?(?:,\s*(-?\d+)\s*)?\)")


def payload(text: str | None, face: Face, *, place: str = "-p") -> Any:
    """The value that `-p` gives; `{}` without it."""
    if text is None:
        return {}
    variable = _VARIABLE.fullmatch(text.strip())
    if variable:
        return face.names(variable[1])
    if text.startswith(SAMPLE):
        return sample_event(text.removeprefix(SAMPLE).strip())
    return read_json(*_source(text, face, place, REQUEST_BYTES + _A_LITTLE), quoted=text)


def named(text: str, face: Face, *, place: str) -> str:
    """A name or an id as it was typed, or that of the object in a variable: an Execution, a text."""
    variable = _VARIABLE.fullmatch(text.strip())
    if variable is None:
        return text
    value = face.names(variable[1])
    found = getattr(value, "id", value)
    if not isinstance(found, str):
        raise InvalidValue(f"{variable[1]} is neither an execution nor an id", place=place)
    return found


def inputs(text: str, face: Face, *, place: str = "INPUT") -> Any:
    """What `map` runs over: a variable (DataFrame, list, range), JSON text, a JSON or JSON Lines file."""
    stripped = text.strip()
    variable = _VARIABLE.fullmatch(stripped)
    if variable:
        return face.names(variable[1])
    counted = _RANGE.fullmatch(stripped)
    if counted:
        return range(*(int(part) for part in counted.groups() if part is not None))
    if stripped.startswith("{"):
        raise InvalidValue(
            "one object is no collection of inputs",
            place=place,
            hint="put it into a list, '[{…}]'; invoke runs the function once",
        )
    if stripped[:1] in {"[", "@"} or stripped == "-":
        return _items(*_source(stripped, face, place, _MAP_BYTES), quoted=text)
    if stripped.isidentifier() and not Path(stripped).is_file():
        return face.names(stripped)
    return _items(*_source("@" + stripped, face, place, _MAP_BYTES), quoted=text)


def _source(text: str, face: Face, place: str, most: int) -> tuple[str, str]:
    """(text, the place to name in errors); of a file or standard input `most` bytes."""
    if text == "-":
        data = face.stdin(most + 1)
        if len(data) > most:
            raise InvalidValue(f"has more than {most:,} bytes", place="standard input")
        return _decoded(data, "standard input"), "standard input"
    if text.startswith("@"):
        path = Path(text[1:]).expanduser()
        hint = "give an expression a name first, then that name here" if {*"(["} & {*text} else None
        return _decoded(regular.read(path, limit=most, place=place, hint=hint), str(path)), str(path)
    # A shell's words that are no UTF-8 come with their bytes as half characters.
    try:
        return _decoded(text.encode("utf-8", "surrogateescape"), place), place
    except UnicodeEncodeError as error:
        raise InvalidValue(f"has half a character at place {error.start}", place=place) from None


def _decoded(data: bytes, place: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The second half is what Lambda's Invoke answers (InvalidRequestContentException).
        which = "start" if error.reason == "invalid start byte" else "middle"
        raise InvalidValue(
            f"not UTF-8 at byte {error.start}: Could not parse request body into json: "
            f"Invalid UTF-8 {which} byte 0x{data[error.start]:02x}",
            place=place,
        ) from None


def read_json(text: str, place: str, *, quoted: str = "") -> Any:
    """`text` as JSON; the error says where it stops being JSON."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        near = text[max(0, error.pos - 10) : error.pos + 15].strip()
        raise InvalidValue(
            f"not JSON at line {error.lineno} column {error.colno}"
            + (f", near {near!r}" if near else "")
            + f": {error.msg.lower()}",
            place=place,
            hint=_hint(quoted),
        ) from None
    except RecursionError:
        raise InvalidValue("the JSON is nested too deeply", place=place) from None
    except ValueError as error:
        raise InvalidValue(str(error), place=place) from None


def _hint(quoted: str) -> str | None:
    if quoted.startswith("{"):
        return "put JSON between single quotes: -p '{\"x\": 4}'"
    if quoted.startswith("["):
        return "put JSON between single quotes: '[{\"x\": 4}]'"
    if quoted.isidentifier():
        return f"{{{quoted}}} is the variable of that name, '\"{quoted}\"' the text"
    return None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _items(text: str, place: str, *, quoted: str) -> Sequence[Any]:
    stripped = text.strip()
    if not stripped:
        return []
    if not stripped.startswith("["):
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) > 1 and _is_json(lines[0][1]):
            return [read_json(line, f"{place}, line {number}") for number, line in lines]
    value = read_json(text, place, quoted=quoted)
    return value if isinstance(value, list) else [value]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
