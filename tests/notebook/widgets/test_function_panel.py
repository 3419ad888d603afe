"""The panel of a function, without a browser: what is typed, clicked and called, and what stands there then."""

import json

import nbformat
import pytest
from ipywidgets.widgets.widget import _instances

from faaslab.errors import StoreBusy
from faaslab.notebook.display import Surroundings
from tests.notebook.hostile import STRINGS
from tests.notebook.kernel import client, environment
from tests.notebook.widgets.panels import SOURCE, until


def invoked(panel):
    panel.invoke.click()
    until(panel, lambda: panel.invoke.description == "Invoke")


def test_it_runs_what_is_typed_and_shows_what_came_back(opened):
    panel = opened(payload='{"n": 4}')
    assert panel.editor.text == '{"n": 4}'
    panel.invoke.click()
    assert (panel.invoke.description, panel.invoke.disabled) == ("Running …", True)
    assert "running" in panel.result.value
    until(panel, lambda: panel.invoke.description == "Invoke")
    shown = panel.result.value
    for word in ("completed", "what came back", "128 MB", "log: 1 line", "$LATEST"):
        assert word in shown, word
    assert not panel.invoke.disabled
    assert "<svg" in panel.sparks.value
    assert panel.rows[0].description.endswith('{"n":4}')
    assert {"run", "ok", "chosen"} <= set(panel.rows[0]._dom_classes)


def test_what_is_no_json_is_told_with_its_place_and_cannot_be_run(opened):
    panel = opened()
    panel.editor.area.value = '{"n": 1,\n "m": }'
    assert panel.invoke.disabled
    assert "the payload is wrong: not JSON at line 2 column 7" in panel.invoke.tooltip
    said = panel.editor.verdict.value
    assert "not JSON at line 2 column 7" in said
    assert "      ^" in said
    assert panel.editor.text == '{"n": 1,\n "m": }'
    panel.editor.area.value = '{"n": 1,\n "m": 2}'
    assert not panel.invoke.disabled
    assert "JSON · 17 B" in panel.editor.verdict.value
    panel.editor.area.value = ""
    assert not panel.invoke.disabled
    assert "sent as {}" in panel.editor.verdict.value


@pytest.mark.parametrize(
    "text", ["NaN", "1e999", "[" * 100_000, "\ud800", '{"a": tru}', "{'a': 1}", "x" * 100]
)
def test_whatever_is_typed_the_editor_goes_on(opened, text):
    panel = opened()
    panel.editor.area.value = text
    assert panel.invoke.disabled
    panel.editor.area.value = "{}"
    assert not panel.invoke.disabled


def test_a_sample_is_put_into_the_editor_until_it_is_changed(opened):
    panel = opened()
    panel.editor.sample.value = "sqs"
    assert json.loads(panel.editor.text)["Records"][0]["eventSource"] == "aws:sqs"
    assert panel.editor.sample.value == "sqs"
    panel.editor.area.value += " "
    assert panel.editor.sample.value == ""


def test_the_form_and_the_json_are_the_same_both_ways(opened):
    panel = opened(payload='{"n": 4, "who": {"name": "Ada"}, "on": true, "tags": [1]}')
    panel.editor.way.value = "form"
    controls = panel.editor.form.controls
    assert set(controls) == {"/n", "/who/name", "/on", "/tags"}
    controls["/n"].value = "5"
    controls["/who/name"].value = "Grace"
    controls["/on"].value = False
    controls["/tags"].value = "[1, 2]"
    assert json.loads(panel.editor.text) == {"n": 5, "who": {"name": "Grace"}, "on": False, "tags": [1, 2]}
    controls["/n"].value = "five"
    assert panel.invoke.disabled
    assert "n: &#x27;five&#x27; is not a number" in panel.editor.verdict.value
    controls["/n"].value = "6"
    assert not panel.invoke.disabled
    panel.editor.area.value = '{"n": 7, "who": {"name": "Ada"}, "on": true, "tags": [1]}'
    assert controls["/n"].value == "7"
    assert panel.editor.form.controls["/n"] is controls["/n"]
    panel.editor.area.value = '{"other": 1}'
    assert set(panel.editor.form.controls) == {"/other"}


def alive():
    """The ids of all widgets that a page would ask for."""
    return set(_instances)


