"""What the setting `redact` points at is hidden in what is kept of a workflow, and goes on as it is."""

import asyncio
import json

import pytest

from faaslab import app
from faaslab.errors import WorkflowFailed
from faaslab.lab.tasks.hiding import redacted_in, redacting
from faaslab.model.masking import Mask
from faaslab.model.whole_texts import marked
from faaslab.store import Capture
from faaslab.workflow.effects import Failed, Succeeded
from tests.lab.workflow_cases import machine


def task(function, **more):
    return {"Type": "Task", "Resource": function, **more}


WORD = "PLAINPW77"
RAISES = "def handler(event, context):\n    raise ValueError('no: ' + event['password'])\n"
TELLS = "def handler(event, context):\n    print('log', event)\n    return {'password': event['password'], 'n': event['password'][::-1]}\n"
SAYS = f"def handler(event, context):\n    return {{'password': '{WORD[::-1]}'[::-1]}}\n"


@pytest.fixture
def lab(tmp_path, cache):
    with app.open(
        store=tmp_path / "s.duckdb", cache=cache, keep_alive=60, sandbox="off", redact=["/password"]
    ) as lab:
        lab.functions.create("raises", RAISES)
        lab.functions.create("tells", TELLS)
        lab.functions.create("says", SAYS)
        yield lab


async def awaited(run):
    return await run


def everything_recorded(lab, tmp_path):
    """The text of every table, and whether the history file itself has the word."""
    text = ""
    for table in ("executions", "payloads", "logs", "workflow_executions", "workflow_history", "events"):
        text += lab.sql(f"SELECT * FROM {table}").to_csv()
    lab.store.merge()
    return text, WORD.encode() in (tmp_path / "s.duckdb").read_bytes()


def test_a_cause_that_quotes_it_has_it_nowhere(lab, tmp_path):
    lab.workflows.create("w", machine(T=task("raises", End=True)))
    with pytest.raises(WorkflowFailed) as failed:
        lab.workflows.start("w", {"password": WORD}).result(timeout=60)
    assert "no: ****" in str(failed.value)
    assert WORD not in str(failed.value)
    text, in_file = everything_recorded(lab, tmp_path)
    assert (WORD in text, in_file) == (False, False)
    assert "no: ****" in text


def test_it_is_hidden_at_every_depth_of_outputs_and_goes_on_as_it_is(lab, tmp_path):
    lab.workflows.create(
        "w",
        machine(
            A=task("tells", ResultPath="$.r", Next="B"),
            B=task("tells", InputPath="$.r", ResultPath="$.deep.er", End=True),
        ),
    )
    run = lab.workflows.start("w", {"password": WORD})
    assert run.result(timeout=60)["deep"]["er"] == {"password": WORD, "n": WORD[::-1]}
    assert (
        asyncio.run(awaited(run)).output
        == run.execution.output
        == json.dumps(run.result(), separators=(",", ":"))
    )
    text, in_file = everything_recorded(lab, tmp_path)
    assert (WORD in text, in_file) == (False, False)
    shown = json.loads(lab.sql("SELECT output FROM workflow_executions")["output"][0])
    assert shown["r"] == {"password": "****", "n": WORD[::-1]}


def test_what_a_task_brings_is_hidden_from_then_on(lab, tmp_path):
    lab.workflows.create(
        "w", machine(A=task("says", ResultPath="$.found", Next="B"), B={"Type": "Pass", "End": True})
    )
    assert lab.workflows.start("w", {}).result(timeout=60) == {"found": {"password": WORD}}
    text, in_file = everything_recorded(lab, tmp_path)
    assert (WORD in text, in_file) == (False, False)


def test_what_an_item_of_a_map_is_given_is_hidden_in_its_failure(lab, tmp_path):
    inner = machine(T=task("raises", End=True))
    lab.workflows.create("w", machine(M={"Type": "Map", "ItemProcessor": inner, "End": True}))
    with pytest.raises(WorkflowFailed) as failed:
        lab.workflows.start("w", [{"password": WORD}]).result(timeout=60)
    assert WORD not in str(failed.value)
    assert f"no: {WORD}" not in everything_recorded(lab, tmp_path)[0]


