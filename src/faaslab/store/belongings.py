"""What belongs to a function, goes with it, and is named `function:qualifier`: versions, aliases, and more.

Rule: looked at within the transaction that depends on it, so that nothing points at what was just deleted.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from faaslab.errors import AlreadyExists, Conflict, NotFound

if TYPE_CHECKING:
    import sqlite3

    from faaslab.model.version import PublishedVersion

KINDS = ("published_version", "alias", "event_invoke_config", "provisioned_concurrency", "resource_policy")
_OF_A_QUALIFIER = KINDS[2:]
_QUALIFIERS = KINDS[:2]
NUMBER_MARK = "version:"
KEEP_HIGHEST = (
    "INSERT INTO marks VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)"
)


def of(connection: sqlite3.Connection, function: str) -> list[tuple[str, str]]:
    """(kind, name) of all that belongs to a function."""
    found: list[tuple[str, str]] = []
    for kind in KINDS:
        # Two bounds and no LIKE: `_` is a letter of names, and `;` follows `:`.
        rows = connection.execute(
            "SELECT kind, name FROM definitions WHERE kind = ? AND name > ? AND name < ?",
            (kind, f"{function}:", f"{function};"),
        )
        found += rows.fetchall()
    return found


def of_qualifier(connection: sqlite3.Connection, kind: str, name: str) -> list[tuple[str, str]]:
    """(kind, name) of what belongs to a version or an alias and goes with it."""
    if kind not in _QUALIFIERS:
        return []
    found: list[tuple[str, str]] = []
    for other in _OF_A_QUALIFIER:
        rows = connection.execute(
            "SELECT kind, name FROM definitions WHERE kind = ? AND name = ?", (other, name)
        )
        found += rows.fetchall()
    return found


def require_unused(connection: sqlite3.Connection, name: str) -> None:
    """Raise `Conflict` when an alias leads to the published version `function:number`."""
    function, _, version = name.partition(":")
    rows = connection.execute(
        "SELECT body FROM definitions WHERE kind = 'alias' AND name > ? AND name < ? ORDER BY name",
        (f"{function}:", f"{function};"),
    )
    aliases = [json.loads(body) for (body,) in rows]
    users = [alias["name"] for alias in aliases if version in (alias["version"], *alias["weights"])]
    if users:
        raise Conflict(
            f"Unable to delete version because the following aliases reference it: [{', '.join(users)}]",
            place="version",
            hint="point them at another version first",
        )


def take_number(connection: sqlite3.Connection, version: PublishedVersion) -> None:
    """Use up the number of a version that is about to be published, and see that what it publishes is there.

    Raises `AlreadyExists` when the number was used before, be that version deleted or its function
    (configuration-versions: Lambda never reuses version numbers), and `NotFound`.
    """
    name = mark("published_version", version.function)
    used = connection.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
    if used and int(version.version) <= int(used[0]):
        raise AlreadyExists(f"version {version.version} of {version.function} was published already")
    defined = connection.execute(
        "SELECT 1 FROM versions WHERE kind = 'function' AND name = ? AND version = ?",
        (version.function, str(version.definition)),
    ).fetchone()
    if not defined:
        raise NotFound(f"definition of {version.function}", str(version.definition))
    connection.execute(KEEP_HIGHEST, (name, int(version.version)))


def mark(kind: str, name: str) -> str:
    """What the mark is called that keeps the highest number that a name had."""
    return f"{NUMBER_MARK}{kind}:{name}"
