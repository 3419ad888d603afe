"""Intrinsic functions: what they make, their limits, and how a failure is told."""

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.query import intrinsic_functions, intrinsics
from faaslab.workflow.query.intrinsic_functions import BadArgument

INPUT = {
    "name": "Ada",
    "items": [1, 2, 3, 4, 5],
    "same": [1, 1.0, True, "1", None, None, [1], [1], {"a": 1, "b": 2}, {"b": 2, "a": 1}],
    "object": {"k": 1.0, "l": [None, "x"], "ü": {"y": False}},
    "text": "a.b,,c",
    "none": None,
    "empty": [],
}


@pytest.fixture
def gives(seen):
    def ask(text, document=INPUT, **others):
        return intrinsics.evaluate(text, seen(document, **others))

    return ask


@pytest.fixture
def refused(seen):
    def ask(text, document=INPUT, **others):
        with pytest.raises(StateFailure) as error:
            intrinsics.evaluate(text, seen(document, **others))
        assert error.value.error == "States.Runtime"
        assert error.value.framed
        begin = f"The function '{text}' had the following error: "
        assert error.value.cause.startswith(begin)
        return error.value.cause.removeprefix(begin)

    return ask


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("States.Format('Hello {}, {}', $.name, 5)", "Hello Ada, 5"),
        ("States.Format('{}|{}|{}|{}', $.none, true, 3.5, 1e10)", "null|true|3.5|1.0E10"),
        ("States.Format('{}', $.object)", "{k=1.0, l=[null, x], ü={y=false}}"),
        ("States.Format('{}', $.empty)", "[]"),
        (r"States.Format('\'{}\' \{\} \\ \n', 1)", r"'1' {} \ \n"),
        ("States.Format('nothing')", "nothing"),
        ("States.Format('')", ""),
        ("States.Format($.name)", "Ada"),
        (" States.Format( '{}' , $.name ) ", "Ada"),
        ("States.JsonToString($.object)", '{"k":1.0,"l":[null,"x"],"ü":{"y":false}}'),
        ("States.JsonToString($.name)", '"Ada"'),
        ("""States.StringToJson('{"a":[1,2.0]}')""", {"a": [1, 2.0]}),
        ("States.StringToJson(' ')", None),
        ("States.StringToJson(States.JsonToString($))", INPUT),
        ("States.Array()", []),
        ("States.Array('Foo', 2020, $.name, null, true, -1.5)", ["Foo", 2020, "Ada", None, True, -1.5]),
        ("States.ArrayPartition($.items, 2)", [[1, 2], [3, 4], [5]]),
        ("States.ArrayPartition($.items, 2.6)", [[1, 2], [3, 4], [5]]),
        ("States.ArrayPartition($.empty, 2)", []),
        ("States.ArrayPartition($.items, 99)", [[1, 2, 3, 4, 5]]),
        ("States.ArrayContains($.items, 5)", True),
        ("States.ArrayContains($.items, 5.0)", False),
        ("States.ArrayContains($.items, '5')", True),
        ("States.ArrayContains($.same, 'true')", True),
        ("States.ArrayContains($.same, false)", False),
        ("States.ArrayContains($.same, null)", True),
        ("States.ArrayContains($.same, $.object)", False),
        ("States.ArrayContains($.same, $.same[8])", True),
        ("States.ArrayContains(States.Array($.same[8]), $.same[9])", False),
        ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
        ("States.ArrayRange(5, 1, -2)", [5, 3, 1]),
        ("States.ArrayRange(5, 1, 1)", []),
        ("States.ArrayRange(3, 3, -1)", [3]),
        ("States.ArrayRange(1.4, 5.6, 2.2)", [1, 3, 5]),
        ("States.ArrayRange(5.4, -0.6, -2.4)", [5, 3, 1]),
        ("States.ArrayGetItem($.items, 4)", 5),
        ("States.ArrayGetItem($.items, 1.9)", 2),
        ("States.ArrayGetItem($.empty, 9)", None),
        ("States.ArrayLength($.items)", 5),
        ("States.ArrayLength($.items[?(@ > 3)])", 2),
        ("States.ArrayUnique($.same)", [1.0, None, [1], {"a": 1, "b": 2}, 1, "1", True]),
        ("States.ArrayUnique(States.Array(2, 1, 2, 3, 1))", [1, 2, 3]),
        ("States.Base64Encode('Data to encode')", "RGF0YSB0byBlbmNvZGU="),
        ("States.Base64Encode('ü😀')", "w7zwn5iA"),
        ("States.Base64Decode('w7zwn5iA')", "ü😀"),
        ("States.Base64Decode('abc')", "i�"),
        ("States.Base64Decode(' YWJj ZA== ')", "abcd"),
        ("States.Base64Decode('YWJj=ZGVm')", "abc"),
        ("States.Hash('hello', 'MD5')", "5d41402abc4b2a76b9719d911017c592"),
        ("States.Hash('hello', 'SHA-1')", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"),
        ("States.Hash('✓', 'SHA-256')", "1dabba21cdad44541f6b15796f8d22978fc7ea10c46aeceeeeb66c23b3ac7604"),
        ("States.JsonMerge($.object, States.StringToJson('{\"k\":2}'), false)", {**INPUT["object"], "k": 2}),
        ("States.JsonMerge($.object, $.object, 'true')", INPUT["object"]),
        ("States.MathAdd(5, -3)", 2),
        ("States.MathAdd(-0.5, 0.5)", 1),
        ("States.MathAdd(2147483646, 1)", 2147483647),
        ("States.StringSplit($.text, ',')", ["a.b", "c"]),
        ("States.StringSplit($.text, '.,')", ["a", "b", "c"]),
        ("States.StringSplit($.text, '')", ["a.b,,c"]),
        ("States.StringSplit('', ',')", []),
        ("States.StringSplit(',', ',')", []),
        ("States.ArrayGetItem(States.StringSplit($.text, ','), States.MathAdd(2, -1))", "c"),
        ("States.Format('{}-{}', $.items[0], $['name'])", "1-Ada"),
        ("States.ArrayLength($.items[?(@ > 1 && @ in [2, 3])])", 2),
    ],
)
def test_what_a_function_gives(gives, text, answer):
    found = gives(text)
    assert found == answer
    assert repr(found) == repr(answer)


