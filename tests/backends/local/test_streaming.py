"""Responses that are read while they are made."""

import hashlib
import json
import threading
from pathlib import Path

import pytest

from faaslab.backends.local.api.bandwidth import BYTES_PER_S, FREE_BYTES, Allowance
from faaslab.backends.local.api.runtime_replies import RESPONSE_LIMIT, STREAM_LIMIT
from faaslab.clock import SteppedClock
from faaslab.errors import Closed
from faaslab.model.execution import ExecutionStatus
from tests.backends.local.defining import REQUEST

RAW = (Path(__file__).parent / "raw_client.py").read_text("utf-8")
LOOP = """
from raw_client import Client
import json, os, time, pathlib
c = Client()
def arrives(name):
    while not pathlib.Path(name).exists():
        time.sleep(0.001)
while True:
    c.next()
    event = json.loads(c.event)
    {statement}
"""


@pytest.fixture
def streaming(define):
    """A function that answers as the statement does, by a client that can stream."""

    def make(statement, **configuration):
        source = LOOP.format(statement=statement.strip().replace("\n", "\n    "))
        return define(source, files={"raw_client.py": RAW}, **{"timeout_s": 20} | configuration)

    return make


@pytest.fixture
def stream(backend, definer):
    def call(function, payload=b"{}", on=None):
        return (on or backend).stream(function, payload, request=REQUEST, complete=definer.complete)

    return call


