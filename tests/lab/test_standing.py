"""Who is to be the home, as tables."""

from datetime import datetime, timedelta

import pytest

from faaslab.lab.standing import Seen, Step, Wish, decide, is_live, process_of, slept, told, trusted
from faaslab.store import Lease

NOW = datetime(2026, 1, 1)
NOTHING, WAY, STANDING = Wish.NOTHING, Wish.BY_THE_WAY, Wish.STANDING


def lease(owner, epoch=1, left=5.0, **notes):
    return Lease(
        name="home", owner=owner, epoch=epoch, until=NOW + timedelta(seconds=left), ttl_s=left, notes=notes
    )


@pytest.mark.parametrize(
    ("seen", "wish", "held", "step"),
    [
        # nobody is it
        (Seen(lease=None), NOTHING, None, Step.REST),
        (Seen(lease=None), WAY, None, Step.TAKE),
        (Seen(lease=None), STANDING, None, Step.TAKE),
        # another is it
        (Seen(lease=lease("other")), NOTHING, None, Step.REST),
        (Seen(lease=lease("other")), WAY, None, Step.REST),
        (Seen(lease=lease("other")), STANDING, None, Step.ASK),
        (Seen(lease=lease("other", wanted="me")), STANDING, None, Step.REST),
        (Seen(lease=lease("other", wanted="third")), STANDING, None, Step.ASK),
        (Seen(lease=lease("other", standing=True)), STANDING, None, Step.REST),
        # it died: at once
        (Seen(lease=lease("other"), gone=True), WAY, None, Step.TAKE),
        (Seen(lease=lease("other", standing=True), gone=True), WAY, None, Step.TAKE),
        (Seen(lease=lease("other"), gone=True), NOTHING, None, Step.REST),
        (Seen(lease=lease("other"), gone=True, slept=True), WAY, None, Step.TAKE),
        # it is silent: when it lapses, but not when nobody could have said anything
        (Seen(lease=lease("other", left=0.001)), WAY, None, Step.REST),
        (Seen(lease=lease("other", left=0)), WAY, None, Step.TAKE),
        (Seen(lease=lease("other", left=-3600)), WAY, None, Step.TAKE),
        (Seen(lease=lease("other", left=-3600), slept=True), WAY, None, Step.REST),
        # the clock was put back
        (Seen(lease=lease("other", left=3600)), WAY, None, Step.TAKE),
        (Seen(lease=lease("other", left=3600), slept=True), WAY, None, Step.REST),
        # it is this one
        (Seen(lease=lease("me")), WAY, 1, Step.KEEP),
        (Seen(lease=lease("me", left=-60)), WAY, 1, Step.KEEP),
        (Seen(lease=lease("me", left=3600)), WAY, 1, Step.KEEP),
        (Seen(lease=lease("me")), NOTHING, 1, Step.KEEP),
        (Seen(lease=lease("me", wanted="other")), WAY, 1, Step.HAND_OVER),
        (Seen(lease=lease("me", wanted="other")), NOTHING, 1, Step.HAND_OVER),
        (Seen(lease=lease("me", wanted="other")), STANDING, 1, Step.KEEP),
        # it was this one
        (Seen(lease=None), WAY, 1, Step.STEP_DOWN),
        (Seen(lease=lease("other", epoch=2)), STANDING, 1, Step.STEP_DOWN),
        (Seen(lease=lease("me", epoch=3)), WAY, 1, Step.STEP_DOWN),
        (Seen(lease=lease("other", epoch=2), gone=True), WAY, 1, Step.STEP_DOWN),
        # it was handed over to this one
        (Seen(lease=lease("me", epoch=2)), WAY, None, Step.TAKE),
        (Seen(lease=lease("me", epoch=2)), NOTHING, None, Step.REST),
    ],
)
def test_the_next_step(seen, wish, held, step):
    assert decide(seen, wish, me="me", held=held, now=NOW) is step


@pytest.mark.parametrize(
    ("wall_s", "steady_s", "answer"),
    [(1, 1, False), (4, 1, False), (3600, 1, True), (-3600, 1, True), (1, 3600, True)],
)
def test_whether_it_slept(wall_s, steady_s, answer):
    assert slept(wall_s=wall_s, steady_s=steady_s) is answer


def test_a_home_can_be_used_while_it_holds_the_lease_and_has_not_died():
    assert is_live(lease("a"), gone=False, now=NOW)
    assert not is_live(lease("a"), gone=True, now=NOW)
    assert not is_live(lease("a", left=0), gone=False, now=NOW)
    assert not is_live(lease("a", left=3600), gone=False, now=NOW)
    assert not is_live(None, gone=False, now=NOW)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("http://127.0.0.1:4566", True),
        (None, False),
        ("http://127.0.0.1", False),
        ("http://127.0.0.1:4566/", False),
        ("http://127.0.0.1:4566\n", False),
        ("http://127.0.0.1:4566@example.com", False),
        ("https://127.0.0.1:4566", False),
        ("http://example.com:80", False),
        ("file:///etc/passwd", False),
    ],
)
def test_an_address_of_another_machine_is_not_used(address, kept):
    assert trusted(address) == (address if kept else None)


def test_it_is_named_by_its_process_and_address():
    assert process_of(lease("machine:pid/4711/t12/ab")) == "4711"
    assert told(lease("somebody")) == "process somebody"
