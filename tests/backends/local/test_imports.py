"""What a function can import: what Lambda brings and what it requires, whichever way it is started."""

import importlib.util
import subprocess
import sys
import threading

import pytest

from faaslab.backends.local.runtimes import interpreters
from faaslab.backends.local.runtimes.packages import Packages
from tests.backends.local.defining import SANDBOX_FAULT

KERNEL = ["IPython", "duckdb", "faaslab", "ipykernel", "numpy", "pandas", "pip", "pytest", "setuptools"]
FINDS = f"""
import importlib, sys
def handler(event, context):
    found = []
    for name in event or {KERNEL!r}:
        try:
            importlib.import_module(name)
            found.append(name)
        except ImportError:
            pass
    return found
"""
CLIENT = """
import boto3
s3 = boto3.client("s3", region_name="eu-west-1")
def handler(event, context):
    return [s3.meta.endpoint_url, boto3.resource("dynamodb").Table("t").name]
"""
PANDAS = """
import pandas
from importlib.metadata import version
def handler(event, context):
    return [int(pandas.DataFrame({"x": [1, 2]}).x.sum()), version("pandas"), version("numpy"), pandas.__file__]
"""
WAYS = {
    "official": {"runtime_client": "official"},
    "ours": {"runtime_client": "ours"},
    "portable": {"system": "portable", "runtime_client": "ours"},
    "sandbox": {"sandbox": "on"},
    "template": {"templates": "on"},
}


@pytest.fixture(params=WAYS)
def way(request, backend_with):
    if request.param == "sandbox" and SANDBOX_FAULT:
        pytest.skip(SANDBOX_FAULT)
    if request.param in ("official", "template") and not importlib.util.find_spec("awslambdaric"):
        pytest.skip("awslambdaric is not installed here")
    return backend_with(**WAYS[request.param])


@pytest.fixture
def without_pip(monkeypatch):
    def refuse(*_):
        raise AssertionError("an installer was asked")

    monkeypatch.setattr(Packages, "_install", refuse)


def twice(way, invoke, function, payload=b"null"):
    """A first cold start and another, which is a fork where there are templates."""
    first = invoke(function, payload, on=way)
    assert first.ok, first.error
    way._templates.await_all(60)
    way.retire(function.name)
    second = invoke(function, payload, on=way)
    assert second.result == first.result
    assert second.start_method == ("fork" if way._settings.templates == "on" else "spawn")
    return second.result


def test_nothing_of_what_is_installed_here_is_there(way, define, invoke, without_pip):
    assert twice(way, invoke, define(FINDS, memory_mb=512)) == []


def test_boto3_is_there_and_makes_clients(way, define, invoke, without_pip):
    source = CLIENT.replace('"dynamodb"', '"dynamodb", region_name="eu-west-1"')
    result = twice(way, invoke, define(source, memory_mb=512, timeout_s=30))
    assert result == ["https://s3.eu-west-1.amazonaws.com", "t"]


def test_what_is_required_comes_from_here_with_what_it_requires(way, define, invoke, without_pip):
    import numpy as np
    import pandas as pd

    function = define(PANDAS, memory_mb=1024, timeout_s=60, requires=("pandas>=2",))
    total, *versions, place = twice(way, invoke, function)
    assert (total, versions) == (3, [pd.__version__, np.__version__])
    assert "/requirements/linked-" in place
    assert invoke(define(FINDS, requires=("pandas",), name="other", memory_mb=512), on=way).result == [
        "numpy",
        "pandas",
    ]


def test_with_preload_it_is_forked(backend_with, define, invoke, without_pip):
    if not importlib.util.find_spec("awslambdaric") or sys.platform != "linux":
        pytest.skip("forks are for Linux")
    backend = backend_with(templates="auto")
    function = define(PANDAS, memory_mb=512, timeout_s=60, requires=("pandas",), preload=("pandas",))
    invoke(function, on=backend)
    backend._templates.await_all(60)
    backend.retire("probe")
    execution = invoke(function, on=backend)
    assert (execution.ok, execution.start_method) == (True, "fork")