@pytest.mark.parametrize("algorithm", ["SHA-384", "SHA-512"])
def test_long_hashes(gives, algorithm):
    assert re.fullmatch(r"[0-9a-f]{96}|[0-9a-f]{128}", gives(f"States.Hash('x', '{algorithm}')"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("States.Format('{} {}', 1)", "Invalid arguments in States.Format: number of arguments do not match the occurrences of {}."),
        ("States.Format('{}', 1, 2)", "Invalid arguments in States.Format: number of arguments do not match the occurrences of {}."),
        ("States.Format('Hello {', 1)", "Invalid template in States.Format: matching '}' not found for '{'."),
        ("States.Format('{{}}', 1)", "Invalid template in States.Format: matching '}' not found for '{'."),
        ("States.Format('}')", "Invalid template in States.Format: matching '{' not found for '}'."),
        ("States.Format(5)", "Invalid arguments in States.Format: "),
        ("States.StringToJson('{bad')", "Invalid arguments in States.StringToJson: "),
        ("States.StringToJson('NaN')", "Invalid arguments in States.StringToJson: "),
        ("States.StringToJson(5)", "Invalid arguments in States.StringToJson: "),
        ("States.ArrayPartition($.items, 0)", "Invalid arguments in States.ArrayPartition: "),
        ("States.ArrayPartition($.items, 0.6)", "Invalid arguments in States.ArrayPartition: "),
        ("States.ArrayPartition($.name, 1)", "Invalid arguments in States.ArrayPartition: "),
        ("States.ArrayContains($.name, 'A')", "Invalid arguments in States.ArrayContains: "),
        ("States.ArrayRange(1, 10, 0)", "Invalid arguments in States.ArrayRange: "),
        ("States.ArrayRange(1, 1001, 1)", "Invalid arguments in States.ArrayRange: "),
        ("States.ArrayRange(1, 1e300, 1)", "Invalid arguments in States.ArrayRange: "),
        ("States.ArrayRange('1', 2, 1)", "Invalid arguments in States.ArrayRange: "),
        ("States.ArrayGetItem($.items, 5)", "Invalid arguments in States.ArrayGetItem: "),
        ("States.ArrayGetItem($.items, -1)", "Invalid arguments in States.ArrayGetItem: "),
        ("States.ArrayGetItem($.items, '1')", "Invalid arguments in States.ArrayGetItem: "),
        ("States.ArrayLength($.name)", "Invalid arguments in States.ArrayLength: "),
        ("States.ArrayUnique($.object)", "Invalid arguments in States.ArrayUnique: "),
        ("States.Base64Encode(5)", "Invalid arguments in States.Base64Encode: "),
        ("States.Base64Decode($.object)", "Invalid arguments in States.Base64Decode: "),
        ("States.Hash('x', 'sha-256')", "Invalid arguments in States.Hash: "),
        ("States.Hash('x', 5)", "Invalid arguments in States.Hash: "),
        ("States.JsonMerge($.object, $.object, true)", "Invalid arguments in States.JsonMerge: "),
        ("States.JsonMerge($.object, $.items, false)", "Invalid arguments in States.JsonMerge: "),
        ("States.MathRandom(1, 1)", "Invalid arguments in States.MathRandom: "),
        ("States.MathRandom(1.4, 1.6)", "Invalid arguments in States.MathRandom: "),
        ("States.MathRandom(1, 10, null)", "Invalid arguments in States.MathRandom: "),
        ("States.MathAdd(true, 1)", "Invalid arguments in States.MathAdd: "),
        ("States.MathAdd('1', 1)", "Invalid arguments in States.MathAdd: "),
        ("States.MathAdd(2147483647, 1)", "Invalid arguments in States.MathAdd: "),
        ("States.MathAdd(3000000000, -1000000000)", "Invalid arguments in States.MathAdd: "),
        ("States.MathAdd(1e309, 1)", "Invalid arguments in States.MathAdd: "),
        ("States.StringSplit(5, ',')", "Invalid arguments in States.StringSplit: "),
        ("States.StringSplit('a', null)", "Invalid arguments in States.StringSplit: "),
        ("States.Format('{}', States.MathAdd('1', 1))", "Invalid arguments in States.MathAdd: "),
    ],
)  # fmt: skip
def test_what_a_function_refuses(refused, text, reason):
    assert refused(text).startswith(reason)


