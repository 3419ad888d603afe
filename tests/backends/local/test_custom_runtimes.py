"""Custom runtimes, layers and wrappers, with real programs: Go, a shell, Python."""

import os
import platform
import signal
import sys
from pathlib import Path

import pytest

from faaslab.backends.local.runtimes.custom_program import fault
from faaslab.errors import InvalidValue, NotFound, Unsupported
from tests.backends.local.bootstraps import SHELL
from tests.backends.local.defining import OWN_RUNTIME

# A new connection for each request, as curl in a loop has it.
PYTHON = f"""#!{sys.executable}
import json, os, sys, urllib.request as u
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
def post(path, value):
    u.urlopen(u.Request(base + path, json.dumps(value).encode(), method="POST")).read()
if os.environ["_HANDLER"] == "refuse":
    post("init/error", {{"errorMessage": "refused", "errorType": "Mine"}})
    sys.exit(5)
count = 0
while True:
    with u.urlopen(base + "invocation/next") as next:
        event, id = json.load(next), next.headers["Lambda-Runtime-Aws-Request-Id"]
    count += 1
    print("python says hello", flush=True)
    post(f"invocation/{{id}}/response", [event, count, sorted(os.environ), os.getcwd()])
"""


@pytest.fixture
def define_zip(definer):
    return definer.define_zip


def test_a_static_go_program(go_bootstrap, define_zip, invoke):
    function = define_zip({"bootstrap*": go_bootstrap}, handler="main")
    first = invoke(function, b'{"a":1}')
    assert first.ok, first.error
    told = first.result
    assert (told["event"], told["count"], told["handler"], told["execution_env"]) == ({"a": 1}, 1, "main", "")
    assert first.cold_start
    assert first.runtime == "provided.al2023"
    assert first.logs[0].message.startswith("INIT_START Runtime Version: provided:al2023.v")
    assert "go says hello" in [line.message for line in first.logs]
    again = [invoke(function, b"{}") for _ in range(20)]
    assert [each.result["count"] for each in again] == list(range(2, 22))
    assert not any(each.cold_start for each in again)
    failed = invoke(function, b'"fail"')
    assert (failed.status, failed.error.type, failed.error.message) == ("failed", "Asked", "as asked")
    died = invoke(function, b'"panic"')
    assert died.error.type == "Runtime.ExitError"
    assert died.error.message.endswith("Error: Runtime exited with error: exit status 2")
    assert any("panic: as asked" in line.message for line in died.logs)
    after = invoke(function)
    assert after.result["count"] == 1
    assert after.start_method == "spawn suppressed"


def test_a_program_that_takes_a_new_connection_for_each_request(define_zip, invoke, backend):
    function = define_zip({"bootstrap*": PYTHON})
    for count in range(1, 30):
        execution = invoke(function, b'{"a":1}')
        assert execution.ok, execution.error
        event, seen, names, folder = execution.result
        assert (event, seen, execution.cold_start) == ({"a": 1}, count, count == 1)
        assert "python says hello" in [line.message for line in execution.logs]
    assert "AWS_EXECUTION_ENV" not in names, "as on Lambda"
    assert {"_HANDLER", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_RUNTIME_API", "PATH"} <= {*names}
    assert os.path.isfile(f"{folder}/bootstrap")
    assert len(backend.environments()) == 1


def test_its_init_error_is_recorded(define_zip, invoke):
    execution = invoke(define_zip({"bootstrap*": PYTHON}, handler="refuse"))
    assert (execution.error.type, execution.error.message) == ("Mine", "refused")


@pytest.mark.skipif(not os.path.exists("/bin/bash"), reason="bash is not installed")
def test_a_shell_script(define_zip, invoke):
    files = {"bootstrap*": SHELL, "app.sh": 'main() { echo "{\\"got\\":$1}"; }\n'}
    function = define_zip(files, handler="app.main")
    assert [invoke(function, b'{"n":%d}' % n).result for n in range(5)] == [
        {"got": {"n": n}} for n in range(5)
    ]


def test_a_program_that_hangs_up_and_stays_is_a_time_out(define_zip, invoke):
    source = f"""#!{sys.executable}
import http.client, os, time
client = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
client.request("GET", "/2018-06-01/runtime/invocation/next")
client.getresponse().read()
client.close()
time.sleep(60)
"""
    execution = invoke(define_zip({"bootstrap*": source}, timeout_s=1))
    assert execution.status == "timeout"
    assert execution.error.type == "Sandbox.Timedout"


ABSENT = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
OTHER_MACHINE = bytearray(64)
OTHER_MACHINE[:4] = b"\x7fELF"
OTHER_MACHINE[18] = 183 if platform.machine().lower() in ("x86_64", "amd64") else 62
FAULTS = {
    "absent": ({"app.py": ""}, ABSENT),
    "a folder": ({"bootstrap/x": ""}, ABSENT),
    "not executable": ({"bootstrap": PYTHON}, "fork/exec /var/task/bootstrap: permission denied"),
    "for another machine": ({"bootstrap*": bytes(OTHER_MACHINE)}, "fork/exec /var/task/bootstrap: exec format error"),
    "empty": ({"bootstrap*": ""}, "fork/exec /var/task/bootstrap: exec format error"),
    "no program": ({"bootstrap*": "hello"}, "fork/exec /var/task/bootstrap: exec format error"),
    "no interpreter": ({"bootstrap*": "#!/no/such\n"}, "fork/exec /var/task/bootstrap: no such file or directory"),
    "Windows' line ends": ({"bootstrap*": "#!/bin/sh\r\n"}, "fork/exec /var/task/bootstrap: no such file or directory"),
}  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="what can be started is the kernel's to say")
@pytest.mark.parametrize("case", FAULTS)
def test_what_cannot_be_started_is_recorded_in_lambdas_words(case, define_zip, invoke):
    files, said = FAULTS[case]
    function = define_zip(files)
    for _ in range(2):
        execution = invoke(function)
        assert execution.status == "failed"
        assert execution.error.type == "Runtime.InvalidEntrypoint"
        assert execution.result == {
            "errorType": "Runtime.InvalidEntrypoint",
            "errorMessage": f"RequestId: {execution.request_id} Error: {said}",
        }


