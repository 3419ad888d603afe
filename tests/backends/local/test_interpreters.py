import sys
from pathlib import Path

import pytest

from faaslab.backends.local.runtimes import interpreters
from faaslab.errors import RequirementsFailed, RuntimeNotFound, Unsupported
from tests.backends.local.defining import OWN_RUNTIME


def other_runtime():
    """A Python of another version, when this machine has one."""
    for minor in (12, 13, 14, 10):
        if minor != sys.version_info[1]:
            try:
                return interpreters.find(f"python3.{minor}")
            except RuntimeNotFound:
                continue
    return None


def test_the_own_runtime_is_the_own_interpreter():
    found = interpreters.find(OWN_RUNTIME)
    assert (found.path, found.runtime, found.own) == (Path(sys.executable), OWN_RUNTIME, True)


def test_a_runtime_that_is_not_here_names_the_setting():
    with pytest.raises(RuntimeNotFound, match="own_interpreter=True") as caught:
        interpreters.find("python3.99")
    assert caught.value.place == "runtime"
    assert interpreters.find("python3.99", own_interpreter=True).runtime == OWN_RUNTIME


@pytest.mark.parametrize(
    "runtime", ["nodejs22.x", "provided.al2023", "python", "python2.7", "python3.11; rm"]
)
def test_what_is_not_python_is_unsupported(runtime):
    with pytest.raises(Unsupported):
        interpreters.find(runtime)


def test_a_shim_that_leads_nowhere_is_passed_over(tmp_path, monkeypatch):
    shim = tmp_path / "python3.98"
    shim.write_text("#!/bin/sh\necho not found >&2\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeNotFound):
        interpreters.find("python3.98")


def test_which_one_ran_is_recorded(define, invoke, backend_with):
    backend = backend_with(own_interpreter=True)
    execution = invoke(
        define(
            "import os\ndef handler(e, c):\n    return os.environ['AWS_EXECUTION_ENV']\n",
            runtime="python3.99",
        ),
        on=backend,
    )
    assert execution.runtime == OWN_RUNTIME
    assert execution.result == f"AWS_Lambda_{OWN_RUNTIME}"


def test_without_the_setting_nothing_runs(define, invoke, definer):
    with pytest.raises(RuntimeNotFound):
        invoke(define(runtime="python3.99"))
    assert definer.recorded == []


def test_another_version_runs_on_its_own_interpreter(define, invoke):
    other = other_runtime()
    if other is None:
        pytest.skip("this machine has no second Python")
    source = "import sys\ndef handler(e, c):\n    return list(sys.version_info[:2])\n"
    try:
        execution = invoke(define(source, runtime=other.runtime))
    except RequirementsFailed as error:
        pytest.skip(f"the runtime client could not be installed for it: {error}")
    assert execution.ok, execution.error
    assert execution.runtime == other.runtime == "python{}.{}".format(*execution.result)
