import os
import shutil
import subprocess

import pytest

from faaslab.backends.local import LocalBackend, LocalSettings
from faaslab.clock import SYSTEM
from tests.backends.local.bootstraps import GO
from tests.backends.local.defining import REQUEST, SANDBOX_FAULT, Definer


@pytest.fixture
def definer(tmp_path):
    folder = tmp_path / "zips"
    folder.mkdir()
    return Definer(folder)


@pytest.fixture
def define(definer):
    return definer.define


# These run a second time as on a machine that has nothing but what every POSIX system has, or in a sandbox.
# Elsewhere tests run in the open: their handlers tell of host PIDs, and meet in files of the test's folder.
TWICE = {
    "test_cancelling", "test_environments", "test_failures", "test_hostile_clients", "test_invocation_headers", "test_json_logging",
    "test_records", "test_snap_start", "test_streaming", "test_variables",
}  # fmt: skip
IN_A_SANDBOX = {"test_cancelling", "test_failures"}
SYSTEMS = {
    "native": {"sandbox": "off"},
    "portable": {"system": "portable", "runtime_client": "ours"},
    "sandbox": {"sandbox": "on"},
}


def pytest_generate_tests(metafunc):
    module = metafunc.module.__name__.rpartition(".")[2]
    if "system" in metafunc.fixturenames and module in TWICE:
        contained = ["sandbox"] if module in IN_A_SANDBOX else []
        metafunc.parametrize("system", ["native", "portable", *contained], indirect=True)


@pytest.fixture
def system(request):
    """Which of SYSTEMS the backends of a test are on."""
    chosen = getattr(request, "param", "native")
    if chosen == "sandbox" and SANDBOX_FAULT:
        pytest.skip(SANDBOX_FAULT)
    return chosen


@pytest.fixture
def backend_with(tmp_path, definer, system):
    """Makes backends with settings; all are closed at the end."""
    made = []

    def make(*, clock=SYSTEM, resolve_secret=None, **settings):
        settings = {**SYSTEMS[system], **settings}
        more = {} if resolve_secret is None else {"resolve_secret": resolve_secret}
        backend = LocalBackend(
            tmp_path / "cache",
            code_of=definer.code_of,
            layer_of=lambda arn: definer.layers[arn],
            clock=clock,
            settings=LocalSettings(**settings),
            **more,
        )
        made.append(backend)
        return backend

    yield make
    for backend in made:
        backend.close()


@pytest.fixture
def backend(backend_with):
    return backend_with()


@pytest.fixture
def invoke(backend, definer):
    """invoke(function, payload) on the standard backend."""

    def call(function, payload=b"{}", *, request=REQUEST, on=None):
        return (on or backend).invoke(function, payload, request=request, complete=definer.complete)

    return call


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """built(name, source): a static Go program, from the standard library alone, as bytes."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    folder = tmp_path_factory.mktemp("go")
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=mod",
        "GOTOOLCHAIN": "local",
        "GOCACHE": str(folder / "cache"),
        "GOPROXY": "off",
    }

    def build(name, source):
        (folder / f"{name}.go").write_text(source)
        subprocess.run(["go", "build", "-o", name, f"{name}.go"], cwd=folder, env=environment, check=True)
        return (folder / name).read_bytes()

    return build


@pytest.fixture(scope="session")
def go_bootstrap(built):
    """A runtime in Go."""
    return built("bootstrap", GO)
