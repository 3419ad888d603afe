"""Paths in Step Functions' dialect: what they find, what is said where they find nothing, what they write."""

import copy
from datetime import datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.query import jsonpath
from faaslab.workflow.query.jsonpath import PathMissing
from faaslab.workflow.scope import Scope

STORE = {
    "books": [
        {"title": "Sayings", "price": 8.95, "tags": ["a", "b"], "category": "reference"},
        {"title": "Sword", "price": 12.99, "category": "fiction", "isbn": None},
        {"title": "Moby", "price": 8.99, "category": "fiction", "isbn": "0-553"},
        {"title": "Lord", "price": 22.99, "tags": [], "category": "fiction"},
    ],
    "bicycle": {"color": "red", "price": 19.95},
    "a b": {"it's": 1, "ü": 2, "back\\slash": 3, "x.y": 4},
    "n": [5, 1, 4],
    "null": None,
    "limit": 10,
    "a-b": 1,
}
TITLES = ["Sayings", "Sword", "Moby", "Lord"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=12,
)


def scope(document, **others):
    return Scope(
        document, others.get("context", {}), others.get("variables", {}), Random(1), datetime(2026, 1, 1)
    )


def found(path, document=STORE):
    return jsonpath.read(path, scope(document))


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("$", STORE),
        ("$.bicycle.color", "red"),
        ("$['bicycle']['color']", "red"),
        ('$["bicycle"].color', "red"),
        ("$.['bicycle'].color", "red"),
        ("$[ 'bicycle' ]", STORE["bicycle"]),
        (r"$['a b']['it\'s']", 1),
        (r"$['a b']['\u00fc']", 2),
        ("$['a b'].ü", 2),
        (r"$['a b']['back\\slash']", 3),
        ("$['a b']['x.y']", 4),
        ("$.a-b", 1),
        ("$.null", None),
        ("$.books[0].title", "Sayings"),
        ("$.books[-1].title", "Lord"),
        ("$.books[(@.length-1)].title", "Lord"),
        ("$.books[0,2].title", ["Sayings", "Moby"]),
        ("$.books[0, 9].title", ["Sayings"]),
        ("$.books[1:].title", TITLES[1:]),
        ("$.books[:2].title", TITLES[:2]),
        ("$.books[:-1].title", TITLES[:-1]),
        ("$.books[-2:].title", TITLES[-2:]),
        ("$.books[1:3].title", TITLES[1:3]),
        ("$.books[1:99].title", TITLES[1:]),
        ("$.books[0:4:2].title", TITLES),  # Jayway leaves a step alone
        ("$.books[*].title", TITLES),
        ("$.books.*.title", TITLES),
        ("$.bicycle.*", ["red", 19.95]),
        ("$.bicycle['color','price']", {"color": "red", "price": 19.95}),
        ("$.bicycle['color','no']", {"color": "red"}),
        ("$.books[*]['title','price'].x", []),
        ("$..title", TITLES),
        ("$..books[0].title", ["Sayings"]),
        ("$..color", ["red"]),
        ("$..['color']", ["red"]),
        ("$.n..*", [5, 1, 4]),
        ("$.no[*]", []),
        ("$.no[1:].x", []),
        ("$..no", []),
        ("$.limit[*]", []),
        ("$.n.length()", 3),
        ("$.bicycle.keys()", ["color", "price"]),
        ("$.limit.length()", None),
        ("$..title.length()", 4),
        ("$.n.min()", 1.0),
        ("$.n.max()", 5.0),
        ("$.n.sum()", 10.0),
        ("$..price.max()", 22.99),
        ("$.n.first()", 5),
        ("$.n.last()", 4),
        ("$.n.index(1)", 1),
        ("$.books[*].tags.length()", [2, 0]),
    ],
)
def test_what_a_path_finds(path, answer):
    assert found(path) == answer