def test_nothing_of_it_is_left_when_it_is_closed(opened):
    before = alive()
    panel = opened(payload='{"n": 4, "who": {"name": "Ada"}}')
    panel.editor.way.value = "form"
    panel.editor.area.value = '{"other": 1, "more": {"on": true}}'
    assert len(alive() - before) > 50
    panel.close()
    assert alive() - before == set()


def test_two_mistakes_in_the_form_are_told_until_both_are_put_right(opened):
    panel = opened(payload='{"a": 1, "b": 2}')
    panel.editor.way.value = "form"
    controls = panel.editor.form.controls
    controls["/a"].value, controls["/b"].value = "x", "y"
    controls["/a"].value = "1"
    assert "b: " in panel.editor.verdict.value
    assert panel.invoke.disabled
    controls["/b"].value = "2"
    assert not panel.invoke.disabled


SCHEMA = {
    "type": "object",
    "required": ["n"],
    "properties": {
        "n": {"type": "integer", "minimum": 1, "maximum": 9},
        "size": {"enum": ["small", "large"]},
        "on": {"type": "boolean"},
        "note": {"type": "string"},
    },
}


def test_a_schema_makes_the_form_and_says_what_does_not_fit(opened):
    panel = opened(schema=SCHEMA)
    assert panel.editor.way.value == "form"
    assert json.loads(panel.editor.text) == {"n": 1}
    controls = panel.editor.form.controls
    assert controls["/n"].description == "n · 1 to 9"
    assert controls["/note"].description == "note · optional"
    controls["/size"].value = 2
    controls["/on"].value = 1
    controls["/note"].value = "x"
    assert json.loads(panel.editor.text) == {"n": 1, "size": "large", "on": True, "note": "x"}
    controls["/size"].value = controls["/on"].value = 0
    controls["/note"].value = ""
    assert json.loads(panel.editor.text) == {"n": 1}
    controls["/n"].value = "10"
    assert "does not fit the schema, /n: 10 is greater than the maximum of 9<" in panel.editor.verdict.value
    panel.editor.area.value = '{"n": 10, "on": "yes"}'
    assert "does not fit the schema, /" in panel.editor.verdict.value
    assert "(and 1 more)" in panel.editor.verdict.value
    panel.editor.area.value = '{"n": 10}'
    assert not panel.invoke.disabled


def test_a_recorded_payload_comes_back_and_a_run_is_shown_again(opened, lab):
    first = lab.functions.invoke("score", {"n": 0, "kept": True})
    lab.functions.invoke("score", {"n": 1})
    panel = opened()
    label, chosen = next(each for each in panel.editor.recorded.options if "kept" in each[0])
    assert label.startswith('{"n":0,"kept":true}  (failed, ')
    panel.editor.recorded.value = chosen
    until(panel, lambda: json.loads(panel.editor.text) == {"n": 0, "kept": True})
    assert "failed" not in panel.result.value
    panel.rows[1].click()
    until(panel, lambda: "ValueError: nothing" in panel.result.value)
    assert "as it was recorded" in panel.result.value
    assert first.id in panel.result.value


def test_the_last_run_is_shown_until_one_is_picked_or_made_here(opened, lab):
    panel = opened()
    lab.functions.invoke("score", {"n": 101})
    panel.beat()
    assert "the last run, " in panel.result.value
    assert "101" in panel.result.value
    panel.rows[0].click()
    until(panel, lambda: "as it was recorded" in panel.result.value)
    lab.functions.invoke("score", {"n": 102})
    panel.beat()
    assert "102" not in panel.result.value
    assert '{"n":102}' in panel.rows[0].description


def test_a_version_or_an_alias_is_run(opened, lab):
    panel = opened(payload='{"n": 1}', qualifier="prod")
    assert panel.qualifier.options == (
        ("$LATEST", ""),
        ("prod → version 1", "prod"),
        ("version 1", "1"),
    )
    assert panel.qualifier.value == "prod"
    invoked(panel)
    assert panel._result.version == "1"
    lab.versions.point("score", "next", "1")
    panel.beat()
    assert ("next → version 1", "next") in panel.qualifier.options
    assert panel.qualifier.value == "prod"


def test_a_key_that_stands_twice_is_said(opened):
    panel = opened()
    panel.editor.area.value = '{"a": {"b": 1, "b": 2}, "c": [1]}'
    assert "the key &quot;b&quot; stands twice: the last one counts" in panel.editor.verdict.value
    assert not panel.invoke.disabled
    panel.editor.area.value = '{"a": {"b": 1}, "c": {"b": 2}}'
    assert "twice" not in panel.editor.verdict.value


