"""Archives of EventBridge: the home matches and delivers events, and hands over those that are to be kept.

Rule: such an entry of PutEvents names its archive in `TraceHeader` and goes there, and to nobody else: all
others have it from the home. What moto puts on a bus by itself, as a replay does, it delivers as before.
"""

from __future__ import annotations

import json
from typing import Any

from faaslab.model.order import KEPT_BY


def keep() -> None:
    """Change moto in this process."""
    from moto.events.models import EventsBackend

    put = EventsBackend.put_events

    def put_events(backend: Any, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not all(str(entry.get("TraceHeader", "")).startswith(KEPT_BY) for entry in events):
            return put(backend, events)  # type: ignore[no-any-return]
        return [_kept(backend, entry) for entry in events]

    EventsBackend.put_events = put_events


def _kept(backend: Any, entry: dict[str, Any]) -> dict[str, Any]:
    from moto.core.utils import unix_time

    name, _, identity = entry["TraceHeader"].removeprefix(KEPT_BY).partition("/")
    archive = backend.archives.get(name)
    if archive is not None:
        archive.events.append(
            {
                "version": "0",
                "id": identity,
                "detail-type": entry["DetailType"],
                "source": entry["Source"],
                "account": backend.account_id,
                "time": entry.get("Time", unix_time()),
                "region": backend.region_name,
                "resources": entry.get("Resources", []),
                "detail": json.loads(entry["Detail"]),
                "ingestion-time": unix_time(),
            }
        )
    return {"EventId": identity}
