"""What is posted to a webhook: one JSON document, in the form that its host reads. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from faaslab.reports.delivery.naming import label
from faaslab.reports.delivery.story import Story, one_line, took, when

if TYPE_CHECKING:
    from datetime import datetime

_TEAMS = (".webhook.office.com", ".logic.azure.com", ".powerplatform.com")


def body(story: Story, host: str) -> dict[str, Any]:
    """The document. Slack, Discord and Teams may refuse what they do not know: they get theirs alone."""
    host = host.lower()
    if host == "hooks.slack.com":
        return {"text": _slack(story)}
    if host in ("discord.com", "discordapp.com"):
        # Nobody is called, whatever a report is named.
        return {"content": story.text[:2000], "allowed_mentions": {"parse": []}}
    if host.endswith(_TEAMS):
        return _card(story)
    run = story.run
    ended = run.ended_at
    return {
        "event": f"report.{run.status.value}",
        "text": story.text,
        "id": run.id,
        "name": run.name,
        "title": one_line(story.title),
        "status": run.status.value,
        "schedule": run.schedule,
        "attempt": run.attempt,
        "scheduled_for": _instant(run.scheduled_for),
        "started": _instant(run.started_at),
        "ended": _instant(ended),
        "duration_ms": None if ended is None else round((ended - run.started_at).total_seconds() * 1000),
        "failed_cell": run.failed_cell,
        "error": {"type": run.error_type, "message": story.failure} if story.failed else None,
        "summary": list(story.headline),
        "outputs": [PurePath(path).name for path in run.outputs],
        "links": dict(story.links),
    }


def encoded(document: dict[str, Any]) -> bytes:
    """The bytes that are posted and signed."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def signature(secret: str, body: bytes, seconds: int) -> str:
    """`t=SECONDS,v1=HEX`: HMAC-SHA256 of `SECONDS.BODY`, so that an old post cannot be posted again."""
    signed = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={signed}"


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat(timespec="milliseconds") + "Z"


def _slack(story: Story) -> str:
    # Slack's three: with them no `<!channel>` in a name calls anybody.
    return story.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _card(story: Story) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [
        {
            "type": "TextBlock",
            "size": "Large",
            "weight": "Bolder",
            "wrap": True,
            "text": one_line(story.title),
        }
    ]
    if story.failed:
        blocks.append({"type": "TextBlock", "wrap": True, "color": "Attention", "text": story.failure})
    blocks += [{"type": "TextBlock", "wrap": True, "text": line} for line in story.headline]
    facts = [
        ("For", when(story.due, story.timezone)),
        ("Status", story.run.status.value),
        ("Took", took(story.run)),
    ]
    blocks.append(
        {"type": "FactSet", "facts": [{"title": name, "value": value} for name, value in facts if value]}
    )
    actions = [
        {"type": "Action.OpenUrl", "title": label(kind), "url": link}
        for kind, link in story.worth_opening.items()
        if link.startswith("https://")
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        **({"actions": actions} if actions else {}),
    }
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
    }
