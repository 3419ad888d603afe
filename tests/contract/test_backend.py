"""What every backend must do. A backend joins by a line in BACKENDS; a gap is a strict mark that names its error."""

import json
import threading

import pytest

from faaslab.backends.local import LocalBackend, LocalSettings
from faaslab.backends.protocol import Backend, Explains, Maps, Prepares, Reserves, Streams
from faaslab.errors import Closed, FaaslabError, RequestError
from faaslab.model.execution import Execution, ExecutionStatus
from faaslab.model.invocation import Invocation
from tests.backends.local.defining import REQUEST, Definer


def local(definer, folder):
    return LocalBackend(folder / "cache", code_of=definer.code_of)


def portable(definer, folder):
    """As on a machine that has nothing but what every POSIX system has."""
    return LocalBackend(
        folder / "cache",
        code_of=definer.code_of,
        settings=LocalSettings(system="portable", runtime_client="ours"),
    )


BACKENDS = {"local": local, "portable": portable}


@pytest.fixture
def definer(tmp_path):
    folder = tmp_path / "zips"
    folder.mkdir()
    return Definer(folder)


@pytest.fixture(params=BACKENDS)
def backend(request, definer, tmp_path):
    with BACKENDS[request.param](definer, tmp_path) as made:
        yield made


def invoked(backend, definer, function, payload=b"{}", request=REQUEST):
    return backend.invoke(function, payload, request=request, complete=definer.complete)


def test_it_has_the_protocols_shape(backend):
    whole: Backend = backend
    assert isinstance(whole.name, str)
    for protocol in (Backend, Maps, Explains, Prepares, Reserves, Streams):
        for name in vars(protocol):
            assert name.startswith("_") or hasattr(backend, name)


VALUES = [
    "{}",
    "[]",
    "null",
    "true",
    "0",
    "-1.5e300",
    '""',
    '"é \\ud83d\\ude00"',
    '{"a":{"b":[1,2,{"c":null}]}}',
    "[1e400]",
]


def test_values_go_through_unchanged(backend, definer):
    function = definer.define()
    for text in VALUES:
        execution = invoked(backend, definer, function, text.encode())
        assert execution.ok
        assert execution.result == json.loads(text)
        assert execution.payload_body == text.encode()


def test_a_response_can_be_read_while_it_is_made(backend, definer):
    pieces = backend.stream(definer.define(), b"[1]", request=REQUEST, complete=definer.complete)
    assert b"".join(pieces) == b"[1]"
    assert definer.recorded == [pieces.execution]
    failing = definer.define("def handler(e, c):\n    raise ValueError\n")
    pieces = backend.stream(failing, b"1", request=REQUEST, complete=definer.complete)
    assert list(pieces) == []
    assert pieces.execution.error.type == "ValueError"


def test_an_execution_carries_what_was_asked_and_measured(backend, definer):
    function = definer.define(memory_mb=256, timeout_s=9)
    request = Invocation(
        request_id="8f6d8f9e-3c63-4a5c-9a5c-0e8f6c1f4f11", trigger="t", attempt=3, batch_id="b"
    )
    execution = invoked(backend, definer, function, b"1", request)
    assert isinstance(execution, Execution)
    assert execution.request_id == request.request_id
    assert (execution.function, execution.backend) == ("probe", backend.name)
    assert (execution.version, execution.definition) == ("$LATEST", 1)
    assert (execution.trigger, execution.attempt, execution.batch_id) == ("t", 3, "b")
    assert (execution.memory_mb, execution.timeout_s) == (256, 9.0)
    assert execution.duration_ms > 0
    assert execution.billed_ms >= 1
    assert execution.started_at <= execution.ended_at
    assert execution.started_at.tzinfo is None
    assert invoked(backend, definer, function).id != execution.id


FAILURES = {
    "raises": ("def handler(e, c):\n    raise ValueError('x')\n", "ValueError"),
    "exits": ("import os\ndef handler(e, c):\n    os._exit(1)\n", "Runtime.ExitError"),
    "cannot be imported": ("import nothing_of_the_kind\n", "Runtime.ImportModuleError"),
    "has no handler": ("", "Runtime.HandlerNotFound"),
    "is no Python": ("def handler(", "Runtime.UserCodeSyntaxError"),
    "cannot be written as JSON": ("def handler(e, c):\n    return object()\n", "Runtime.MarshalError"),
    "returns too much": ("def handler(e, c):\n    return 'x' * 6300000\n", "Function.ResponseSizeTooLarge"),
    "takes too long": ("import time\ndef handler(e, c):\n    time.sleep(20)\n", "Sandbox.Timedout"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_function_that_fails_is_a_result_and_the_next_one_works(name, backend, definer):
    source, kind = FAILURES[name]
    failed = invoked(backend, definer, definer.define(source, timeout_s=1))
    assert not failed.ok
    assert failed.status in (ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT)
    assert failed.error.type == failed.result["errorType"] == kind
    assert failed.error.message == failed.result["errorMessage"]
    assert invoked(backend, definer, definer.define()).ok
    assert len(definer.recorded) == 2


def test_it_is_completed_before_the_answer_is_given(backend, definer):
    order = []
    backend.invoke(
        definer.define(), b"{}", request=REQUEST, complete=lambda executions: order.append(len(executions))
    )
    assert order == [1]
    future = backend.submit(definer.define(), b"{}", request=REQUEST, complete=definer.complete)
    assert future.result() in definer.recorded


def test_what_complete_raises_goes_to_the_caller(backend, definer):
    def refuse(executions):
        raise RuntimeError("full")

    with pytest.raises(RuntimeError, match="full"):
        backend.invoke(definer.define(), b"{}", request=REQUEST, complete=refuse)
    with pytest.raises(RuntimeError, match="full"):
        backend.submit(definer.define(), b"{}", request=REQUEST, complete=refuse).result()


def test_bad_input_is_an_error_of_the_caller_and_runs_nothing(backend, definer):
    for payload in (b"{", b'"' + b"x" * 6_291_456 + b'"'):
        with pytest.raises(RequestError) as caught:
            invoked(backend, definer, definer.define(), payload)
        assert caught.value.place
        assert caught.value.hint
    with pytest.raises(FaaslabError):
        invoked(backend, definer, definer.define(runtime="cobol85"))
    assert definer.recorded == []


def test_invocations_from_many_threads(backend, definer):
    function = definer.define()
    results = []
    threads = [
        threading.Thread(
            target=lambda n=n: results.append((n, invoked(backend, definer, function, b"%d" % n).result))
        )
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [(n, n) for n in range(12)]


def test_a_map_gives_every_index_once(backend, definer):
    payloads = [b"%d" % n for n in range(25)]
    ended = list(
        backend.map(definer.define(), payloads, request=REQUEST, concurrency=3, complete=definer.complete)
    )
    assert sorted((index, execution.result) for index, execution in ended) == [(n, n) for n in range(25)]
    assert len(definer.recorded) == 25


def test_a_closed_backend_says_so(backend, definer):
    invoked(backend, definer, definer.define())
    backend.close()
    backend.close()
    with pytest.raises(Closed):
        invoked(backend, definer, definer.define())


def test_it_tells_what_it_enforces(backend):
    told = backend.enforced()
    assert told
    assert all(isinstance(value, str) for pair in told.items() for value in pair)