@pytest.mark.parametrize(
    ("condition", "titles"),
    [
        ("@.price < 10", ["Sayings", "Moby"]),
        ("@.price<10&&@.category=='fiction'", ["Moby"]),
        ("@.price > 20 || @.title == 'Sword'", ["Sword", "Lord"]),
        ("@.price < 10 && @.category == 'fiction' || @.price > 20", ["Moby", "Lord"]),
        ("(@.price < 10 || @.price > 20) && @.category == 'fiction'", ["Moby", "Lord"]),
        ("@.price > $.limit", ["Sword", "Lord"]),
        ("10 < @.price", ["Sword", "Lord"]),
        ("@.isbn", ["Sword", "Moby"]),
        ("!@.isbn", ["Sayings", "Lord"]),
        ("!(@.isbn)", ["Sayings", "Lord"]),
        ("@.isbn == null", ["Sword"]),
        ("@.isbn != null", ["Sayings", "Moby", "Lord"]),
        ("@['title'] == \"Lord\"", ["Lord"]),
        ("@.title==Lord", ["Lord"]),
        ("@.title in ['Lord', 'Moby']", ["Moby", "Lord"]),
        ("@.title nin ['Lord', 'Moby']", ["Sayings", "Sword"]),
        ("@.tags contains 'b'", ["Sayings"]),
        ("@.title contains 'or'", ["Sword", "Lord"]),
        ("@.tags size 0", ["Lord"]),
        ("@.tags empty true", ["Lord"]),
        ("@.tags empty false", ["Sayings"]),
        ("@.tags subsetof ['a', 'b', 'c']", ["Sayings", "Lord"]),
        ("@.tags anyof ['b', 'c']", ["Sayings"]),
        ("@.tags noneof ['b', 'c']", ["Lord"]),
        ("@.tags all ['a']", ["Sayings"]),
        ("@.title =~ /S.*/", ["Sayings", "Sword"]),
        ("@.title =~ /.*ORD/i", ["Sword", "Lord"]),
        ("@.price == '8.95'", ["Sayings"]),
        ("@.price === '8.95'", []),
        ("@.title !== 'Lord'", ["Sayings", "Sword", "Moby"]),
        ("@.tags.length() == 2", ["Sayings"]),
        ("@.tags[0] == 'a'", ["Sayings"]),
        ("@.tags[?(@ == 'a')]", TITLES),
        ("@.price >= 12.99 && @.price <= 12.99", ["Sword"]),
        ("@.title < 'M'", ["Lord"]),
        ("@.title > 5", TITLES),
        ("@.category == true", []),
    ],
)
def test_a_filter_keeps(condition, titles):
    assert found(f"$.books[?({condition})].title") == titles


def test_a_filter_asks_an_object_itself():
    assert found("$.bicycle[?(@.color == 'red')].price") == [19.95]
    assert found("$..[?(@.color == 'red')].price") == [19.95]
    assert found("$..[?(@.title == 'Lord')].price") == [22.99]


def test_the_context_and_variables_are_read_as_the_input_is():
    seen = scope({}, context={"Map": {"Item": {"Index": 3}}}, variables={"größe": {"a": [1, 2]}, "x": None})
    assert jsonpath.read("$$.Map.Item.Index", seen) == 3
    assert jsonpath.read("$$", seen) == seen.context
    assert jsonpath.read("$größe.a[1]", seen) == 2
    assert jsonpath.read("$größe.a[*]", seen) == [1, 2]
    assert jsonpath.read("$x", seen) is None


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("$.no", "No results for path: $['no']"),
        ("$.no.such.path", "Missing property in path $['no']"),
        ("$.bicycle.no", "No results for path: $['bicycle']['no']"),
        ("$.bicycle.no.x", "Missing property in path $['bicycle']['no']"),
        ("$.n[7]", "No results for path: $['n'][7]"),
        ("$.n[-4]", "No results for path: $['n'][-4]"),
        ("$.null[0]", "The path $['null'] is null"),
        ("$..price.length().x", "No results for path: $..['price'].length()['x']"),
        ("$no", "No results for path: $['no']"),
        ("$no.x", "Missing property in path $['no']"),
        ("$.null.sum()", "Aggregation function attempted to calculate value using empty array"),
    ],
)
def test_what_is_said_of_a_place_that_is_not_there(path, reason):
    with pytest.raises(PathMissing) as error:
        found(path)
    assert (error.value.path, error.value.reason) == (path, reason)


