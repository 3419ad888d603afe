"""The bell: heard at once by who listens, harmless to who does not."""

import os
import threading

import pytest

from faaslab.store.bell import Bell


@pytest.fixture
def bell(tmp_path):
    return Bell(tmp_path / "s.duckdb.locks" / "bell")


def test_nobody_hears_it_before_somebody_listens(bell):
    assert not bell.ring()
    assert not bell.path.exists()


def test_who_listens_hears_it_until_they_do_not(bell):
    rings = threading.Semaphore(0)
    listening = bell.listen(rings.release)
    for _ in range(3):
        assert bell.ring()
        assert rings.acquire(timeout=30)
    listening.close()
    listening.close()
    assert not bell.ring()


def test_one_closes_beside_another_who_listens(bell):
    heard = threading.Event()
    one, other = bell.listen(lambda: None), bell.listen(heard.set)
    one.close()
    heard.clear()
    assert bell.ring()
    assert heard.wait(30)
    other.close()


def test_a_pipe_full_of_rings_keeps_nobody(bell):
    gate = threading.Event()
    listening = bell.listen(lambda: gate.wait(30))
    for _ in range(70_000):
        assert bell.ring()
    gate.set()
    listening.close()


@pytest.mark.parametrize("made", ["file", "link", "folder"])
def test_something_else_in_its_place_is_left_alone(bell, tmp_path, made):
    bell.path.parent.mkdir()
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    if made == "file":
        bell.path.write_bytes(b"precious")
    elif made == "link":
        bell.path.symlink_to(target)
    else:
        bell.path.mkdir()
    assert not bell.ring()
    assert bell.listen(lambda: None) is None
    assert target.read_bytes() == b"precious"
    if made == "file":
        assert bell.path.read_bytes() == b"precious"


def test_a_forked_child_closes_what_it_has_of_it_and_the_parent_hears_on(bell):
    heard = threading.Event()
    listening = bell.listen(heard.set)
    child = os.fork()
    if not child:
        listening.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert bell.ring()
    assert heard.wait(30)
    listening.close()
