"""Regular expressions as JavaScript has them, in bounded time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.workflow.query.jsonata_bounds import OutOfBounds
from faaslab.workflow.query.jsonata_regex import Expression
from faaslab.workflow.query.jsonata_regex_syntax import NoRegularExpression


def expression(pattern, flags="", most=10**6):
    spent = [0]

    def charge(steps):
        spent[0] += steps
        if spent[0] > most:
            raise OutOfBounds

    made = Expression(pattern, charge, ignore_case="i" in flags, multiline="m" in flags)
    made.spent = spent
    return made


def found(pattern, text, flags=""):
    match = expression(pattern, flags).search(text)
    return None if match is None else (match.start(), match.group(), *match.groups())


# What JavaScript answers, where Python differs or the machine may err.
@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a$", "a\n", None),
        (r"\d", "٣", None),
        (r"\w", "é", None),
        (r"\s", "\ufeff", (0, "\ufeff")),
        (".", "\u2028", None),
        ("[^]", "\n", (0, "\n")),
        ("[]", "a", None),
        ("[a-]", "-", (0, "-")),
        (r"[\b]", "\b", (0, "\b")),
        ("(?<n>o)\\k<n>", "foo", (1, "oo", "o")),
        ("(a)|(b)", "b", (0, "b", None, "b")),
        ("(?:(a)|b)*", "ab", (0, "ab", None)),
        ("(a*)*", "b", (0, "", None)),
        ("(z)((a+)?(b+)?(c))*", "zaacbbbcac", (0, "zaacbbbcac", "z", "ac", "a", None, "c")),
        ("(?=(a+))a*b\\1", "baaabac", (3, "aba", "a")),
        ("(.*?)a(?!(a+)b\\2c)\\2(.*)", "baaabaac", (0, "baaabaac", "ba", None, "abaac")),
        ("(?<=\\$)\\d+", "a$42", (2, "42")),
        ("(?<!\\$)\\b\\d+", "$1 2", (3, "2")),
        ("x{2}", "xxx", (0, "xx")),
        ("x{,2}", "x{,2}", (0, "x{,2}")),
        ("{", "{", (0, "{")),
        (r"\x41\u0042\101", "ABA", (0, "ABA")),
        (r"\1", "\1", (0, "\1")),
        ("a.+?c", "abcabc", (0, "abc")),
        ("", "a", (0, "")),
    ],
)
def test_as_javascript_has_it(pattern, text, expected):
    assert found(pattern, text) == expected


def test_flags():
    assert found("É", "é", "i") == (0, "é")
    assert found("[a-z]+", "ABC", "i") == (0, "ABC")
    assert found("^b$", "a\nb\nc", "m") == (2, "b")
    assert found("^b$", "a\nb\nc") is None


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[", "*a", "a**", "a{2,1}", "[b-a]", "(?<1>a)", "(?<n>a)(?<n>b)", "(?x)", "\\", "^*", "a{1001}",
     "((a{1000}){1000}){1000}", "(" * 200 + ")" * 200, "(?<n>a)\\k<m>"],
)  # fmt: skip
def test_patterns_that_are_none(pattern):
    with pytest.raises(NoRegularExpression):
        expression(pattern)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "^(a|a)*$", "^(a*)*$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)(.*)(.*)x"]
)
def test_time_is_that_of_pattern_times_text(pattern):
    short, long = expression(pattern), expression(pattern)
    assert short.search("a" * 100 + "!") is None
    assert long.search("a" * 1000 + "!") is None
    assert long.spent[0] < 15 * short.spent[0]


def test_references_are_counted():
    with pytest.raises(OutOfBounds):
        expression("(a*)(a*)(a*)(a*)\\1\\2\\3\\4b", most=10_000).search("a" * 200)


@given(
    st.lists(
        st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "(a|b)", "(?:ab)", "\\w"]), min_size=1, max_size=5
    ),
    st.lists(st.sampled_from(["", "*", "+", "?", "*?", "{1,2}"]), min_size=5, max_size=5),
    st.text("ab1", max_size=12),
)
def test_where_python_agrees_with_javascript(atoms, quantifiers, text):
    pattern = "".join(atom + quantifier for atom, quantifier in zip(atoms, quantifiers))
    match = re.search(pattern, text)
    ours = expression(pattern).search(text)
    assert (match and match.span()) == (ours and (ours.start(), ours.end()))


def test_all_matches():
    assert [match.group() for match in expression("a+").finditer("aa b a")] == ["aa", "a"]
    assert expression(",|;").split("a,b;c") == ["a", "b", "c"]
    assert expression(",").split("a,b,c", 1) == ["a", "b,c"]
    assert expression("b").sub(lambda match: match.group() * 2, "abcb", 1) == "abbcb"
