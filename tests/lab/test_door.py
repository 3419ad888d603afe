"""The door of a lab: bytes to whoever is the home, and nothing before somebody knocks."""

import hashlib
import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack

import pytest

from faaslab.clock import SteppedClock
from faaslab.errors import Closed, Unsupported
from faaslab.lab import Lab
from faaslab.lab import relays as relaying
from faaslab.lab.door import Door
from faaslab.store import Store
from tests.lab.endpoints import Endpoint

LIMIT_S = 60.0


def until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def asked(address, body=b""):
    with urllib.request.urlopen(address, data=body, timeout=30) as answer:
        return json.load(answer)


class Reversing:
    """Answers with what came, backwards, when the other side has said all; or slowly, or never."""

    def __init__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        parts = []
        try:
            while part := connection.recv(65536):
                parts.append(part)
            connection.sendall(b"".join(parts)[::-1])
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.server.close()
        for each in self.connections:
            each.close()


@pytest.fixture
def reversing():
    server = Reversing()
    yield server
    server.close()


@pytest.fixture
def open_door():
    with ExitStack() as stack:

        def open_door(home, present=lambda: 1):
            door = Door(home, present)
            stack.callback(door.close)
            return door

        yield open_door


def through(door):
    host, port = door.address.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def said(connection):
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_nothing_is_asked_for_before_somebody_knocks(open_door, reversing):
    knocks = []
    door = open_door(lambda: knocks.append(1) or reversing.address)
    assert door.address == door.address
    assert knocks == []
    through(door).close()
    until(lambda: len(reversing.connections) == 1)
    assert knocks == [1]


def test_bytes_pass_both_ways_and_a_side_that_has_said_all_hears_the_other_out(open_door, reversing):
    door = open_door(lambda: reversing.address)
    body = os.urandom(20_000_000)
    with through(door) as connection:
        sender = threading.Thread(
            target=lambda: (connection.sendall(body), connection.shutdown(socket.SHUT_WR))
        )
        sender.start()
        answer = said(connection)
        sender.join()
    assert hashlib.sha256(answer).digest() == hashlib.sha256(body[::-1]).digest()


def test_many_at_once_do_not_mix(open_door, reversing):
    door = open_door(lambda: reversing.address)
    failures = []

    def one(number):
        body = f"{number}-".encode() * 5000
        with through(door) as connection:
            connection.sendall(body)
            connection.shutdown(socket.SHUT_WR)
            if said(connection) != body[::-1]:
                failures.append(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_one_more_than_there_may_be_ends_the_one_that_was_idle_longest(open_door, reversing, monkeypatch):
    monkeypatch.setattr(relaying.Relays.__init__, "__kwdefaults__", {"most": 2})
    door = open_door(lambda: reversing.address)
    idle, busy = through(door), through(door)
    until(lambda: len(reversing.connections) == 2)
    busy.sendall(b"ab")
    with through(door) as third, idle, busy:
        assert idle.recv(10) == b""
        for connection in (busy, third):
            connection.sendall(b"c")
            connection.shutdown(socket.SHUT_WR)
        assert said(busy) == b"cba"
        assert said(third) == b"c"


def test_who_ends_is_told_to_the_other(open_door, reversing):
    door = open_door(lambda: reversing.address)
    with through(door) as connection:
        connection.sendall(b"x")
        until(lambda: len(reversing.connections) == 1)
        reversing.connections[0].shutdown(socket.SHUT_RDWR)
        assert said(connection) in (b"", b"x")


def test_a_silent_connection_to_who_is_the_home_no_more_is_ended(open_door, reversing, monkeypatch):
    monkeypatch.setattr(relaying, "STRANDED_S", 0.0)
    epoch = [1]
    door = open_door(lambda: reversing.address, lambda: epoch[0])
    with through(door) as connection:
        connection.sendall(b"x")
        until(lambda: door._relays is not None and door._relays._relays)
        epoch[0] = 2
        assert connection.recv(10) == b""


def test_without_a_home_it_says_why(open_door):
    def none():
        raise Unsupported("there is no cloud here", hint="pip install it")

    door = open_door(none)
    with pytest.raises(urllib.error.HTTPError) as caught:
        asked(door.address, b"{}")
    with caught.value as error:
        assert error.code == 503
        assert json.load(error)["message"] == "there is no cloud here (pip install it)"


def test_a_home_that_has_just_died_is_looked_for_again(open_door, reversing):
    gone = socket.create_server(("127.0.0.1", 0))
    dead = f"http://127.0.0.1:{gone.getsockname()[1]}"
    gone.close()
    addresses = [dead, dead, reversing.address]
    door = open_door(lambda: addresses.pop(0))
    with through(door) as connection:
        connection.sendall(b"ab")
        connection.shutdown(socket.SHUT_WR)
        assert said(connection) == b"ba"


def test_a_door_that_is_shut_lets_nobody_in(reversing):
    door = Door(lambda: reversing.address, lambda: 1)
    with through(door) as connection:
        until(lambda: len(reversing.connections) == 1)
        door.close()
        door.close()
        assert connection.recv(1) == b""
    with pytest.raises(Closed):
        _ = door.address
    Door(lambda: "", lambda: 1).close()


def test_a_forked_child_keeps_nothing_open(open_door, reversing):
    door = open_door(lambda: reversing.address)
    with through(door) as connection:
        until(lambda: len(reversing.connections) == 1)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.write(writing, str(door._socket is door._relays is None).encode())
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(reading, 10) == b"True"
        connection.sendall(b"ab")
        connection.shutdown(socket.SHUT_WR)
        assert said(connection) == b"ba"
        for end in (reading, writing):
            os.close(end)


def test_the_next_connection_goes_to_the_next_home(tmp_path, cache):
    clock = SteppedClock()
    with ExitStack() as stack:
        one, other, third = (
            stack.enter_context(
                Lab(
                    Store(tmp_path / "s.duckdb", clock=clock),
                    cache=cache,
                    clock=clock,
                    start_endpoint=Endpoint,
                )
            )
            for _ in range(3)
        )
        address = other.door.address
        assert asked(one.door.address)["lab"] == id(one)
        assert asked(address)["lab"] == id(one)
        with third.serve():
            assert asked(address)["lab"] == id(third)
            assert asked(one.door.address)["lab"] == id(third)
        one.close()
        assert asked(address)["lab"] == id(other)
        assert other.home.here
