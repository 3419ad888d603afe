import socket

import pytest

from faaslab.backends.local.runtime_api import CLOSED, NEXT, RESPONSE_LIMIT, Request, RuntimeApi

GET = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"


def post(path, body, *headers):
    head = "".join(
        f"{line}\r\n"
        for line in (f"POST /2018-06-01/runtime/{path} HTTP/1.1", f"Content-Length: {len(body)}", *headers)
    )
    return head.encode() + b"\r\n" + body


@pytest.fixture(params=[True, False], ids=["timed", "portable"])
def pair(request):
    api = RuntimeApi(timed=request.param)
    host, port = api.address.split(":")
    client = socket.create_connection((host, int(port)))
    assert api.wait(5)
    assert api.accept()
    yield api, client
    client.close()
    api.close()
    api.close()


def fed(api, client, data, size):
    """Send in pieces, and let each arrive before the next."""
    answers = []
    for at in range(0, len(data), size):
        client.sendall(data[at : at + size])
        assert api.wait(5)
        answers.append(api.receive(socket.MSG_DONTWAIT))
    assert all(answer is None for answer in answers[:-1])
    return answers[-1]


CASES = {
    "next": (GET, NEXT),
    "response": (
        post("invocation/abc/response", b'{"a": 1}', "content-type: application/json"),
        Request("response", "abc", b'{"a": 1}', None, 8, "application/json"),
    ),
    "empty response": (post("invocation/abc/response", b""), Request("response", "abc", b"", None, 0)),
    "error": (
        post("invocation/abc/error", b"{}", "Lambda-Runtime-Function-Error-Type: ValueError"),
        Request("error", "abc", b"{}", "ValueError", 2),
    ),
    "init error": (
        post("init/error", b"{}", "lambda-runtime-function-error-type: Runtime.X"),
        Request("init_error", "", b"{}", "Runtime.X", 2),
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_request_is_whole_however_it_was_cut(pair, name, size):
    data, expected = CASES[name]
    assert fed(*pair, data, size) == expected
    assert fed(*pair, GET, size) == NEXT, "nothing is left over"


def test_what_is_above_the_limit_is_counted_and_not_kept(pair):
    api, client = pair
    body = b"x" * (RESPONSE_LIMIT + 5_000_000)
    import threading

    sender = threading.Thread(target=client.sendall, args=(post("invocation/a/response", body),))
    sender.start()
    request = None
    while request is None:
        assert api.wait(5)
        request = api.receive(socket.MSG_DONTWAIT)
    sender.join()
    assert request.length == len(body)
    assert len(request.body) < RESPONSE_LIMIT + 2_000_000


def test_a_client_that_waits_to_be_asked_is_asked(pair):
    api, client = pair
    data = post("invocation/a/response", b"body", "Expect: 100-continue")
    client.sendall(data[:-4])
    assert api.wait(5)
    assert api.receive(socket.MSG_DONTWAIT) is None
    client.settimeout(5)
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(data[-4:])
    assert api.wait(5)
    assert api.receive().body == b"body"


def test_another_path_is_not_found_and_the_connection_lives(pair):
    api, client = pair
    client.sendall(b"GET /elsewhere HTTP/1.1\r\n\r\n")
    assert api.wait(5)
    assert api.receive(socket.MSG_DONTWAIT) is None
    client.settimeout(5)
    assert client.recv(100).startswith(b"HTTP/1.1 404 ")
    assert fed(api, client, GET, 1000) == NEXT


def test_the_end_of_the_client_is_seen_and_nothing_else_breaks(pair):
    api, client = pair
    assert api.receive() is None, "a tick without a word"
    client.close()
    assert api.receive() is CLOSED
    api.drop()
    assert api.receive() is None
    assert not api.send(b"x")


def test_it_listens_on_loopback_only():
    api = RuntimeApi()
    assert api.address.startswith("127.0.0.1:")
    api.close()
