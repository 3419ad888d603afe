"""Asynchronous invocations through the real Lab: retries, ages, throttles, destinations, loops."""

import json

import pytest

from faaslab.errors import NotFound, RecursiveInvocation
from tests.lab.events import ECHO, FAIL, QUEUE_ARN, ask, rows, settled, until

# Fails until its file has as many lines as the event says.
FLAKY = """
import os
def handler(event, context):
    with open(event["path"], "a+") as file:
        file.write(context.aws_request_id + os.environ["_X_AMZN_TRACE_ID"] + "\\n")
        file.seek(0)
        runs = len(file.readlines())
    if runs < event["runs"]:
        raise ValueError(runs)
    return runs
"""


@pytest.fixture
def lab(opened):
    return opened()


def test_an_event_is_on_the_disk_when_it_is_handed_over_and_gives_its_execution(lab):
    lab.functions.create("echo", ECHO)
    queued = lab.functions.submit("echo", {"x": "é"}, invocation_type="Event")
    execution = queued.result(60)
    assert (execution.result, execution.invocation_type, execution.attempt) == ({"x": "é"}, "Event", 1)
    assert execution.request_id == queued.request_id
    assert queued.attempted.result() is execution
    assert queued.cancel() is False
    settled(lab)
    assert lab.asynchronous.depth() == 0
    assert rows(lab) == [["echo", "completed", 1, queued.request_id]]


