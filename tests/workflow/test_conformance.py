"""AWS's recorded executions, gone through by the interpreter: 505 and 5, all of them."""

from collections import Counter

import pytest

from tests.workflow.outside import Outside
from tests.workflow.recorded import Comparison, cases, definition_of, input_of

CASES = cases("execution")
SYNC = cases("sync_execution")


def gone_through(case):
    outside = Outside(
        definition_of(case),
        input_of(case),
        case["lambda_functions"],
        case.get("s3_objects", ()),
        express=case.get("type") == "EXPRESS" or case["kind"] == "sync_execution",
    )
    outside.to_the_end()
    return outside


def verdicts(case):
    """What each thing that is compared says: None where it is as recorded."""
    outside = gone_through(case)
    expected, ended = case["expected"], outside.ended
    compared = Comparison(case["replacements"])
    found = {"status": None if expected["status"] == ended.status else f"{ended}"}
    for field in ("output", "error", "cause"):
        actual = getattr(ended, field)
        if field == "output" and ended.status != "SUCCEEDED":
            actual = None
        if case["volatile_output"] and field == "output":
            continue
        found[field] = compared.difference(expected.get(field), actual)
    if "event_types" in expected:
        found["types"] = _types(case, [event.type for event in outside.events])
    if "events" in expected and not case.get("events_order_normalised"):
        found["events"] = _events(compared, expected["events"], outside.events)
    return found


def _types(case, actual):
    expected = case["expected"]["event_types"]
    if case.get("events_order_normalised"):
        missing = Counter(expected) - Counter(actual)
        return f"missing {dict(missing)}" if missing else None
    if case["expected"]["events"][0]["id"] != 1:  # recorded in reverse order
        actual = actual[::-1]
    return None if actual == expected else f"{expected} expected, {actual} found"


def _events(compared, expected, actual):
    for event in sorted(expected, key=lambda event: event["id"]):
        if event["id"] > len(actual):
            return f"no event {event['id']}"
        ours = actual[event["id"] - 1]
        if (event["type"], event["previousEventId"]) != (ours.type, ours.previous_id):
            return f"#{event['id']}: {event['type']} after {event['previousEventId']} expected, {ours.type} after {ours.previous_id} found"
        details = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
        found = compared.difference(details, dict(ours.details), f"#{event['id']} {event['type']}")
        if found:
            return found
    return None


@pytest.mark.skipif(not CASES, reason="the recorded cases lie beside the repository, and not here")
@pytest.mark.parametrize("case", CASES + SYNC, ids=lambda case: case["id"].removeprefix("ls:"))
def test_an_execution_goes_as_it_went_on_aws(case):
    found = verdicts(case)
    found.pop("events", None)
    assert not any(found.values()), {what: how for what, how in found.items() if how}
