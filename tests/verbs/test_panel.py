"""`panel`: which panel a name has, and what it begins with."""

import pytest

from faaslab.errors import InvalidValue, NotFound, Unsupported

SOURCE = "def handler(event, context):\n    return event\n"
PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


@pytest.fixture
def notebook(do):
    do.face.waits = False
    do.lab.functions.create("score", SOURCE)
    do.lab.workflows.create("etl", PASS)
    return do


def test_a_name_is_of_a_function_or_of_a_workflow(notebook):
    assert (notebook("panel score").kind, notebook("panel etl").kind) == ("function", "workflow")
    notebook.lab.workflows.create("score", PASS)
    assert notebook("panel score").kind == "function"
    assert notebook.face.notes == ["a workflow is named score as well: panel score --workflow"]
    assert notebook("panel score --workflow").kind == "workflow"


def test_it_begins_with_what_was_given(notebook):
    notebook.lab.versions.publish("score")
    notebook.lab.versions.point("score", "prod", "1")
    answer = notebook(
        'panel score -p {event} --schema \'{"type": "object"}\' --qualifier prod', event={"x": "é"}
    )
    assert (answer.payload, answer.schema, answer.qualifier) == ('{"x":"é"}', {"type": "object"}, "prod")
    assert (answer.value, answer.exit_status) == ("score", 0)
    bare = notebook("panel score")
    assert (bare.payload, bare.schema, bare.qualifier) == (None, None, None)


def test_what_is_wrong_is_said_with_its_place(notebook):
    with pytest.raises(NotFound, match="did you mean 'score'"):
        notebook("panel scor")
    with pytest.raises(NotFound, match="no workflow is named 'score'"):
        notebook("panel score --workflow")
    with pytest.raises(NotFound, match="nope"):
        notebook("panel score --qualifier nope")
    with pytest.raises(InvalidValue, match=r"--schema: a JSON schema is an object"):
        notebook("panel score --schema '[1]'")
    with pytest.raises(InvalidValue, match=r"--schema: not JSON at line 1 column 2"):
        notebook("panel score --schema '{x: 1}'")


def test_a_shell_says_what_to_use_there(notebook):
    notebook.face.waits = True
    with pytest.raises(Unsupported, match="invoke score -p JSON"):
        notebook("panel score")
    with pytest.raises(Unsupported, match="run etl -p JSON"):
        notebook("panel etl")
