"""What a target is given of an event: all of it, a part, a text of its own, or a template filled in.

Rules (Amazon EventBridge User Guide, eb-transform-target-input; the contexts of EventBridge Scheduler: User
Guide, managing-schedule-context-attributes): a variable is put in as JSON, and within quotation marks as its
text. What stands within quotation marks is escaped here, so that the result stays JSON.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from faaslab.events.envelope import is_whole, moment, text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_VARIABLE = re.compile(r"<([^<>\s]{1,256})>")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\*)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
_CONTEXT = re.compile(r"<aws\.scheduler\.(schedule-arn|scheduled-time|execution-id|attempt-number)>")
_NOTHING = object()


def given(
    target: Mapping[str, Any], event: Mapping[str, Any], *, rule_arn: str, rule_name: str, now: datetime
) -> str:
    """The text that `target` (of PutTargets) is sent for the event, JSON unless its own text is none."""
    if target.get("Input") is not None:
        return whole(target["Input"])
    if target.get("InputPath"):
        found = at_path(event, target["InputPath"])
        return text(None if found is _NOTHING else found)
    transformer = target.get("InputTransformer")
    if transformer:
        return _filled(
            transformer.get("InputTemplate") or "",
            _variables(transformer.get("InputPathsMap") or {}, event, rule_arn, rule_name, now),
        )
    return text(event)


def in_context(written: str, *, schedule_arn: str, at: datetime, execution_id: str, attempt: int = 1) -> str:
    """A schedule's input with the words for its context put in."""
    words = {
        "schedule-arn": schedule_arn,
        "scheduled-time": moment(at),
        "execution-id": execution_id,
        "attempt-number": str(attempt),
    }
    return whole(_CONTEXT.sub(lambda match: words[match[1]], written))


def whole(written: str) -> str:
    """The same, with a question mark for half a character, which nothing can be sent with."""
    return written if is_whole(written) else written.encode("utf-8", "replace").decode()


def at_path(value: Any, path: str) -> Any:
    """What is at a path such as `$.detail.items[0].name`; a value that is no JSON when nothing is."""
    place = 1
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            return _NOTHING
        place = step.end()
        name = next((each for each in (step[1], step[3], step[4]) if each is not None), None)
        if name is not None:
            if not isinstance(value, dict) or name not in value:
                return _NOTHING
            value = value[name]
        elif not isinstance(value, list):
            return _NOTHING
        elif step[2] != "*":
            if len(step[2]) > 9 or int(step[2]) >= len(value):
                return _NOTHING
            value = value[int(step[2])]
    return value


def is_path(path: str) -> bool:
    """Whether that is a path at all."""
    if not path.startswith("$"):
        return False
    place = 1
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            return False
        place = step.end()
    return True


def _variables(
    paths: Mapping[str, str], event: Mapping[str, Any], rule_arn: str, rule_name: str, now: datetime
) -> dict[str, Any]:
    found = {name: at_path(event, path) for name, path in paths.items()}
    return {name: "" if value is _NOTHING else value for name, value in found.items()} | {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_name,
        "aws.events.event.ingestion-time": moment(now),
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }


def _filled(template: str, variables: Mapping[str, Any]) -> str:
    pieces, place, quoted = [], 0, False
    for match in _VARIABLE.finditer(template):
        before = template[place : match.start()]
        quoted ^= _quotes(before) % 2 == 1
        pieces.append(before)
        place = match.end()
        if match[1] not in variables:
            pieces.append(match[0])
            continue
        value = variables[match[1]]
        if quoted:
            inner = value if isinstance(value, str) else text(value)
            pieces.append(text(inner)[1:-1])
        else:
            pieces.append(text(value))
    pieces.append(template[place:])
    return whole("".join(pieces))


def _quotes(piece: str) -> int:
    """How many quotation marks begin or end a text."""
    return len(re.sub(r"\\.", "", piece, flags=re.DOTALL).split('"')) - 1


def as_json(written: str) -> str:
    """The same when it is JSON, else the JSON of the text: what a function can be given."""
    try:
        json.loads(written)
    except (ValueError, RecursionError):
        return text(written)
    return written