def test_a_path_that_finds_nothing(refused):
    found = {"other": 1, "items": [1]}
    missing = "The JsonPath argument for the field '{}' could not be found in the input '{}'"
    for text, path in (
        ("States.Format('{}',$.nope)", "$.nope"),
        ("States.Format('{} {}', $.other, $.a.b)", "$.a.b"),
        ("States.Format('{}', States.Format('{}', $.nope))", "$.nope"),
        ("States.Format('{}', $.items[5])", "$.items[5]"),
        ("States.Format('{}', $.items[5].x)", "$.items[5].x"),
        ("States.Format($.nope, 1)", "$.nope"),
        ("States.Format('{}', $variable.x)", "$variable.x"),
    ):
        assert refused(text, found) == missing.format(path, '{"other":1,"items":[1]}')
    # Of the context the path within it is named, with the input all the same.
    text = "States.Format('{}', $$.Nope.Deep)"
    assert refused(text, {"other": 1}) == missing.format("$.Nope.Deep", '{"other":1}')
    text = "States.Format('{}', $.other[0])"
    assert refused(text, {"other": 1}) == "Filter: [0] can only be applied to arrays. Current context is: 1"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "the name of a function"),
        ("$.a", "the name of a function"),
        ("States.Nothing()", "there is no function States.Nothing"),
        ("States.Format", "'('"),
        ("States.Format()", "takes 1 or more arguments and was given 0"),
        ("States.MathAdd(1)", "takes 2 arguments and was given 1"),
        ("States.MathRandom(1, 2, 3, 4)", "takes 2 to 3 arguments and was given 4"),
        ("States.UUID('x')", "takes 0 arguments and was given 1"),
        ("States.Format('a", "not closed"),
        ("States.Format('a'", "',' or ')'"),
        ("States.Format('a',)", "the name of a function"),
        ("States.Format('a' 'b')", "',' or ')'"),
        ("States.Format('a') x", "the end"),
        ("States.Format('{}', $.a[)", "quotation marks"),
        ('States.Format("a")', "the name of a function"),
        ("States.Array(" * 11 + ")" * 11, "more than 10 deep"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_call(refused, text, part):
    assert part in intrinsics.check(text)
    assert part in refused(text)


def test_ten_within_each_other(gives):
    assert gives("States.Array(" * 10 + ")" * 10) == [[[[[[[[[[]]]]]]]]]]
    assert intrinsics.check("States.Array(" * 10 + ")" * 10) is None


def test_no_text_is_longer_than_ten_thousand_characters(gives, refused):
    document = {"fits": "A" * 10_000, "not": "A" * 10_001}
    for text in ("States.Base64Encode($.{})", "States.Base64Decode($.{})", "States.Hash($.{}, 'MD5')"):
        gives(text.format("fits"), document)
        assert "10000 characters" in refused(text.format("not"), document)
    assert len(gives("States.ArrayRange(1, 1000, 1)")) == 1000


# -- chance


def test_chance_is_the_scopes(gives):
    for text in ("States.UUID()", "States.MathRandom(1, 1000000)"):
        assert gives(text, seed=1) == gives(text, seed=1)
        assert gives(text, seed=1) != gives(text, seed=2)
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", gives("States.UUID()")
    )


