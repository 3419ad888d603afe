"""A typed line, or a shell's words, as a Call."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, Unsupported, nearest
from faaslab.verbs.options import Option, read_words
from faaslab.verbs.table import ALIASES, LATER, VERBS
from faaslab.verbs.verb import Call, Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

BACKEND = Option(flags=("--backend",), name="backend", metavar="NAME", help="which backend: local")
OUTPUT = Option(flags=("-o", "--out"), name="output", metavar="NAME", help="bind the answer to this name")
JSON = Option(flags=("--json",), name="json", help="JSON on standard output: one document, or one a line")
STORE = Option(
    flags=("--store",),
    name="store",
    metavar="PATH",
    help="the store's file (faaslab.duckdb)",
    completes="file",
)
NOTEBOOK_OPTIONS: tuple[Option, ...] = (OUTPUT, BACKEND)
SHELL_OPTIONS: tuple[Option, ...] = (JSON, STORE, BACKEND)

_RAW = re.compile(r"\s*(?P<verb>[\w-]+)(?P<before>(?:\s+(?:-o|--out)[\s=]+\S+)*)(?P<rest>.*)", re.DOTALL)
_TRAILING_OUTPUT = re.compile(r"\s(?:-o|--out)[\s=]+(?P<name>[A-Za-z_]\w*)\s*\Z")


def parse(line: str | Sequence[str], cell: str | None = None) -> Call:
    """The call that a notebook's line (text; with the cell below it) or a shell's words (a list) ask for.

    Raises `InvalidValue` with the nearest word for what is unknown, `Unsupported` for what a later release
    brings.
    """
    if not isinstance(line, str):
        return _call(list(line), None, SHELL_OPTIONS)
    first = line.split(maxsplit=1)[0] if line.strip() else ""
    verb = VERBS.get(ALIASES.get(first, first))
    if verb is not None and verb.raw:
        return _raw(line, verb, cell)
    words = _split(line)
    if cell is not None and _meant_as_a_line(words):
        raise InvalidValue(
            f"{words[0]} takes no cell; %%faas NAME above one defines a function",
            hint=f"in a cell of its own, with one percent sign: %faas {words[0]} {words[1]}",
        )
    if cell is not None and not _takes_cell(words):
        _refuse_a_slip(words)
        words = ["define", *words]
    return _call(words, cell, NOTEBOOK_OPTIONS)


def _meant_as_a_line(words: list[str]) -> bool:
    """`%%faas invoke score`: a function may be named like a verb, but nothing follows a name but options."""
    verb = VERBS.get(words[0]) if len(words) > 1 and not words[1].startswith("-") else None
    return verb is not None and not verb.cell


def _refuse_a_slip(words: list[str]) -> None:
    """`%%faas wrkflow etl`: nothing but options follows the name of a function."""
    if len(words) > 1 and not words[1].startswith("-"):
        near = nearest(words[0], {verb.name.split()[0] for verb in VERBS.values() if verb.cell})
        if near:
            raise InvalidValue(f"no verb is named {words[0]!r}", hint=f"did you mean {near!r}?")


def _takes_cell(words: list[str]) -> bool:
    if not words:
        return False
    if words[0] in LATER or " ".join(words[:2]) in LATER:
        return True
    verb = VERBS.get(words[0])
    return verb is not None and verb.cell


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise InvalidValue(
            f"the line cannot be split into words: {str(error).lower()}",
            hint="close every quote; put JSON between single quotes",
        ) from None


def _raw(line: str, verb: Verb, cell: str | None) -> Call:
    found = _RAW.fullmatch(line)
    assert found is not None
    output: str | None = None
    for word in found["before"].replace("=", " ").split():
        if not word.startswith("-"):
            output = word
    rest = found["rest"].strip()
    trailing = _TRAILING_OUTPUT.search(rest)
    if trailing:
        output, rest = trailing["name"], rest[: trailing.start()].rstrip()
    if len(rest) > 1 and rest[0] == rest[-1] == '"' and '"' not in rest[1:-1]:
        rest = rest[1:-1]  # quoted as in a shell
    text = "\n".join(part for part in (rest, cell or "") if part.strip())
    if not text.strip():
        raise InvalidValue(
            f"{verb.name} needs {verb.positionals[0].name.upper()}", hint=f"see: help {verb.name}"
        )
    return Call(verb=verb, values={verb.positionals[0].name: (text,)}, cell=cell, output=output)


def _call(words: list[str], cell: str | None, shared: tuple[Option, ...]) -> Call:
    words = _verb_first(words, shared)
    if not words:
        words = ["help"]
    verb, rest = _find(words)
    if any(word in {"-h", "--help"} for word in rest):
        return Call(verb=VERBS["help"], values={"verb": tuple(verb.name.split())})
    values: dict[str, Any] = read_words(verb.name, rest, verb.positionals, (*verb.options, *shared))
    if verb.cell and cell is not None and not cell.strip() and not values.get("source"):
        raise InvalidValue("the cell is empty", hint="write the code below the line")
    own = {option.name for option in shared}
    return Call(
        verb=verb,
        values={name: value for name, value in values.items() if name not in own},
        cell=cell,
        output=values.get("output"),
        json=bool(values.get("json")),
        store=values.get("store"),
        backend=values.get("backend"),
    )


def _verb_first(words: list[str], shared: tuple[Option, ...]) -> list[str]:
    """Options of the face may stand before the verb (`faaslab --json ls`)."""
    by_flag = {flag: option for option in shared for flag in option.flags}
    leading: list[str] = []
    rest = list(words)
    while rest and rest[0].partition("=")[0] in by_flag:
        word = rest.pop(0)
        leading.append(word)
        if by_flag[word.partition("=")[0]].metavar is not None and "=" not in word and rest:
            leading.append(rest.pop(0))
    if rest and rest[0] in {"-h", "--help"}:
        rest[0] = "help"
    if not rest and leading:
        raise InvalidValue("which verb?", hint="see: help")
    return [*rest, *leading] if "--" not in rest else [rest[0], *leading, *rest[1:]]


def _find(words: list[str]) -> tuple[Verb, list[str]]:
    first = ALIASES.get(words[0], words[0])
    two = f"{first} {ALIASES.get(words[1], words[1])}" if len(words) > 1 else first
    if two in VERBS:
        return VERBS[two], words[2:]
    for name in (two, first):
        if name in LATER:
            instead = LATER[name]
            raise Unsupported(f"this release does not have `{name}` yet", hint=instead or None)
    if first in VERBS:
        return VERBS[first], words[1:]
    seconds = [name.split()[1] for name in VERBS if name.startswith(first + " ")]
    if seconds:
        if len(words) == 1 or words[1] in {"-h", "--help"}:
            return VERBS["help"], [first]
        near = nearest(words[1], seconds)
        raise InvalidValue(
            f"{first} has no verb {words[1]!r}",
            hint=f"did you mean {first} {near}?" if near else f"it has: {', '.join(seconds)}",
        )
    near = nearest(words[0], {*(name.split()[0] for name in VERBS), *ALIASES, *LATER})
    raise InvalidValue(
        f"no verb is named {words[0]!r}", hint=f"did you mean {near!r}?" if near else "see: help"
    )
