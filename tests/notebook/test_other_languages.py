"""Cells that are not Python: JavaScript and a shell script become functions and run."""

import shutil
import subprocess

import pytest

from tests.notebook.hostile import read
from tests.notebook.kernel import run

NODE = (
    subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    if shutil.which("node")
    else ""
)
RUNTIME = f"nodejs{NODE[1:].partition('.')[0]}.x"

JAVASCRIPT = f"""%%faas hello --runtime {RUNTIME}
// It is JavaScript: none of this is Python, and nobody says so.
export const handler = async (event) => {{
  console.log(`hello ${{event.name}}`);
  return {{ greeting: `Hello ${{event.name}}!` }};
}};"""

CELLS = {
    "load": "%load_ext faaslab",
    "script": "%%faas sh --runtime provided.al2023\n#!/bin/sh\necho said by a shell\nexit 3",
    "script_ran": "%faas invoke sh -o r",
    "script_shown": "r",
    "script_said": "r.error.message.split('Error: ')[1]",
    "define": JAVASCRIPT,
    "code": "%faas code hello",
    "invoke": '%faas invoke hello -p \'{"name": "Ada"}\' -o answer',
    "shown": "answer",
    "answer": "answer.result",
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    return run(CELLS, tmp_path_factory.mktemp("languages"))


def test_a_shell_script_is_a_bootstrap(cells):
    assert "created" in read(cells["script"].html[0]).text
    assert "said by a shell" in read(cells["script_shown"].html[0]).text
    assert cells["script_said"].text == "'Runtime exited with error: exit status 3'"


@pytest.mark.skipif(not NODE or shutil.which("npm") is None, reason="node or npm is not installed")
def test_javascript_in_a_cell(cells):
    card = read(cells["define"].html[0]).text
    assert "created" in card
    assert "index.handler" in card
    assert "Python" not in card
    assert "console.log" in cells["code"].text
    assert cells["answer"].text == "{'greeting': 'Hello Ada!'}"
    assert "hello Ada" in read(cells["shown"].html[0]).text
