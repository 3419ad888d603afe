"""Requests under a token are done once, and all who asked get the one answer."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from faaslab.lab.repeated import Repeated


def test_who_asks_while_the_first_is_at_it_gets_the_answer_of_that_one():
    repeated, counted = Repeated(), itertools.count(1)
    begun, go_on = threading.Event(), threading.Event()

    def act():
        begun.set()
        assert go_on.wait(10)
        return next(counted)

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(repeated.answer, "t", act)
        assert begun.wait(10)
        others = [pool.submit(repeated.answer, "t", act) for _ in range(3)]
        assert repeated.answer("another", lambda: "another") == "another"
        go_on.set()
        assert [each.result(10) for each in (first, *others)] == [1, 1, 1, 1]
    assert repeated.answer("t", act) == 1


def test_a_refusal_is_told_and_not_remembered():
    repeated = Repeated()
    with pytest.raises(ZeroDivisionError):
        repeated.answer("t", lambda: 1 / 0)
    assert repeated.answer("t", lambda: 1) == 1


def test_the_oldest_answers_are_forgotten():
    repeated = Repeated(most=2)
    for token in "abc":
        repeated.answer(token, lambda: 1)
    assert [repeated.answer(token, lambda: 2) for token in "bca"] == [1, 1, 2]
