import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.endpoint.messages import Fault
from faaslab.endpoint.states.paging import page


def all_pages(items, **params):
    found, token = [], None
    while True:
        given, more = page(items, params | ({"nextToken": token} if token else {}), lambda item: item)
        found.append(given)
        token = more.get("nextToken")
        if token is None:
            return found


@given(st.sets(st.integers(), max_size=30).map(sorted), st.integers(1, 10))
def test_the_pages_are_all_items_in_order(items, size):
    pages = all_pages(items, maxResults=size)
    assert [item for given in pages for item in given] == items
    assert all(len(given) == size for given in pages[:-1])


def test_zero_is_as_many_as_when_nobody_says():
    assert [len(given) for given in all_pages(list(range(250)), maxResults=0)] == [100, 100, 50]


def test_pages_go_on_although_items_come_and_go():
    items = ["a", "b", "c", "d"]
    _, more = page(items, {"maxResults": 2}, lambda item: item)
    given, _ = page(["aa", "c", "d"], {"maxResults": 2} | more, lambda item: item)
    assert given == ["c", "d"]


@pytest.mark.parametrize("token", ["x", "bm90IGpzb24=", "W10=", "é"])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(Fault) as error:
        page([], {"nextToken": token}, lambda item: item)
    assert error.value.code == "InvalidToken"


def test_a_token_is_for_the_question_that_it_came_from():
    _, more = page([1, 2], {"maxResults": 1, "stateMachineArn": "a"}, lambda item: item)
    with pytest.raises(Fault) as error:
        page([1, 2], {"maxResults": 1, "stateMachineArn": "b"} | more, lambda item: item)
    assert error.value.code == "InvalidToken"
