import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.model import secret_forms
from faaslab.model.masking import Mask
from faaslab.model.secret_forms import forms


def test_json_without_the_values_is_json_as_well():
    mask = Mask(["84436155", '{"user": "me", "pin": 1}', '"a":"b","c'])
    assert mask.json_text('{"pin":84436155,"of":[-84436155.5, "84436155"]}') == (
        '{"pin":"****","of":["****", "****"]}'
    )
    assert mask.json_text("84436155") == '"****"'
    assert mask.json_text('[{"user": "me", "pin": 1}, "say \\"84436155\\""]') == '["****", "say \\"****\\""]'
    assert mask.json_text('{"a":"b","c":1}') == '"****"'
    assert mask.json_text("pin: 84436155") == "pin: ****"
    assert mask.json_text('{"pin": 8443615}') == '{"pin": 8443615}'
    assert Mask(["true"]).json_text('{"a": true, "b": "true"}') == '{"a": "****", "b": "****"}'


def test_a_value_is_replaced_wherever_it_stands():
    mask = Mask(["hunter2", 'qu"o\\te'])
    assert mask.text("it is hunter2, and hunter2") == "it is ****, and ****"
    assert mask.body(json.dumps({"x": 'qu"o\\te'}).encode()) == b'{"x": "****"}'
    assert mask.body(b"nothing") == b"nothing"


def test_a_longer_value_goes_before_its_part():
    assert Mask(["abc", "abcdef"]).text("abcdef abc") == "**** ****"


def test_a_line_of_a_key_is_masked_by_itself():
    mask = Mask(["-----BEGIN-----\nMIIEvQIBADANBg\n-----END-----\n"])
    assert mask.text("MIIEvQIBADANBg") == "****"


def test_what_is_too_short_to_be_a_secret_is_left():
    assert Mask(["", "a", "ab"]).text("a cab") == "a cab"
    assert not Mask([""])


@given(st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=3), st.booleans())
def test_no_json_writer_lets_a_value_through(value, ascii_only):
    if value.strip() == "" or value.isdigit():
        return
    written = json.dumps({"k": f"«{value}»"}, ensure_ascii=ascii_only)
    assert json.loads(Mask([value]).text(written))["k"].strip("«»") == "****"


@pytest.mark.parametrize(
    ("secret", "written", "kept"),
    [
        ("line one of it\nab12", ["xline one of it", "ab12y"], ["x****", "****y"]),
        ("line one of it\nab12", ["ab12 by itself"], ["**** by itself"]),
        ("line one of it\nab1", ["xline one of it", "ab1y", "ab1"], ["x****", "****y", "ab1"]),
        ("a\nb\nc", ["<a", "b", "c>", "a cab"], ["<****", "****", "****>", "a cab"]),
        ("one\r\ntwo\r\n", ["one", "two"], ["****", "****"]),
        ("{\n  k: 12\n}", ["{", "} k: 12"], ["{", "} ****"]),
        ("a\nb", ["in one\nrecord a", "b\nand more"], ["in one\nrecord ****", "****\nand more"]),
        ("hunter2", ["x" * (1 << 16) + "hun", "ter2 and"], ["x" * (1 << 16) + "****", " and"]),
        ("hunter2", ["x" * (1 << 16), "hunter2"], ["x" * (1 << 16), "****"]),
    ],
)
def test_a_value_that_goes_on_from_line_to_line_is_masked_in_each(secret, written, kept):
    assert Mask([secret]).lines(written) == kept


@given(
    st.lists(st.text("ab\n\u2028 {", max_size=8), max_size=6),
    st.lists(st.text("ab\n {", min_size=1, max_size=9), max_size=3),
)
def test_a_log_has_as_many_lines_as_before(lines, secrets):
    assert len(Mask(secrets).lines(lines)) == len(lines)


NASTY = "hun\"ter2\\sec\nretv'alüe/99<&>\U0001f600"
KEY = "-----BEGIN-----\nabcdef\n}\n-----END-----"


@pytest.mark.parametrize(
    ("lines", "settled"),
    [
        ([], 0),
        (["one", "two"], 2),
        (["one", "key: -----BEGIN-----"], 1),
        (["one", "key: -----BEGIN-----", "abcdef"], 1),
        (["-----BEGIN-----", "abcdef", "}"], 0),
        (["-----BEGIN-----", "abcdef", "}", "-----END-----"], 4),
        (["-----BEGIN-----", "other"], 2),
        (["x", "y" * 64 * 1024], 1),
        (["x", "y" * 64 * 1024, "z" * 64 * 1024], 1),
        (["x", "y" * 64 * 1024, "z" * 64 * 1024, "the end of it"], 4),
    ],
)
def test_lines_with_which_a_value_may_have_begun_wait_for_the_next(lines, settled):
    assert Mask([KEY]).settled(lines) == settled


