import contextlib
import socket

import pytest

from faaslab.backends.local.api.connection import CLOSED, NEXT, Request
from faaslab.backends.local.api.runtime_api import RuntimeApi
from faaslab.backends.local.api.runtime_replies import RESPONSE_LIMIT

GET = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"


def post(path, body, *headers):
    head = "".join(
        f"{line}\r\n"
        for line in (f"POST /2018-06-01/runtime/{path} HTTP/1.1", f"Content-Length: {len(body)}", *headers)
    )
    return head.encode() + b"\r\n" + body


def chunked(path, *pieces, headers=(), trailers=()):
    head = "".join(
        f"{line}\r\n"
        for line in (
            f"POST /2018-06-01/runtime/{path} HTTP/1.1",
            "Host: x",
            "Transfer-Encoding: chunked",
            *headers,
        )
    )
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    end = "".join(f"{line}\r\n" for line in trailers)
    return head.encode() + b"\r\n" + chunks + b"0\r\n" + end.encode() + b"\r\n"


STREAMING = "Lambda-Runtime-Function-Response-Mode: streaming"


@pytest.fixture(params=[True, False], ids=["timed", "portable"])
def pair(request):
    api = RuntimeApi(timed=request.param)
    host, port = api.address.split(":")
    client = socket.create_connection((host, int(port)))
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
        answers.append(api.look())
    assert all(answer is None for answer in answers[:-1])
    return answers[-1]


