"""The house's own papers agree with each other."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def requirements(lines) -> dict[str, str]:
    found = {}
    for line in lines:
        match = re.fullmatch(r"([A-Za-z0-9_-]+) ?(>=[0-9.]+)(;.*)?", line.strip())
        assert match, line
        found[match[1].lower()] = match[2]
    return found


def test_conda_installs_the_same_set():
    text = (ROOT / "environment.yml").read_text()
    lines = [line.strip()[2:] for line in text.splitlines() if re.match(r" +- .*>=", line)]
    conda = requirements(lines)
    renamed = {"python-duckdb": "duckdb", "matplotlib-base": "matplotlib"}
    conda = {renamed.get(name, name): version for name, version in conda.items()}
    project = PYPROJECT["project"]
    assert conda.pop("python") == project["requires-python"]
    assert conda == requirements(project["dependencies"])


def test_the_packages_fixed_by_the_mission_are_core_dependencies():
    core = requirements(PYPROJECT["project"]["dependencies"])
    fixed = {
        "jupyterlab",
        "ipywidgets",
        "pandas",
        "duckdb",
        "boto3",
        "papermill",
        "matplotlib",
        "awslambdaric",
    }
    assert fixed <= set(core)


def test_the_top_level_is_as_agreed():
    import subprocess

    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout.split("\n")
    top = {path.split("/")[0] for path in tracked if path and not path.startswith(".")}
    assert top <= {
        "pyproject.toml", "src", "notebooks", "data", "tests", "environment.yml", "README.md", "LICENSE",
    }  # fmt: skip


def test_no_lock_file_and_no_download_address_is_tracked():
    import subprocess

    found = subprocess.run(
        ["git", "grep", "-lE", r"files\.pythonhosted|registry\.npmjs", "--", ".", ":!tests/test_house.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert found.stdout == ""
