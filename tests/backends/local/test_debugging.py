"""A function in this very process: what it sees is an environment's, and nothing of it stays."""

import bdb
import dataclasses
import linecache
import logging
import os
import sys
import tempfile
import threading
import traceback

import pytest

from faaslab.backends.local import LocalBackend
from faaslab.errors import Conflict, InvalidValue, Stopped, Unsupported
from faaslab.model.execution import ExecutionStatus
from faaslab.model.function import ImageCode
from faaslab.model.invocation import Invocation
from faaslab.verbs import call_under
from tests.backends.local.defining import REQUEST


def state():
    """Of this process, what a debugged function may see changed."""
    root = logging.getLogger()
    return {
        "variables": dict(os.environ),
        "folder": os.getcwd(),
        "path": list(sys.path),
        "argv": list(sys.argv),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "handlers": list(root.handlers),
        "level": root.level,
        "temporary": tempfile.tempdir,
        "hook": sys.breakpointhook,
        "trace": sys.gettrace(),
        "own": {name for name in sys.modules if name.startswith(("lambda_function", "shared_code"))},
        "bytecode": sys.dont_write_bytecode,
    }


@pytest.fixture
def debug(backend, definer):
    """debug(function, payload, **options) on the standard backend; everything is put back, whatever happens."""

    def call(function, payload=b"{}", *, request=REQUEST, on=None, **options):
        before = state()
        try:
            return (on or backend).debug(
                function, payload, request=request, complete=definer.complete, **options
            )
        finally:
            assert state() == before

    return call


LOOKS = """
import os, sys, tempfile, logging, shared_code
print("loading", __name__)
def handler(event, context):
    print("printed")
    logging.getLogger("mine").warning("logged")
    open(os.path.join(tempfile.gettempdir(), "kept"), "w").close()
    return {
        "event": event, "variables": dict(os.environ), "cwd": os.getcwd(), "path": sys.path[0], "argv": sys.argv,
        "temporary": tempfile.gettempdir(), "shared": shared_code.VALUE, "file": __file__,
        "context": [context.function_name, context.memory_limit_in_mb, context.aws_request_id, context.invoked_function_arn,
                    context.client_context.custom, type(context).__name__, context.get_remaining_time_in_millis(),
                    context.get_remaining_time_in_millis()],
    }
"""


