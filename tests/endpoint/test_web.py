"""What comes over HTTP is answered: whole, in pieces, many at once, and to the end when the server closes."""

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import pytest

from faaslab.endpoint import guard
from faaslab.endpoint.credentials import Scope
from faaslab.endpoint.guard import Guard
from faaslab.endpoint.lanes import Lanes
from faaslab.endpoint.messages import Response
from faaslab.endpoint.server import Server, listen
from faaslab.endpoint.web import Web
from faaslab.errors import InvalidValue, Unsupported

pytestmark = pytest.mark.timeout(60)


class Answers:
    """Stands where the dispatcher does: `answers` gives what a path is answered with."""

    def __init__(self, answer, ours=lambda request: request.path.startswith("/ours")):
        self._answer, self._ours = answer, ours

    def taken_for(self, service):
        return Scope("local", service, "us-east-1")

    def ours(self, request, signed):
        return self if self._ours(request) else None

    def answer(self, request, ours, signed):
        return self._answer(request)


@contextmanager
def serving(answer, **more):
    web = Web(Answers(answer), admits=Guard(), **more)
    server = Server(web, listen(), Lanes(web.answering)).start()
    try:
        yield server
    finally:
        server.close(5)
        web.close()


def connected(server, timeout=20):
    return http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=timeout)


def asked(server, method="POST", path="/ours", body=None, headers=None):
    connection = connected(server)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def accepts(server):
    try:
        with closing(connected(server, 1)) as connection:
            connection.connect()
    except OSError:
        return False
    return True


def told(request):
    told = {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "bytes": len(request.body),
    }
    return Response(headers=(("content-type", "application/json"),), body=json.dumps(told).encode())


def test_a_request_is_handed_on_as_it_came():
    with serving(told) as server:
        status, headers, body = asked(server, path="/ours/a%2Fb?x=1&x=2&y=&z=%C3%A9", body=b"12345")
    assert status == 200
    assert headers["content-length"] == str(len(body))
    assert json.loads(body) == {
        "method": "POST", "path": "/ours/a%2Fb", "query": [["x", "1"], ["x", "2"], ["y", ""], ["z", "é"]], "bytes": 5
    }  # fmt: skip


def test_a_body_of_any_form_is_read_whole():
    with serving(told) as server:
        large = b"x" * 7_000_000
        assert json.loads(asked(server, body=large)[2])["bytes"] == 7_000_000
        pieces = (b"y" * 70_000 for _ in range(100))
        assert json.loads(asked(server, body=pieces)[2])["bytes"] == 7_000_000


def test_a_body_that_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(guard, "BODY_BYTES", 1000)
    with serving(told) as server:
        pieces = (b"y" * 600 for _ in range(3))
        assert asked(server, body=pieces)[0] == 413


def test_pieces_are_sent_as_they_are_made():
    go_on = threading.Event()

    def pieces():
        yield b"first"
        assert go_on.wait(20)
        yield b"second"

    with serving(lambda request: Response(body=pieces())) as server:
        connection = connected(server)
        connection.request("GET", "/ours")
        response = connection.getresponse()
        assert response.read(5) == b"first"
        go_on.set()
        assert response.read() == b"second"
        connection.close()


def test_who_makes_pieces_is_told_that_nobody_reads_them():
    closed = threading.Event()

    def pieces():
        try:
            while True:
                time.sleep(0.001)
                yield b"x" * 1000
        finally:
            closed.set()

    with serving(lambda request: Response(body=pieces())) as server:
        connection = connected(server)
        connection.request("GET", "/ours")
        connection.getresponse().read(10)
        connection.sock.close()
        connection.close()
        assert closed.wait(20)


def test_many_are_answered_at_once():
    everybody = threading.Barrier(64)

    def together(request):
        everybody.wait(30)  # nobody is answered before all have been let in
        return Response(body=b"ok")

    with serving(together) as server, ThreadPoolExecutor(64) as pool:
        assert [each[0] for each in pool.map(lambda _: asked(server), range(64))] == [200] * 64


def test_a_failure_of_ours_shows_nothing_of_it():
    def fails(request):
        raise RuntimeError("secret")

    with serving(fails) as server:
        status, _, body = asked(server)
        assert status == 500
        assert b"secret" not in body
        assert json.loads(body)["__type"] == "InternalFailure"
        assert asked(server)[0] == 500  # and it goes on


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_a_page_is_refused_before_anything_is_done(headers):
    done = []
    with serving(lambda request: done.append(request) or Response()) as server:
        status, answered, body = asked(server, body=b"{}", headers=headers)
        assert status == 403
        assert asked(server, "OPTIONS", headers=headers | {"Access-Control-Request-Method": "POST"})[0] == 403
    assert not done
    assert not [name for name in answered if name.lower().startswith("access-control")]


