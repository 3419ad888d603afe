"""Secrets stand in no notebook and in no page of it, however a cell wrote them."""

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


KEY = "sk/live+7f?Kx9&Qe<2é'\"m"


@pytest.mark.parametrize("before", ["", "a", "ab", "user:"])
@pytest.mark.parametrize("after", ["", "z", "zz", " and more"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_hides_it_wherever_in_it_it_stands(before, after, encode):
    written = encode(f"{before}{KEY}{after}".encode()).decode()
    for each in (written, written.rstrip("="), quote(written, safe="")):
        left = journal.hidden(each, forms([KEY]))
        assert "••••" in left
        # What is left of it are letters that its neighbours are in as well.
        assert len(left.replace("••••", "")) <= len(each) - len(encode(KEY.encode())) + 10


@pytest.mark.parametrize(
    "written",
    [
        quote(KEY),
        quote_plus(KEY),
        re.sub("%..", lambda found: found[0].lower(), quote(KEY, safe="")),
        "".join(f"%{byte:02x}" for byte in KEY.encode()),
        KEY.encode().hex(),
        KEY.encode().hex().upper(),
        KEY.encode().hex(":"),
        repr(KEY.encode()),
        json.dumps(KEY),
        json.dumps(KEY).replace("/", "\\/"),
        json.dumps(KEY).replace("<", "\\u003c").replace("&", "\\u0026").replace("'", "\\u0027"),
        html.escape(json.dumps(KEY)),
        html.escape(KEY).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    ],
)
def test_it_is_hidden_as_it_is_written_elsewhere(written):
    left = journal.hidden(written, forms([KEY])).replace("&quot;", "").replace("&#34;", "")
    assert left.strip("'\"b") == "••••"


@given(st.text(min_size=8, max_size=40), st.binary(max_size=7), st.binary(max_size=7))
def test_any_secret_is_hidden_in_any_base64(secret, before, after):
    written = base64.b64encode(before + secret.encode() + after).decode()
    assert "••••" in journal.hidden(written, forms([secret]))


def test_a_short_word_masks_no_base64_of_others():
    assert journal.hidden(base64.b64encode(b"a dog and a cat").decode(), forms(["dog"])).isalnum()
