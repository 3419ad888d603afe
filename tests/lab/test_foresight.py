"""What is known beforehand is said where a function is defined, and nothing else is."""

import dataclasses
import shutil
import subprocess

import pytest

from faaslab.errors import RuntimeNotFound
from faaslab.lab import foresight
from faaslab.lab.definitions import OWN_RUNTIME

PYTHON = "def handler(event, context):\n    return 1\n"
BROKEN = "export const handler = async (event) => {\n  return 1 +;\n}\n"


def notes(lab, code=PYTHON, **options):
    return " ".join(lab.functions.define("f", code, **options).notes)


def test_a_runtime_that_this_machine_lacks_is_noted_with_the_remedy(lab, monkeypatch):
    def none(runtime):
        raise RuntimeNotFound(f"no node for {runtime}", place="runtime", hint="install it")

    monkeypatch.setattr(foresight, "_node", none)
    said = notes(lab, BROKEN, runtime="nodejs22.x")
    assert "no node for nodejs22.x" in said
    assert "install it" in said
    assert "every invocation will fail until then" in said
    assert "not JavaScript" not in said


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_what_is_no_javascript_is_noted_with_its_line(lab):
    version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    runtime = f"nodejs{version[1:].partition('.')[0]}.x"
    assert "not JavaScript: Unexpected token ';' (index.mjs, line 2)" in notes(lab, BROKEN, runtime=runtime)
    assert "not JavaScript" not in notes(lab, BROKEN.replace(" +;", ";"), runtime=runtime)
    common = "exports.handler = async () => {\n\n  return 1 1\n}\n"
    assert "(index.js, line 3)" in notes(lab, common, runtime=runtime)


@pytest.mark.parametrize(
    ("preload", "unknown"),
    [
        (["json"], None),
        (["email.message"], None),
        (["nosuchmod"], "nosuchmod"),
        (["a_b_c.d", "json"], "a_b_c.d"),
    ],
)
def test_a_module_to_preload_that_is_certainly_not_there_is_noted(lab, preload, unknown):
    said = notes(lab, preload=preload)
    assert ("nothing of that name can be imported" in said) == (unknown is not None)
    assert unknown is None or f"--preload {unknown}:" in said


def test_of_another_interpreter_and_of_layers_nothing_is_known(lab):
    function = lab.functions.define("f", PYTHON, preload=["nosuchmod"]).function
    setup = function.configuration
    assert foresight.foreseen(function)
    for changed in (
        dataclasses.replace(function, configuration=dataclasses.replace(setup, requires=("x",))),
        dataclasses.replace(function, configuration=dataclasses.replace(setup, layers=("x",))),
        dataclasses.replace(function, code=dataclasses.replace(function.code, files=("nosuchmod.py",))),
    ):
        assert not foresight.foreseen(changed)
    assert function.runtime == OWN_RUNTIME