def test_what_is_not_ours_goes_on_as_it_came():
    seen = []

    def forward(method, target, headers, body):
        seen.append(
            (
                method,
                target,
                dict(headers).get("x-amz-thing"),
                body if isinstance(body, bytes) else b"".join(body),
            )
        )
        return (
            207,
            (("content-type", "text/x"), ("x-made", "1")),
            iter([b"a", b"", b"b"]),
        )

    with serving(told, forward=forward) as server:
        status, headers, body = asked(
            server, "PUT", "/bucket/a%2Fb?acl", b"z" * 3_000_000, {"X-Amz-Thing": "t"}
        )
    assert (status, body, headers["x-made"], headers["content-type"]) == (207, b"ab", "1", "text/x")
    assert seen == [("PUT", "/bucket/a%2Fb?acl", "t", b"z" * 3_000_000)]


def test_what_is_ours_in_part_is_forwarded_with_its_body():
    def forward(method, target, headers, body):
        return 200, (), iter([body])

    with serving(lambda request: None, forward=forward) as server:
        assert asked(server, body=b"on")[2] == b"on"


def test_without_a_cloud_what_is_not_ours_is_refused():
    with serving(told) as server:
        assert asked(server, "GET", "/bucket")[0] == 503


def test_what_was_accepted_is_finished_when_the_server_closes():
    begun, go_on = threading.Semaphore(0), threading.Event()

    def slow(request):
        begun.release()
        assert go_on.wait(30)
        return Response(body=b"done")

    with serving(slow) as server, ThreadPoolExecutor(8) as pool:
        running = [pool.submit(asked, server) for _ in range(7)]
        for _ in running:
            assert begun.acquire(timeout=20)
        ending = pool.submit(server.close, 20)
        while accepts(server):
            pass  # it accepts nothing more, soon
        go_on.set()
        assert [each.result()[2] for each in running] == [b"done"] * 7
        ending.result()


@pytest.mark.parametrize("upgrade", ["h2c", "websocket"])
def test_who_would_rather_speak_another_protocol_is_answered_in_this_one(upgrade, caplog):
    """Java's client asks for HTTP/2 with each connection; that is its own matter, and no line of the log."""
    headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": upgrade, "HTTP2-Settings": "AAEAAEAAAAI"}
    with serving(told) as server, closing(connected(server)) as connection:
        for body in (b"one", b"another"):
            connection.request("POST", "/ours", body, headers)
            answer = connection.getresponse()
            assert (answer.status, json.loads(answer.read())["bytes"]) == (200, len(body))
    assert not caplog.records


def test_garbage_is_refused_and_the_server_goes_on(caplog):
    import socket

    with serving(told) as server:
        host, port = server.address.removeprefix("http://").split(":")
        for garbage in (b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST /ours HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                        b"GET /ours HTTP/1.1\r\nHost: a\r\nHost: 127.0.0.1\r\n\r\n", b"A" * 100_000 + b"\r\n\r\n"):  # fmt: skip
            with socket.create_connection((host, int(port)), 20) as raw:
                raw.sendall(garbage)
                raw.shutdown(socket.SHUT_WR)
                answer = raw.recv(100)
                assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 403")), garbage[:30]
        assert asked(server)[0] == 200
    assert not caplog.records


@pytest.mark.parametrize(
    "head",
    [b"X-Long: " + b"a" * 70_000, b"X-A: a" + b"\r\nX-A: a" * 9000, b"X-Never-Ending: " + b"a" * 3_000_000],
)
def test_a_head_without_end_is_refused(head):
    import socket

    with serving(told) as server:
        host, port = server.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 20) as raw:
            with suppress(OSError):  # it is not even read to its end
                raw.sendall(b"POST /ours HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head)
                if len(head) < 100_000:
                    raw.sendall(b"\r\nContent-Length: 0\r\n\r\n")
            with suppress(OSError):
                assert raw.recv(100).startswith(b"HTTP/1.1 431")
        assert asked(server)[0] == 200


def test_no_thread_is_left():
    before = set(threading.enumerate())
    with serving(told) as server:
        asked(server)
        server.close()
        server.close()
    assert not {thread for thread in threading.enumerate() if thread not in before and thread.is_alive()}


def test_a_port_that_is_taken_is_told():
    first = listen()
    try:
        with pytest.raises(Unsupported, match="cannot listen"):
            listen(port=first.getsockname()[1])
    finally:
        first.close()
    with pytest.raises(InvalidValue, match="not a port"):
        listen(port=70_000)
