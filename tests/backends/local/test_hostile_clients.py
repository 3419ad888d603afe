"""Runtime clients that do what none should: each gets Lambda's error, and the record tells what happened."""

from pathlib import Path

import pytest

RAW = (Path(__file__).parent / "raw_client.py").read_text("utf-8")
LOOP = """
from raw_client import Client
import os, sys, time
c = Client()
while True:
    c.next()
    if b"deed" not in c.event:
        c.respond(b'"well"')
        continue
    {statement}
    c.respond(b'"well"')
"""


@pytest.fixture
def hostile(define):
    """A function that behaves, unless its event asks for the deed."""

    def make(statement, **configuration):
        source = LOOP.format(statement=statement.strip().replace("\n", "\n    "))
        return define(source, files={"raw_client.py": RAW}, **{"timeout_s": 2} | configuration)

    return make


SENT = "State transition from RuntimeResponseSentState to InvocationResponse failed for runtime."
# name: (what it does, the error types of the record and of each answer it printed)
CASES = {
    "answers for another request": ("print(c.post('invocation/another/response', b'1'))", None, ["(400, 'InvalidRequestID')"]),
    "an error for another request": ("print(c.post('invocation/another/error', b'{}'))", None, ["(400, 'InvalidRequestID')"]),
    "streams for another request": ("mine, c.id = c.id, 'another'; print(c.chunks(b'1')); c.id = mine", None, ["400"]),
    "an init error after the init": ("print(c.post('init/error', b'{}'))", None, ["(403, 'InvalidStateTransition')"]),
    "an error of a restore without one": ("print(c.post('restore/error', b'{}'))", None, ["(404, None)"]),
    "an unknown path": ("print(c.post('invocation/x/elsewhere', b'{}'))", None, ["(404, None)"]),
    "asks again": ("first = c.id; print(c.next() == first, c.event)", None, ["True b'\"deed\"'"]),
    "closes its socket and comes back": ("c.close(); c.open()", None, []),
    "a second connection answers": ("c.file.close(); old = c.socket; c.open()", None, []),
    "many connections": ("keep = [Client() for _ in range(90)]", None, []),
    "closes its socket and stays silent": ("c.close(); time.sleep(60)", "Sandbox.Timedout", []),
    "closes its socket and ends": ("c.close(); os._exit(5)", "Runtime.ExitError", []),
    "closes in the middle of its answer": (
        "c.send('POST', f'/2018-06-01/runtime/invocation/{{c.id}}/response', b'half', length=8); c.close(); time.sleep(60)",
        "Runtime.TruncatedResponse",
        [],
    ),
    "promises more than it sends": (
        "c.send('POST', f'/2018-06-01/runtime/invocation/{{c.id}}/response', b'half', length=10**15); time.sleep(60)",
        "Sandbox.Timedout",
        [],
    ),
    "an unknown response mode": (
        "c.respond(b'1', 'Lambda-Runtime-Function-Response-Mode: slow'); c.next()",
        "Runtime.InvalidResponseModeHeader",
        [],
    ),
    "an answer that is too large": ("c.respond(b'x' * 6291557); c.next()", "Function.ResponseSizeTooLarge", []),
    "an error that is too large": (
        "c.post(f'invocation/{{c.id}}/error', b'x' * 6291557); c.next()", "Function.ResponseSizeTooLarge", []
    ),
    "an error that is no JSON": ("c.post(f'invocation/{{c.id}}/error', b'oh'); c.next()", "Runtime.Unknown", []),
    "a head without an end": ("c.socket.sendall(b'x' * 2_000_000); c.open()", None, []),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_client_is_contained_and_recorded(name, hostile, invoke):
    statement, kind, said = CASES[name]
    function = hostile(statement.replace("{{", "{").replace("}}", "}"))
    assert invoke(function).result == "well"
    execution = invoke(function, b'"deed"')
    assert (None if execution.error is None else execution.error.type) == kind
    if kind is None:
        assert execution.result == "well"
        assert [line.message for line in execution.logs if line.stream == "function"] == said
    assert invoke(function).result == "well", "the next invocation works"


def test_a_client_that_answers_twice_is_told_so_and_the_first_answer_counts(hostile, invoke):
    function = hostile("c.respond(b'1'); print(c.respond(b'2')); c.next()")
    execution = invoke(function, b'"deed"')
    assert execution.result == 1
    after = invoke(function)
    assert after.result == "well"
    assert "(403, 'InvalidStateTransition')" in [line.message for line in after.logs]
    assert not after.cold_start, "the process lives on"


def test_a_handler_that_answers_for_itself_ends_its_runtime_as_on_lambda(define, invoke):
    source = (
        "from raw_client import Client\n"
        "def handler(event, context):\n"
        "    client = Client(); client.id = context.aws_request_id\n"
        "    client.respond(b'1')\n"
        "    return 2\n"
    )
    function = define(source, files={"raw_client.py": RAW})
    first, second = invoke(function), invoke(function)
    assert (first.result, second.result) == (1, 1)
    assert second.cold_start, "the runtime client gave up after the 403"
    assert second.start_method.endswith("suppressed")


def test_an_event_that_is_never_read_runs_into_the_timeout(define, invoke):
    source = (
        "import time\nfrom raw_client import Client\nc = Client()\n"
        "c.send('GET', '/2018-06-01/runtime/invocation/next')\ntime.sleep(60)\n"
    )
    function = define(source, files={"raw_client.py": RAW}, timeout_s=1)
    execution = invoke(function, b'"%s"' % (b"x" * 6_000_000))
    assert execution.error.type == "Sandbox.Timedout"
    assert execution.duration_ms == 1000
