"""The README tells the truth: its cells and commands run, and it names every verb, option and setting."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from faaslab.store import Store

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
# The two commands make an environment of their own; CI and a person run them on a fresh clone.
TWO_COMMANDS = "python3 -m venv"


def commands() -> list[tuple[str, list[str]]]:
    """The commands of each block of the README, in order, with the section that it stands in."""
    found, section = [], ""
    for heading, language, text in re.findall(
        r"^#+ ([^\n]*)$|^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE
    ):
        section = heading or section
        if lines := [
            line for line in text.splitlines() if language == "bash" and line.startswith("faaslab ")
        ]:
            found.append((section, lines))
    return found


COMMANDS = commands()


def environment(folder: Path) -> dict[str, str]:
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("FAASLAB_")},
        "FAASLAB_CACHE": str(folder / "cache"),
        "PYTHONPATH": str(ROOT / "src"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("readme")
    (folder / "pyproject.toml").write_text("[project]\nname = 'demo'\nversion = '0'\n")
    return folder


@pytest.fixture(scope="module")
def after_the_cells(project) -> Path:
    """The project after a kernel ran every cell of the README, in order."""
    cells = [text for language, text in BLOCKS if language == "python"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text.rstrip()) for text in cells])
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(project)}})
    client.execute(env=environment(project))
    return project


def test_every_cell_runs(after_the_cells):
    with Store(after_the_cells / "data" / "faaslab.duckdb") as store:
        ended = store.sql("SELECT status, count(*) n FROM executions GROUP BY status")
    assert ended.values.tolist() == [["completed", 208]]  # a failure in a map stops no cell


@pytest.mark.parametrize("lines", [pytest.param(lines, id=section) for section, lines in COMMANDS])
def test_every_command_runs(after_the_cells, lines):
    """A block is a test, so that a busy machine has time for each; a block needs the cells, not another block."""
    for line in lines:
        argv = [sys.executable, "-m", "faaslab", *shlex.split(line, comments=True)[1:]]
        done = subprocess.run(
            argv,
            cwd=after_the_cells,
            env=environment(after_the_cells),
            capture_output=True,
            text=True,
            timeout=170,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def test_no_command_is_left_out():
    run = [line for _, lines in COMMANDS for line in lines]
    assert len(run) > 30
    assert run == re.findall(
        r"^faaslab .*$", "".join(text for language, text in BLOCKS if language == "bash"), re.MULTILINE
    )


def test_the_two_commands_are_one_line_each():
    commands = [text for language, text in BLOCKS if language == "bash" and TWO_COMMANDS in text]
    assert [len(text.strip().splitlines()) for text in commands] == [1, 1]


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_every_link_leads_somewhere(target):
    assert target.startswith("https://") or (ROOT / target).exists()
