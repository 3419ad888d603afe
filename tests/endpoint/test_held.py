"""An answer that comes later holds no thread, is taken for nobody, and is not waited for at the end."""

import threading
import time

import pytest

from faaslab.endpoint import web
from faaslab.endpoint.guard import Guard
from faaslab.endpoint.messages import Held, Response
from faaslab.endpoint.server import Server, listen
from tests.endpoint.test_web import Answers, asked, connected, serving

pytestmark = pytest.mark.timeout(60)
NOTHING = Response(body=b"nothing")


def held(look):
    return Held(look=look, nothing=NOTHING)


def test_what_is_held_is_sent_when_it_is_there():
    looks = iter([None, None, None, Response(status=201, body=b"there")])
    with serving(lambda _: held(lambda: next(looks))) as server:
        status, _, body = asked(server)
    assert (status, body) == (201, b"there")


def test_many_wait_and_others_are_answered_by_few_threads(monkeypatch):
    monkeypatch.setattr(web, "THREADS", 4)
    there = threading.Event()
    answers, looks = [], []

    def look():
        looks.append(1)
        return Response(body=b"x") if there.is_set() else None

    def answer(request):
        return held(look) if request.path == "/ours/later" else Response(body=b"now")

    with serving(answer) as server:
        waiting = [
            threading.Thread(target=lambda: answers.append(asked(server, path="/ours/later")[2]))
            for _ in range(60)
        ]
        for thread in waiting:
            thread.start()
        until(lambda: len(looks) > 120)
        assert asked(server, path="/ours/now")[2] == b"now"
        there.set()
        for thread in waiting:
            thread.join()
    assert answers == [b"x"] * 60


def test_what_comes_when_the_client_is_gone_is_not_taken_for_it():
    gone, taken = threading.Event(), []

    def answer(request):
        if request.path != "/ours/later":
            return Response(body=b"now")
        return held(lambda: taken.append(1) if gone.is_set() else None)

    with serving(answer) as server:
        connection = connected(server)
        connection.request("POST", "/ours/later")
        asked(server, path="/ours/now")
        connection.close()
        time.sleep(0.5)  # the server has read the end of the connection by then, or the test fails
        gone.set()
        asked(server, path="/ours/now")
    assert taken == []


def test_who_waits_is_answered_when_the_server_closes():
    looked = threading.Event()
    application = web.Web(Answers(lambda _: held(looked.set)), admits=Guard())
    server = Server(application, listen()).start()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(asked(server)[2]))
    waiting.start()
    looked.wait(20)
    application.let_go()
    server.close(30)
    waiting.join(20)
    application.close()
    assert answers == [b"nothing"]


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