def test_a_failed_event_is_run_again_after_one_minute_and_then_after_two(lab, clock, tmp_path):
    lab.functions.create("flaky", FLAKY)
    queued = lab.functions.submit("flaky", {"path": f"{tmp_path}/runs", "runs": 3}, invocation_type="Event")
    for wait_s, runs in ((0, 1), (59, 1), (1, 2), (119, 2), (1, 3)):
        clock.advance(wait_s)
        settled(lab)
        assert len(rows(lab)) == runs
        assert queued.done() is (runs == 3)
    execution = queued.result()
    assert (execution.result, execution.attempt) == (3, 3)
    assert queued.attempted.result().attempt == 1
    assert [row[1:3] for row in rows(lab)] == [["failed", 1], ["failed", 2], ["completed", 3]]
    # Each attempt tells since when it waited: for the backoff, after the first.
    assert list(lab.executions.list("flaky").sort_values("attempt").queue_ms // 1_000) == [0, 60, 120]
    assert execution.queue_ms // 1_000 == 120
    waited = lab.executions.phases(execution.id).iloc[0]
    assert (waited.phase, waited.note) == ("queue", "attempt 3, since it was put back into the queue")
    # The same request and the same trace each time.
    assert len(set((tmp_path / "runs").read_text().splitlines())) == 1
    assert {row[3] for row in rows(lab)} == {queued.request_id}


def test_the_final_failure_goes_to_a_function_and_a_dead_letter_queue_serves_itself_later(lab, clock):
    lab.functions.create("told", ECHO)
    lab.functions.create(
        "fail", FAIL, maximum_retry_attempts=1, on_failure="told", dead_letter_queue=QUEUE_ARN
    )
    queued = lab.functions.submit("fail", {"orderId": 42}, invocation_type="Event")
    settled(lab)
    clock.advance(60)
    settled(lab)
    assert queued.result(60).error.message == "boom"
    (told,) = lab.sql("SELECT id FROM executions WHERE function = 'told'")["id"]
    record = lab.executions.get(told).payload
    assert record["requestContext"] == {
        "requestId": queued.request_id,
        "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:fail:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 2,
    }
    assert record["requestPayload"] == {"orderId": 42}
    assert record["responseContext"] == {
        "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled",
    }  # fmt: skip
    assert record["responsePayload"]["errorType"] == "ValueError"
    assert lab.executions.get(told).trigger == "on_failure"

    kept = lab.asynchronous.table()
    assert kept[["function", "what", "state"]].to_numpy().tolist() == [["fail", "sqs", "kept"]]
    deliveries = ask(lab, "SELECT trigger, status, error FROM deliveries ORDER BY trigger")
    assert deliveries[0][:2] == ["dead_letter_queue", "kept"]
    assert "kept until something does" in deliveries[0][2]
    assert deliveries[1] == ["on_failure", "delivered", None]

    letters = []
    lab.asynchronous.deliver_with("sqs", letters.append)
    settled(lab)
    (letter,) = letters
    assert (letter.target, letter.body) == (QUEUE_ARN, '{"orderId":42}')
    assert {name: each.value for name, each in letter.attributes.items()} == {
        "RequestID": queued.request_id, "ErrorCode": "200", "ErrorMessage": "boom",
    }  # fmt: skip
    assert lab.asynchronous.table().empty
    assert (
        "delivered"
        in lab.sql("SELECT status FROM deliveries WHERE trigger = 'dead_letter_queue'")["status"].tolist()
    )


def test_a_message_that_its_service_does_not_take_is_told_as_failing(lab, clock, opened):
    lab.functions.create("echo", ECHO, on_success=QUEUE_ARN)
    answers = [ValueError("The specified queue does not exist."), None]

    def deliver(_):
        if answer := answers.pop(0):
            raise answer

    lab.asynchronous.deliver_with("sqs", deliver)
    lab.functions.submit("echo", 7, invocation_type="Event").result(60)
    settled(lab)
    said = "ValueError: The specified queue does not exist."
    # A process that only looks tells the same.
    other = opened()
    for one in (lab, other):
        (row,) = one.asynchronous.table().to_dict("records")
        assert (row["what"], row["state"], row["last_error"]) == ("sqs", "failing", said)
        assert one.asynchronous.failing() == {f"sqs: {said}": 1}
        doctor = one.doctor().set_index("what").loc["queue"]
        assert doctor["state"] == "bad"
        assert f"1 for sqs: {said}" in doctor["detail"]
    other.close()
    clock.advance(1)
    settled(lab)
    assert lab.asynchronous.table().empty
    assert lab.asynchronous.failing() == {}
    assert lab.doctor().set_index("what").loc["queue", "state"] == "ok"


def test_what_a_home_elsewhere_delivers_is_not_kept(lab, opened):
    lab.functions.create("echo", ECHO, on_success=QUEUE_ARN)
    lab.functions.submit("echo", 7, invocation_type="Event").result(60)
    settled(lab)
    assert lab.home.here
    assert lab.asynchronous.table()["state"].tolist() == ["kept"]
    assert opened().asynchronous.table()["state"].tolist() == ["waiting"]


def test_a_success_goes_to_its_destination(lab):
    topic = "arn:aws:sns:us-east-1:000000000000:done"
    lab.functions.create("echo", ECHO, on_success=topic)
    messages = []
    lab.asynchronous.deliver_with("sns", messages.append)
    lab.functions.submit("echo", 7, invocation_type="Event").result(60)
    settled(lab)
    (message,) = messages
    assert (message.target, message.attributes) == (topic, {})
    assert json.loads(message.body)["responsePayload"] == 7
    lab.functions.invoke("echo", 8)
    settled(lab)
    assert len(messages) == 1  # a synchronous invocation tells nobody


def test_whatever_a_function_answers_reaches_the_next(lab):
    lab.functions.create("told", ECHO)
    for name, answer in (("half", "'\\ud800'"), ("raw", "b'\\x89PNG'"), ("none", "None")):
        lab.functions.create(name, f"def handler(e, c): return {answer}", on_success="told")
        lab.functions.submit(name, invocation_type="Event").result(60)
    settled(lab)
    assert lab.asynchronous.depth() == 0
    assert ask(lab, "SELECT status, count(*) FROM executions WHERE function = 'told' GROUP BY 1") == [
        ["completed", 3]
    ]


def test_a_service_that_refuses_gets_the_message_again(lab, clock):
    lab.functions.create("fail", FAIL, maximum_retry_attempts=0, on_failure=QUEUE_ARN)
    taken = []

    def deliver(message):
        if len(taken) < 2:
            taken.append(None)
            raise OSError("no room")
        taken.append(message)

    lab.asynchronous.deliver_with("sqs", deliver)
    lab.functions.submit("fail", invocation_type="Event").result(60)
    for wait_s, attempts in ((0, 1), (1, 2), (1, 2), (1, 3)):
        clock.advance(wait_s)
        settled(lab)
        assert len(taken) == attempts
    assert taken[-1].last_error == "OSError: no room"
    found = ask(lab, "SELECT attempt, status, error FROM deliveries ORDER BY attempt")
    assert found == [
        [1, "failed", "OSError: no room"],
        [2, "failed", "OSError: no room"],
        [3, "delivered", None],
    ]
    metrics = ask(lab, "SELECT name, count(*) FROM metrics GROUP BY 1 ORDER BY 1")
    assert metrics == [["AsyncEventsDropped", 1], ["DestinationDeliveryFailures", 2]]


def test_a_throttled_event_comes_back_and_is_no_attempt(lab, clock, tmp_path):
    source = "import time, os\ndef handler(e, c):\n    while not os.path.exists(e): time.sleep(0.01)\n"
    lab.functions.create("one", source, reserved_concurrency=1, timeout_s=60)
    gate = tmp_path / "gate"
    running = lab.functions.submit("one", str(gate))
    until(lambda: any(each.state == "busy" for each in lab.backend.environments()))
    queued = lab.functions.submit("one", str(gate), invocation_type="Event")
    assert queued.attempted.result(60).status == "throttled"
    clock.advance(1)
    until(lambda: len(rows(lab)) == 2)
    gate.touch()
    running.result(60)
    clock.advance(2)
    execution = queued.result(60)
    assert (execution.status, execution.attempt) == ("completed", 1)
    mine = lab.sql(
        "SELECT status, attempt FROM executions WHERE invocation_type = 'Event' ORDER BY started_at"
    )
    assert mine.to_numpy().tolist() == [["throttled", 1], ["throttled", 1], ["completed", 1]]


def test_reserved_concurrency_0_discards_at_once(lab):
    lab.functions.create("told", ECHO)
    lab.functions.create("none", ECHO, reserved_concurrency=0, on_failure="told")
    execution = lab.functions.submit("none", 1, invocation_type="Event").result(60)
    assert execution.status == "throttled"
    settled(lab)
    (told,) = lab.sql("SELECT id FROM executions WHERE function = 'told'")["id"]
    record = lab.executions.get(told).payload
    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert "responseContext" not in record


def test_what_cannot_be_run_waits_and_is_given_up_when_it_is_too_old(lab, clock, monkeypatch):
    monkeypatch.delenv("FAASLAB_NOWHERE", raising=False)
    lab.functions.create("told", ECHO)
    lab.functions.create(
        "f", ECHO, secrets=["TOKEN=env:FAASLAB_NOWHERE"], maximum_event_age_s=60, on_failure="told"
    )
    queued = lab.functions.submit("f", 1, invocation_type="Event")
    with pytest.raises(NotFound, match="FAASLAB_NOWHERE"):
        queued.attempted.result(60)
    settled(lab)
    (waiting,) = lab.asynchronous.table().to_dict("records")
    assert (waiting["state"], waiting["attempt"]) == ("waiting", 1)
    assert "FAASLAB_NOWHERE" in waiting["last_error"]
    for wait_s in (1, 2, 4, 8, 16):
        clock.advance(wait_s)
        settled(lab)
    assert not queued.done()
    clock.advance(29)  # not after 32 more seconds: it is too old before
    execution = queued.result(60)
    assert (execution.status, execution.error.type) == ("throttled", "EventAgeExceeded")
    assert "FAASLAB_NOWHERE" in execution.error.message
    settled(lab)
    assert lab.asynchronous.depth() == 0
    assert sorted(row[:2] for row in rows(lab)) == [["f", "throttled"], ["told", "completed"]]


def test_it_runs_once_what_was_missing_is_there(lab, clock, monkeypatch):
    lab.functions.create("f", ECHO, secrets=["TOKEN=env:FAASLAB_NOWHERE"])
    queued = lab.functions.submit("f", 1, invocation_type="Event")
    settled(lab)
    monkeypatch.setenv("FAASLAB_NOWHERE", "here-it-is")
    clock.advance(1)
    assert queued.result(60).result == 1


def test_a_loop_is_stopped_after_16_runs_of_a_function(lab):
    lab.functions.create("ping", "def handler(e, c): return 'ping'")
    lab.functions.create("pong", "def handler(e, c): return e['responsePayload']", on_success="ping")
    lab.functions.update("ping", on_success="pong", on_failure=QUEUE_ARN, dead_letter_queue=QUEUE_ARN)
    letters = []
    lab.asynchronous.deliver_with("sqs", letters.append)
    lab.functions.submit("ping", "serve", invocation_type="Event")
    settled(lab)
    counts = lab.sql("SELECT function, status, count(*) FROM executions GROUP BY ALL ORDER BY ALL")
    assert counts.to_numpy().tolist() == [
        ["ping", "completed", 16],
        ["ping", "throttled", 1],
        ["pong", "completed", 16],
    ]
    (stopped,) = lab.sql("SELECT id FROM executions WHERE status = 'throttled'")["id"]
    assert lab.executions.get(stopped).error.type == "RecursiveInvocationException"
    assert lab.sql(
        "SELECT function, value FROM metrics WHERE name = 'RecursiveInvocationsDropped'"
    ).to_numpy().tolist() == [["ping", 1.0]]
    assert {letter.reason for letter in letters} == {"on_failure", "dead_letter_queue"}


def test_a_record_that_is_too_large_for_an_event_is_not_sent_and_that_is_told(lab):
    lab.functions.create("told", ECHO)
    lab.functions.create("large", "def handler(e, c): return 'x' * 1_100_000", on_success="told")
    lab.functions.submit("large", invocation_type="Event").result(60)
    settled(lab)
    ((status, error),) = ask(lab, "SELECT status, error FROM deliveries")
    assert (status, "larger than the 1048576 bytes" in error) == ("failed", True)
    assert ask(lab, "SELECT name FROM metrics") == [["DestinationDeliveryFailures"]]


def test_a_loop_may_be_allowed(lab):
    lab.functions.create("ping", ECHO, recursive_loop="Allow")
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0;Lineage=" + "|".join(
        f"{digest}:20" for digest in ("00000000", "11111111")
    )
    for _ in range(20):
        execution = lab.functions.submit("ping", 1, invocation_type="Event", trace_id=header).result(60)
        header = execution.trace_id
    assert execution.ok
    lab.functions.update("ping", recursive_loop="Terminate")
    stopped = lab.functions.submit("ping", 1, invocation_type="Event", trace_id=header).result(60)
    assert stopped.error.type == "RecursiveInvocationException"


def test_a_function_that_calls_itself_and_waits_is_stopped_as_well(lab):
    lab.functions.create("f", "import os\ndef handler(e, c): return os.environ['_X_AMZN_TRACE_ID']")
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0"
    for _ in range(16):
        header = lab.functions.invoke("f", trace_id=header).result
    with pytest.raises(RecursiveInvocation, match="recursive loop"):
        lab.functions.invoke("f", trace_id=header)
    assert ask(lab, "SELECT name, value FROM metrics") == [["RecursiveInvocationsDropped", 1.0]]
    lab.functions.update("f", recursive_loop="Allow")
    assert lab.functions.invoke("f", trace_id=header).ok
    assert "Lineage" not in lab.functions.invoke("f").result


def test_a_function_that_goes_takes_its_events_with_it(lab, clock):
    lab.functions.create("fail", FAIL, on_failure=QUEUE_ARN)
    queued = lab.functions.submit("fail", invocation_type="Event")
    queued.attempted.result(60)
    settled(lab)
    lab.functions.delete("fail")
    clock.advance(60)
    execution = queued.result(60)
    assert (execution.error.type, execution.attempt) == ("ResourceNotFoundException", 2)
    settled(lab)
    assert lab.asynchronous.configs.list("fail") == ()