def test_a_program_for_this_machine_is_no_fault():
    assert fault(Path(sys.executable), "x") is None


def test_other_runtimes_say_what_runs_them(define, invoke):
    with pytest.raises(Unsupported, match="java21.*provided.al2023.*container image"):
        invoke(define(runtime="java21"))


# --- layers -------------------------------------------------------------------------------------------

SHOW = """
import os, shutil, subprocess, sys
def handler(event, context):
    import both, first, second
    return {
        "both": both.VALUE, "first": first.VALUE, "second": second.VALUE, "path": sys.path[:3],
        "tool": subprocess.run(["tool"], capture_output=True, text=True).stdout,
        "lib": os.environ["LD_LIBRARY_PATH"].split(":"), "text": open(os.path.join(os.path.dirname(
            os.path.dirname(shutil.which("tool"))), "text")).read(),
    }
"""


def test_layers_lie_over_each_other_in_order(definer, define, invoke, tmp_path):
    one = definer.layer("one", {
        "python/first.py": "VALUE = 1", "python/both.py": "VALUE = 'one'", "text": "one", "bin/tool*": "#!/bin/sh\necho one",
    })  # fmt: skip
    two = definer.layer("two", {
        "python/both.py": "VALUE = 'two'", "text": "two",
        f"python/lib/{OWN_RUNTIME}/site-packages/second.py": "VALUE = 2",
    })  # fmt: skip
    found = invoke(define(SHOW, layers=(one, two))).result
    assert (found["first"], found["second"], found["both"], found["text"]) == (1, 2, "two", "two")
    assert found["tool"] == "one\n"
    task, site, python = found["path"]
    opt = python.removesuffix("/python")
    assert site == f"{opt}/python/lib/{OWN_RUNTIME}/site-packages"
    assert f"{opt}/lib" in found["lib"]
    assert os.path.isfile(f"{task}/lambda_function.py")
    assert invoke(define(SHOW, name="turned", layers=(two, one))).result["both"] == "one"
    folder = tmp_path / "cache" / "layers"
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 2
    assert all(path.stat().st_mode & 0o222 == 0 for path in folder.glob("*/**/*"))


def test_the_code_goes_before_a_layer(definer, define, invoke):
    layer = definer.layer("one", {"python/mine.py": "VALUE = 'layer'"})
    source = "import mine\ndef handler(e, c):\n    return mine.VALUE\n"
    assert invoke(define(source, layers=(layer,), files={"mine.py": "VALUE = 'code'"})).result == "code"


def test_a_bootstrap_may_come_from_a_layer(definer, define_zip, invoke):
    layer = definer.layer("runtime", {"bootstrap*": PYTHON})
    assert invoke(define_zip({"app.txt": "x"}, layers=(layer,))).ok
    other = definer.layer("broken", {"bootstrap": PYTHON})
    error = invoke(define_zip({"app.txt": "x"}, name="other", layers=(other,))).error
    assert error.message.endswith("fork/exec /opt/bootstrap: permission denied")


