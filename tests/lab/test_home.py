"""The home of a store: labs of one process, on a clock that tests move."""

import contextlib
import json
import os
import shutil
import sqlite3
import threading
import time
import urllib.request
from datetime import timedelta

import pytest

import faaslab
from faaslab.clock import SteppedClock
from faaslab.errors import Closed, InvalidValue, StoreBusy, Unsupported
from faaslab.lab import Lab, doctor, owners, serving
from faaslab.store import Store
from tests.lab.endpoints import Endpoint

LIMIT_S = 60.0


class JumpingClock(SteppedClock):
    """One whose time of day can be moved alone, as by a suspended machine."""

    jumped = timedelta()

    def now(self):
        return super().now() + self.jumped


@pytest.fixture
def clock():
    return JumpingClock()


@pytest.fixture
def another(tmp_path, cache, clock):
    """Makes labs over one store, each with a store of its own as in another process."""
    labs = []

    def another(start=Endpoint, **more):
        labs.append(
            Lab(
                Store(tmp_path / "s.duckdb", clock=clock),
                cache=cache,
                clock=clock,
                start_endpoint=start,
                **more,
            )
        )
        return labs[-1]

    yield another
    for lab in labs:
        lab.close()


def asked(address, body=b""):
    with urllib.request.urlopen(address, data=body, timeout=30) as answer:
        return json.load(answer)


def until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_looking_makes_nothing(another, tmp_path):
    lab = another()
    assert lab.home.find() is None
    assert not lab.home.here
    assert lab.home.epoch is None
    assert list(tmp_path.iterdir()) == []


def test_who_needs_a_home_becomes_it_and_the_others_find_it(another):
    one, other = another(), another()
    address = one.home.ensure()
    assert one.home.here
    assert one.home.ensure() == address
    assert other.home.ensure() == address
    assert not other.home.here
    assert other.home.find().address == address
    assert other.home.elsewhere() == other.home.find()
    assert one.home.elsewhere() is None


def test_it_is_kept_as_long_as_the_lab_is_open(another, clock):
    one, other = another(), another()
    one.home.ensure()
    other.home.stand()
    for _ in range(20):
        seen = one.home.find().until
        clock.advance(4)
        until(lambda: (now := other.home.find()) is not None and now.until > seen)
    assert one.home.here
    assert one.home.epoch == 1


def test_closing_hands_it_to_who_waits_for_it(another, clock):
    one, other = another(), another()
    one.home.stand()
    until(lambda: one.home.here)
    other.home.stand()
    one.close()
    clock.advance(1)
    until(lambda: other.home.here)
    assert other.home.epoch == 2


def test_what_runs_at_the_home_begins_and_ends_with_it(another, clock):
    told = []
    one, other = another(), another()
    for name, lab in (("one", one), ("other", other)):
        lab.home.on_change(
            lambda epoch, name=name: told.append((name, epoch)),
            lambda name=name: told.append((name, "ended")),
        )
    one.home.ensure()
    until(lambda: told == [("one", 1)])
    late = []
    one.home.on_change(late.append, lambda: late.append("ended"))
    assert late == [1]
    one.close()
    assert told == [("one", 1), ("one", "ended")]
    assert late == [1, "ended"]
    other.home.ensure()
    until(lambda: told[2:] == [("other", 2)])


def test_a_dead_one_is_replaced_at_once(another):
    one, other = another(), another()
    there = owners.this_process().split("/")
    dead = "/".join([there[0], there[1], "t1", there[3]])  # the same id, of a process that was before
    one.store.leases.acquire("home", dead, ttl_s=10, address="http://127.0.0.1:9")
    assert other.home.find() is None
    assert other.home.ensure() != "http://127.0.0.1:9"
    assert other.home.epoch == 2


def test_a_silent_one_is_replaced_when_its_lease_lapses_and_steps_down(another, clock):
    one, other = another(), another()
    one.home.ensure()
    with one.home._guard:  # it sleeps
        clock.advance(9)
        assert other.home.find() is not None
        clock.advance(2)
        assert other.home.find() is None
        other.home.ensure()
        assert other.home.here
        assert not one.home.here
    assert not one.home.here
    assert one.home.epoch is None
    assert one.home.ensure() == other.home.ensure()


