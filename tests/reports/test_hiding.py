"""Secrets stand in no notebook and in no page of it, however a cell wrote them."""

import html
import json

import nbformat
import pytest

from faaslab.reports import journal
from faaslab.reports.hiding import forms, hide_in

SECRET = "p<ss&'wörd\\1"


def executed(*outputs, source="1", tags=(), **metadata):
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)}, outputs=list(outputs))
    return nbformat.v4.new_notebook(cells=[cell], metadata=metadata)


def shown(data):
    return nbformat.v4.new_output("display_data", data=data)


@pytest.mark.parametrize(
    "output",
    [
        nbformat.v4.new_output("stream", text=f"a {SECRET} b"),
        nbformat.v4.new_output("stream", text=repr(SECRET)),
        nbformat.v4.new_output("error", ename=SECRET, evalue=f"no {SECRET}", traceback=[f"\x1b[31m{SECRET}"]),
        nbformat.v4.new_output(
            "error", ename="E", evalue="", traceback=[SECRET[:3] + "\x1b[0m" + SECRET[3:]]
        ),
        shown({"text/html": f"<b>{html.escape(SECRET)}</b>", "text/plain": SECRET}),
        shown({"application/json": {"at": [SECRET], SECRET: 1}}),
        shown({"image/svg+xml": f"<text>{html.escape(SECRET, quote=False)}</text>"}),
        shown({"text/plain": json.dumps({"a": SECRET})}),
    ],
)
def test_it_is_masked_in_each_kind_of_output(output):
    node = executed(output)
    hide_in(node, forms([SECRET]), {})
    left = nbformat.writes(node)
    assert "••••" in json.loads(json.dumps(left))
    for part in ("wörd", "w\\u00f6rd", "w\\\\u00f6rd"):
        assert part not in left
    nbformat.validate(nbformat.reads(left, 4))


@pytest.mark.parametrize("secret", ["SEKRET\\pa\"ss'w", "it's", 'a "b" c', "back\\slash", "plain"])
def test_a_quoted_text_hides_it_however_the_quotes_fell(secret):
    for around in ("{}", "{}'", '"{}', "'{}\""):
        text = around.format(secret)
        for written in (text, repr(text), repr([text]), json.dumps(text), html.escape(repr(text))):
            assert journal.hidden(written, forms([secret])) != written


def test_the_parameters_are_shown_without_what_is_secret_in_them():
    node = executed(
        source='# Parameters\ndb = {"password": "abc", "host": "h"}\nn = 1\n',
        tags=["injected-parameters"],
        papermill={"parameters": {"db": {"password": "abc", "host": "h"}, "n": 1}},
    )  # fmt: skip
    hide_in(node, (), {"db": {"password": "••••", "host": "h"}})
    assert node.cells[0].source == "# Parameters\ndb = {'password': '••••', 'host': 'h'}\nn = 1\n"
    assert node.metadata.papermill.parameters == {"db": {"password": "••••", "host": "h"}, "n": 1}


def test_the_bytes_of_a_picture_are_left_alone():
    node = executed(shown({"image/png": "iVBORsecretAA", "text/plain": "secret"}))
    hide_in(node, forms(["secret"]), {})
    assert node.cells[0].outputs[0].data == {"image/png": "iVBORsecretAA", "text/plain": "••••"}
