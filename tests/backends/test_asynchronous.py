"""What becomes of an asynchronous event, as tables; what is told about it, against recorded shapes."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from faaslab.backends.asynchronous import (
    Discard,
    Requeue,
    Retry,
    Succeed,
    after_run,
    before_run,
    delivery_delay_s,
    invocation_record,
    still_tried,
    to_dead_letters,
    to_destination,
    why,
)
from faaslab.backends.trace_header import entering, new_header
from faaslab.model.asynchronous import EventInvokeConfig, QueuedEvent
from faaslab.model.execution import Execution, ExecutionError, ExecutionStatus
from faaslab.model.function import Function, FunctionConfiguration, InlineCode
from faaslab.model.invocation import Invocation

NOW = datetime(2026, 3, 12, 10)
CASES = Path(__file__).parents[3] / "shared" / "conformance" / "events"
COMPLETED, FAILED = ExecutionStatus.COMPLETED, ExecutionStatus.FAILED
TIMEOUT, THROTTLED = ExecutionStatus.TIMEOUT, ExecutionStatus.THROTTLED
OURS = None


def function(**configuration):
    return Function(
        id="worker", name="worker", runtime="python3.13", handler="a.b", code=InlineCode(source=""),
        configuration=FunctionConfiguration(**configuration), created_at=NOW, updated_at=NOW,
        region="eu-central-1",
    )  # fmt: skip


def config(**values):
    return EventInvokeConfig(function="worker", updated_at=NOW, **values)


def event(attempt=1, turned_away=0, last_error=None, **asked):
    invocation = Invocation(**{
        "request_id": "e4b46cbf-0000-4000-8000-000000000003", "trace_id": new_header(1, "0" * 40),
        "attempt": attempt, **asked,
    })  # fmt: skip
    return QueuedEvent(
        function="worker", payload='{"orderId":42}', invocation=invocation, queued_at=NOW,
        turned_away=turned_away, last_error=last_error,
    )  # fmt: skip


def execution(status, result, **values):
    return Execution(
        id="1", function="worker", request_id="r", status=status, started_at=NOW,
        result_body=json.dumps(result).encode(), **values,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "attempt", "turned_away", "age_s", "settings", "reserved", "decision"),
    [
        (COMPLETED, 1, 0, 0, {}, None, Succeed()),
        (COMPLETED, 3, 5, 99_999, {}, None, Succeed()),
        (FAILED, 1, 0, 0, {}, None, Retry(60)),
        (TIMEOUT, 2, 0, 61, {}, None, Retry(120)),
        (FAILED, 3, 0, 190, {}, None, Discard("RetriesExhausted")),
        (FAILED, 1, 0, 0, {"maximum_retry_attempts": 0}, None, Discard("RetriesExhausted")),
        (FAILED, 1, 0, 0, {"maximum_retry_attempts": 1}, None, Retry(60)),
        (FAILED, 2, 0, 61, {"maximum_retry_attempts": 1}, None, Discard("RetriesExhausted")),
        # There would be no time left for the next attempt.
        (FAILED, 1, 0, 1, {"maximum_event_age_s": 60}, None, Discard("EventAgeExceeded")),
        (FAILED, 1, 0, 0, {"maximum_event_age_s": 60}, None, Retry(60)),
        (THROTTLED, 1, 0, 0, {}, None, Requeue(1)),
        (THROTTLED, 1, 1, 1, {}, 5, Requeue(2)),
        (OURS, 2, 4, 70, {}, None, Requeue(16)),
        (THROTTLED, 1, 8, 600, {}, None, Requeue(256)),
        (THROTTLED, 1, 9, 900, {}, None, Requeue(300)),
        (OURS, 1, 5000, 900, {}, None, Requeue(300)),
        # Not beyond its age.
        (THROTTLED, 1, 6, 50, {"maximum_event_age_s": 60}, None, Requeue(10)),
        (THROTTLED, 1, 9, 21_600, {}, None, Discard("EventAgeExceeded")),
        (THROTTLED, 1, 0, 0, {}, 0, Discard("ZeroReservedConcurrency")),
        (OURS, 1, 0, 0, {}, 0, Discard("ZeroReservedConcurrency")),
    ],
)  # fmt: skip
def test_what_follows_an_attempt(status, attempt, turned_away, age_s, settings, reserved, decision):
    found = after_run(
        status, event(attempt=attempt, turned_away=turned_away), config(**settings),
        reserved=reserved, now=NOW + timedelta(seconds=age_s),
    )  # fmt: skip
    assert found == decision


def test_an_event_that_is_too_old_or_in_a_loop_is_not_run():
    assert before_run(event(), config(), function(), NOW + timedelta(seconds=21_599)) is None
    old = before_run(event(), config(), function(), NOW + timedelta(seconds=21_600))
    assert old == Discard("EventAgeExceeded")
    header = new_header(1, "0" * 40)
    for runs in range(17):
        header = entering(header, function().arn)
        stopped = before_run(event(trace_id=header), config(), function(), NOW)
        assert stopped == (Discard("RecursiveLoop") if runs == 16 else None)
    allowed = function(recursive_loop="Allow")
    assert before_run(event(trace_id=header), config(), allowed, NOW) is None


@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_the_record_of_a_destination_has_lambda_s_shape(outcome):
    path = CASES / f"async_destination_on_{outcome}.json"
    if not path.exists():
        pytest.skip("the recorded cases are not beside this checkout")
    case = json.loads(path.read_text())
    asked = case["requestContext"]
    ended = execution(COMPLETED if outcome == "success" else FAILED, case["responsePayload"])
    record = invocation_record(
        event(request_id=asked["requestId"], attempt=asked["approximateInvokeCount"]),
        function(), asked["condition"], ended, now=datetime.fromisoformat(case["timestamp"][:-1]),
    )  # fmt: skip
    asked["functionArn"] = asked["functionArn"].replace("111122223333", "000000000000")
    assert record == case
    assert list(record) == list(case)
    assert list(record["responseContext"]) == list(case["responseContext"])


def test_a_record_of_what_never_ran_tells_no_response():
    turned_away = execution(THROTTLED, {})
    for ended in (None, turned_away):
        record = invocation_record(event(), function(), "ZeroReservedConcurrency", ended, now=NOW)
        assert list(record) == ["version", "timestamp", "requestContext", "requestPayload"]
    ended = execution(COMPLETED, 1, version="7")
    record = invocation_record(event(qualifier="7"), function(), "Success", ended, now=NOW)
    assert record["requestContext"]["functionArn"].endswith(":worker:7")
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "7"}
    record = invocation_record(
        event(qualifier="live"), function(), "Success", execution(COMPLETED, 1), now=NOW
    )
    assert record["responseContext"]["executedVersion"] == "$LATEST"


@pytest.mark.parametrize(
    ("body", "embedded"),
    [
        (b'{"a":[1]}', {"a": [1]}), (b"\x89PNG", "\ufffdPNG"), (None, None), (b'"\\ud800"', "\ud800"),
        (b"[" * 5000 + b"]" * 5000, "[" * 5000 + "]" * 5000), (b"[" * 900 + b"]" * 900, ...),
    ],
)  # fmt: skip
def test_any_response_has_a_place_in_a_record(body, embedded):
    ended = Execution(
        id="1", function="worker", request_id="r", status=COMPLETED, started_at=NOW, result_body=body
    )
    record = invocation_record(event(), function(), "Success", ended, now=NOW)
    if embedded is not ...:
        assert record["responsePayload"] == embedded
    message = to_destination("arn:aws:sns:x:0:t", "on_success", record, function(), event(), now=NOW)
    assert json.loads(message.body.encode()) == record


def test_what_a_bus_and_a_bucket_need_goes_with_the_record():
    bus = "arn:aws:events:eu-central-1:000000000000:event-bus/default"
    record = invocation_record(event(), function(), "Success", execution(COMPLETED, 1), now=NOW)
    message = to_destination(bus, "on_success", record, function(), event(), now=NOW)
    assert json.loads(message.body) == record
    assert message.detail_type == "Lambda Function Invocation Result - Success"
    assert message.resources == (bus, f"{function().arn}:$LATEST")
    assert (
        message.key
        == f"aws/lambda/async/worker/2026/03/12/2026-03-12T10.00.00-{record['requestContext']['requestId']}"
    )
    failed = to_destination(bus, "on_failure", record, function(), event(), now=NOW)
    assert failed.detail_type == "Lambda Function Invocation Result - Failure"


@pytest.mark.parametrize(
    ("condition", "ended", "code", "message"),
    [
        ("RetriesExhausted", execution(FAILED, {}, error=ExecutionError(type="E", message="boom")), "200", "boom"),
        ("RetriesExhausted", execution(FAILED, {}, error=ExecutionError(type="E", message="é" * 900)), "200", "é" * 512),
        ("EventAgeExceeded", None, "429", "The event was in the queue for longer than its maximum age."),
        ("ZeroReservedConcurrency", execution(THROTTLED, {}, error=ExecutionError(type="T", message="Rate Exceeded.")),
         "429", "Rate Exceeded."),
        ("RecursiveLoop", None, "400", "recursive loop"),
    ],
)  # fmt: skip
def test_a_dead_letter_is_the_event_with_three_attributes(condition, ended, code, message):
    letter = to_dead_letters("arn:aws:sqs:x:0:dead", condition, function(), event(), ended, now=NOW)
    assert letter.body == '{"orderId":42}'
    told = {name: (each.data_type, each.value) for name, each in letter.attributes.items()}
    assert told["RequestID"] == ("String", event().request_id)
    assert told["ErrorCode"] == ("Number", code)
    assert told["ErrorMessage"][0] == "String"
    assert message in told["ErrorMessage"][1]
    assert len(told["ErrorMessage"][1].encode()) <= 1024


def test_a_message_is_tried_again_less_and_less_often_for_six_hours():
    assert [delivery_delay_s(attempt) for attempt in (1, 2, 3, 9, 10, 99)] == [1, 2, 4, 256, 300, 300]
    letter = to_dead_letters("arn:aws:sqs:x:0:dead", "RetriesExhausted", function(), event(), None, now=NOW)
    assert still_tried(letter, NOW + timedelta(hours=5, minutes=59))
    assert not still_tried(letter, NOW + timedelta(hours=6))


def test_why_an_event_was_not_run_says_its_last_error():
    assert why("FunctionNotFound", event(qualifier="3")) == "Function not found: worker:3"
    assert why("EventAgeExceeded", event(last_error="no python3.9")).endswith("Last error: no python3.9")
