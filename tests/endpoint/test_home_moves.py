"""What was asked of a home that is the home no more is answered by the one that is."""

import threading
from collections import Counter

from faaslab import app
from faaslab.clock import SteppedClock
from faaslab.cloud import client


def test_a_port_of_who_was_the_home_leads_to_the_cloud_of_who_is(tmp_path):
    clock = SteppedClock()
    how = {"store": tmp_path / "s.duckdb", "cache": tmp_path / "cache", "clock": clock}
    with app.open(**how) as one, app.open(**how) as other, one.serve() as serving:
        before = client("s3", serving.address)
        before.create_bucket(Bucket="before")
        with one.home._guard:  # it sleeps
            clock.advance(11)
            address = other.serve().address
            assert not one.home.here
        # Its cloud has put down what was in it when it notices, and the other one goes on with that.
        assert not one.home.here
        one.home._woken.set()
        while one.home._told is not None:
            one.home._closing.wait(0.01)
        before.create_bucket(Bucket="after")
        there = client("s3", address)
        assert {each["Name"] for each in there.list_buckets()["Buckets"]} == {"before", "after"}
        assert before.list_buckets()["Buckets"] == there.list_buckets()["Buckets"]
        for each in (before, there):
            each.close()


def test_who_asks_through_a_door_does_not_notice_that_the_home_moves(tmp_path):
    how = {"store": tmp_path / "s.duckdb", "cache": tmp_path / "cache", "sandbox": "off"}
    with app.open(**how) as one, app.open(**how) as other:
        one.functions.create("f", "def handler(event, context):\n    return 1\n")
        answers, failures, stop = Counter(), [], threading.Event()

        def ask():
            clients = [client(service, one.door.address) for service in ("lambda", "sts")]
            try:
                while not stop.is_set():
                    answered = clients[0].invoke(FunctionName="f", Payload=b"{}")
                    answers[answered["Payload"].read()] += 1
                    answers[clients[1].get_caller_identity()["Account"]] += 1
            except Exception as error:
                failures.append(error)
            for each in clients:
                each.close()

        def more():
            wanted = answers["000000000000"] + 20
            while answers["000000000000"] < wanted and not failures:
                stop.wait(0.002)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        more()
        for lab in (other, one, other):
            with lab.serve():
                assert lab.home.here
                more()
            more()
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert set(answers) == {b"1", "000000000000"}