def test_in_parts_nothing_of_a_value_is_told_that_is_hidden_in_the_whole():
    log = ["before", "key: -----BEGIN-----", "abcdef", "}", "-----END----- it was", "after", "}"]
    mask, told = Mask([KEY]), []
    for count in range(1, len(log) + 1):
        new = log[len(told) : count]
        told += mask.lines(new[: mask.settled(new)])
    assert told == mask.lines(log)
    assert "abcdef" not in told


def test_a_line_cut_into_many_tells_nothing_of_a_value_at_its_cuts_while_it_runs():
    log = ["before", "x" * (1 << 16) + "hun", "ter2" + "y" * ((1 << 16) - 8) + "hunt", "er2 it was", "after"]
    mask, told = Mask(["hunter2"]), []
    for count in range(1, len(log) + 1):
        new = log[len(told) : count]
        told += mask.lines(new[: mask.settled(new)])
    assert told == mask.lines(log)
    assert not any(part in line for line in told for part in ("hunt", "ter2", "er2"))


class Counted(str):
    """A line that tells how often something was looked for in it."""

    __slots__ = ()
    asked = 0

    def __contains__(self, text):
        Counted.asked += 1
        return super().__contains__(text)


@pytest.mark.parametrize("secret", ["hunter2", KEY, NASTY])
def test_the_lines_of_a_log_without_a_value_are_not_searched_one_by_one(monkeypatch, secret):
    monkeypatch.setattr(Counted, "asked", 0)
    log = [Counted(f"line {n}") for n in range(100)]
    mask = Mask([secret])
    assert mask.lines(log) == log
    assert Counted.asked == 0
    log[7] = Counted("it is " + secret.splitlines()[0])
    assert [place for place, line in enumerate(mask.lines(log)) if line != log[place]] == [7]
    assert Counted.asked < 10 * len(log), "only what stands somewhere in the log is looked for in each"


_WRITERS = [
    json.dumps,
    lambda value: json.dumps(value, ensure_ascii=False),
    repr,
    lambda value: repr({"k": value, "other": "it's"}),
]


@pytest.mark.parametrize("second", [str, *_WRITERS])
@pytest.mark.parametrize("first", [str, *_WRITERS])
@pytest.mark.parametrize("secret", [NASTY, 'hun"ter2\\', "\\\\hunter2\n", "hun'ter2", "ключ"])
def test_a_value_that_is_escaped_twice_is_masked(secret, first, second):
    masked = Mask([secret]).text(f"<{second(first(secret))}>")
    assert "****" in masked
    for part in ("hun", "ter2", "ключ", "43a", "99"):
        assert part not in masked


@given(
    st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=4),
    st.lists(st.booleans(), min_size=1, max_size=4),
)
def test_json_in_json_lets_no_value_through(value, levels):
    if len(value.strip()) < 4 or value.isdigit():
        return
    written = f"«{value}»"
    for ascii_only in levels:
        written = json.dumps(written, ensure_ascii=ascii_only)
    masked = Mask([value]).text(written)
    for _ in levels:
        masked = json.loads(masked)
    assert masked == "«****»"


@pytest.mark.parametrize(
    "written",
    [
        html.escape(NASTY),
        html.escape(NASTY, quote=False),
        html.escape(json.dumps(NASTY)),
        quote(NASTY),
        quote_plus(NASTY),
        ascii(NASTY),
        ascii([NASTY]),
        repr(NASTY.encode()),
        json.dumps(NASTY).replace("/", "\\/"),
    ],
)
def test_other_writers_let_it_through_no_more(written):
    masked = Mask([NASTY]).text(f"a {written} b")
    assert "****" in masked
    assert len(masked) <= len('a b\'"****&quot;&quot;" b')


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_the_repr_of_what_holds_json_lets_it_through_no_more(levels):
    written = NASTY
    for _ in range(levels - 1):
        written = json.dumps({"k": written})
    for text in (written, repr({"k": written}), json.dumps(repr({"k": written}))):
        masked = Mask([NASTY]).text(text)
        assert [part for part in ("hun", "ter2", "99") if part in masked] == []


@pytest.mark.parametrize("user", ["", "u", "us", "user"])
def test_a_value_is_masked_in_base64_wherever_it_stands_and_in_hex(user):
    basic = base64.b64encode(f"{user}:hunter2-hunter2".encode()).decode()
    masked = Mask(["hunter2-hunter2"]).text(f"Authorization: Basic {basic}")
    assert "****" in masked
    assert basic[-16:-4] not in masked
    assert Mask(["hunter2"]).body(b"x" + b"hunter2".hex().encode()) == b"x****"
    assert Mask(["hunter2"]).found_in(b"hunter2".hex()) == ("hunter2",)
    assert Mask(["abc"]).text("616263") == "616263"


def test_a_value_without_signs_has_no_other_form_but_its_encodings():
    assert secret_forms.of("hunter2") == {"hunter2"}
    assert len(forms([NASTY])) < 500
