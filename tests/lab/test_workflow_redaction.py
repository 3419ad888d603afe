"""What the setting `redact` points at is hidden in the whole execution of a workflow, and goes on as it is."""

import json

import pytest

from faaslab import app
from faaslab.errors import WorkflowFailed
from faaslab.lab.tasks.hiding import redacted_in, redacting
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
    assert run.result(timeout=60)["deep"]["er"] == {"password": "****", "n": WORD[::-1]}  # B had it
    text, in_file = everything_recorded(lab, tmp_path)
    assert (WORD in text, in_file) == (False, False)
    shown = json.loads(lab.sql("SELECT output FROM workflow_executions")["output"][0])
    assert shown["r"] == {"password": "****", "n": WORD[::-1]}


def test_what_a_task_brings_is_hidden_from_then_on(lab, tmp_path):
    lab.workflows.create(
        "w", machine(A=task("says", ResultPath="$.found", Next="B"), B={"Type": "Pass", "End": True})
    )
    assert lab.workflows.start("w", {}).result(timeout=60) == {"found": {"password": "****"}}
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
    assert redacted_in(CAPTURE, document) == expected


def test_a_signal_hides_what_was_given_and_what_it_brings():
    given = {"password": WORD}
    assert redacting(Failed("k", "E", f"no {WORD}"), CAPTURE, given).hide == (WORD,)
    assert redacting(Succeeded("k", {"password": "another"}), CAPTURE, given).hide == (WORD, "another")
    assert redacting(Succeeded("k", {}, hide=("x",)), CAPTURE, {}).hide == ("x",)
    assert redacting(Succeeded("k", {"password": "another"}), Capture(), given).hide == ()
