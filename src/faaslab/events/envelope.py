"""An event as a bus has it: made from an entry of PutEvents, or by a rule whose time has come.

Rules (Amazon EventBridge User Guide, eb-events-structure and eb-putevents; refusals as recorded from AWS):
an entry that is refused fails alone; all entries of a request together are at most 1 MB.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

MOST_BYTES = 1024 * 1024
"""Of all entries of one request, since January 2026 (256 KB before)."""
_REQUIRED = ("Source", "DetailType", "Detail")


def refusal(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    """The error code and message that an entry of PutEvents gets; None for one that is accepted."""
    for name in _REQUIRED:
        if not entry.get(name):
            return "InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument."
    if entry["Source"].startswith("aws."):
        return "NotAuthorizedForSourceException", "Not authorized for the source."
    return None if detail_of(entry["Detail"]) is not None else ("MalformedDetail", "Detail is malformed.")


def detail_of(text: str) -> dict[str, Any] | None:
    """The object that a detail is the JSON of; None for anything else."""
    try:
        detail = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None
    return detail if isinstance(detail, dict) else None


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def size(entries: Iterable[Mapping[str, Any]]) -> int:
    """Bytes that entries count for, as AWS counts them."""
    total = 0
    for entry in entries:
        total += 14 if entry.get("Time") is not None else 0
        texts = [*(entry.get(name) or "" for name in _REQUIRED), *(entry.get("Resources") or ())]
        total += sum(len(text.encode("utf-8", "replace")) for text in texts)
    return total


def from_entry(
    entry: Mapping[str, Any], *, identity: str, now: datetime, region: str, account: str
) -> dict[str, Any]:
    """The event of an accepted entry. `now` is naive UTC, as `Time` is."""
    return event(
        identity=identity,
        kind=entry["DetailType"],
        source=entry["Source"],
        at=entry.get("Time") or now,
        region=region,
        account=account,
        resources=tuple(entry.get("Resources") or ()),
        detail=detail_of(entry["Detail"]),
    )


def scheduled(*, identity: str, rule_arn: str, at: datetime, region: str, account: str) -> dict[str, Any]:
    """What a rule with a schedule gives its targets."""
    return event(
        identity=identity,
        kind="Scheduled Event",
        source="aws.events",
        at=at,
        region=region,
        account=account,
        resources=(rule_arn,),
        detail={},
    )


def event(
    *,
    identity: str,
    kind: str,
    source: str,
    at: datetime,
    region: str,
    account: str,
    resources: tuple[str, ...],
    detail: Any,
) -> dict[str, Any]:
    """The members of an event in AWS's order."""
    return {
        "version": "0",
        "id": identity,
        "detail-type": kind,
        "source": source,
        "account": account,
        "time": moment(at),
        "region": region,
        "resources": list(resources),
        "detail": detail,
    }


def moment(at: datetime) -> str:
    """An instant as events tell it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def text(value: Any) -> str:
    """JSON as it is sent on; half a character, which no UTF-8 has, stays the escape that it came as."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return written if is_whole(written) else json.dumps(value, separators=(",", ":"))


def is_whole(written: str) -> bool:
    """Whether a text has no half characters (lone surrogates)."""
    try:
        written.encode()
    except UnicodeEncodeError:
        return False
    return True
