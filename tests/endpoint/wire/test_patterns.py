"""Patterns of the models: Java's, and on whatever a client sends."""

import pytest

from faaslab.endpoint.wire import patterns
from faaslab.endpoint.wire.repetitions import ambiguous
from tests.endpoint.wire.samples import matching, model

SERVICES = ["lambda", "scheduler", "logs", "events", "stepfunctions", "cloudwatch", "sns", "sts"]


def shapes_with_patterns(service):
    shapes = [model(service).shape_for(name) for name in model(service).shape_names]
    return [shape for shape in shapes if shape.metadata.get("pattern") and shape.type_name == "string"]


@pytest.mark.parametrize("service", SERVICES)
def test_every_pattern_has_an_equal_here_and_takes_what_it_should(service):
    for shape in shapes_with_patterns(service):
        pattern = shape.metadata["pattern"]
        matches = patterns.matcher(pattern)
        assert matches is not None, pattern
        assert matches(matching(pattern, shape.metadata.get("min", 0), shape.metadata.get("max", 10_000))), (
            pattern
        )


@pytest.mark.parametrize("service", SERVICES)
def test_no_text_makes_a_pattern_run_for_long(service):
    """What hangs is ended by the limit that every test has."""
    for shape in shapes_with_patterns(service):
        pattern = shape.metadata["pattern"]
        longest = min(shape.metadata.get("max", patterns.LONGEST), patterns.LONGEST)
        matches = patterns.matcher(pattern)
        good = matching(pattern, shape.metadata.get("min", 0), shape.metadata.get("max", 10_000))
        for piece in {
            *good,
            *good[-1:],
            good[:6],
            good[-6:],
            " ",
            "a",
            "0",
            "-",
            "/",
            ".",
            ":",
            "a-",
            "a ",
            "%2f",
        }:
            for start in {"", good, good[: len(good) // 2]}:
                matches((start + piece * longest)[: longest - 1] + "\x00")


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (
            r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)",
            ["", "größe", "名前 1", "a\u00a0b", "²"],
            ["a!", "a\n", "é̂"[1:], "€"],
        ),
        (r"\p{ASCII}*", ["", "~\x00"], ["é"]),
        (r"[\w-_]*", ["a-b_c"], ["a b", "é"]),
        (r"[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]+", ["a €!", "é"], ["", "a\tb", "\u2028"]),
        (r"\P{L}+", ["12!"], ["1a", "é"]),
        (r"^[a-z]+$", ["abc"], ["abc\n", "ABC"]),
        (r"\d+", ["12"], ["١٢"]),
        (r"\p{Print}+", ["a ~"], ["a\t", "é"]),
        (r"[\p{Alnum}_]*", ["aZ9_"], ["-"]),
        (r"[a|~~||]+", ["a|~"], ["b"]),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", ["a é\U0001f600\n"], ["\x00"]),
    ],
)
def test_java_and_python(pattern, yes, no):
    matches = patterns.matcher(pattern)
    assert [text for text in yes if not matches(text)] == []
    assert [text for text in no if matches(text)] == []


@pytest.mark.parametrize(
    "pattern", [r"\p{Nonsense}", r"[^\P{L}]", "(", "(?<name>a)", r"a{2}{3}{", "[a[b]]", "[a-z&&[^b]]"]
)
def test_a_pattern_without_an_equal_is_not_asked(pattern):
    assert patterns.matcher(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "doubles"),
    [
        ("(a+)+b", True),
        (r"(\w+\s?)*!", True),
        ("([a-z]+)*X", True),
        (r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$", True),
        ("(a*|b)*", True),
        ("((a*){2}){9}", True),
        (r"(/[\.\-_A-Za-z0-9]+){2,}", False),
        (r"(\$(\.[\w_-]+(\[(\d+|\*)\])*)*)", False),
        (r"([a-z0-9-]+\.)*com", False),
        ("(abc)*", False),
        ("[(a+)]+", False),
        (r"(a\+)+", False),
        ("(a{3,24}){2}", False),
    ],
)
def test_what_can_take_for_ever(pattern, doubles):
    assert ambiguous(pattern) is doubles


def test_it_then_runs_on_short_texts_only():
    matches = patterns.matcher(r"^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$")
    assert matches("a b")
    assert not matches("a\x00")
    assert matches(" " * 500 + "\x00")
