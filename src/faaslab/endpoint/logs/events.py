"""Log events: of a stream, or of a whole group by filter pattern.

A message ends with a line break, as those that Lambda sends to CloudWatch Logs do. The store keeps no time of
ingestion: it is told as the event's own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.logs import naming, patterns, tokens
from faaslab.endpoint.messages import Fault
from faaslab.store.questions import logs as questions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler
    from faaslab.store.questions.logs import LogEvent, Place

EVENTS = 10_000
"""Events of one answer at most, and when nothing is asked for."""
ANSWER_BYTES = 2**20
_READ_AT_ONCE = 2_000
_READ_AT_MOST = 50_000
"""So many events are looked at for one answer: it may be empty, with a token to go on."""
_START, _END = datetime.min, datetime.max


def get_log_events(call: Call) -> Mapping[str, Any]:
    """A page of a stream: its newest events unless `startFromHead`, and on from there both ways."""
    params = call.params
    group = naming.named_group(params)
    functions = naming.asked_writers(call, group)
    floors = naming.floors(call.lab, dict.fromkeys(functions, group))
    wanted = questions.Wanted(
        functions=functions,
        floors=floors,
        since=tokens.instant(params.get("startTime")),
        until=tokens.instant(params.get("endTime")),
        streams=(params["logStreamName"],),
    )
    given = params.get("nextToken")
    forward, place = _token(given) if given else (bool(params.get("startFromHead")), None)
    with call.lab.store.connect() as connection:
        stream = questions.Wanted(functions=functions, floors=floors, streams=wanted.streams)
        if not questions.any_event(connection, stream):
            raise naming.no_stream()
        found, _ = questions.events(
            connection,
            wanted,
            rows=min(params.get("limit") or EVENTS, EVENTS),
            most_bytes=ANSWER_BYTES,
            after=place if forward else None,
            before=None if forward else place,
            newest=not forward,
        )
    if found:
        back, ahead = found[0].place, found[-1].place
    else:  # the same places again: that is how a reader knows that it is at an end
        back = ahead = place or (_START if forward else _END, "", 0)
    return {
        "events": [{**_told(each), "ingestionTime": tokens.milliseconds(each.timestamp)} for each in found],
        "nextForwardToken": f"f/{tokens.of_place(ahead)}",
        "nextBackwardToken": f"b/{tokens.of_place(back)}",
    }


def filter_log_events(call: Call) -> Mapping[str, Any]:
    """A page of a group's events in the order of time, of all streams, that match the pattern."""
    params = call.params
    group = naming.named_group(params)
    functions = naming.asked_writers(call, group)
    if params.get("logStreamNames") and params.get("logStreamNamePrefix"):
        raise Fault(
            "InvalidParameterException",
            "LogStreamNames and LogStreamNamePrefix must not be both specified.",
        )
    wanted, pattern = selected(
        params.get("filterPattern"),
        functions,
        floors=naming.floors(call.lab, dict.fromkeys(functions, group)),
        streams=params.get("logStreamNames") or (),
        prefix=params.get("logStreamNamePrefix"),
        since=tokens.instant(params.get("startTime")),
        until=_behind(params.get("endTime")),
    )
    place = tokens.place(params["nextToken"]) if params.get("nextToken") else None
    most = min(params.get("limit") or EVENTS, EVENTS)
    with call.lab.store.connect() as connection:
        found, place = page(connection, wanted, pattern, most=most, after=place)
    events = [
        {
            "logStreamName": each.log_stream,
            **_told(each),
            "ingestionTime": tokens.milliseconds(each.timestamp),
            "eventId": tokens.event_id(each.place),
        }
        for each in found
    ]
    return {
        "events": events,
        "searchedLogStreams": [],
        **({} if place is None else {"nextToken": tokens.of_place(place)}),
    }


def selected(
    text: str | None, functions: tuple[str, ...], **more: Any
) -> tuple[questions.Wanted, patterns.Pattern]:
    """What to ask the store for, and what to look at beyond. Raises the Fault of a pattern that is none."""
    try:
        pattern = patterns.read(text)
    except patterns.Malformed as wrong:
        raise Fault("InvalidParameterException", f"Invalid filter pattern: {wrong}") from None
    wanted = questions.Wanted(
        functions=functions,
        all_of=[(each.text, each.regex) for each in pattern.all_of],
        none_of=[(each.text, each.regex) for each in pattern.none_of],
        any_of=[(each.text, each.regex) for each in pattern.any_of],
        **more,
    )
    return wanted, pattern


def page(
    connection: Any, wanted: questions.Wanted, pattern: patterns.Pattern, *, most: int, after: Place | None
) -> tuple[list[LogEvent], Place | None]:
    """`most` events at most, and the place to go on from; None when that was all."""
    test = pattern.test
    if test is None:
        found, more = questions.events(connection, wanted, rows=most, most_bytes=ANSWER_BYTES, after=after)
        return found, found[-1].place if more else None
    matching: list[LogEvent] = []
    looked, size = 0, 0
    more = True
    while more and looked < _READ_AT_MOST:
        found, more = questions.events(
            connection, wanted, rows=_READ_AT_ONCE, most_bytes=4 * ANSWER_BYTES, after=after
        )
        looked += len(found)
        for each in found:
            if not test(each.message):
                continue
            size += _size(each)
            if matching and (len(matching) == most or size > ANSWER_BYTES):
                return matching, matching[-1].place
            matching.append(each)
        after = found[-1].place if found else after
    return matching, after if more else None


def get_log_record(call: Call) -> Mapping[str, Any]:
    """One event by the pointer `@ptr` that a query of Logs Insights tells."""
    value = tokens.read(call.params["logRecordPointer"])
    if not (isinstance(value, list) and len(value) == 2 and isinstance(value[1], int)):
        raise tokens.invalid()
    with call.lab.store.connect() as connection:
        found = questions.event(connection, str(value[0]), value[1])
    if found is None:
        raise Fault("ResourceNotFoundException", "The specified log record does not exist.")
    record = {
        "@timestamp": str(tokens.milliseconds(found.timestamp)),
        "@message": found.message,
        "@logStream": found.log_stream,
        "@log": f"{naming.ACCOUNT}:{naming.PREFIX}{found.function}",
        "@requestId": found.request_id,
        "@ingestionTime": str(tokens.milliseconds(found.timestamp)),
    }
    return {"logRecord": {name: value for name, value in record.items() if value}}


def _told(event: LogEvent) -> dict[str, Any]:
    return {"timestamp": tokens.milliseconds(event.timestamp), "message": f"{event.message}\n"}


def _size(event: LogEvent) -> int:
    return len(event.message) + questions.EVENT_BYTES


def _behind(end_time: int | None) -> datetime | None:
    """FilterLogEvents gives events of its `endTime` too."""
    end = tokens.instant(end_time)
    return end if end is None or end == _END else end + timedelta(milliseconds=1)


def _token(text: str) -> tuple[bool, Place]:
    """Whether it goes forward, and from where."""
    way, _, rest = text.partition("/")
    if way not in ("f", "b"):
        raise tokens.invalid()
    return way == "f", tokens.place(rest)


OPERATIONS: dict[str, Handler] = {
    "FilterLogEvents": filter_log_events,
    "GetLogEvents": get_log_events,
    "GetLogRecord": get_log_record,
}
