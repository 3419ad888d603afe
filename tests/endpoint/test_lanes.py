"""Connections that invoke are served by threads of their own, and nobody outside can tell."""

import http.client
import json
import socket
import threading
from contextlib import contextmanager

import pytest

from faaslab.endpoint import lanes as lanes_room
from faaslab.endpoint.credentials import Scope
from faaslab.endpoint.guard import Guard
from faaslab.endpoint.lanes import Lanes
from faaslab.endpoint.messages import Response
from faaslab.endpoint.server import Server, listen
from faaslab.endpoint.web import Web
from tests.backends.local.defining import eventually

pytestmark = pytest.mark.timeout(60)
PATH = "/2015-03-31/functions/f/invocations"
FOREIGN = "AWS4-HMAC-SHA256 Credential=k/20261126/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"


class Answers:
    """Stands where the dispatcher does: tells what it was asked, and which thread answers."""

    def __init__(self, answer=None):
        self.threads = []
        self.whole = True
        self._answer = answer or self.tell

    def taken_for(self, service):
        return Scope("local", service, "us-east-1")

    def ours(self, request, signed):
        return self if signed is None or signed.service == "lambda" else None

    def answer(self, request, ours, signed):
        self.threads.append(threading.get_ident())
        return self._answer(request)

    @staticmethod
    def tell(request):
        told = {
            "path": request.path,
            "query": request.query,
            "length": len(request.body),
            "x": request.headers.get("x-x"),
        }
        return Response(headers=(("Content-Type", "application/json"),), body=json.dumps(told).encode())


@contextmanager
def serving(answers=None, **more):
    answers = answers or Answers()
    web = Web(answers, admits=Guard(), **more)
    lanes = Lanes(web.answering)
    server = Server(web, listen(), lanes).start()
    try:
        yield server, answers, lanes
    finally:
        server.close(5)
        web.close()


def port(server):
    return int(server.address.rpartition(":")[2])


OPENED = []


@pytest.fixture(autouse=True)
def closed():
    yield
    while OPENED:
        OPENED.pop().close()


def connected(server):
    OPENED.append(http.client.HTTPConnection("127.0.0.1", port(server), timeout=20))
    return OPENED[-1]


def ask(connection, body=b"{}", path=PATH, method="POST", headers=()):
    connection.request(method, path, body, dict(headers))
    response = connection.getresponse()
    return response, response.read()


def test_one_thread_answers_what_comes_over_a_connection():
    with serving() as (server, answers, _):
        connection = connected(server)
        for number in range(5):
            response, body = ask(
                connection, b"x" * number, f"{PATH}?Qualifier=%24LATEST", headers={"X-X": "é"}
            )
            assert (response.status, response.version) == (200, 11)
            assert response.headers["Date"].endswith(" GMT")
            assert json.loads(body) == {
                "path": PATH,
                "query": [["Qualifier", "$LATEST"]],
                "length": number,
                "x": "é",
            }
        assert len(set(answers.threads)) == 1


def test_anything_else_goes_the_common_way_and_the_connection_comes_back():
    with serving() as (server, answers, lanes):
        connection = connected(server)
        for _ in range(3):
            for path in (PATH, "/2015-03-31/functions/f/configuration", PATH, "/other"):
                response, body = ask(connection, path=path)
                assert (response.status, json.loads(body)["path"]) == (200, path)
        response, body = ask(connection, method="GET", body=None)
        assert response.status == 200
        connection.close()
        eventually(lambda: not lanes._open)


def test_what_is_signed_for_another_service_is_not_taken():
    forwarded = []

    def forward(method, target, headers, body):
        forwarded.append(target)
        return 200, [("content-type", "text/plain")], iter([b"an object"])

    with serving(forward=forward) as (server, answers, _):
        connection = connected(server)
        ask(connection)
        response, body = ask(connection, headers={"Authorization": FOREIGN})
        assert (response.status, body, forwarded) == (200, b"an object", [PATH])
        assert json.loads(ask(connection)[1])["path"] == PATH


@pytest.mark.parametrize("first", [True, False])
def test_a_page_is_refused_and_its_body_is_no_request(first):
    hidden = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    with serving() as (server, answers, _):
        with socket.create_connection(("127.0.0.1", port(server)), timeout=20) as there:
            if not first:
                there.sendall(
                    f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{{}}".encode()
                )
                assert there.recv(65536).startswith(b"HTTP/1.1 200")
            there.sendall(
                f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\nContent-Length: {len(hidden) * 3}\r\n\r\n".encode()
            )
            answered = len(answers.threads)
            got = b""
            for _ in range(3):
                there.sendall(hidden)
                while b"\r\n\r\n" not in got:
                    got += there.recv(65536)
            assert got.startswith(b"HTTP/1.1 403")
            there.sendall(
                f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nX-X: last\r\n\r\n{{}}".encode()
            )
            while b'"last"' not in got:
                piece = there.recv(65536)
                assert piece
                got += piece
        assert len(answers.threads) == answered + 1


