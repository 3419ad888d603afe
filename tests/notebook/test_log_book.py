"""What a live view of a log keeps and shows: filters, pause, what is dropped, and how lines look."""

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.errors import InvalidValue
from faaslab.lab.log_tail import TailLine
from faaslab.notebook.log_book import LogBook, document_of
from faaslab.notebook.log_page import BLOCK, blocks, line_row, standing, still_box, summary
from tests.notebook.hostile import STRINGS, TAGS, read

BEGIN = datetime(2026, 11, 27, 6)


def line(message, *, stream="function", level=None, execution="e" * 32, request="abcdef12-3456", number=0):
    at = BEGIN + timedelta(milliseconds=number)
    return TailLine(at, "score", execution, request, number, stream, level, message)


def find(lines, pattern):
    try:
        return [re.search(pattern, each.message) is not None for each in lines]
    except re.error as error:
        raise InvalidValue(f"{pattern!r} is not a regular expression: {error}") from None


def messages(book):
    return [entry.line.message for entry in book.page().entries]


@pytest.fixture
def book():
    made = LogBook(find, most=100, shown=10)
    made.add(
        [
            line("START RequestId: x", stream="platform"),
            line("hello one"),
            line("careful", level="WARN"),
            line('{"level": "error", "message": "broke", "code": 7}'),
            line("collecting", stream="extension", level="debug"),
        ]
    )
    return made


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ({}, 5),
        ({"text": "hel+o"}, ["hello one"]),
        ({"text": "(?i)CAREFUL"}, ["careful"]),
        ({"text": "nowhere"}, []),
        ({"level": "WARN"}, ["careful", '{"level": "error", "message": "broke", "code": 7}']),
        ({"level": "DEBUG", "stream": "extension"}, ["collecting"]),
        ({"stream": "platform"}, ["START RequestId: x"]),
        ({"stream": "function", "text": "e", "level": "ERROR"}, 1),
    ],
)
def test_filters(book, asked, seen):
    book.choose(**asked)
    found = messages(book)
    assert len(found) == seen if isinstance(seen, int) else found == seen
    assert book.page().count == len(found)
    assert book.page().kept == 5


def test_a_filter_holds_for_what_comes_and_the_same_again_is_nothing_new(book):
    assert book.choose(text="hello")
    assert not book.choose(text="hello")
    book.add([line("hello two"), line("other")])
    assert messages(book) == ["hello one", "hello two"]


def test_what_is_no_pattern_is_looked_for_as_it_stands(book):
    book.add([line("cost (in dollars")])
    book.choose(text="(IN")
    assert messages(book) == ["cost (in dollars"]
    assert book.page().problem.startswith("looked for as it stands: '(IN' is not a regular expression")
    book.choose(text="in")
    assert book.page().problem is None


def test_a_pause_lets_it_stand_still_and_counts_what_comes(book):
    book.choose(text="hello")
    book.pause()
    book.add([line("hello two"), line("other"), line("hello three")])
    assert messages(book) == ["hello one"]
    assert book.page().waiting == 2
    assert "paused, 2 new" in standing(book.page(), paused=True, filtered=True)
    book.choose()  # another filter shows what there is by now, and stands still again
    assert (len(messages(book)), book.page().waiting) == (8, 0)
    book.add([line("more")])
    assert (len(messages(book)), book.page().waiting) == (8, 1)
    book.go_on()
    assert not book.paused
    assert messages(book)[-1] == "more"


def test_it_is_bounded_and_says_what_it_dropped():
    book = LogBook(find, most=20, shown=5)
    book.add([line(f"n{n}", number=n) for n in range(15)], left_out=3)
    book.add([line(f"n{n}", number=n) for n in range(15, 30)])
    page = book.page()
    assert (page.count, page.kept, page.dropped) == (20, 20, 13)
    assert messages(book) == ["n25", "n26", "n27", "n28", "n29"]
    assert "20 lines · the newest 5 are shown · 13 older lines dropped" in standing(
        page, paused=False, filtered=False
    )


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), max_size=20))
def test_nothing_is_lost_uncounted(batches):
    book = LogBook(find, most=25)
    total = 0
    for count, left_out in batches:
        book.add([line(f"m{n}") for n in range(count)], left_out)
        total += count + left_out
    page = book.page()
    assert page.kept + page.dropped == total
    assert len(page.entries) == page.kept == page.count


def test_full_blocks_stay_as_they_were_and_keep_their_number():
    book = LogBook(find, most=1_000, shown=3 * BLOCK)
    book.add([line(f"n{n}", number=n) for n in range(2 * BLOCK + 10)])
    before = dict(blocks(book.page(), several=False))
    book.add([line(f"n{n}", number=n) for n in range(5)])
    after = dict(blocks(book.page(), several=False))
    assert list(before) == list(after) == [0, 1, 2]
    assert [before[number] == after[number] for number in range(3)] == [True, True, False]


def test_the_executions_behind_the_lines_the_latest_first():
    book = LogBook(find)
    book.add(
        [
            line("a", execution="1"),
            line("b", execution="2"),
            line("c", execution="1"),
            line("d", execution=None),
        ]
    )
    assert [identity for identity, *_ in book.executions(9)] == ["2", "1"]
    assert len(book.executions(1)) == 1
    book.choose(text="a")
    assert [identity for identity, *_ in book.executions(9)] == ["1"]


@pytest.mark.parametrize(
    ("message", "document"),
    [
        ('{"a": 1}', {"a": 1}),
        ('{"a": 1} \n', {"a": 1}),
        ("[1]", None),
        ("{not json}", None),
        ("{" * 9_000 + "}" * 9_000, None),
        ("", None),
    ],
)
def test_which_message_is_json(message, document):
    assert document_of(message) == document


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"level": "INFO", "message": "scored", "x": 4, "ok": True}, "scored  x=4  ok=true"),
        ({"a": {"b": 1}, "c": [1, 2], "d": None}, "a={…}  c=[2]  d=null"),
        ({}, "{}"),
        ({"message": "m" * 300}, "m" * 139 + "…"),
    ],
)
def test_json_in_a_line(document, said):
    assert summary(document) == said


def test_a_line_has_its_execution_its_level_in_words_and_json_folded():
    book = LogBook(find)
    book.add(
        [
            line('{"level": "error", "message": "broke", "detail": {"code": 7}}'),
            line("[ERROR] says so itself", level="ERROR"),
            line("plain"),
        ]
    )
    first, second, third = (read(line_row(entry)).text for entry in book.page().entries)
    assert "abcdef12" in first
    assert "ERROR" in first
    assert "broke  detail={…}" in first
    assert '"code": 7' in first
    assert second.count("ERROR") == 1
    assert third.endswith("plain")
    markup = line_row(book.page().entries[0])
    assert "<details" in markup
    assert f"execution {'e' * 32}" in markup


@pytest.mark.parametrize("text", STRINGS)
def test_hostile_lines_are_text(text):
    book = LogBook(find)
    book.add(
        [
            TailLine(BEGIN, text, text, text, 0, text, text, text),
            line(f'{{"message": {text!r}}}'),
            line('{"k": "' + text.replace('"', "") + '"}', stream="extension"),
        ]
    )
    page = book.page()
    for markup in (
        still_box(page, text, several=True, filtered=True),
        *dict(blocks(page, several=True)).values(),
    ):
        assert read(markup).seen <= TAGS