def test_layers_have_limits(definer, define, invoke, monkeypatch):
    six = tuple(definer.layer(f"n{number}", {"x": str(number)}) for number in range(6))
    with pytest.raises(InvalidValue, match="more than 5 layers"):
        invoke(define(layers=six))
    assert invoke(define(layers=six[:5])).ok
    monkeypatch.setattr("faaslab.backends.local.runtimes.packages.UNZIPPED_BYTES", 1000)
    with pytest.raises(
        InvalidValue,
        match=r"Function code combined with layers exceeds the maximum allowed size of 1000 bytes\. The actual size is 1\d{3} bytes",
    ):
        invoke(define(layers=(definer.layer("big", {"x": "x" * 990}),)))


def test_a_layer_that_is_not_there(definer, define, invoke, backend_with, tmp_path):
    from faaslab.backends.local import LocalBackend

    with (
        LocalBackend(tmp_path / "other", code_of=definer.code_of) as backend,
        pytest.raises(NotFound, match="layer"),
    ):
        invoke(define(layers=("arn:aws:lambda:us-east-1:000000000000:layer:x:1",)), on=backend)


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out"])
def test_a_layer_cannot_leave_its_folder(name, definer, define, invoke, tmp_path):
    with pytest.raises(InvalidValue, match="outside"):
        invoke(define(layers=(definer.layer("bad", {name: "x"}),)))
    assert not [path for path in (tmp_path / "cache" / "layers").iterdir() if path.is_dir()]


# --- wrappers -----------------------------------------------------------------------------------------

WRAPPER = '#!/bin/sh\necho "wrapping $#"\nexport WRAPPED=yes\nexec "$@"\n'
SEES = "import os\ndef handler(e, c):\n    return os.environ.get('WRAPPED')\n"


@pytest.mark.parametrize("place", ["/opt/wrap", "/var/task/wrap"])
def test_a_wrapper_goes_before_the_runtime(place, definer, define, define_zip, invoke):
    if place.startswith("/opt"):
        function = define(
            SEES,
            layers=(definer.layer("w", {"wrap*": WRAPPER}),),
            environment={"AWS_LAMBDA_EXEC_WRAPPER": place},
        )
    else:
        function = define_zip(
            {"lambda_function.py": SEES, "wrap*": WRAPPER},
            runtime=OWN_RUNTIME,
            handler="lambda_function.handler",
            environment={"AWS_LAMBDA_EXEC_WRAPPER": place},
        )
    execution = invoke(function)
    assert execution.result == "yes", execution.error
    assert any(line.message.startswith("wrapping ") for line in execution.logs)


def test_a_wrapper_is_not_passed_by_where_a_template_could_serve(definer, define, backend_with, invoke):
    backend = backend_with(sandbox="off")
    layer = definer.layer("w", {"wrap*": WRAPPER})
    function = define(
        SEES, layers=(layer,), preload=("json",), environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"}
    )
    for _ in range(2):
        execution = invoke(function, on=backend)
        assert (execution.result, execution.start_method) == ("yes", "spawn")
        backend.retire(function.name)


@pytest.mark.parametrize(
    ("files", "status", "said"),
    [({}, 127, "does not exist"), ({"wrap": WRAPPER}, 126, "is not an executable")],
)
def test_a_wrapper_that_is_missing_is_an_exit_with_127(files, status, said, definer, define, invoke):
    layer = definer.layer("w", {"x": "", **files})
    function = define(layers=(layer,), environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"})
    execution = invoke(function)
    assert execution.error.type == "Runtime.ExitError"
    assert execution.error.message.endswith(f"Error: Runtime exited with error: exit status {status}")
    assert any(line.message.endswith(said) for line in execution.logs)


def test_a_custom_runtime_sees_to_its_wrapper_itself(define_zip, invoke):
    function = define_zip({"bootstrap*": PYTHON}, environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/absent"})
    assert "AWS_LAMBDA_EXEC_WRAPPER" in invoke(function).result[2]


def test_a_killed_program_says_its_signal(define_zip, invoke):
    source = PYTHON.replace(
        'print("python says hello", flush=True)', f"os.kill(os.getpid(), {signal.SIGKILL})"
    )
    error = invoke(define_zip({"bootstrap*": source})).error
    assert error.message.endswith("Error: Runtime exited with error: signal: killed")