CAPTURE = Capture(redact=("/password", "/people/*/name"))


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"password": WORD}, (WORD,)),
        ({"Payload": {"password": WORD}}, (WORD,)),
        ({"deeper": {"password": WORD}}, ()),
        ({"people": [{"name": "Anna Bell"}, {"name": "Otto Katz"}]}, ("Anna Bell", "Otto Katz")),
        ({"password": {"a": "first", "b": ["second"]}}, ("first", "second")),
        ({"password": 123456789}, ()),  # stars in the place of a number are no JSON
        ({"password": True}, ()),
        ({"password": "abc"}, ()),  # any page has it by chance
        ("text", ()),
        (None, ()),
    ],
)
def test_the_texts_that_pointers_point_at(document, expected):
    assert redacted_in(CAPTURE, document) == tuple(marked(each) for each in expected)


def test_a_signal_hides_what_was_given_and_what_it_brings():
    given = {"password": WORD}
    word, another = marked(WORD), marked("another")
    assert redacting(Failed("k", "E", f"no {WORD}"), CAPTURE, given).hide == (word,)
    assert redacting(Succeeded("k", {"password": "another"}), CAPTURE, given).hide == (word, another)
    assert redacting(Succeeded("k", {}, hide=("x",)), CAPTURE, {}).hide == ("x",)
    assert redacting(Succeeded("k", {"password": "another"}), Capture(), given).hide == ()


def test_names_and_parts_of_words_stay_and_the_caller_gets_what_the_workflow_gave(lab):
    given = {
        "password": "password",
        "user": "mypassword",
        "note": "the password",
        "same": ["password"],
        "n": 1,
    }
    lab.workflows.create("w", machine(P={"Type": "Pass", "End": True}))
    run = lab.workflows.start("w", given)
    assert run.result(timeout=60) == given
    assert asyncio.run(awaited(run)).output == run.wait().output
    kept = {**given, "password": "[redacted]", "same": ["****"]}
    assert json.loads(lab.sql("SELECT output FROM workflow_executions")["output"][0]) == kept
    (output,) = [
        event.details["output"]
        for event in lab.store.workflows.history(run.id)
        if event.type == "PassStateExited"
    ]
    assert json.loads(output) == kept


def test_who_looks_at_a_run_while_it_goes_still_gets_its_result(lab):
    lab.workflows.create(
        "w", machine(W={"Type": "Wait", "Seconds": 1, "Next": "P"}, P={"Type": "Pass", "End": True})
    )
    run = lab.workflows.start("w", {"password": WORD})
    assert not run.execution.ended_at
    assert json.loads(lab.workflows.execution(run.id).input) == {"password": "****"}
    assert asyncio.run(awaited(run)).output == f'{{"password":"{WORD}"}}'
    assert run.result() == {"password": WORD}


MASK = Mask([marked("score"), marked("Anna Bell"), marked('q"uo\\te'), "hunter2"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"score": "score", "a": ["score" , "scores"]}', '{"score": "****", "a": ["****" , "scores"]}'),
        ('{"note":"of Anna Bell, hunter2"}', '{"note":"of Anna Bell, ****"}'),
        ('{"Cause":"of Anna Bell, score"}', '{"Cause":"of ****, score"}'),
        ('["q\\"uo\\\\te",1.0,1e400]', '["****",1.0,1e400]'),
        ('"score"', '"****"'),
        ("{}", "{}"),
    ],
)
def test_json_has_them_hidden_where_they_are_all_of_a_string(text, expected):
    assert MASK.json_text(text) == expected
    assert MASK.body(text.encode()) == expected.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no Anna Bell here", "no **** here"),
        ("Joanna Bells, Anna Bells, xAnna Bell", "Joanna Bells, Anna Bells, xAnna Bell"),
        ("the score", "the score"),  # any page has it by chance
        ("score", "****"),
        (
            '{"errorMessage": "bad\\nAnna Bell", "errorType": "score"}',
            '{"errorMessage": "bad\\n****", "errorType": "****"}',
        ),
        ("hunter2hunter2", "********"),
    ],
)
def test_a_cause_has_them_hidden_as_words(text, expected):
    assert MASK.prose(text) == expected
    assert MASK.lines(["first", text]) == ["first", expected]


def test_what_was_found_is_still_marked():
    assert set(MASK.found_in('{"a":"Anna Bell","b":"hunter2"}')) == {marked("Anna Bell"), "hunter2"}