def test_requests_one_behind_the_other_are_answered_in_their_order():
    def one(number):
        return (
            f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nX-X: {number}\r\nContent-Length: {number}\r\n\r\n".encode()
            + b"x" * number
        )

    with (
        serving() as (server, answers, _),
        socket.create_connection(("127.0.0.1", port(server)), timeout=20) as there,
    ):
        there.sendall(
            b"".join(map(one, range(20)))
            + b"GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        got = b""
        while piece := there.recv(65536):
            got += piece
        order = [part.split(b'"')[0] for part in got.split(b'"x": "')[1:]]
        assert order == [str(number).encode() for number in range(20)]
        assert b'"path": "/last"' in got


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 6 * 1024 * 1024])
def test_bodies_of_any_size_go_both_ways(size):
    with serving(Answers(lambda request: Response(body=request.body[::-1]))) as (server, _, _):
        connection = connected(server)
        body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        for _ in range(2):
            response, answered = ask(connection, body)
            assert int(response.headers["Content-Length"]) == size
            assert answered == body[::-1]


def test_a_request_may_come_byte_by_byte():
    data = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc".encode()
    with (
        serving() as (server, answers, _),
        socket.create_connection(("127.0.0.1", port(server)), timeout=20) as there,
    ):
        there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for turn in range(2):
            for byte in data:
                there.sendall(bytes([byte]))
            got = b""
            while b'"length": 3' not in got:
                piece = there.recv(65536)
                assert piece
                got += piece


def test_what_has_no_body_gets_none():
    with serving(Answers(lambda request: Response(status=204))) as (server, _, _):
        connection = connected(server)
        for _ in range(2):
            response, body = ask(connection)
            assert (response.status, body, response.headers["Content-Length"]) == (204, b"", None)


def test_a_client_that_leaves_in_the_middle_harms_nobody():
    with serving() as (server, answers, lanes):
        for data in (
            b"",
            b"POST ",
            f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc".encode(),
        ):
            with socket.create_connection(("127.0.0.1", port(server)), timeout=20) as there:
                there.sendall(data)
        assert ask(connected(server))[0].status == 200
        eventually(lambda: len(lanes._open) <= 1)


def test_who_says_nothing_for_a_while_holds_no_thread(monkeypatch):
    monkeypatch.setattr(lanes_room, "_IDLE_S", 0.05)
    with serving() as (server, _, lanes):
        connection = connected(server)
        for _ in range(3):
            assert ask(connection)[0].status == 200
            eventually(lambda: not lanes._open)


def test_more_than_there_is_room_for_go_the_common_way(monkeypatch):
    monkeypatch.setattr(lanes_room, "MOST", 1)
    with serving() as (server, _, lanes):
        several = [connected(server) for _ in range(3)]
        for _ in range(2):
            for connection in several:
                assert ask(connection)[0].status == 200
            assert len(lanes._open) <= 1


def test_a_server_that_closes_answers_what_it_has_and_lets_go_of_the_rest():
    begun, go = threading.Event(), threading.Event()

    def answer(request):
        if request.body == b"slow":
            begun.set()
            go.wait(20)
        return Response(body=request.body)

    with serving(Answers(answer)) as (server, _, lanes):
        idle, busy = connected(server), connected(server)
        assert ask(idle, b"1")[1] == b"1"
        assert ask(busy, b"1")[1] == b"1"
        got = []
        waits = threading.Thread(target=lambda: got.append(ask(busy, b"slow")))
        waits.start()
        begun.wait(20)
        closes = threading.Thread(target=server.close, args=(20,))
        closes.start()
        eventually(lambda: len(lanes._open) == 1)
        assert idle.sock.recv(1) == b""
        go.set()
        closes.join()
        waits.join()
        response, body = got[0]
        assert (response.status, body, response.headers["Connection"]) == (200, b"slow", "close")


def test_what_never_ends_is_cut_off_when_the_time_is_over():
    go = threading.Event()
    with serving(Answers(lambda request: go.wait(30) and Response() or Response())) as (server, _, lanes):
        connection = connected(server)
        connection.request("POST", PATH, b"{}")
        eventually(lambda: lanes._open)
        server.close(0.05)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            connection.getresponse()
        go.set()


def test_who_comes_when_the_server_is_closing_is_sent_away_and_not_served_for_good():
    with serving() as (server, answers, lanes):
        busy = connected(server)
        assert ask(busy, path="/2015-03-31/functions/f/configuration")[0].status == 200
        lanes.drain()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            ask(connected(server))
        assert len(answers.threads) == 1
