"""What source text says of itself before it runs."""

import pytest

from faaslab.errors import InvalidValue
from faaslab.lab import source


@pytest.mark.parametrize(
    ("text", "handler"),
    [
        ("def handler(e, c): ...\ndef other(): ...", "handler"),
        ("def lambda_handler(e, c): ...", "lambda_handler"),
        ("def score(e, c): ...\ndef _own(): ...", "score"),
        ("def a(): ...\ndef score(e, c): ...", "score"),
        ("def a(): ...", "a"),
        ("def a(): ...\ndef b(): ...", None),
        ("handler = make()", "handler"),
        ("from x import handler", "handler"),
        ("def broken(:", None),
    ],
)
def test_the_handler_that_a_text_offers(text, handler):
    assert source.handler_name(text, "score") == handler


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("def handler(e, c): return df.sum()", ("df",)),
        ("import os\ndef handler(e, c): return os.getcwd(), len(e)", ()),
        ("def handler(e, c):\n import json\n return json.dumps(e)", ()),
        ("X = 1\ndef handler(e, c):\n def inner(): return X + e\n return inner()", ()),
        ("def handler(e, c): return [y for y in e if y > limit]", ("limit",)),
        ("def handler(e, c): return rate", ()),
        ("from x import *\ndef handler(e, c): return anything", ()),
        ("class A:\n  b: int = 1\ndef handler(e, c): return A().b, __file__", ()),
        ("def handler(e, c):\n global state\n state = 1\ndef b(): return state", ()),
        ("print(zzz)\ndef handler(e, c): ...", ("zzz",)),
        ("def broken(:", ()),
    ],
)
def test_names_that_nobody_gives(text, missing):
    assert source.missing_names(text, given=["rate"]) == missing


def plain(event, context):
    return event


def test_a_callable_is_its_own_text():
    text, name = source.of_callable(plain)
    assert name == "plain"
    assert text == "from __future__ import annotations\n\n\ndef plain(event, context):\n    return event\n"


class Fake:
    @staticmethod
    def function(**options):
        return lambda decorated: decorated


def test_our_decorator_and_what_is_above_it_stay_behind():
    import functools

    @Fake.function(memory=512)
    @functools.cache
    def cached(event, context):
        return event

    text, name = source.of_callable(cached)
    assert name == "cached"
    assert text.splitlines()[3:] == ["@functools.cache", "def cached(event, context):", "    return event"]


def test_what_depends_on_the_function_around_it_is_refused():
    secret = 5

    def inner(event, context):
        return secret

    with pytest.raises(InvalidValue, match="uses secret of the function around it"):
        source.of_callable(inner)


@pytest.mark.parametrize("thing", [lambda e, c: e, len, print, Fake])
def test_only_a_def_can_be_taken(thing):
    with pytest.raises(InvalidValue):
        source.of_callable(thing)


def test_an_async_handler_is_refused():
    async def handler(event, context): ...

    with pytest.raises(InvalidValue, match="not async"):
        source.of_callable(handler)


def test_where_a_text_is_not_python():
    assert source.syntax_error("x = 1", "a.py") is None
    assert "(a.py, line 2)" in source.syntax_error("x = 1\ndef (", "a.py")
    assert source.syntax_error("x = '\0'", "a.py") is not None
