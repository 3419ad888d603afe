"""What belongs to a function or a workflow, goes with it, and is named `OWNER:qualifier`: versions, aliases.

Rule: looked at within the transaction that depends on it, so that nothing points at what was just deleted.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from faaslab.errors import AlreadyExists, Conflict, NotFound

if TYPE_CHECKING:
    import sqlite3

    from faaslab.model.version import PublishedVersion
    from faaslab.model.workflow import WorkflowVersion

_OF_A_FUNCTION = (
    "published_version",
    "alias",
    "event_invoke_config",
    "provisioned_concurrency",
    "resource_policy",
)
_OF = {"function": _OF_A_FUNCTION, "workflow": ("workflow_version", "workflow_alias")}
PUBLISHED = {"function": "published_version", "workflow": "workflow_version"}
"""Owner -> what of it is counted by numbers."""
KINDS = tuple(kind for kinds in _OF.values() for kind in kinds)
_OF_A_QUALIFIER = _OF_A_FUNCTION[2:]
_QUALIFIERS = _OF_A_FUNCTION[:2]
NUMBER_MARK = "version:"
KEEP_HIGHEST = (
    "INSERT INTO marks VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)"
)


def owner(kind: str) -> str:
    """What a kind belongs to: a function or a workflow."""
    return next(owner for owner, kinds in _OF.items() if kind in kinds)


def of(connection: sqlite3.Connection, owner: str, name: str) -> list[tuple[str, str]]:
    """(kind, name) of all that belongs to a function or a workflow; nothing for another kind of `owner`."""
    found: list[tuple[str, str]] = []
    for kind in _OF.get(owner, ()):
        # Two bounds and no LIKE: `_` is a letter of names, and `;` follows `:`.
        rows = connection.execute(
            "SELECT kind, name FROM definitions WHERE kind = ? AND name > ? AND name < ?",
            (kind, f"{name}:", f"{name};"),
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


def require_unrouted(connection: sqlite3.Connection, name: str) -> None:
    """Raise `Conflict` when an alias of the workflow routes to its version `workflow:number`."""
    workflow, _, version = name.partition(":")
    rows = connection.execute(
        "SELECT body FROM definitions WHERE kind = 'workflow_alias' AND name > ? AND name < ? ORDER BY name",
        (f"{workflow}:", f"{workflow};"),
    )
    aliases = [json.loads(body) for (body,) in rows]
    users = [alias["name"] for alias in aliases if version in alias["routes"]]
    if users:
        raise Conflict(
            "Version to be deleted must not be referenced by an alias. Current list of aliases "
            f"referencing this version: [{', '.join(users)}]",
            place="version",
            hint="point them at another version first",
        )


def take_workflow_number(connection: sqlite3.Connection, version: WorkflowVersion) -> None:
    """Use up the number of a workflow's version; `AlreadyExists` for one that was used before."""
    name = mark("workflow_version", version.workflow)
    used = connection.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
    if used and int(version.version) <= int(used[0]):
        raise AlreadyExists(f"version {version.version} of {version.workflow} was published already")
    connection.execute(KEEP_HIGHEST, (name, int(version.version)))


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