def test_it_sees_what_it_would_see_in_an_environment(debug, invoke, define, definer, tmp_path, capsys):
    function = define(
        LOOKS,
        files={"shared_code.py": "VALUE = 1\n"},
        memory_mb=256,
        environment={"STAGE": "dev"},
        timeout_s=7,
    )
    request = Invocation(client_context='{"custom": {"a": 1}}')
    here = debug(function, b'{"x": 1}', request=request)
    there = invoke(function, b'{"x": 1}', request=request)
    assert here.ok, here.error
    assert definer.recorded == [here, there]
    mine, theirs = here.result, there.result
    own = {"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "HOME", "TMPDIR", "_X_AMZN_TRACE_ID"}
    more = {"TERM", "COLUMNS", "LINES", "PYTHONBREAKPOINT", "NO_COLOR"}
    assert {name for name in mine["variables"] if name not in own | more} == theirs["variables"].keys() - own
    assert all(
        value == mine["variables"][name] for name, value in theirs["variables"].items() if name not in own
    )
    for same in ("event", "cwd", "path", "argv", "shared", "file"):
        assert mine[same] == theirs[same]
    assert os.path.isfile(mine["file"]), "so every debugger finds the text"
    assert not os.path.exists(mine["temporary"])
    assert mine["context"][:6] == [
        "probe", "256", here.request_id, function.arn, {"a": 1}, "LambdaContext",
    ]  # fmt: skip
    assert mine["context"][6:] == [7000, 7000], "the time never runs out"
    assert capsys.readouterr().out == "loading lambda_function\nprinted\n"
    said = [(line.stream, line.level, line.message.split("\t")[-1]) for line in here.logs]
    assert [each for each in said if each[0] == "function"] == [
        ("function", None, "loading lambda_function"),
        ("function", None, "printed"),
        ("function", "WARN", "logged"),
    ]


def test_it_has_no_figures_for_a_person_stood_in_between(debug, define):
    execution = debug(define("import time\ndef handler(e, c):\n    time.sleep(1.2)\n", timeout_s=1))
    assert execution.ok, "no timeout"
    assert execution.start_method == "in-process"
    figures = ("duration_ms", "billed_ms", "init_ms", "cold_start", "max_memory_mb", "environment_id")
    assert [getattr(execution, name) for name in figures] == [None] * 6
    assert (execution.status, execution.memory_mb, execution.timeout_s) == ("completed", 128, 1.0)


@pytest.mark.parametrize(
    "source",
    [
        "def handler(e, c):\n    return inner()\ndef inner():\n    raise KeyError('é')\n",
        "def handler(e, c):\n    return {1}\n",
        "def handler(e, c):\n    raise SystemExit\n",
        "def handler(e, c):\n    import sys; sys.exit(3)\n",
        "def handler(e):\n    pass\n",
        "import nothing_of_the_kind\n",
        "def handler(:\n",
        "raise OSError('no disk')\n",
        "x = 1\n",
    ],
)
def test_what_fails_is_recorded_as_ever(source, debug, invoke, define):
    function = define(source)
    here, there = debug(function), invoke(function)
    assert here.status is there.status is ExecutionStatus.FAILED

    def told(execution):
        return {
            key: value.replace(execution.request_id, "ID") if isinstance(value, str) else value
            for key, value in execution.result.items()
            if key != "stackTrace"
        }

    assert told(here) == told(there)
    assert here.error.type == there.error.type
    if "inner" in source:
        assert here.error.stack_trace == there.error.stack_trace
        assert sys.last_value.args == ("é",), "%debug and pdb.pm() find it"


def test_its_modules_are_loaded_anew_each_time(debug, define):
    function = define(
        "import shared_code\nCOUNT = []\ndef handler(e, c):\n    COUNT.append(1); return [len(COUNT), shared_code.VALUE]\n",
        files={"shared_code.py": "VALUE = 'first'\n"},
    )
    assert debug(function).result == [1, "first"]
    changed = define(
        "import shared_code\ndef handler(e, c):\n    return shared_code.VALUE\n",
        files={"shared_code.py": "VALUE = 'second'\n"},
        definition=2,
    )
    assert debug(changed).result == "second"
    assert debug(function).result == [1, "first"]


def test_a_module_of_this_process_with_the_same_name_is_not_seen_and_not_lost(debug, define, monkeypatch):
    mine = type(sys)("helpers_of_mine")
    mine.VALUE = "the notebook's"
    monkeypatch.setitem(sys.modules, "helpers_of_mine", mine)
    function = define(
        "import helpers_of_mine\ndef handler(e, c):\n    return helpers_of_mine.VALUE\n",
        files={"helpers_of_mine.py": "VALUE = 'its own'\n"},
    )
    assert debug(function).result == "its own"
    assert sys.modules["helpers_of_mine"] is mine


def test_compiled_code_that_is_loaded_already_serves_as_it_is(debug, define):
    import numpy as np

    function = define(
        "import numpy\ndef handler(e, c):\n    return numpy.__file__\n",
        files={"numpy/__init__.py": "", "numpy/core.so": ""},
    )
    execution = debug(function)
    assert execution.result == np.__file__
    assert any("numpy" in line.message for line in execution.logs if line.stream == "platform")


def test_secrets_are_given_and_never_recorded(backend_with, debug, define):
    backend = backend_with(resolve_secret={"KEY": "hunter22"}.__getitem__)
    source = "import os\ndef handler(e, c):\n    print(os.environ['TOKEN']); raise ValueError(os.environ['TOKEN'])\n"
    execution = debug(define(source, secrets=("TOKEN=KEY",)), on=backend)
    assert execution.error.message == "****"
    assert "hunter22" not in repr(execution.logs) + repr(execution.result)
    assert "****" in [line.message for line in execution.logs]


class Scripted:
    """A debugger whose user types nothing, and where it stopped."""

    hook = None
    cell = None

    def __init__(self, commands=("continue",)):
        self.commands = list(commands)
        self.stops = []
        self.raised = None

    def call(self, function, *arguments):
        outer = self

        class Stops(bdb.Bdb):
            def user_line(self, frame):
                outer.stops.append((os.path.basename(frame.f_code.co_filename), frame.f_lineno))
                if outer.commands.pop(0) == "continue":
                    self.set_continue()
                else:
                    self.set_quit()

        return call_under(Stops(), function, *arguments)

    def typed(self, source):
        return self.cell

    def failed(self, error):
        self.raised = error


STEPS = "x = 1\n\ndef handler(event, context):\n    y = x + event\n    return y / 0 if event == 9 else y\n"


def test_a_debugger_stops_at_the_handlers_first_line(debug, define):
    debugger = Scripted()
    execution = debug(define(STEPS), b"2", debugger=debugger)
    assert execution.result == 3
    assert debugger.stops == [("lambda_function.py", 4)]


def test_a_debugger_is_shown_what_was_raised(debug, define):
    debugger = Scripted()
    execution = debug(define(STEPS), b"9", debugger=debugger)
    assert execution.error.type == "ZeroDivisionError"
    frame = debugger.raised.__traceback__
    while frame.tb_next:
        frame = frame.tb_next
    assert frame.tb_frame.f_locals["y"] == 10


def test_who_leaves_the_debugger_leaves_no_record(debug, define, definer):
    with pytest.raises(Stopped):
        debug(define(STEPS), b"2", debugger=Scripted(["quit"]))
    assert definer.recorded == []


def test_an_interrupt_goes_to_the_caller(debug, define, definer):
    with pytest.raises(KeyboardInterrupt):
        debug(define("def handler(e, c):\n    raise KeyboardInterrupt\n"))
    assert definer.recorded == []


BREAKS = "import pdb\ndef handler(e, c):\n    breakpoint()\n    pdb.set_trace()\n    return 1\n"


def test_breakpoints_are_passed_where_nobody_answers(debug, define):
    assert debug(define(BREAKS), breakpoints=False).result == 1


def test_breakpoints_stop_where_somebody_does(debug, define, monkeypatch):
    stopped = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: stopped.append(sys._getframe(1).f_lineno))
    assert debug(define("def handler(e, c):\n    breakpoint()\n    return 1\n")).result == 1
    assert stopped == [2]


