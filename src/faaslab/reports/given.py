"""Parameters in papermill's own words: files (`-f`), YAML (`-y`), typed (`-p`) and raw (`-r`).

In that order, whatever order they were typed in: a later kind wins over an earlier one, and of one kind the
last, as in papermill. Pure; what a file holds is handed in.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from datetime import date
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue
from faaslab.reports.times import literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_BYTES = 1024 * 1024
"""A file of parameters may be so long."""

_MOST_VALUES = 100_000
_DEEPEST = 30
_MOST_BITS = 4096
"""Python itself refuses to write one of 4300 digits."""

_WORDS = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}


def gathered(
    *,
    files: Sequence[tuple[str, str]] = (),
    yaml: Sequence[str] = (),
    typed: Sequence[tuple[str, str]] = (),
    raw: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """All of them as one mapping. `files` are (name, text) in YAML or JSON; pairs are (parameter, text).

    Raises `InvalidValue` with the option and the line for what cannot be read.
    """
    found: dict[str, Any] = {}
    for name, text in files:
        found |= mapping(text, place=f"-f {name}")
    for text in yaml:
        found |= mapping(text, place="-y")
    for name, text in typed:
        found[_name(name, "-p")] = value(text, place=f"-p {name}")
    for name, text in raw:
        found[_name(name, "-r")] = literal(text)
    return found


def pairs(words: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """`a 1 b 2` as ((a, 1), (b, 2))."""
    flat = tuple(words)
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def value(text: str, *, place: str) -> Any:
    """What `text` means after `-p`: True, False, None, a number, a list or an object in JSON, else itself."""
    if text in _WORDS:
        return _WORDS[text]
    for number in (int, float):
        try:
            found = number(text)
        except ValueError:
            continue
        return kept(found, place)
    if text[:1] in ("[", "{", '"') and not text.startswith("{{"):
        try:
            return kept(json.loads(text), place)
        except (ValueError, RecursionError):
            return text
    return text


def mapping(text: str, *, place: str) -> dict[str, Any]:
    """The parameters that a text in YAML (or JSON, which is YAML) holds; {} for an empty one.

    Dates stay texts, as with papermill. Raises `InvalidValue` for what is no mapping of names.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise InvalidValue(f"is longer than {MOST_BYTES:,} bytes", place=place)
    document = _document(text, place)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InvalidValue("holds no mapping of parameters", place=place, hint="write NAME: VALUE lines")
    return {_name(name, place): kept(item, f"{place}, {name}") for name, item in document.items()}


def _document(text: str, place: str) -> Any:
    import yaml

    try:
        if text.lstrip().startswith("{"):
            with suppress(json.JSONDecodeError):  # what is indented with tabs is JSON and no YAML
                return json.loads(text)
        return yaml.load(text, Loader=_loader())  # noqa: S506 - a SafeLoader without dates
    except RecursionError:
        raise InvalidValue(f"nests more than {_DEEPEST} levels deep", place=place) from None
    except (yaml.YAMLError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{place}, line {mark.line + 1}, column {mark.column + 1}" if mark is not None else place
        raise InvalidValue(
            f"is no YAML: {getattr(error, 'problem', None) or 'it cannot be read'}",
            place=where,
            hint="write NAME: VALUE lines",
        ) from None


def _loader() -> Any:
    """The safe loader, which makes plain values only; an instant stays the text that it is written as."""
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012 - as the base class has it
            first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return Loader


def _name(name: Any, place: str) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise InvalidValue(f"{name!r} is no name of a parameter", place=place, hint="a Python name")
    return name


def kept(given: Any, place: str) -> Any:
    """`given` as JSON can hold it: instants and paths as texts, tuples as lists.

    What grows without end (aliases of YAML) is counted, not followed. Raises `InvalidValue` for what no
    notebook can be given.
    """
    left = _MOST_VALUES

    def copied(item: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0 or depth > _DEEPEST:
            what = f"{_MOST_VALUES:,} values" if left < 0 else f"{_DEEPEST} levels"
            raise InvalidValue(f"holds more than {what}", place=place)
        if isinstance(item, int) and item.bit_length() > _MOST_BITS:
            raise InvalidValue(
                f"is a whole number of more than {_MOST_BITS:,} bits",
                place=place,
                hint="-r gives it as a text",
            )
        if item is None or isinstance(item, (str, bool, int)):
            return item
        if isinstance(item, float):
            if not math.isfinite(item):
                raise InvalidValue(
                    f"{item} is no number that can be kept", place=place, hint="-r gives it as a text"
                )
            return item
        if isinstance(item, (date, PurePath)):
            return item.isoformat() if isinstance(item, date) else str(item)
        if isinstance(item, dict):
            return {_key(key, place): copied(each, depth + 1) for key, each in item.items()}
        if isinstance(item, (list, tuple)):
            return [copied(each, depth + 1) for each in item]
        kind = type(item).__name__
        raise InvalidValue(f"a value of type {kind} cannot be given to a notebook", place=place)

    return copied(given, 0)


def _key(key: Any, place: str) -> str:
    if isinstance(key, (str, int, float, bool)):
        return str(kept(key, place))
    raise InvalidValue(f"{key!r} is no key of a mapping", place=place)
