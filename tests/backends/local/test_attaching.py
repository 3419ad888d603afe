"""A real debugger attaches to a real environment: breakpoints hold, time-outs do not."""

import importlib.util
import socket
import threading
import time
from dataclasses import replace

import pytest

from faaslab.backends.local.host.machine import machine
from faaslab.backends.local.host.trees import trees
from faaslab.backends.local.runtimes.interpreters import OWN_RUNTIME
from faaslab.errors import Closed, InvalidValue, RequirementsFailed, Unsupported
from tests.backends.local.dap import DebugClient
from tests.backends.local.defining import REQUEST, alive, eventually
from tests.backends.local.test_interpreters import other_runtime

SOURCE = """import os
OFFSET = 40

def handler(event, context):
    y = OFFSET + event
    print("got", y)
    return [y, os.getpid()]
"""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("debugpy") is None, reason="debugpy comes with ipykernel, and is not here"
)


def listens(port):
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


class Attached:
    """An invocation that runs in a thread of its own, and where it listens."""

    def __init__(self, backend, definer, function, payload, **options):
        self.listening = None
        self.outcome = None
        self.error = None
        self._heard = threading.Event()

        def hear(where):
            self.listening = where
            self._heard.set()

        def run():
            try:
                self.outcome = backend.attach(
                    function, payload, request=REQUEST, complete=definer.complete, listening=hear, **options
                )
            except BaseException as error:
                self.error = error
            self._heard.set()

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def where(self):
        assert self._heard.wait(60)
        if self.error is not None:
            raise self.error
        return self.listening

    def execution(self):
        self._thread.join(60)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
        return self.outcome


def test_a_breakpoint_is_hit_and_outlasts_the_timeout(backend, define, definer, tmp_path):
    # The user's own file, elsewhere: the mapping leads from it to what runs.
    mine = tmp_path / "mine.py"
    mine.write_text(SOURCE)
    function = replace(define(SOURCE, timeout_s=1), source_path=str(mine))
    attached = Attached(backend, definer, function, b"2")
    where = attached.where()
    assert where.configuration["connect"] == {"host": "127.0.0.1", "port": where.port}
    client = DebugClient(where.host, where.port)
    (told,) = client.attach(where.configuration, {mine: [6]})
    assert told["breakpoints"][0]["verified"]
    stopped = client.event("stopped")
    assert stopped["reason"] == "breakpoint"
    (frame, *_) = client.request("stackTrace", {"threadId": stopped["threadId"]})["stackFrames"]
    assert (frame["name"], frame["line"], frame["source"]["path"]) == ("handler", 6, str(mine))
    seen = client.request("evaluate", {"expression": "y * 2", "frameId": frame["id"], "context": "watch"})
    assert seen["result"] == "84"
    # Longer than the function may run on its own.
    time.sleep(1.5)
    assert attached.outcome is None
    client.request("continue", {"threadId": stopped["threadId"]}, wait=False)
    execution = attached.execution()
    client.close()
    assert execution.ok, execution.error
    assert execution.result[0] == 42
    assert definer.recorded == [execution]
    assert (execution.start_method, execution.timeout_s, execution.memory_mb) == ("attached", 1.0, 128)
    figures = ("duration_ms", "billed_ms", "init_ms", "cold_start", "max_memory_mb")
    assert [getattr(execution, name) for name in figures] == [None] * 5
    assert "got 42" in [line.message for line in execution.logs]
    assert backend.environments() == (), "it is in no pool"
    eventually(lambda: not alive(execution.result[1]))
    eventually(lambda: not listens(where.port))
    eventually(lambda: not trees(machine()).marked(execution.log_stream))


def test_a_breakpoint_in_the_module_itself_is_hit_before_the_init_ends(backend, define, definer):
    function = define(SOURCE)
    attached = Attached(backend, definer, function, b"1")
    where = attached.where()
    client = DebugClient(where.host, where.port)
    path = where.task_root / "lambda_function.py"
    assert path.read_text() == SOURCE, "without a file of the user's, the one that runs is opened"
    client.attach(where.configuration, {path: [2]})
    stopped = client.event("stopped")
    client.request("continue", {"threadId": stopped["threadId"]}, wait=False)
    assert attached.execution().result[0] == 41
    client.close()


def test_what_fails_is_recorded_as_ever_and_sees_no_variable_of_ours(backend, define, definer):
    source = (
        "import os\ndef handler(e, c):\n    raise ValueError(sorted(n for n in os.environ if 'PY' in n))\n"
    )
    attached = Attached(backend, definer, define(source), b"1")
    where = attached.where()
    client = DebugClient(where.host, where.port)
    client.attach(where.configuration, {})
    execution = attached.execution()
    client.close()
    assert (execution.error.type, execution.error.message) == ("ValueError", "['PYTHONPATH']")


def test_an_init_that_fails_waits_for_no_second_debugger(backend, define, definer):
    attached = Attached(backend, definer, define("import nothing_of_the_kind\n"), b"1")
    where = attached.where()
    client = DebugClient(where.host, where.port)
    client.attach(where.configuration, {})
    assert attached.execution().error.type == "Runtime.ImportModuleError"
    client.close()


def test_a_port_can_be_chosen_and_one_that_is_taken_is_refused(backend, define, definer):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidValue, match="--attach"):
            Attached(backend, definer, define(), b"1", port=port).execution()
    attached = Attached(backend, definer, define(), b"7", port=port)
    where = attached.where()
    assert where.port == port
    client = DebugClient(where.host, where.port)
    client.attach(where.configuration, {})
    assert attached.execution().result == 7
    client.close()


def test_closing_ends_what_waits(backend_with, define, definer, tmp_path):
    backend = backend_with()
    attached = Attached(backend, definer, define(), b"1")
    where = attached.where()
    backend.close()
    with pytest.raises(Closed):
        attached.execution()
    assert not list((tmp_path / "cache" / "tmp").iterdir())
    assert not listens(where.port)


def attached_and_gone_on(backend, definer, function, payload):
    attached = Attached(backend, definer, function, payload)
    where = attached.where()
    client = DebugClient(where.host, where.port)
    client.attach(where.configuration, {where.task_root / "lambda_function.py": [3]})
    stopped = client.event("stopped")
    client.request("continue", {"threadId": stopped["threadId"]}, wait=False)
    execution = attached.execution()
    client.close()
    return execution


VERSION = "import sys\ndef handler(e, c):\n    return list(sys.version_info[:2])\n"


@pytest.mark.parametrize(
    "settings",
    [{"network": False}, {"system": "portable", "runtime_client": "ours"}],
    ids=["without a network", "portable"],
)
def test_a_debugger_reaches_it_whatever_the_functions_may_reach(settings, backend_with, define, definer):
    assert attached_and_gone_on(backend_with(**settings), definer, define(VERSION), b"1").ok


def test_another_python_is_attached_to_where_debugpy_can_be_installed(backend, define, definer):
    other = other_runtime()
    if other is None:
        pytest.skip("this machine has no second Python")
    try:
        execution = attached_and_gone_on(backend, definer, define(VERSION, runtime=other.runtime), b"1")
    except RequirementsFailed as error:
        pytest.skip(f"debugpy could not be installed for it: {error}")
    assert "python{}.{}".format(*execution.result) == other.runtime


def test_only_python_can_be_attached_to(backend, define, definer):
    with pytest.raises(Unsupported, match="--attach"):
        Attached(backend, definer, define(runtime="provided.al2023"), b"1").execution()
    assert OWN_RUNTIME.startswith("python")
