"""What was asked of a home that is the home no more is answered by the one that is."""

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
