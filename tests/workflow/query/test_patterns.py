"""Regular expressions in filters: those that the engine has match as Python's own do, and none takes long."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faaslab.workflow.query import patterns


def fits(expression, text, **how):
    return patterns.compiled(expression, **how)(text, lambda places: None)


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\.", "1", "x"])


def combined(inner):
    return st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        inner.map(lambda one: f"({one})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "+?"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    )


@given(st.recursive(ATOMS, combined, max_leaves=8), st.text("ab1x.\n", max_size=8))
@settings(max_examples=300)
def test_what_fits_is_what_fits_for_python(expression, text):
    expected = re.compile(expression.replace(".", "[^\n]") if expression == "." else expression).fullmatch(
        text
    )
    assert fits(expression, text) is (expected is not None)


@pytest.mark.parametrize(
    ("expression", "text", "answer"),
    [
        ("", "", True),
        ("", "a", False),
        ("^ab$", "ab", True),
        ("a^b", "ab", False),
        ("a$b", "ab", False),
        ("^$", "", True),
        ("|a", "", True),
        ("a|", "a", True),
        ("[]a]", "]", True),
        ("[a-c]+", "abcba", True),
        ("[^a-c]", "d", True),
        ("[a-]", "-", True),
        (r"[\d\-]+", "1-2", True),
        (r"\/x", "/x", True),
        (r"\u0041\t", "A\t", True),
        (r"\s\S\D\W", " xy-", True),
        ("ü.", "ü😀", True),
        ("(a|b)*c", "abbac", True),
        ("a{2,3}", "aaaa", False),
        ("a{0}", "", True),
    ],
)
def test_expressions(expression, text, answer):
    assert fits(expression, text) is answer


def test_any_case():
    assert fits("ab[x-z]Ü", "ABYü", any_case=True)
    assert not fits("ab", "AB")


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("(a", "not closed"),
        ("a)", "too many"),
        ("[a", "not closed"),
        ("*a", "nothing that * could repeat"),
        ("a**", "follows another"),
        ("a++", "follows another"),
        ("a{2}{3}", "follows another"),
        ("a{x}", "a repetition is written"),
        ("a{2", "a repetition is written"),
        ("a{3,2}", "wrong way round"),
        ("[b-a]", "empty"),
        ("a\\", "ends with a backslash"),
        (r"(a)\1", "going back"),
        (r"\bword", "going back"),
        ("(?=a)", "going back"),
        ("(?<name>a)", "going back"),
        (r"\u00g0", "hexadecimal"),
        ("a{9999}", "too long"),
        ("(?:a{50}){50}", "too long"),
        ("[" + "ab" * 600 + "]", "too long"),
        ("((((a{9}){9}){9}){9}){9}", "too long"),
        ("(" * 60 + ")" * 60, "deep"),
    ],
)
def test_what_is_no_expression_here(expression, part):
    with pytest.raises(ValueError, match=re.escape(part)):
        patterns.compiled(expression)


@given(st.text("ab()[]{}*+?|^$.\\-,:1u", max_size=14), st.text("ab", max_size=5))
@settings(max_examples=250)
def test_any_text_is_an_expression_or_a_value_error(expression, text):
    try:
        answer = fits(expression, text)
    except ValueError:
        return
    assert isinstance(answer, bool)


@pytest.mark.parametrize(
    "expression", ["(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*)*b", "(a?){40}a{40}b", "(x+x+)+y"]
)
def test_an_expression_that_makes_others_go_back_for_ever_ends(expression):
    assert not fits(expression, "a" * 20_000)
    assert not fits(expression, "x" * 20_000)