def test_one_that_slept_and_was_not_replaced_goes_on_under_its_epoch(another, clock):
    lab = another()
    lab.home.ensure()
    with lab.home._guard:
        clock.advance(3600)
        assert lab.home.here
    assert lab.home.epoch == 1


def test_after_a_suspension_the_home_has_time_to_say_that_it_is_there(another, clock):
    one, other = another(), another()
    one.home.ensure()
    other.home.stand()
    until(lambda: other.home._looked is not None)
    with one.home._guard:
        clock.jumped = timedelta(hours=8)
        clock.advance(2)
        until(lambda: other.home._looked[0] > clock.jumped + clock._start)
        assert not other.home.here
    until(lambda: one.home.here)
    assert one.home.epoch == 1
    clock.advance(4)
    until(lambda: one.home.find() is not None)
    assert not other.home.here


def test_serving_takes_the_place_of_one_that_is_the_home_by_the_way(another, clock):
    told = []
    one, other = another(), another()
    one.home.on_change(lambda epoch: told.append("began"), lambda: told.append("ended"))
    one.home.ensure()
    until(lambda: told)
    with other.serve() as serving:
        assert told == ["began", "ended"]
        assert not one.home.here
        assert other.home.here
        assert one.home.ensure() == serving.address == other.home.find().address
        assert other.home.find().notes["standing"] is True
        with pytest.raises(StoreBusy, match=f"process .* at {serving.address}") as caught:
            one.serve()
        assert caught.value.pid is not None
        assert "end that process" in caught.value.hint
        assert other.home.here
    until(lambda: other.home.find() is None)
    assert one.home.ensure() != serving.address
    assert one.home.here


def test_a_lab_that_served_stays_the_home_by_the_way_when_it_would_be(another):
    lab = another()
    lab.home.stand()
    with lab.serve() as serving:
        assert lab.home.ensure() == serving.address
    assert lab.home.here
    assert lab.home.ensure() != serving.address
    assert lab.home.epoch == 1


def test_another_address_needs_a_token_and_the_machine_uses_its_own(another):
    lab, other = another(), another()
    with pytest.raises(InvalidValue, match="token"):
        lab.serve(host="0.0.0.0")
    assert lab.home.find() is None
    with lab.serve(host="127.0.0.1", token="t0p") as serving:
        assert lab.home.ensure() != serving.address
        assert other.home.ensure() == lab.home.ensure()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_loopback_needs_no_token(host):
    serving.check(host, None)
    serving.check(host, "short")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "example.com", ""])
def test_an_address_that_others_reach_needs_one_that_nobody_guesses(host):
    with pytest.raises(InvalidValue, match="no token .*token_urlsafe") as told:
        serving.check(host, None)
    assert told.value.place == "host"
    with pytest.raises(InvalidValue, match="15 characters.*token_urlsafe") as told:
        serving.check(host, "fifteen-letters")
    assert (told.value.place, "fifteen" in str(told.value)) == ("token", False)
    serving.check(host, "sixteen-letters-")


def test_an_address_in_brackets_is_the_same_address(another):
    asked = []

    def start(lab, host, *_):
        asked.append(host)
        raise OSError("no such family")

    with pytest.raises(OSError, match="family"):
        another(start=start).serve(host="[::1]")
    assert asked == ["::1"]


def test_a_port_that_is_taken_leaves_no_home_behind(another):
    one, other = another(), another(start=lambda *_: (_ for _ in ()).throw(OSError("in use")))
    with pytest.raises(OSError, match="in use"):
        other.serve(port=1)
    until(lambda: one.home.find() is None)
    one.home.ensure()


def test_a_home_without_an_endpoint_is_told_by_its_process(another, monkeypatch):
    from faaslab.lab import home

    monkeypatch.setattr(home, "_PATIENCE_S", 0.1)
    one, other = another(start=None), another()
    one.home.stand()
    until(lambda: one.home.here)
    with pytest.raises(Unsupported, match="no endpoint"):
        one.home.ensure()
    with pytest.raises(Unsupported, match="no endpoint"):
        other.home.ensure()