def test_a_failure_is_a_result_and_a_refusal_is_told(opened, lab):
    panel = opened(payload='{"n": 0}')
    invoked(panel)
    assert "ValueError: nothing" in panel.result.value
    assert "failed: ValueError" in panel.rows[0].description
    lab.functions.reserve("score", 0)
    try:
        invoked(panel)
        assert "throttled" in panel.result.value
    finally:
        lab.functions.reserve("score", None)
    panel.editor.area.value = json.dumps("x" * 300_000)
    panel.apart_from.value = False
    invoked(panel)
    panel.apart_from.value = True
    panel.editor.area.value = json.dumps("x" * 1_100_000)
    panel.invoke.click()
    assert "Lambda takes" in panel.result.value


def test_a_run_is_waited_for_although_the_store_was_busy_meanwhile(opened):
    panel = opened(payload='{"n": 9}')
    panel.invoke.click()
    panel.trouble(StoreBusy("another program holds the file"))
    assert "running" in panel.result.value
    until(panel, lambda: panel.invoke.description == "Invoke")
    assert "what came back" in panel.result.value
    panel.trouble(StoreBusy("another program holds the file"))
    assert "another program holds the file" in panel.result.value
    panel._position = None
    panel.beat()
    assert "what came back" in panel.result.value


def test_a_function_that_is_deleted_meanwhile_is_said_to_be_gone(opened, lab):
    lab.functions.create("gone", SOURCE)
    panel = opened("gone")
    lab.functions.delete("gone")
    panel.beat()
    assert "no function is named &#x27;gone&#x27;" in panel.result.value
    assert "gone" in panel.still().text


def test_before_the_first_run_it_says_what_will_stand_there(opened, lab):
    lab.functions.create("fresh", SOURCE)
    panel = opened("fresh", around=Surroundings(notes=("a <note>",)))
    assert "fresh has not run yet" in panel.result.value
    assert "no runs yet" in panel.sparks.value
    assert "a &lt;note&gt;" in panel.head.value
    assert all(row.layout.display == "none" for row in panel.rows)
    assert "fresh" in panel.still().html


def test_what_is_kept_is_the_end_without_a_control(opened):
    panel = opened(payload='{"n": 8}')
    invoked(panel)
    kept = panel.still()
    for word in (
        "completed",
        "<svg",
        "payload",
        '<i class="k">&quot;n&quot;</i>: <i class="n">8</i>',
        "started UTC",
    ):
        assert word in kept.html, word
    for word in ("<button", "<input", "<textarea", "<script", "http"):
        assert word not in kept.html, word
    assert "completed" in kept.text
    panel.close()
    assert panel.handles[-1].shown[-1].html == panel.still().html


@pytest.mark.parametrize("text", STRINGS)
def test_hostile_payloads_and_results_are_text(opened, lab, text):
    panel = opened(payload=json.dumps({"n": 1, text: text}))
    panel.editor.way.value = "form"
    invoked(panel)
    panel.editor.area.value.encode()
    for html in (panel.result.value, panel.still().html, panel.editor.verdict.value, panel.sparks.value):
        assert "<script>" not in html
        assert "<img" not in html
        html.encode()
    assert json.loads(panel.editor.text) == {"n": 1, text: text}


def test_a_look_that_finds_nothing_new_changes_nothing_on_the_page(opened):
    panel = opened(payload='{"n": 1}')
    invoked(panel)
    panel.beat()
    changed = []
    for each in (panel.head, panel.result, panel.sparks, panel.recent_head, *panel.rows):
        each.observe(changed.append, names=["value", "description", "_dom_classes"])
    panel.beat()
    panel.beat()
    assert changed == []


def test_an_unattended_notebook_keeps_the_end(tmp_path):
    cells = [
        "%load_ext faaslab",
        f"%%faas score\n{SOURCE}",
        "%faas panel score -p '{\"n\": 2}'",
        "%faas invoke score -p '{\"n\": 5}';",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client(notebook, tmp_path).execute(env=environment(tmp_path))
    (output,) = notebook.cells[2].outputs
    assert set(output.data) == {"text/html", "text/plain"}
    for word in ("completed", "<svg", "score"):
        assert word in output.data["text/html"]
    assert "completed" in output.data["text/plain"]
