"""JSON and JSON Lines with items in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from faaslab.workflow.items.texts import lines_of, reader_failed

if TYPE_CHECKING:
    from collections.abc import Iterator

_MISSING = object()


def collection(text: str, pointer: str | None = None) -> list[Any] | dict[str, Any]:
    """The array or the object of a JSON text whose items are meant.

    `pointer` is the ItemsPointer, a JSON pointer (RFC 6901) to the array or object.

    Raises:
        StateFailure: It is no JSON, the pointer leads nowhere, or there is neither an array nor an object.

    """
    found = parsed(text, "The file")
    if pointer:
        found = _pointed(found, pointer)
    if isinstance(found, (list, dict)):
        return found
    raise reader_failed("Attempting to map over non-iterable node.")


def lines_as_items(text: str) -> Iterator[Any]:
    """One item a line; lines with nothing on them are none.

    Raises:
        StateFailure: A line is no JSON.

    """
    for number, line in enumerate(lines_of(text), 1):
        if line.strip():
            yield parsed(line, f"Row {number}")


def parsed(text: str, where: str) -> Any:
    """The JSON value of a text, which messages call `where`.

    Raises:
        StateFailure: It is none.

    """

    def refused(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no JSON")

    try:
        return json.loads(text, parse_constant=refused)
    except RecursionError as deep:
        raise reader_failed(f"{where} is no valid JSON: it nests too deeply.") from deep
    except ValueError as wrong:
        raise reader_failed(f"{where} is no valid JSON: {wrong}.") from wrong


def _pointed(value: Any, pointer: str) -> Any:
    if not pointer.startswith("/"):
        raise reader_failed(f"ItemsPointer '{pointer}' is no JSON pointer: it must begin with '/'.")
    for part in pointer[1:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name, _MISSING)
        elif isinstance(value, list) and name.isascii() and name.isdigit() and len(name) < 10:
            value = value[int(name)] if int(name) < len(value) else _MISSING
        else:
            value = _MISSING
        if value is _MISSING:
            raise reader_failed(f"ItemsPointer '{pointer}' leads to nothing in the file.")
    return value
