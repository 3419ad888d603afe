"""External and internal extensions of real environments."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from faaslab.clock import SteppedClock
from faaslab.model.execution import ExecutionStatus
from tests.backends.local.defining import REQUEST, SANDBOX_FAULT, alive, eventually
from tests.backends.local.extending import CLIENT, STEADY, install

HANDLER = """
import os, pathlib, time
def handler(event, context):
    if event == "crash": os._exit(1)
    if event == "sleep": time.sleep(60)
    notes = pathlib.Path(os.environ.get("TMPDIR", "/tmp"), "notes")
    return notes.read_text().splitlines() if notes.exists() else []
"""


@pytest.fixture
def opt(tmp_path):
    return tmp_path / "cache" / "runtime" / "opt"


def lines(execution, stream):
    return [line.message for line in execution.logs if line.stream == stream]


def test_an_extension_sees_every_invocation_and_writes_into_its_log(opt, define, invoke):
    install(opt, "steady", STEADY)
    function = define(HANDLER)
    first, second = invoke(function), invoke(function)
    assert first.ok
    assert lines(first, "extension") == ["extension starts", f"extension sees {first.request_id}"]
    assert lines(second, "extension") == [f"extension sees {second.request_id}"]
    assert "EXTENSION\tName: steady\tState: Ready\tEvents: [INVOKE, SHUTDOWN]" in lines(first, "platform")
    assert not second.cold_start


def test_the_events_and_the_registration_are_lambdas(opt, define, invoke):
    body = """
told = api.register("INVOKE")
note(json.dumps(told))
event = api.next()
note(json.dumps(event))
note(json.dumps(sorted(os.environ)))
while True: api.next()
"""
    install(opt, "curious", body)
    function = define(HANDLER)
    execution = invoke(function)
    told, event, variables = map(json.loads, invoke(function).result)
    assert told == {
        "functionName": "probe",
        "functionVersion": "$LATEST",
        "handler": "lambda_function.handler",
    }
    assert event["eventType"] == "INVOKE"
    assert event["requestId"] == execution.request_id
    assert event["invokedFunctionArn"] == "arn:aws:lambda:us-east-1:000000000000:function:probe"
    assert event["tracing"] == {"type": "X-Amzn-Trace-Id", "value": execution.trace_id}
    assert event["deadlineMs"] > 1_700_000_000_000
    assert {"AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION", "PATH"} <= set(variables)
    assert not {"_HANDLER", "LAMBDA_TASK_ROOT", "AWS_EXECUTION_ENV", "AWS_XRAY_CONTEXT_MISSING"} & set(
        variables
    )


def test_the_invocation_lasts_until_its_extensions_are_done(opt, define, invoke):
    install(opt, "slow", 'api.register("INVOKE")\nwhile True:\n    api.next()\n    time.sleep(0.2)\n')
    execution = invoke(define("def handler(e, c): return 1\n"))
    assert execution.result == 1
    assert execution.duration_ms >= 200


ENDINGS = {
    "an extension that is never done": (
        'api.register("INVOKE")\napi.next()\ntime.sleep(60)\n', "Sandbox.Timedout", "Task timed out after 1.00 seconds",
    ),
    "a crash in the invocation": ('api.register("INVOKE")\napi.next()\nos._exit(7)\n', "Extension.Crash", "exit code 7"),
    "an exit error": (
        'api.register("INVOKE")\napi.next()\napi.error("exit", "Extension.Mine")\ntime.sleep(60)\n',
        "Extension.ExitError",
        "Extension.Mine",
    ),
    "a crash before it registers": ("os._exit(3)\n", "Extension.Crash", "exit code 3"),
    "a crash in the init": ('api.register("INVOKE")\nos._exit(4)\n', "Extension.Crash", "exit code 4"),
    "an init error": (
        'api.register("INVOKE")\napi.error("init", "Extension.NoConfig")\ntime.sleep(60)\n', "Extension.InitError", "Extension.NoConfig",
    ),
    "one that never registers": ("time.sleep(60)\n", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
    "one that never asks": ('api.register("INVOKE")\ntime.sleep(60)\n', "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDINGS)
def test_what_an_extension_does_wrong_is_the_functions_failure(name, opt, define, invoke, backend_with):
    body, kind, text = ENDINGS[name]
    install(opt, "wrong", body)
    backend = backend_with(init_timeout_s=0.5)
    execution = invoke(define("def handler(e, c): return 1\n", timeout_s=1), on=backend)
    assert execution.error.type == kind
    assert execution.error.message == f"RequestId: {execution.request_id} Error: {text}"
    assert execution.status is (
        ExecutionStatus.TIMEOUT if kind == "Sandbox.Timedout" else ExecutionStatus.FAILED
    )


def test_a_file_that_cannot_be_started_is_a_launch_error(opt, define, invoke):
    install(opt, "noexec", "").chmod(0o600)
    execution = invoke(define())
    assert execution.error.type == "Extension.LaunchError"
    assert execution.error.message.endswith("Error: fork/exec /opt/extensions/noexec: permission denied")


def test_eleven_are_one_too_many(opt, define, invoke):
    for number in range(11):
        install(opt, f"ext{number:02d}", STEADY)
    execution = invoke(define())
    assert execution.error.type == "Extension.TooManyExtensions"


def test_after_a_crash_of_the_function_its_extensions_are_told_and_start_anew(opt, define, invoke):
    install(opt, "steady", STEADY)
    function = define(HANDLER, timeout_s=3)
    invoke(function)
    assert invoke(function, b'"crash"').error.type == "Runtime.ExitError"
    after = invoke(function)
    assert after.result == ["shutdown failure"]
    assert lines(after, "extension")[0] == "extension starts"


def test_after_a_timeout_its_extensions_are_told(opt, define, invoke):
    install(opt, "steady", STEADY)
    function = define(HANDLER, timeout_s=1)
    invoke(function)
    assert invoke(function, b'"sleep"').error.type == "Sandbox.Timedout"
    assert invoke(function).result == ["shutdown timeout"]


OUTSIDE = """
api.register("INVOKE", "SHUTDOWN")
while True:
    event = api.next()
    if event["eventType"] == "SHUTDOWN":
        open({path!r}, "a").write(f"{{event['shutdownReason']}} {{event['deadlineMs']}}\\n")
        {then}
