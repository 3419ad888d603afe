"""Lines and words become calls; what is wrong with them is said with the nearest word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.errors import InvalidValue, RequestError, Unsupported
from faaslab.verbs import LATER, VERBS, Call, help_text, parse


@pytest.mark.parametrize(
    ("line", "verb", "values"),
    [
        ("invoke score -p '{\"x\": 4}'", "invoke", {"name": "score", "payload": '{"x": 4}'}),
        ("invoke score -p -", "invoke", {"payload": "-"}),
        ("invoke -p=-5 score", "invoke", {"payload": "-5", "name": "score"}),
        ("invoke score --async", "invoke", {"async_": True, "tail": False}),
        ("map score df -n 8", "map", {"name": "score", "input": "df", "n": 8}),
        ("map -n8 score df", "map", {"name": "score", "input": "df", "n": 8}),
        ("retry scored --failed", "retry", {"map": "scored", "failed": True, "all": False}),
        ("delete a b", "rm", {"names": ("a", "b")}),
        ("logs", "logs", {"what": None, "grep": None}),
        ("stats --since 7d --by function,version --plot", "stats", {"since": "7d", "plot": True, "name": None}),
        ("store prune", "store prune", {"keep": "90d"}),
        ("store", "help", {"verb": ("store",)}),
        ("", "help", {"verb": ()}),
        ("invoke --help", "help", {"verb": ("invoke",)}),
        ("report run costs -p since 2026-01-01 -p n 3", "report run", {"parameters": ("since", "2026-01-01", "n", "3")}),
        ("import logs a.log b.gz --function f", "import logs", {"files": ("a.log", "b.gz"), "function": "f"}),
        ("create f --env A=1 --env B=x=y", "create", {"environment": (("A", "1"), ("B", "x=y"))}),
        ("show -- -odd", "show", {"what": "-odd"}),
        ("history score -l 5", "history", {"limit": 5}), ("runs etl --limit 5", "runs", {"limit": 5}),
        ("timeline score -l 5", "timeline", {"limit": 5}), ("history score --last 5", "history", {"limit": 5}),
    ],
)  # fmt: skip
def test_a_line_becomes_a_call(line, verb, values):
    call = parse(line)
    assert call.verb.name == verb
    assert {name: call[name] for name in values} == values


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("invoek score", "did you mean 'invoke'"),
        ("invoke score --quaifier 3", "did you mean --qualifier"),
        ("store prnue", "did you mean store prune"),
        ("store zzz", "it has: prune"),
        ("map score", "map needs INPUT"),
        ("rm", "rm needs NAMES"),
        ("map score df -n many", "-n: 'many' is not a whole number"),
        ("create f --env A", "--env: not of the form NAME=VALUE"),
        ("create f --architecture arm", "--architecture: 'arm' is none of x86_64, arm64 (did you mean 'arm64'?)"),
        ("invoke score -p", "-p: needs a value"),
        ("invoke score --tail=yes", "--tail: takes no value"),
        ("ls everything", "ls does not take 'everything'"),
        ("invoke score -p '{", "close every quote"),
        ("report run costs -p since", "-p: needs a value (NAME VALUE)"),
        ("sql", "sql needs QUERY"),
        ("invoke score --json", "no option --json"),
        ("run etl --async", "run has no option --async (see: help run)"),
        ("history score --lmit 5", "did you mean --limit"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_named_with_the_nearest(line, said):
    with pytest.raises(InvalidValue) as caught:
        parse(line)
    assert said in str(caught.value)


@pytest.mark.parametrize("line", ["deploy score --to aws", "import cloudwatch /g --since 7d", "alarm add x"])
def test_what_a_later_release_brings_is_said_plainly(line):
    with pytest.raises(Unsupported, match="this release does not have"):
        parse(line)


def test_the_cell_of_a_name_is_a_definition():
    call = parse("score --memory 512", cell="def handler(e, c): return e")
    assert (call.verb.name, call["name"], call["memory_mb"]) == ("define", "score", 512)
    assert call.cell == "def handler(e, c): return e"


def test_the_cell_of_a_function_may_be_named_like_a_verb():
    assert parse("stats", cell="def handler(e, c): ...")["name"] == "stats"


def test_a_verb_above_a_cell_that_it_does_not_take_is_refused():
    with pytest.raises(InvalidValue, match=r"one percent sign: %faas invoke score"):
        parse("invoke score -p {event}", "{}")
    assert parse("invoke --memory 256", "def handler(e, c): ...").values["name"] == "invoke"


def test_a_verb_of_a_cell_that_is_written_wrong_is_no_name_of_a_function():
    with pytest.raises(InvalidValue, match="did you mean 'workflow'"):
        parse("wrkflow etl", cell="StartAt: a")


def test_an_empty_cell_is_refused():
    with pytest.raises(InvalidValue, match="cell is empty"):
        parse("score", cell="  \n")


def test_a_workflow_cell_is_a_definition_of_a_workflow():
    call = parse("workflow etl --type EXPRESS", cell="StartAt: a")
    assert (call.verb.name, call["name"], call["type"], call.cell) == (
        "workflow",
        "etl",
        "EXPRESS",
        "StartAt: a",
    )
    assert parse("workflow check", cell="StartAt: a").verb.name == "workflow check"


@pytest.mark.parametrize(
    ("line", "query", "output"),
    [
        ("sql SELECT 'a b', \"c\" FROM t", "SELECT 'a b', \"c\" FROM t", None),
        ("sql -o df SELECT 1", "SELECT 1", "df"),
        ("sql SELECT 1 -o df", "SELECT 1", "df"),
        ('sql "SELECT 1"', "SELECT 1", None),
        ("sql SELECT it's -- not a string", "SELECT it's -- not a string", None),
    ],
)
def test_sql_takes_the_line_as_it_stands(line, query, output):
    call = parse(line)
    assert (call["query"], call.output) == ((query,), output)


def test_sql_may_stand_in_the_cell():
    assert parse("sql -o df", cell="SELECT 1\n")["query"] == ("SELECT 1\n",)


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "--store", "x.duckdb", "sql", "SELECT 1"],
        ["sql", "SELECT 1", "--json", "--store=x.duckdb"],
        ["sql", "--store", "x.duckdb", "SELECT 1", "--json"],
    ],
)
def test_a_shell_puts_its_options_anywhere(words):
    call = parse(words)
    assert (call.verb.name, call["query"], call.json, call.store) == ("sql", ("SELECT 1",), True, "x.duckdb")


def test_every_verb_has_a_help_with_each_of_its_options():
    listed = help_text()
    for verb in VERBS.values():
        assert f"{verb.name} " in listed
        text = help_text(verb.name)
        assert verb.summary in text
        assert all(option.flag in text for option in verb.options)


def test_the_examples_of_the_help_parse():
    for verb in VERBS.values():
        for example in verb.examples:
            cell = "def handler(event, context): ..." if example.startswith("%%faas") else None
            assert parse(example.removeprefix("%%faas "), cell).verb is verb


WORDS = st.sampled_from(
    [
        *" ".join([*VERBS, *LATER]).split(),
        *(flag for verb in VERBS.values() for o in verb.options for flag in o.flags),
    ]
) | st.text(max_size=6)


@given(st.lists(WORDS, max_size=6), st.none() | st.text(max_size=10))
def test_any_words_are_a_call_or_a_clear_error(words, cell):
    for line in (words, " ".join(words)):
        try:
            answer = parse(line, cell if isinstance(line, str) else None)
        except RequestError as error:
            answer = error
        assert isinstance(answer, Call) or str(answer)


@pytest.mark.parametrize(
    ("words", "port"),
    [
        ("invoke score", None),
        ("invoke score --attach", 0),
        ("invoke score --attach 5678", 5678),
        ("invoke --attach=5678 score", 5678),
        ("invoke score --attach -p 5", 0),
    ],
)
def test_a_value_may_be_left_out_where_there_is_another(words, port):
    assert parse(words)["attach"] == port


def test_a_value_that_is_left_out_is_no_other_word():
    call = parse("invoke --attach score -p 5")
    assert (call["attach"], call["name"], call["payload"]) == (0, "score", "5")