def test_a_property_of_what_is_no_object_is_missing():
    for path in (
        "$.limit.x",
        "$.n.x",
        "$.bicycle.color.x",
        "$.limit[0]",
        "$.bicycle[0]",
        "$.null.x",
        "$.limit['a','b']",
    ):
        with pytest.raises(PathMissing):
            found(path)


def test_something_is_there_when_a_path_finds_it():
    for path in ("$.null", "$", "$.n[2]", "$.n[*]", "$..color"):
        assert jsonpath.exists(path, scope(STORE))
    for path in ("$.no", "$.n[3]", "$.no[*]", "$..no", "$.limit.x", "$no"):
        assert not jsonpath.exists(path, scope(STORE))


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("", "'$'"),
        ("a.b", "'$'"),
        ("$a b", "character 3"),
        ("$.", "a name"),
        ("$..", "a name"),
        ("$...a", "a name"),
        ("$.a.", "a name"),
        ("$23", "'.' or '['"),
        ("$$23", "'.' or '['"),
        ("$.a b", "blank"),
        ("$[", "quotation marks"),
        ("$[]", "quotation marks"),
        ("$['a", "not closed"),
        ("$['a'", "']'"),
        ("$[1", "']'"),
        ("$[1:2", "']'"),
        ("$[99999999999999]", "too large"),
        ("$[?]", "'('"),
        ("$[?(]", "a value"),
        ("$[?()]", "a value"),
        ("$[?(@.a ==)]", "a value"),
        ("$[?(@.a like 'b')]", "no operator like"),
        ("$[?('a')]", "a comparison"),
        ("$[?(@.a == 'b]", "not closed"),
        ("$[?(@.a == 1]", "')'"),
        ("$[?(@.a =~ /x]", "not closed"),
        ("$[?(@.a =~ /(?=x)/)]", "going back"),
        ("$[?(@.a == $$.x)]", "only @ and $"),
        ("$.a.nothing()", "no function nothing()"),
        ("$.a.length(", "')'"),
        ("$[?(" + "(" * 100 + "@.a" + ")" * 100 + ")]", "deep"),
        ("$" + "[?(@" * 100 + ".a" + ")]" * 100, "deep"),
        ("$[?(@.a == " + "[" * 100 + "]" * 100 + ")]", "deep"),
    ],
)
def test_a_text_that_is_no_path(path, part):
    assert part in (jsonpath.check(path, reference=False) or "")
    with pytest.raises(StateFailure) as error:
        found(path)
    assert error.value.error == "States.Runtime"
    assert part in error.value.cause


@pytest.mark.parametrize(
    "path", ["$[*]", "$.a[1:]", "$.a[0,1]", "$..a", "$['a','b']", "$[?(@.a)]", "$.a.length()"]
)
def test_a_reference_path_has_names_and_indices_only(path):
    assert jsonpath.check(path, reference=False) is None
    assert "reference path" in jsonpath.check(path, reference=True)
    with pytest.raises(StateFailure):
        jsonpath.written(path, {}, 1)
    assert jsonpath.check("$.a['b'][0]", reference=True) is None


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("$", {"a": 1}, "new"),
        ("$.a", {"a": 1, "b": 2}, {"a": "new", "b": 2}),
        ("$.x", {"b": 2}, {"b": 2, "x": "new"}),
        ("$.x.y['z z']", {"b": 2}, {"b": 2, "x": {"y": {"z z": "new"}}}),
        ("$.a[1]", {"a": [1, 2, 3]}, {"a": [1, "new", 3]}),
        ("$.a[-1].b", {"a": [1, {}]}, {"a": [1, {"b": "new"}]}),
        ("$[0]", [1, 2], ["new", 2]),
    ],
)
def test_a_value_is_written_into_a_copy(path, before, after):
    kept = copy.deepcopy(before)
    assert jsonpath.written(path, before, "new") == after
    assert before == kept


def test_what_is_beside_the_path_is_shared_with_the_copy():
    before = {"beside": [1], "on": {"beside": {}, "x": 1}}
    after = jsonpath.written("$.on.x", before, 2)
    assert after["beside"] is before["beside"]
    assert after["on"]["beside"] is before["on"]["beside"]