"""


def test_the_end_of_the_keep_alive_is_a_spindown(opt, define, invoke, backend_with, tmp_path):
    told = tmp_path / "told"
    install(opt, "steady", OUTSIDE.format(path=str(told), then="sys.exit(0)"))
    clock = SteppedClock()
    backend = backend_with(clock=clock, keep_alive_s=60)
    invoke(define(), on=backend)
    eventually(lambda: (clock.advance(100), told.exists())[1])
    assert told.read_text().split()[0] == "spindown"
    eventually(lambda: not backend.environments())


def test_closing_gives_many_environments_the_time_of_one(opt, define, backend_with, definer, tmp_path):
    import threading

    told = tmp_path / "told"
    install(opt, "stubborn", OUTSIDE.format(path=str(told), then="time.sleep(60)"))
    backend = backend_with()
    function = define("import time\ndef handler(e, c): time.sleep(1)\n", timeout_s=20)
    threads = [
        threading.Thread(
            target=lambda: backend.invoke(function, b"{}", request=REQUEST, complete=definer.complete)
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pids = [info.pid for info in backend.environments()]
    assert len(pids) == 4
    backend.close()
    deadlines = {line.split()[1] for line in told.read_text().splitlines()}
    assert len(told.read_text().splitlines()) == 4
    assert len(deadlines) == 1, "one time for all, not one after the other"
    assert not any(alive(pid) for pid in pids)


INTERNAL = (
    CLIENT.format(python=sys.executable).replace("os.path.basename(sys.argv[0])", "'inner'")
    + """
import threading
print(api.register("INVOKE"))
seen = []
def work():
    while True:
        seen.append(api.next()["requestId"])
threading.Thread(target=work, daemon=True).start()
def handler(event, context):
    late = Api("late")
    status, told = late.ask("POST", "/2020-01-01/extension/register", {"events": []}, Lambda_Extension_Name="late")
    return [status, told["errorType"], list(seen), context.aws_request_id]