def test_a_seed_gives_the_same_number_whatever_chance_says(gives):
    assert len({gives("States.MathRandom(1, 1000000, 42)", seed=seed) for seed in range(5)}) == 1
    assert len({gives(f"States.MathRandom(1, 1000000, {seed})") for seed in range(-5, 5)}) == 10


@given(st.integers(-(2**31), 2**31 - 2), st.integers(1, 2**31), st.none() | st.integers())
def test_a_random_number_is_from_the_start_up_to_before_the_end(start, more, seed):
    end = min(start + more, 2**31 - 1)
    given = [start, end] if seed is None else [start, end, seed]
    assert start <= intrinsic_functions.BY_NAME["States.MathRandom"](given, Random(1)) < end


# -- laws and hostile input


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(JSON)
def test_json_written_as_text_is_read_again(value):
    text = intrinsic_functions.BY_NAME["States.JsonToString"]([value], Random(1))
    again = intrinsic_functions.BY_NAME["States.StringToJson"]([text], Random(1))
    assert repr(again) == repr(value)


@given(st.text(max_size=40))
def test_text_encoded_is_decoded_again(text):
    encoded = intrinsic_functions.BY_NAME["States.Base64Encode"]([text], Random(1))
    assert intrinsic_functions.BY_NAME["States.Base64Decode"]([encoded], Random(1)) == text


@given(st.sampled_from(sorted(intrinsic_functions.BY_NAME)), st.lists(JSON, min_size=3, max_size=3))
@settings(max_examples=200)
def test_any_arguments_give_an_answer_or_are_refused(name, given):
    from faaslab.workflow.query.intrinsic_grammar import ARGUMENTS

    most = ARGUMENTS[name][1]
    try:
        intrinsic_functions.BY_NAME[name](given[:most], Random(1))
    except BadArgument:
        return


@given(st.text("States.Fomat(){}'$,\\ 1-Array\n", max_size=30).map("States.".__add__))
@settings(max_examples=200)
def test_any_text_is_a_call_or_is_refused(text):
    reason = intrinsics.check(text)
    assert reason is None or reason


def test_depth_is_no_recursion(gives, refused):
    deep = []
    for _ in range(10_000):
        deep = [deep]
    document = {"deep": deep, "list": [deep, deep, 1]}
    assert gives("States.JsonToString($.deep)", document) == "[" * 10_001 + "]" * 10_001
    assert gives("States.Format('{}', $.deep)", document) == "[" * 10_001 + "]" * 10_001
    assert gives("States.ArrayContains($.list, $.deep)", document) is True
    assert len(gives("States.ArrayUnique($.list)", document)) == 2
    assert len(gives("States.Hash($.deep[0], 'MD5')", {"deep": [[[]]]})) == 32
    assert "not JSON" in refused("States.StringToJson($.text)", {"text": "[" * 100_000})
    assert "not JSON" in refused("States.StringToJson($.text)", {"text": "1" * 10_000})
    many = {"list": list(range(50_000)) * 2}
    assert len(gives("States.ArrayUnique($.list)", many)) == 50_000