CASES = {
    "next": (GET, NEXT),
    "response": (
        post("invocation/abc/response", b'{"a": 1}', "content-type: application/json"),
        Request("response", "abc", b'{"a": 1}', None, 8),
    ),
    "empty response": (post("invocation/abc/response", b""), Request("response", "abc", b"", None, 0)),
    "error": (
        post("invocation/abc/error", b"{}", "Lambda-Runtime-Function-Error-Type: ValueError"),
        Request("error", "abc", b"{}", "ValueError", 2),
    ),
    "no content length": (
        b"POST /2018-06-01/runtime/invocation/abc/response HTTP/1.1\r\n\r\n",
        Request("response", "abc", b"", None, 0),
    ),
    "chunks": (
        chunked("invocation/abc/response", b"he", b"llo"),
        Request("response", "abc", b"hello", None, 5),
    ),
    "restore": (
        b"GET /2018-06-01/runtime/restore/next HTTP/1.1\r\n\r\n",
        Request("restore_next"),
    ),
    "restore error": (
        post("restore/error", b"{}", "Lambda-Runtime-Function-Error-Type: Runtime.AfterRestoreError"),
        Request("restore_error", "", b"{}", "Runtime.AfterRestoreError", 2),
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
        request = api.look()
    sender.join()
    assert request.length == len(body)
    assert len(request.body) < RESPONSE_LIMIT + 2_000_000


def test_a_client_that_waits_to_be_asked_is_asked(pair):
    api, client = pair
    data = post("invocation/a/response", b"body", "Expect: 100-continue")
    client.sendall(data[:-4])
    assert api.wait(5)
    assert api.look() is None
    client.settimeout(5)
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(data[-4:])
    assert api.wait(5)
    assert api.look().body == b"body"


def test_another_path_is_not_found_and_the_connection_lives(pair):
    api, client = pair
    client.sendall(b"GET /elsewhere HTTP/1.1\r\n\r\n")
    assert api.wait(5)
    assert api.look() is None
    client.settimeout(5)
    assert client.recv(100).startswith(b"HTTP/1.1 404 ")
    assert fed(api, client, GET, 1000) == NEXT


def test_the_end_of_the_client_is_seen_and_nothing_else_breaks(pair):
    api, client = pair
    assert api.look() is None, "a tick without a word"
    assert fed(api, client, GET, 1000) == NEXT
    client.close()
    assert api.look() is CLOSED
    api.drop()
    assert api.look() is None
    assert not api.send(b"x")


def test_it_listens_on_loopback_only():
    api = RuntimeApi()
    assert api.address.startswith("127.0.0.1:")
    api.close()


def heard(api, count):
    found = []
    while len(found) < count:
        request = api.look()
        if request is None:
            assert api.wait(5)
        else:
            found.append(request)
    return found


def test_a_streamed_response_comes_in_pieces_and_ends_with_the_whole(pair):
    api, client = pair
    data = chunked("invocation/a/response", b"one", b"two", headers=(STREAMING, "Content-Type: text/x"))
    at = data.index(b"3\r\ntwo")
    client.sendall(data[:at])
    (first,) = heard(api, 1)
    assert (first.kind, first.body, first.content_type) == ("chunk", b"one", "text/x")
    client.sendall(data[at:])
    second, end = heard(api, 2)
    assert (second.kind, second.body) == ("chunk", b"two")
    assert (end.kind, end.body, end.length, end.mode) == ("response", b"onetwo", 6, "streaming")
    assert fed(api, client, GET, 1000) == NEXT


def test_a_stream_of_a_known_length_comes_in_pieces_as_well(pair):
    api, client = pair
    data = post("invocation/a/response", b"onetwo", STREAMING)
    client.sendall(data[:-3])
    (first,) = heard(api, 1)
    assert (first.kind, first.body) == ("chunk", b"one")
    client.sendall(data[-3:])
    assert [each.body for each in heard(api, 2)] == [b"two", b"onetwo"]


def test_the_trailers_of_a_stream_tell_its_error(pair):
    api, client = pair
    trailers = (
        "Lambda-Runtime-Function-Error-Type: Function.Late",
        "Lambda-Runtime-Function-Error-Body: eyJhIjoxfQ==",
    )
    client.sendall(chunked("invocation/a/response", b"x", headers=(STREAMING,), trailers=trailers))
    assert heard(api, 2)[-1].late_error == ("Function.Late", b'{"a":1}')


def test_two_requests_in_one_packet_are_two(pair):
    api, client = pair
    client.sendall(post("invocation/a/response", b"1") + b"GET /nothing HTTP/1.1\r\n\r\n" + GET)
    assert [each.kind for each in heard(api, 2)] == ["response", "next"]


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /2018-06-01/ping", 200),
        ("GET /2018-06-01/runtime/invocation/a/response", 405),
        ("GET /2018-06-01/runtime", 404),
        ("POST /2018-06-01/runtime/invocation/response", 404),
        ("POST /2018-06-01/runtime/invocation/next", 404),
        ("POST /", 404),
        ("PUT /2018-06-01/runtime/init/error", 404),
        ("X", 404),
    ],
)
def test_what_is_no_route_is_told_so(pair, line, status):
    api, client = pair
    client.sendall(line.encode() + b" HTTP/1.1\r\n\r\n")
    assert api.wait(5)
    assert api.look() is None
    client.settimeout(5)
    assert client.recv(200).split(b" ")[1] == b"%d" % status


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 2_000_000,
        chunked("invocation/a/response").replace(b"\r\n0\r\n", b"\r\nzz\r\n"),
        chunked("invocation/a/response", b"x").replace(b"Host: x\r\n", b""),
    ],
    ids=["a head without end", "chunks that are none", "no host"],
)
def test_what_is_no_http_is_refused_and_the_connection_ends(pair, data):
    import threading

    def push():
        with contextlib.suppress(OSError):
            client.sendall(data)

    api, client = pair
    sender = threading.Thread(target=push)
    sender.start()
    assert heard(api, 1) == [CLOSED]
    sender.join()
    other = socket.create_connection(api.address.split(":"))
    assert fed(api, other, GET, 1000) == NEXT
    other.close()


def test_a_response_that_ends_before_its_end_is_truncated(pair):
    api, client = pair
    client.sendall(post("invocation/a/response", b"whole")[:-1])
    client.shutdown(socket.SHUT_WR)
    assert [each.kind for each in heard(api, 2)] == ["truncated", "closed"]
    client.settimeout(5)
    assert b'"errorType":"TruncatedHTTPRequest"' in client.recv(300)


def test_the_event_goes_to_whoever_asked_and_an_answer_to_whoever_spoke(pair):
    api, client = pair
    assert fed(api, client, GET, 1000) == NEXT
    other = socket.create_connection(client.getpeername())
    assert fed(api, other, post("invocation/a/response", b"1"), 1000).body == b"1"
    api.send(b"to the speaker")
    api.give(b"to the asker", 0)
    for each, text in ((client, b"to the asker"), (other, b"to the speaker")):
        each.settimeout(5)
        assert each.recv(100) == text
    other.close()


def test_more_connections_than_anybody_needs_cost_the_oldest(pair):
    api, client = pair
    many = []
    for _ in range(70):
        many.append(socket.create_connection(client.getpeername()))
        assert fed(api, many[-1], GET, 1000) == NEXT
    many[0].settimeout(5)
    assert many[0].recv(1) == b""
    for each in many:
        each.close()