@pytest.mark.parametrize(
    ("taken", "waits"),
    [
        ([(0, FREE_BYTES)], [0.0]),
        ([(0, FREE_BYTES), (0, BYTES_PER_S)], [0.0, 1.0]),
        ([(0, FREE_BYTES), (1, BYTES_PER_S)], [0.0, 0.0]),
        ([(0, FREE_BYTES + BYTES_PER_S), (1, 0), (1, BYTES_PER_S // 2)], [1.0, 0.0, 0.5]),
        ([(0, 0), (1000, FREE_BYTES), (1000, 2 * BYTES_PER_S)], [0.0, 0.0, 2.0]),
    ],
)
def test_six_megabytes_are_free_and_the_rest_has_its_pace(taken, waits):
    allowance = Allowance(0)
    assert [allowance.take(size, now) for now, size in taken] == waits


def test_a_piece_comes_before_the_next_is_made(streaming, stream, tmp_path, definer):
    function = streaming("c.begin(); c.chunk(b'one'); arrives(event); c.chunk(b'two'); c.end()")
    gate = tmp_path / "gate"
    pieces = stream(function, json.dumps(str(gate)).encode())
    assert next(pieces) == b"one"
    assert definer.recorded == [], "it is still running"
    gate.touch()
    assert list(pieces) == [b"two"]
    execution = pieces.execution
    assert execution.ok
    assert (execution.result_body, execution.result_bytes) == (b"onetwo", 6)
    assert definer.recorded == [execution]


def test_without_streaming_it_is_buffered(streaming, invoke):
    function = streaming("c.chunks(b'{\"a\": ', b'1}')")
    first, second = invoke(function), invoke(function)
    assert first.result == second.result == {"a": 1}


def test_a_buffered_response_is_one_piece(define, stream):
    pieces = stream(define(), b'{"x": 1}')
    assert list(pieces) == [b'{"x": 1}']
    assert pieces.execution.result == {"x": 1}


def test_a_stream_of_a_known_length_is_handed_on(streaming, stream):
    function = streaming(
        "c.respond(b'whole', 'Lambda-Runtime-Function-Response-Mode: streaming', 'Content-Type: text/plain')"
    )
    pieces = stream(function)
    assert b"".join(pieces) == b"whole"
    assert pieces.content_type == "text/plain"
    assert pieces.execution.result_bytes == 5


def test_an_error_in_the_trailers_fails_the_invocation_after_its_pieces(streaming, stream):
    body = "eyJlcnJvclR5cGUiOiAiTGF0ZSIsICJlcnJvck1lc3NhZ2UiOiAic29ycnkifQ=="
    function = streaming(
        "c.chunks(b'part', trailers=('Lambda-Runtime-Function-Error-Type: Function.Late', "
        f"'Lambda-Runtime-Function-Error-Body: {body}'))"
    )
    pieces = stream(function)
    assert list(pieces) == [b"part"]
    error = pieces.execution.error
    assert (error.type, error.message) == ("Late", "sorry")


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("c.begin(); c.chunk(b'part'); os._exit(3)", "Runtime.ExitError"),
        ("c.begin(); c.chunk(b'part'); time.sleep(60)", "Sandbox.Timedout"),
        ("c.begin(); c.chunk(b'part'); c.close(); time.sleep(60)", "Runtime.TruncatedResponse"),
    ],
)
def test_a_stream_that_breaks_off_is_a_failure_and_its_pieces_were_read(statement, kind, streaming, stream):
    pieces = stream(streaming(statement, timeout_s=1))
    assert list(pieces) == [b"part"]
    assert pieces.execution.error.type == kind
    assert pieces.execution.status is (
        ExecutionStatus.TIMEOUT if kind == "Sandbox.Timedout" else ExecutionStatus.FAILED
    )


class Quick(SteppedClock):
    """A clock that is moved by a stream that has to wait."""

    waited = 0.0

    def wait(self, event, seconds):
        if threading.current_thread().name != "faaslab-stream":
            return super().wait(event, seconds)
        self.waited += seconds
        self.advance(seconds)
        return event.is_set()


LARGE = "c.begin()\nfor _ in range(event): c.chunk(bytes(1 << 20))\nprint(c.end())"


def test_eight_megabytes_are_too_many_buffered_and_none_streamed(streaming, stream, invoke, backend_with):
    clock = Quick()
    backend = backend_with(clock=clock)
    function = streaming(LARGE)
    failed = invoke(function, b"8", on=backend)
    assert failed.error.type == "Function.ResponseSizeTooLarge"
    assert "(6291556 bytes)" in failed.error.message
    pieces = stream(function, b"8", on=backend)
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    assert (size, digest.digest()) == (8 << 20, hashlib.sha256(bytes(8 << 20)).digest())
    assert clock.waited == pytest.approx(1.0), "two megabytes above the free six"
    execution = pieces.execution
    assert execution.ok
    assert execution.result_bytes == 8 << 20
    assert len(execution.result_body) == RESPONSE_LIMIT


def test_two_hundred_megabytes_are_the_limit_of_a_stream(streaming, stream, backend_with):
    pieces = stream(streaming(LARGE, timeout_s=60), b"201", on=backend_with(clock=Quick()))
    size = sum(len(piece) for piece in pieces)
    assert STREAM_LIMIT - (2 << 20) < size <= STREAM_LIMIT
    execution = pieces.execution
    assert execution.error.type == "Function.ResponseSizeTooLarge"
    assert f"({STREAM_LIMIT} bytes)" in execution.error.message


def test_whoever_stops_reading_does_not_stop_the_function(streaming, stream, definer):
    function = streaming("c.begin()\nfor _ in range(200): c.chunk(b'x')\nc.end()")
    pieces = stream(function)
    next(pieces)
    pieces.close()
    assert list(pieces) == []
    assert pieces.execution.result_bytes == 200
    assert definer.recorded == [pieces.execution]


def test_what_the_backend_raises_is_raised_to_the_reader(streaming, stream, backend_with):
    backend = backend_with()
    pieces = stream(streaming("c.begin(); c.chunk(b'x'); time.sleep(60)"), on=backend)
    assert next(pieces) == b"x"
    backend.close()
    with pytest.raises(Closed):
        list(pieces)
    with pytest.raises(Closed):
        stream(streaming("c.chunks(b'x')"), on=backend)
