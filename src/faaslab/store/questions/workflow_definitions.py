"""Definitions of workflows as the history has them: those as well that were deleted since."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from faaslab.model.json import from_json
from faaslab.model.workflow import Workflow

if TYPE_CHECKING:
    from datetime import datetime

    from faaslab.store.reading import Connection


def defined_at(connection: Connection, name: str, version: str, at: datetime) -> Workflow | None:
    """The definition `version` of the workflow that had that name then; None where it is forgotten."""
    row = connection.execute(
        "SELECT body FROM definitions WHERE kind = 'workflow' AND name = $name AND version = $version "
        'AND action <> \'deleted\' AND "timestamp" <= $at ORDER BY "timestamp" DESC LIMIT 1',
        {"name": name, "version": version, "at": at},
    ).fetchone()
    if row is None:
        return None
    return from_json(Workflow, row[0] if isinstance(row[0], dict) else json.loads(row[0]))