def test_many_at_once_become_one_home(another):
    labs = [another() for _ in range(8)]
    addresses = []
    threads = [threading.Thread(target=lambda lab=lab: addresses.append(lab.home.ensure())) for lab in labs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(addresses) == 8
    (home,) = [lab for lab in labs if lab.home.here]
    assert {asked(address)["lab"] for address in addresses} == {id(home)}


def test_a_closed_lab_is_no_home(another):
    lab = another()
    lab.home.ensure()
    lab.close()
    lab.home.close()
    assert not lab.home.here
    with pytest.raises(Closed):
        lab.home.ensure()
    with pytest.raises(Closed):
        lab.serve()


def test_the_doctor_says_who_it_is(another):
    def said(lab):
        return {row[0]: row[1:] for row in doctor._store(lab)}["home"]

    one, other = another(), another()
    assert said(one) == ("ok", "no process; the next one that runs something or serves becomes it")
    with one.serve() as serving:
        told = f"process {os.getpid()} at {serving.address}, which serves, since 2026-01-01 00:00:00 UTC (epoch 1)"
        assert said(one) == ("ok", f"this process, {told}")
        assert said(other) == ("ok", told)


def test_a_deed_that_fails_keeps_nothing_else_from_it(another):
    told = []
    one, other = another(), another()

    def failing(*_):
        raise RuntimeError("no room")

    one.home.on_change(failing, failing)
    one.home.on_change(told.append, lambda: told.append("ended"))
    one.home.ensure()
    assert told == [1]
    assert str(one.home.last_error) == "no room"
    assert doctor._home(one) == ("home", "bad", "this process cannot be the home of the store: no room")
    with other.serve():
        assert told == [1, "ended"]


def test_a_forked_child_is_not_the_home_and_its_parent_is(another):
    lab = another()
    lab.home.ensure()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        seen = [lab.home.here, lab.home.epoch, lab.home.elsewhere().owner == lab.home.find().owner]
        lab.home.close()
        os.write(writing, json.dumps(seen).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert json.loads(os.read(reading, 100)) == [False, None, True]
    assert lab.home.here
    for end in (reading, writing):
        os.close(end)


def test_what_another_lab_puts_there_is_heard_at_the_home(another):
    heard = threading.Event()
    one, other = another(), another()
    one.home.listen(heard.set)
    one.home.ensure()
    other.home.ring()
    assert heard.wait(30)


@pytest.mark.parametrize("until", [1e300, -5, 2e9, "soon"])
@pytest.mark.parametrize("notes", ["{", "[1]", "{}"])
def test_what_somebody_wrote_into_the_file_leads_nowhere(another, tmp_path, until, notes):
    lab = another()
    lab.store.leases.acquire("home", "somebody", ttl_s=10)
    with contextlib.closing(sqlite3.connect(tmp_path / "s.duckdb.state")) as state, state:
        row = (until, "http://example.com:80", notes)
        state.execute("UPDATE leases SET until = ?, address = ?, notes = ?", row)
    assert lab.home.find() is None
    assert lab.home.ensure().startswith("http://127.0.0.1:")
    assert lab.home.here


def test_a_copy_does_not_take_the_home_of_the_original_for_its_own(another, tmp_path, cache):
    original = another()
    address = original.home.ensure()
    folder = tmp_path / "copy"
    folder.mkdir()
    for part in tmp_path.glob("s.duckdb*"):
        if part.is_file():
            shutil.copy2(part, folder / part.name)
    with faaslab.open(folder / "s.duckdb", cache=cache) as copied:
        assert copied.home.elsewhere() is None
        assert copied.home.ensure() != address
    assert original.home.here


def test_one_that_was_handed_the_home_has_it_before_it_says_a_word(another):
    served, asking = another(), another()
    asking.home.ensure()
    lease = asking.store.leases.last("home")
    served.home._owner = owners.this_process()
    assert asking.store.leases.hand_over(lease, served.home._owner)
    assert another().home.elsewhere().owner == served.home._owner
