"""Completion with what a real lab knows, as IPython asks for it."""

import types

import nbformat
import pytest
from IPython.core.completer import CompletionContext

from faaslab import app
from faaslab.notebook.matcher import matcher


def completed(match, text):
    context = CompletionContext(
        token="", full_text=text, cursor_position=len(text), cursor_line=0, limit=None
    )
    found = match(context)
    return [each.text for each in found["completions"]]


@pytest.fixture
def own(tmp_path):
    """The path of a notebook that takes two parameters."""
    cell = nbformat.v4.new_code_cell("store = ''\nnumber = 1\nname = ''", metadata={"tags": ["parameters"]})
    folder = tmp_path / "own"
    folder.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "mine.ipynb")
    return folder / "mine.ipynb"


def test_the_parameters_of_a_notebook_are_offered(tmp_path, own):
    shell = types.SimpleNamespace(user_ns={}, user_ns_hidden=set())
    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache", reports=own.parent) as lab:
        lab.reports.schedules.create("mondays", "rate(1 day)", report="mine")
        match = matcher(shell, types.SimpleNamespace(known=lambda: lab))
        for line in ("run mine", "schedule mondays", f"run {own}", "schedule new --report mine"):
            assert completed(match, f"%faas report {line} -p ") == ["number", "name"], line
        assert completed(match, "%faas report run mine -p number 3 -p ") == ["name"]
        assert completed(match, "%faas report run mondays -p ") == []  # a schedule is no report
        for wrong in ("nothing", f"{tmp_path}/nothing.ipynb", str(tmp_path / "s.duckdb")):
            assert completed(match, f"%faas report run {wrong} -p ") == []
    nobody = matcher(shell, types.SimpleNamespace(known=lambda: None))
    assert "since" in completed(nobody, "%faas report run cold_starts -p ")
