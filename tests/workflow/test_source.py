"""A definition's text: what YAML and JSON mean, where everything stands, and texts that are meant badly."""

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from faaslab.errors import InvalidValue
from faaslab.workflow import json_source, yaml_source
from faaslab.workflow.source import read, with_arns

SCORED = """\
# a comment
Comment: 2024-01-01
StartAt: Score
States:
  Score:
    Type: Task
    Resource: score
    Retry: &patient
      - ErrorEquals: [States.ALL]
        MaxAttempts: 2
    Next: yes
  yes:
    Type: Map
    ItemProcessor:
      StartAt: Inner/One
      States:
        Inner/One:
          Type: Pass
          End: true
    Retry: *patient
    End: true
"""
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6), inner, max_size=4
        )
    ),
    max_leaves=20,
)


def refused(text):
    with pytest.raises(InvalidValue) as error:
        read(text)
    return str(error.value)


def test_yaml_is_json_in_its_order():
    source = read(SCORED)
    assert source.definition["Comment"] == "2024-01-01"
    assert list(source.definition["States"]) == ["Score", "yes"]
    assert source.definition["States"]["Score"]["Next"] == "yes"
    assert source.definition["States"]["yes"]["Retry"] == [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}]


@pytest.mark.parametrize(
    ("pointer", "line", "told"),
    [
        ("/", 2, "line 2"),
        ("/StartAt", 3, "line 3"),
        ("/States/Score", 5, "line 5, state Score"),
        ("/States/Score/Resource", 7, "line 7, state Score"),
        ("/States/Score/Retry[0]/MaxAttempts", 10, "line 10, state Score"),
        ("/States/Score/Retry/0/MaxAttempts", 10, "line 10, state Score"),
        ("/States/Score/Credentials/RoleArn", 5, "line 5, state Score"),  # not there: the nearest around it
        ("/States/yes/ItemProcessor/States/Inner/One/Type", 18, "line 18, state Inner/One"),
        ("/States/yes/ItemProcessor/States/Inner~1One/Type", 18, "line 18, state Inner/One"),
        ("/States/yes/Retry", 20, "line 20, state yes"),
        (None, None, ""),
        ('[Source: (String)"x"; line: 1, column: 4]', None, ""),
    ],
)
def test_the_place_of_a_pointer(pointer, line, told):
    source = read(SCORED)
    assert (source.line_of(pointer), source.told(pointer)) == (line, told)


def test_the_place_of_a_pointer_in_json():
    text = json.dumps(read(SCORED).definition, indent=2)
    source = read(text)
    assert text.split("\n")[source.line_of("/States/Score/Next") - 1].strip() == '"Next": "yes"'
    place = source.place_of("/States/Score/Retry[0]/ErrorEquals[0]")
    assert text.split("\n")[place.line - 1][place.column - 1 :] == '"States.ALL"'


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("True", True),
        ("~", None),
        ("", None),
        ("'true'", "true"),
        ("12", 12),
        ("+5", 5),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("012", "012"),
        ("000000000000", "000000000000"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2024-11-06T09:42:03Z", "2024-11-06T09:42:03Z"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("{{% $x %}}", None),
        ("'{% $states.input %}'", "{% $states.input %}"),
        ("$.a", "$.a"),
        (">\n  a\n  b\n", "a b\n"),
    ],
)
def test_what_a_value_means(written, meant):
    if written == "{{% $x %}}":
        assert "line 1" in refused(f"Value: {written}")
        return
    value = read(f"Value: {written}").definition["Value"]
    assert (value, type(value)) == (meant, type(meant))


@pytest.mark.parametrize("name", ["yes", "on", "1", "1.5", "true", "null", "2024-01-01", "~", "0x1", "="])
def test_a_name_is_the_text_that_is_written(name):
    assert list(read(f"{name}: x").definition) == [name]


def test_mappings_are_merged_and_what_is_written_wins():
    source = read("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  y: 3\nc:\n  <<: [*a, {z: 4}]\n")
    assert source.definition["b"] == {"x": 1, "y": 3}
    assert source.definition["c"] == {"x": 1, "y": 2, "z": 4}
    assert source.line_of("/b/y") == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1, column 1: the text is empty"),
        ("- a", "line 1, column 1: a definition is an object"),
        ("just text", "a definition is an object"),
        ("a: 1\na: 2", "line 2, column 1: the name 'a' stands here a second time, first in line 1"),
        ('{"a": 1,\n "a": 2}', "line 2, column 2: the name 'a' stands here a second time, first in line 1"),
        ("a: !Ref b", "line 1, column 4: the tag !Ref is not supported"),
        (
            "a: !!python/object/apply:os.system [ls]",
            "the tag !!python/object/apply:os.system is not supported",
        ),
        ("!!set {a: null}", "the tag !!set is not supported"),
        ("a: .nan", "line 1, column 4: JSON has no number .nan"),
        ("a: 1e999", "line 1, column 4: the number 1e999… is out of range"),
        ("a: " + "9" * 5000, "is out of range"),
        ("a: *b", "line 1, column 4: *b names nothing that stands before it"),
        ("a: &a [*a]", "*a names nothing that stands before it"),
        ("? [a]\n: b", "a name must be a text"),
        ("a: &a x\n*a : b", "a name must be a text"),
        ("a: b\n---\nc: d", "line 2, column 1: there is a second document"),
        ("a:\n\t- b", "YAML is indented with blanks, not with tabs"),
        ("a: [b", "line 1, column 4: while parsing a flow sequence"),
        ("a: b: c", "line 1, column 5"),
        ("<<: 3", "'<<' takes a mapping"),
        ("a: \x00", "a character that YAML cannot have"),
        ("a: \ud800", "a character that YAML cannot have"),
        ("a: \x01", "definition, line 1"),
        ('{"a" 1}', "line 1, column 6: ':' is missing"),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ('{"a": 1} x', "line 1, column 10"),
        ('{"a": [1,}', "line 1, column 10: a value is missing before '}'"),
        ("x" * 5_000_000, "longer than"),
    ],
)
def test_a_text_is_refused_with_its_place(text, said):
    assert said in refused(text)


