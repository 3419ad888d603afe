"""What to say of SQL that is no question to the history, or that names something it does not have. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from faaslab.errors import RequestError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WHERE_TO_LOOK = "SHOW TABLES and DESCRIBE executions list what there is"
_FORGETS = "store prune --keep 90d forgets what is old, with --dry-run it only tells"
_RECORDS = "what runs is recorded by itself; import logs and store import-store take in more"
_GONE = (
    "what it made would be gone with the answer: begin with WITH name AS (SELECT …), write a file with "
    "COPY (SELECT …) TO 'name.csv', or keep a connection: lab.store.connect()"
)
_CHANGES = {
    "DELETE": _FORGETS, "DROP": _FORGETS, "INSERT": _RECORDS, "UPDATE": _RECORDS, "ALTER": _RECORDS,
    "CREATE": _GONE, "MERGE_INTO": _RECORDS,
}  # fmt: skip
"""Kind of a statement, as DuckDB calls it -> what to do instead."""

_NO_BASE = re.compile(
    r"can only (delete|update|insert|merge)|is of type View|is not a base table", re.IGNORECASE
)
_NO_TABLE = re.compile(r"Table with name \"?([\w$.]+)\"? does not exist!?")
_NO_COLUMN = re.compile(
    r'Referenced column "([^"]+)" (?:was )?not found|does not have a column named "([^"]+)"', re.IGNORECASE
)
_ITS_GUESS = re.compile(r"\s*Did you mean \"[^\n]*")


def refusal(kinds: Sequence[str]) -> RequestError | None:
    """Why statements of these kinds are not run: the last one would answer nothing. None for a question."""
    remedy = _CHANGES.get(kinds[-1]) if kinds else None
    if remedy is None:
        return None
    return RequestError(f"sql asks the history and changes nothing, and that is {_a(kinds[-1])}", hint=remedy)


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind.replace('_', ' ')}"


def said(message: str, columns: Mapping[str, Sequence[str]]) -> RequestError:
    """DuckDB's words, with the nearest of our own names; `columns` are those of each table and view."""
    if _NO_BASE.search(message):
        return RequestError(f"{message}: sql changes nothing in the history", hint=_FORGETS)
    if found := _NO_TABLE.search(message):
        near = nearest(found[1].lower(), columns)
        meant = f"did you mean {near}? " if near else ""
        return RequestError(_ITS_GUESS.sub("", message).strip(), hint=f"{meant}{WHERE_TO_LOOK}")
    if found := _NO_COLUMN.search(message):
        return RequestError(message, hint=f"{_meant((found[1] or found[2]).lower(), columns)}{WHERE_TO_LOOK}")
    return RequestError(message)


def _meant(word: str, columns: Mapping[str, Sequence[str]]) -> str:
    """The view or table that is named almost so, and where a column stands that is."""
    meant = []
    table = nearest(word, columns)
    if table is not None:
        meant.append(f"{table}, which has {', '.join(columns[table][-3:])}")
    name = nearest(word, {name for names in columns.values() for name in names})
    if name is not None:
        having = [each for each, names in columns.items() if name in names]
        meant.append(f"{name} of {', '.join(having[:3])}{' …' if len(having) > 3 else ''}")
    return f"did you mean {' or '.join(meant)}? " if meant else ""