def test_one_at_a_time(debug, define):
    inside, go = threading.Event(), threading.Event()

    class Waits(Scripted):
        def call(self, function, *arguments):
            inside.set()
            assert go.wait(20)
            return function(*arguments)

    results = []
    thread = threading.Thread(target=lambda: results.append(debug(define(), debugger=Waits())))
    thread.start()
    try:
        assert inside.wait(20)
        with pytest.raises(Conflict, match="already"):
            debug(define())
    finally:
        go.set()
        thread.join()
    assert results[0].ok


def test_another_python_and_other_runtimes_are_refused_with_the_remedy(debug, define, definer):
    with pytest.raises(Unsupported) as caught:
        debug(define(runtime="python3.99"))
    assert "--attach" in caught.value.hint
    with pytest.raises(Unsupported, match="provided"):
        debug(define(runtime="provided.al2023"))
    image = dataclasses.replace(define(), code=ImageCode(uri="image.tar"))
    with pytest.raises(Unsupported, match="image"):
        debug(image)
    with pytest.raises(InvalidValue):
        debug(define(), b"{")
    assert definer.recorded == []


def test_debugging_starts_no_process(debug, define, backend):
    assert debug(define()).ok
    assert backend.environments() == ()
    assert isinstance(backend, LocalBackend)
    assert not list((backend._root / "tmp").iterdir())


def test_a_function_is_seen_in_the_cell_it_was_typed_into(debug, define, invoke):
    source = "def handler(event, context):\n    return 1 / event\n"
    debugger = Scripted()
    debugger.cell = ("/tmp/ipykernel_1/123.py", 3)
    function = define(source)
    failed = debug(function, b"0", debugger=debugger)
    assert debugger.stops == [("123.py", 5)]
    assert "/tmp/ipykernel_1/123.py" in {
        frame.f_code.co_filename for frame, _ in traceback.walk_tb(debugger.raised.__traceback__)
    }
    (there,) = invoke(function, b"0").error.stack_trace
    assert failed.error.stack_trace[-1] == there, "what is recorded is as ever"
    assert "/tmp/ipykernel_1/123.py" not in linecache.cache
    other = Scripted()
    assert debug(function, b"1", debugger=other).result == 1
    assert other.stops == [("lambda_function.py", 2)]


def test_this_python_takes_the_place_of_one_that_is_not_here_where_that_is_allowed(
    backend_with, debug, define
):
    backend = backend_with(own_interpreter=True)
    assert debug(define(runtime="python3.99"), b"1", on=backend).result == 1