def test_aliases_cannot_blow_a_text_up():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "each alias counted" in refused("\n".join(lines))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "- " * 100_000,
        "{a: " * 900,
        "a:\n" + "".join(" " * n + "b:\n" for n in range(1, 900)),
    ],
)
def test_deep_nesting_is_refused(text):
    refused(text if text.startswith(("{", "a:")) else f"a:\n {text}")


def test_flow_mappings_without_quotes_are_yaml():
    assert read("{StartAt: A, States: {A: {Type: Succeed}}}").definition["StartAt"] == "A"


@given(JSON)
def test_json_is_read_as_json_reads_it(value):
    assert json_source.read(json.dumps(value))[0] == value
    assert json_source.read(json.dumps(value, indent=1, ensure_ascii=False))[0] == value


class Quoting(yaml.SafeDumper):
    """Puts each text in quotes: YAML 1.1, which the library writes, has texts that are numbers in 1.2 (0E0)."""


Quoting.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


@given(JSON)
def test_yaml_that_was_written_comes_back(value):
    written = yaml.dump(value, Dumper=Quoting, sort_keys=False, allow_unicode=True)
    assert yaml_source.read(written)[0] == value


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        definition = read(text).definition
    except InvalidValue:
        return
    assert isinstance(definition, dict)


def test_short_names_of_resources_become_arns():
    task = {"Type": "Task", "Resource": "score", "End": True}
    inner = {"StartAt": "I", "States": {"I": {**task, "Resource": "activity:approve"}}}
    definition = {
        "StartAt": "A",
        "States": {
            "A": {**task, "Resource": "score:prod"},
            "B": {"Type": "Parallel", "Branches": [inner, {"StartAt": "J", "States": {"J": task}}]},
            "C": {"Type": "Map", "ItemProcessor": inner, "Parameters": {"Resource": "score"}},
            "D": {**task, "Resource": "arn:aws:states:::lambda:invoke"},
            "E": {**task, "Resource": "${Function}"},
            "F": {"Type": "Pass", "Resource": "score"},
            "G": 3,
        },
    }
    before = json.dumps(definition)
    states = with_arns(definition, "eu-west-1")["States"]
    assert json.dumps(definition) == before
    lambda_arn = "arn:aws:lambda:eu-west-1:000000000000:function:score"
    activity = "arn:aws:states:eu-west-1:000000000000:activity:approve"
    assert states["A"]["Resource"] == f"{lambda_arn}:prod"
    assert states["B"]["Branches"][0]["States"]["I"]["Resource"] == activity
    assert states["B"]["Branches"][1]["States"]["J"]["Resource"] == lambda_arn
    assert states["C"]["ItemProcessor"]["States"]["I"]["Resource"] == activity
    assert states["C"]["Parameters"] == {"Resource": "score"}
    assert [states[name] for name in "DEFG"] == [definition["States"][name] for name in "DEFG"]


@pytest.mark.parametrize(
    "odd", [{}, {"States": 3}, {"States": {"A": {"Type": "Parallel", "Branches": [1, None]}}}]
)
def test_short_names_in_what_is_no_machine(odd):
    assert with_arns(odd, "us-east-1") == odd


def test_a_machine_that_holds_itself_ends():
    machine = {"StartAt": "A", "States": {"A": {"Type": "Map"}}}
    machine["States"]["A"]["ItemProcessor"] = machine
    assert with_arns(machine, "us-east-1")["StartAt"] == "A"


def test_a_short_name_is_lengthened_once():
    definition = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "score:1", "End": True}}}
    once = with_arns(definition, "us-east-1")
    assert with_arns(once, "eu-west-1") == once


def test_names_that_hold_what_separates_are_found():
    source = read('{"States": {"a/": {"b[0]": 1,\n "b": [2]},\n "a": {"": {"b[0]": 3}}}}')
    assert source.line_of("/States/a//b[0]") == 1
    assert source.told("/States/a//b") == "line 2, state a/"
    assert source.line_of("/States/" + "/" * 1_000_000) == 1