@pytest.mark.parametrize("templates", ["off", "on"])
def test_with_the_setting_all_that_is_installed_is_there(backend_with, define, invoke, templates):
    backend = backend_with(kernel_packages=True, templates=templates)
    function = define(FINDS, memory_mb=1024, timeout_s=60)
    for _ in range(2):
        assert invoke(function, b'["duckdb", "pandas"]', on=backend).result == ["duckdb", "pandas"]
        backend._templates.await_all(60)
        backend.retire("probe")


def test_what_site_gives_is_still_there(way, define, invoke):
    source = """
import sys
def handler(event, context):
    return [exit.__class__.__name__, quit.__class__.__name__, help.__class__.__name__, bool(copyright), sys.path[0]]
"""
    assert twice(way, invoke, define(source))[:4] == ["Quitter", "Quitter", "_Helper", True]


def test_exit_ends_the_process(backend, define, invoke):
    assert invoke(define("def handler(e, c):\n    exit(3)\n")).error.type == "Runtime.ExitError"


def test_a_sitecustomize_is_asked_where_the_function_says_where_modules_are(
    backend, define, invoke, tmp_path
):
    (tmp_path / "sitecustomize.py").write_text("import builtins\nbuiltins.customized = True\n")
    source = (
        "def handler(e, c):\n    return hasattr(__builtins__, 'customized') or 'customized' in __builtins__\n"
    )
    source = "import builtins\ndef handler(e, c):\n    return hasattr(builtins, 'customized')\n"
    own = {"sitecustomize.py": "import builtins\nbuiltins.customized = True\n"}
    assert invoke(define(source, files=own)).result is False, "as on Lambda, the task root comes too late"
    assert invoke(define(source, environment={"PYTHONPATH": str(tmp_path)}, name="other")).result is True


def test_what_a_function_ships_hides_what_lambda_brings(way, define, invoke):
    source = "import six\ndef handler(e, c):\n    return six.MINE\n"
    assert invoke(define(source, files={"six.py": "MINE = 1\n"}), on=way).result == 1


def test_a_damaged_folder_is_mended(backend_with, define, invoke, tmp_path):
    assert invoke(define(CLIENT.replace("dynamodb", "s3").replace("Table", "Bucket"), memory_mb=512, timeout_s=30,
                         environment={"AWS_CONFIG_FILE": "/nothing"}), on=backend_with()).ok  # fmt: skip
    (folder,) = (tmp_path / "cache" / "runtime").glob("linked-*")
    for name in ("boto3", "six.py"):
        (folder / name).unlink()
    assert invoke(define(FINDS), b'["boto3", "six"]', on=backend_with()).result == ["boto3", "six"]


def test_several_at_once_make_one_folder(tmp_path):
    script = (
        "import sys; from pathlib import Path; from faaslab.backends.local.runtimes import interpreters\n"
        "from faaslab.backends.local.runtimes.packages import Packages\n"
        "sys.stdin.readline()\n"
        "print(Packages(Path(sys.argv[1])).requirements(['pandas'], interpreters.own()))\n"
    )
    owners = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "root")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(next(path for path in sys.path if path.endswith("src")))},
        )
        for _ in range(3)
    ]
    told = []
    threads = [
        threading.Thread(target=lambda each=each: told.append(each.communicate("\n", timeout=60)[0]))
        for each in owners
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(told)) == 1
    folder = tmp_path / "root" / "requirements"
    assert [str(path) for path in folder.iterdir() if path.is_dir()] == [told[0].strip()]


def test_with_arguments_for_pip_or_another_python_it_is_pip_that_installs(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(Packages, "_install", lambda self, folder, wanted, python: asked.append(wanted))
    Packages(tmp_path, pip_arguments=("--pre",)).requirements(["pandas"], interpreters.own())
    other = interpreters.Interpreter(path=tmp_path / "python3.99", runtime="python3.99", version="3.99.0")
    Packages(tmp_path).requirements(["pandas"], other)
    assert asked == [["pandas"], ["pandas"]]