"""
)


def test_an_internal_extension_lives_in_the_function(define, invoke):
    function = define(INTERNAL, timeout_s=10)
    first, second = invoke(function), invoke(function)
    assert first.result[:2] == [403, "Extension.RegistrationClosed"]
    assert first.request_id in second.result[2]
    assert "EXTENSION\tName: inner\tState: Ready\tEvents: [INVOKE]" in lines(first, "platform")
    assert not second.cold_start


def test_both_kinds_stand_side_by_side(opt, define, invoke):
    install(opt, "steady", STEADY)
    execution = invoke(define(INTERNAL, timeout_s=10))
    assert execution.ok
    names = [line.split("\t")[1] for line in lines(execution, "platform") if line.startswith("EXTENSION")]
    assert names == ["Name: steady", "Name: inner"]


def test_an_extension_is_frozen_with_its_environment(opt, define, invoke):
    install(
        opt,
        "busy",
        'import threading\napi.register("INVOKE")\n'
        "def tick():\n    while True: time.sleep(0.001)\n"
        "threading.Thread(target=tick, daemon=True).start()\nnote(os.getpid())\nwhile True: api.next()\n",
    )
    function = define(HANDLER)
    pid = int(invoke(function).result[0])
    eventually(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1] == "T")
    assert invoke(function).ok


@pytest.mark.skipif(bool(SANDBOX_FAULT), reason=SANDBOX_FAULT or "")
def test_in_a_sandbox_it_stands_beside_the_function(opt, define, invoke, backend_with):
    install(opt, "steady", STEADY)
    backend = backend_with(sandbox="on")
    function = define(HANDLER, timeout_s=5)
    first = invoke(function, on=backend)
    assert first.result == []
    assert lines(first, "extension") == ["extension starts", f"extension sees {first.request_id}"]
    assert invoke(function, b'"crash"', on=backend).error.type == "Runtime.ExitError"
    after = invoke(function, on=backend)
    assert after.result == ["shutdown failure"], "they share /tmp, and it outlives the crash"
    backend.close()


OWNER = """
import sys
from pathlib import Path
from faaslab.backends.local import LocalBackend, LocalSettings
from tests.backends.local.defining import Definer, REQUEST
folder = Path({folder!r})
(folder / "zips").mkdir(exist_ok=True)
definer = Definer(folder / "zips")
backend = LocalBackend(folder / "cache", code_of=definer.code_of, settings=LocalSettings(sandbox="off"))
execution = backend.invoke(definer.define(timeout_s=60), b"{{}}", request=REQUEST, complete=lambda x: None)
print(execution.ok, *[info.pid for info in backend.environments()], flush=True)
sys.stdin.read()
"""


def test_a_killed_owner_leaves_no_extension_behind(opt, tmp_path):
    told = tmp_path / "told"
    install(opt, "lives", f'open({str(told)!r}, "w").write(str(os.getpid()))\n' + STEADY)
    root = Path(__file__).parents[3]
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(folder=str(tmp_path))],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        ok, runtime = owner.stdout.readline().split()
        extension = int(told.read_text())
        assert ok == "True"
        assert alive(extension)
        owner.kill()
        eventually(lambda: not alive(extension) and not alive(int(runtime)))


def test_it_shares_the_functions_memory_where_the_kernel_counts(opt, define, invoke, backend):
    if "within" not in backend.enforced()["extensions"]:
        pytest.skip("no memory cgroup can be made here")
    install(
        opt,
        "greedy",
        'api.register("INVOKE")\napi.next()\nx = bytearray(300 << 20)\nwhile True: api.next()\n',
    )
    function = define("import time\ndef handler(e, c): time.sleep(5)\n", timeout_s=10)
    assert invoke(function).error.type in ("Runtime.OutOfMemory", "Extension.Crash")


def test_what_an_extension_started_ends_with_an_init_that_failed(opt, define, invoke, tmp_path):
    told = tmp_path / "told"
    install(
        opt,
        "leaves",
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        f"open({str(told)!r}, 'w').write(str(child.pid))\nos._exit(3)\n",
    )
    assert invoke(define()).error.type == "Extension.Crash"
    eventually(lambda: not alive(int(told.read_text())))


def test_whoever_knocks_and_says_nothing_is_in_nobodys_way(opt, define, invoke):
    install(opt, "steady", STEADY)
    source = (
        "import os, socket\nhost, port = os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')\n"
        "kept = [socket.create_connection((host, int(port))) for _ in range(100)]\n"
        "kept[0].send(b'half a')\nkept[1].close()\n"
        "def handler(e, c): return len(kept)\n"
    )
    function = define(source, timeout_s=10)
    assert [invoke(function).result for _ in range(3)] == [100, 100, 100]