@pytest.mark.parametrize(
    ("path", "before", "shown"),
    [
        ("$.someTaskResult", "input1", '"input1"'),
        ("$.a", None, "null"),
        ("$.a", [1, 2], "[1,2]"),
        ("$.a.b", {"a": 1}, '{"a":1}'),
        ("$.a.b", {"a": None}, '{"a":null}'),
        ("$.a[1]", {"a": [1]}, '{"a":[1]}'),
        ("$.a[0]", {"a": {}}, '{"a":{}}'),
        ("$.a[0]", {}, "{}"),
    ],
)
def test_a_place_that_cannot_be_written(path, before, shown):
    with pytest.raises(StateFailure) as error:
        jsonpath.written(path, before, 1)
    assert error.value.error == "States.ResultPathMatchFailure"
    assert error.value.cause == f"Unable to apply ReferencePath {path} to input {shown}"


@pytest.mark.parametrize("path", ["$$.x", "$x.y", "$$"])
def test_only_the_input_can_be_written(path):
    with pytest.raises(StateFailure, match="only a path of the input"):
        jsonpath.written(path, {}, 1)


# -- laws


NAMES = st.sampled_from(["a", "b", "c", "d e", "it's", "\\", "ü", "\n"])


def bracketed(name):
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


@given(document=JSON, names=st.lists(NAMES, max_size=4), value=JSON)
def test_what_was_written_is_read_and_the_document_stays(document, names, value):
    path = "$" + "".join(map(bracketed, names))
    before = copy.deepcopy(document)
    try:
        after = jsonpath.written(path, document, value)
    except StateFailure:  # something that is no object stands in the way
        pass
    else:
        assert found(path, after) == value
    assert document == before


@given(st.text(alphabet="$@.[]()?*:,'\"\\abx019-=<>!~&|/ +{}\nü", max_size=24).map("$".__add__), JSON)
@settings(max_examples=250)
def test_any_text_is_read_or_refused_by_our_own_errors(path, document):
    try:
        answer = found(path, document)
    except (PathMissing, StateFailure):
        return
    assert jsonpath.check(path, reference=False) is None
    assert jsonpath.is_definite(path) or isinstance(answer, list)


@given(JSON)
def test_everything_below_is_found_in_the_documents_order(document):
    def below(item):
        inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        for one in inner:
            yield one
        for one in inner:
            yield from below(one)

    assert found("$..*", document) == list(below(document))


# -- hostile input


def nested(depth, inner=None):
    document = inner
    for _ in range(depth):
        document = {"a": document}
    return document


def test_depth_is_no_recursion():
    deep = nested(10_000, 1)
    assert found("$" + ".a" * 10_000, deep) == 1
    assert len(found("$..a", deep)) == 10_000
    assert found("$..a.length()", deep) == 10_000
    assert len(found("$..[?(@.a == @.b)]", deep)) == 0
    assert found("$[?(@.a == $.a)]", deep) == [deep]
    assert found("$" + ".a" * 10_000, jsonpath.written("$" + ".a" * 10_000, deep, 2)) == 2
    lists = []
    for _ in range(10_000):
        lists = [lists]
    assert len(found("$..*", lists)) == 10_000
    with pytest.raises(StateFailure, match="Unable to apply"):
        jsonpath.written("$.a.b", {"a": lists}, 1)


@pytest.mark.parametrize("path", ["$..*..*..*", "$..a..a..a..a", "$..[?(@..a)]", "$..*[?($..a contains 1)]"])
def test_a_path_that_multiplies_comes_to_an_end(path):
    with pytest.raises(StateFailure, match="steps"):
        found(path, nested(3_000))


def test_an_expression_on_a_long_text_comes_to_an_end():
    alternatives = "|".join(f"[{chr(0x4E00 + n)}-\U00010000]*" for n in range(150))
    text = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(100_000))
    with pytest.raises(StateFailure, match="steps"):
        found(f"$[?(@ =~ /({alternatives})*!/)]", [text])
