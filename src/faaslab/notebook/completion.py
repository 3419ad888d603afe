"""Completion of `%faas` lines: verbs, options, names of functions, variables, columns of the store.

Pure: what a shell knows is handed in; `matcher` does that.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faaslab.store.schema import TABLES
from faaslab.verbs import ALIASES, NOTEBOOK_OPTIONS, VERBS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from faaslab.verbs import Option, Verb

_LINE = re.compile(r"\s*(?:[\w.\[\]'\", ]+=\s*)?(?P<mark>%{1,2})faas(?P<rest>\s.*)", re.DOTALL)
_WORD = re.compile(r"[^\s'\"{}(),]*\Z")
_ANSWERS = (
    "SELECT FROM WHERE GROUP BY ORDER BY LIMIT count(*) avg( sum( quantile_cont( WITH JOIN ON AS DESC ALL"
)


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """What may stand where `fragment` stands now; `alone` when nothing else can."""

    fragment: str
    words: tuple[tuple[str, str], ...]
    """(word, kind)."""
    alone: bool = True


def candidates(
    text: str, names: Mapping[str, Callable[..., Iterable[str]]], *, in_cell: bool = False
) -> Candidates | None:
    """What can follow `text`, a line up to the cursor; None when it is no `%faas` line.

    `names` gives the words of a kind (function, variable, report) when they are asked for; those of a
    `parameter` depend on what the line names: it is called with that, and whether it may be a schedule.
    `in_cell`: the line is inside the cell of a `%%faas sql`.
    """
    if in_cell:
        return _sql(_WORD.search(text)[0])  # type: ignore[index]
    found = _LINE.match(text)
    if found is None:
        return None
    rest = found["rest"]
    fragment = _WORD.search(rest)[0]  # type: ignore[index]
    before = rest[: len(rest) - len(fragment)]
    words = before.split()
    if before.endswith("{") and words:
        return _chosen(fragment, names, "variable")
    if not words:
        return _first(fragment, cell=found["mark"] == "%%")
    verb, given = _verb(words, cell=found["mark"] == "%%")
    if verb is None:
        return _seconds(words, fragment)
    if verb.raw:
        return _sql(fragment)
    return _rest(verb, given, fragment, names)


def _first(fragment: str, *, cell: bool) -> Candidates:
    first = dict.fromkeys(name.split()[0] for name in VERBS if not cell or VERBS[name].cell)
    words = [
        (name, "verb") for name in (*first, *(ALIASES if not cell else ())) if name != "define" or not cell
    ]
    return _starting(fragment, words, alone=not cell)


def _verb(words: list[str], *, cell: bool) -> tuple[Verb | None, list[str]]:
    first = ALIASES.get(words[0], words[0])
    two = f"{first} {ALIASES.get(words[1], words[1])}" if len(words) > 1 else ""
    if two in VERBS:
        return VERBS[two], words[2:]
    if first in VERBS and (not cell or VERBS[first].cell):
        return VERBS[first], words[1:]
    return (VERBS["define"], words) if cell else (None, words)


def _seconds(words: list[str], fragment: str) -> Candidates:
    after = [name.split()[1] for name in VERBS if name.startswith(f"{words[0]} ")] if len(words) == 1 else []
    return _starting(fragment, [(name, "verb") for name in after])


def _rest(verb: Verb, given: list[str], fragment: str, names: Mapping[str, Any]) -> Candidates:
    options = (*verb.options, *NOTEBOOK_OPTIONS)
    last = _open_option(given, options)
    if last is not None:
        if last.choices:
            return _starting(fragment, [(word, "value") for word in last.choices])
        if last.name == "payload":
            known = names.get("sample", tuple)() if fragment.startswith("s") else ()
            return _starting(fragment, [(f"sample:{name}", "sample") for name in known], alone=False)
        if last.completes == "parameter":
            return _parameters(verb, given, fragment, names)
        return _chosen(fragment, names, last.completes)
    if fragment.startswith("-"):
        used = {word.partition("=")[0] for word in given}
        words = [
            (flag, "option")
            for option in options
            if option.repeat or not used & set(option.flags)
            for flag in option.flags
            if flag.startswith("--") or not fragment.startswith("--")
        ]
        return _starting(fragment, words)
    place = _positional(verb, given, options)
    return _chosen(fragment, names, None if place is None else place.completes)


def _parameters(verb: Verb, given: list[str], fragment: str, names: Mapping[str, Any]) -> Candidates:
    """The parameters of the notebook that the line is about, without those that it gives already."""
    flags = {flag for option in verb.options if option.completes == "parameter" for flag in option.flags}
    if given[-1] not in flags or "parameter" not in names:
        return Candidates(fragment=fragment, words=(), alone=False)  # its value, which may be anything
    placed = _placed(given, verb.options)
    told = [after for word, after in itertools.pairwise(given) if word == "--report"]
    if not told and not placed:
        return Candidates(fragment=fragment, words=())
    scheduled = verb.positionals[0].completes == "scheduled" and not told
    known = names["parameter"]((told or placed)[-1 if told else 0].strip("'\""), scheduled)
    used = {after for word, after in itertools.pairwise(given) if word in flags}
    return _starting(fragment, [(name, "parameter") for name in known if name not in used])


def _open_option(given: list[str], options: Iterable[Option]) -> Option | None:
    """The option whose value the next word is."""
    by_flag = {flag: option for option in options for flag in option.flags}
    for back in (1, 2):
        option = by_flag.get(given[-back]) if len(given) >= back else None
        if option is not None and option.metavar is not None and option.words >= back:
            return option
    return None


def _positional(verb: Verb, given: list[str], options: tuple[Option, ...]) -> Any:
    placed = len(_placed(given, options))
    places = verb.positionals
    if placed < len(places):
        return places[placed]
    return places[-1] if places and places[-1].rest else None


def _placed(given: list[str], options: Iterable[Option]) -> list[str]:
    """The words that are neither options nor values of them."""
    by_flag = {flag: option for option in options for flag in option.flags}
    placed, skip = [], 0
    for word in given:
        if skip:
            skip -= 1
        elif word in by_flag:
            skip = by_flag[word].words if by_flag[word].metavar is not None else 0
        elif not word.startswith("-"):
            placed.append(word)
    return placed


def _chosen(fragment: str, names: Mapping[str, Any], kind: str | None) -> Candidates:
    if kind == "verb":
        return _starting(fragment, [(name.split()[0], "verb") for name in VERBS])
    if kind is None or kind not in names:
        return Candidates(fragment=fragment, words=(), alone=False)  # files: IPython's own business
    return _starting(fragment, [(name, kind) for name in names[kind]()])


def _sql(fragment: str) -> Candidates:
    columns = dict.fromkeys(
        column for table in ("executions", "logs", "payloads") for column in TABLES[table]
    )
    words = [
        *((name, "table") for name in (*TABLES, "cold_starts", "durations", "costs", "errors", "timeline")),
        *((name, "column") for name in columns),
        *((word, "keyword") for word in dict.fromkeys(_ANSWERS.split())),
    ]
    return _starting(fragment, words, fold=True)


def _starting(
    fragment: str, words: Iterable[tuple[str, str]], *, alone: bool = True, fold: bool = False
) -> Candidates:
    lower = fragment.lower()
    kept = [
        (word, kind)
        for word, kind in words
        if word.startswith(fragment) or (fold and word.lower().startswith(lower))
    ]
    return Candidates(fragment=fragment, words=tuple(dict.fromkeys(kept)), alone=alone)
