"""Environments that are forks of a template: like new processes in all, and strangers to each other."""

import os
import signal
import sys
from pathlib import Path

import pytest

from faaslab.backends.local.host.machine import machine
from faaslab.backends.local.host.processes import Keeper
from faaslab.backends.local.runtimes import interpreters
from faaslab.backends.local.runtimes.programs import Warm
from faaslab.backends.local.starting.templates import Templates
from faaslab.clock import SYSTEM, SteppedClock
from tests.backends.local.defining import REQUEST, alive, eventually
from tests.backends.local.test_death import started_owner

pytestmark = pytest.mark.skipif(not machine().fork_server, reason="templates are for Linux")


@pytest.fixture
def forked(backend_with, definer):
    """Runs a function in a fresh environment; a fork from the second time on."""
    backend = backend_with(templates="on", resolve_secret=lambda reference: f"value of {reference}")

    def run(function, payload=b"{}"):
        backend.retire(function.name)
        execution = backend.invoke(function, payload, request=REQUEST, complete=definer.complete)
        assert execution.cold_start or execution.status != "completed"
        backend._templates.await_all(60)
        return execution

    run.backend = backend
    return run


LOOK = """
import gc, json, locale, os, resource, signal, socket, stat, sys, tempfile, threading, time, warnings
def kinds():
    opened, sockets = [], set()
    for number in range(64):
        try:
            mode = os.fstat(number).st_mode
        except OSError:
            continue
        if stat.S_ISSOCK(mode):
            # The runtime client's: how many it has open is its own affair.
            with socket.socket(fileno=os.dup(number)) as copy:
                sockets.add(str(copy.type))
        else:
            opened.append((number, stat.S_IFMT(mode), os.get_inheritable(number)))
    return opened, sorted(sockets)
def handler(event, context):
    main, opened = sys.modules["__main__"], kinds()
    return {
        "environment": {k: v for k, v in os.environ.items()},
        "c environment": sorted(os.popen("env").read().split("\\n")),
        "home": os.environ["HOME"] == os.environ["TMPDIR"] == tempfile.gettempdir(),
        "cwd": os.getcwd(),
        "argv": sys.argv,
        "path": sys.path,
        "main": sorted(vars(main)),
        "descriptors": opened,
        "session": [os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid()],
        "signals": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
        "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "threads": [thread.name for thread in threading.enumerate()],
        "flags": str(sys.flags),
        "limits": [resource.getrlimit(number) for number in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)],
        "umask": os.umask(0o22),
        "locale": [locale.setlocale(locale.LC_ALL), sys.stdout.encoding, sys.getfilesystemencoding(), time.tzname],
        "stdin": os.readlink("/proc/self/fd/0"),
        "collects": [gc.isenabled(), gc.get_threshold()],
        "mark": ("AWS_LAMBDA_LOG_STREAM_NAME=" + context.log_stream_name + "\\0") in open("/proc/self/environ").read(),
    }
"""


def test_a_fork_cannot_be_told_from_a_new_process(forked, define):
    function = define(
        LOOK,
        environment={"STAGE": "dev", "TZ": "Asia/Tokyo"},
        secrets=("TOKEN",),
        memory_mb=256,
        timeout_s=60,
    )
    spawned, fork = forked(function), forked(function)
    assert (spawned.start_method, fork.start_method) == ("spawn", "fork")
    assert (spawned.ok, fork.ok) == (True, True), (spawned.error, fork.error)
    own = {"HOME", "TMPDIR", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_LOG_STREAM_NAME", "_X_AMZN_TRACE_ID"}
    seen = []
    for execution in (spawned, fork):
        result = execution.result
        assert result["environment"]["TOKEN"] == "****", "it is there, and hidden in what is recorded"
        assert own <= result["environment"].keys()
        for name in own:
            value = result["environment"].pop(name)
            result["c environment"].remove(f"{name}={value}")
        seen.append(result)
    assert seen[1] == seen[0]
    assert fork.init_ms > 0


def test_a_fork_enters_its_cgroup_as_a_new_process_does(forked, define):
    """A little later: until then the limit is held by looking."""
    function = define(memory_mb=256)
    places = []
    for _ in range(2):
        forked(function)
        (environment,) = forked.backend.environments()
        listed = Path(f"/proc/{environment.pid}/cgroup")
        if forked.backend._pools.all()[0][1].process.group is None:
            pytest.skip("no cgroup may be made here")
        places.append(
            eventually(lambda listed=listed: [x for x in listed.read_text().splitlines() if "/faaslab-" in x])
        )
    assert [x.partition("/")[0] for x in places[0]] == [x.partition("/")[0] for x in places[1]]


LEAVE = """
import atexit, json, os, random, sys, threading, time
json.left = "here"
sys.modules["left_behind"] = json
os.environ["LEFT"] = "here"
held = open("/dev/null")
os.chdir("/")
os.umask(0)
sys.path.append("/left")
atexit.register(print, "left here")
threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
def handler(event, context):
    return "left"
"""
FIND = """
import json, os, sys, threading
def handler(event, context):
    return [hasattr(json, "left"), "left_behind" in sys.modules, "LEFT" in os.environ, "/left" in sys.path,
            threading.active_count(), os.getcwd() == os.environ["LAMBDA_TASK_ROOT"], oct(os.umask(0)),
            sum(os.path.exists(f"/proc/self/fd/{n}") for n in range(64)), "lambda_function" in sys.modules]
"""


def test_nothing_of_one_function_reaches_another_or_its_own_next_environment(forked, define):
    finds, leaves = define(FIND, name="finds"), define(LEAVE, name="leaves")
    clean = forked(finds).result
    for function in (leaves, finds, leaves, finds):
        execution = forked(function)
        assert execution.ok
        if function is finds:
            assert execution.start_method == "fork"
            assert execution.result == clean
        assert "left here" not in [line.message for line in execution.logs]


def test_no_secret_is_in_the_memory_of_another_environment(forked, define):
    source = """
def found(text):
    held = 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for place, mode, *_ in map(str.split, maps.readlines()):
            if mode.startswith("rw"):
                start, end = (int(word, 16) for word in place.split("-"))
                memory.seek(start)
                held += memory.read(end - start).count(text)
    return held
def handler(event, context):
    return found(b"of CROWN-JEWELS")
"""
    keeps = define(source, name="keeps", secrets=("TOKEN=CROWN-JEWELS",), memory_mb=512, timeout_s=60)
    looks = define(source, name="looks", memory_mb=512, timeout_s=60)
    in_its_own_code = forked(looks).result
    for _ in range(3):
        assert forked(keeps).result > in_its_own_code
    execution = forked(looks)
    assert (execution.start_method, execution.result) == ("fork", in_its_own_code)


def test_each_environment_has_chance_of_its_own(forked, define):
    source = """
import random, secrets, tempfile, uuid
import numpy
early = random.random()
def handler(event, context):
    return [early, random.random(), secrets.token_hex(), str(uuid.uuid4()), float(numpy.random.random()),
            next(tempfile._get_candidate_names())]
"""
    function = define(source, memory_mb=512, requires=("numpy",))
    forked(function)
    results = [forked(function).result for _ in range(3)]
    for drawn in zip(*results, strict=True):
        assert len({*drawn}) == 3


@pytest.mark.parametrize(
    ("source", "status", "message"),
    [
        ("import os\ndef handler(e, c):\n    os._exit(3)", "failed", "exit status 3"),
        ("import os\ndef handler(e, c):\n    os.kill(os.getpid(), 9)", "failed", "signal: killed"),
        ("import os\nos._exit(4)", "failed", "exit status 4"),
        ("raise ValueError('no')", "failed", "no"),
        ("def handler(e, c):\n    raise KeyError('k')", "failed", "'k'"),
        ("import time\ndef handler(e, c):\n    time.sleep(60)", "timeout", "timed out after 1.00 seconds"),
        ("def handler(e, c):\n    return len(bytearray(200 << 20))", "failed", "signal: killed"),
        ("x = bytearray(200 << 20)", "failed", "signal: killed"),
    ],
)
def test_a_fork_ends_as_a_new_process_does(forked, define, source, status, message):
    forked(define(name="first", preload=("os", "time")))
    execution = forked(define(source, timeout_s=1, preload=("os", "time")))
    assert execution.start_method.startswith("fork")
    assert (execution.status, message in execution.error.message) == (status, True), execution.error


@pytest.mark.parametrize("memory", ["auto", "watch"])
def test_what_left_its_session_ends_with_a_fork_too(forked, define, backend_with, definer, memory):
    backend = backend_with(templates="on", memory=memory)
    source = """
import os, subprocess, sys, time
def handler(event, context):
    reading, writing = os.pipe()
    if not os.fork():
        os.setsid()
        if not os.fork():
            os.write(writing, b"%d" % os.getpid())
            time.sleep(1000)
        os._exit(0)
    os.wait()
    return int(os.read(reading, 20))
"""
    function = define(source, timeout_s=20)
    for _ in range(2):
        backend.retire("probe")
        execution = backend.invoke(function, b"{}", request=REQUEST, complete=definer.complete)
        backend._templates.await_all(60)
    assert execution.start_method == "fork"
    assert alive(execution.result)
    backend.retire("probe")
    assert eventually(lambda: not alive(execution.result))


def test_code_that_brings_a_module_of_that_name_along_uses_its_own(forked, define):
    mine = {"shutil.py": "mine = 'own'"}
    for preload, method in (((), "fork"), (("zipfile",), "spawn")):
        function = define(
            "import shutil\ndef handler(e, c):\n    return shutil.mine", files=mine, preload=preload
        )
        for _ in range(2):
            execution = forked(function)
        # zipfile has imported the other one.
        assert (execution.start_method, execution.result) == (method, "own")
    libraries = define("def handler(e, c):\n    return 1", name="libraries", files={"lib/x.txt": ""})
    assert [forked(libraries).start_method for _ in range(2)] == ["spawn", "spawn"]


def test_one_template_serves_all_with_the_same_imports_and_variables(forked, define):
    for name in ("a", "b"):
        forked(define(name=name))
    forked(define(name="c", environment={"STAGE": "dev"}))
    assert len(forked.backend._templates._ready) == 2
    assert (
        "Python's are forks of a template once there is one (2 ready)" in forked.backend.enforced()["start"]
    )


def test_only_those_with_preload_are_forked_by_default(backend_with, define, definer):
    backend = backend_with()
    methods = []
    for function in (define(name="plain"), define(name="named", preload=("csv", "there_is_no_such_module"))):
        for _ in range(2):
            backend.retire(function.name)
            execution = backend.invoke(function, b"{}", request=REQUEST, complete=definer.complete)
            methods.append(execution.start_method)
            backend._templates.await_all(60)
    assert methods == ["spawn", "spawn", "spawn", "fork"]


def test_a_template_that_was_killed_is_replaced_and_its_environments_go_on(forked, define, definer):
    function = define("import os\ndef handler(e, c):\n    if e == 1: os._exit(3)\n    return os.getpid()")
    forked(function)
    pid = forked(function).result
    (template,) = forked.backend._templates._ready.values()
    os.kill(template.pid, signal.SIGKILL)
    eventually(lambda: not alive(template.pid))
    again = forked.backend.invoke(function, b"2", request=REQUEST, complete=definer.complete)
    assert (again.result, again.cold_start) == (pid, False)
    ended = forked.backend.invoke(function, b"1", request=REQUEST, complete=definer.complete)
    assert "Runtime exited without providing a reason" in ended.error.message
    assert forked(function).start_method == "spawn"
    assert forked(function).start_method == "fork"


def test_an_unused_template_ends_after_the_keep_alive_and_not_before(backend_with, define, definer):
    clock = SteppedClock()
    backend = backend_with(templates="on", clock=clock, keep_alive_s=60)
    for _ in range(2):
        backend.retire("probe")
        execution = backend.invoke(define(), b"{}", request=REQUEST, complete=definer.complete)
        backend._templates.await_all(60)
    assert execution.start_method == "fork"
    (template,) = backend._templates._ready.values()
    backend._templates.expire(clock.monotonic() + 1000, 60)
    assert alive(template.pid), "it has a child"
    backend.retire("probe")
    backend._templates.expire(template.used_at + 59, 60)
    assert alive(template.pid)
    backend._templates.expire(template.used_at + 60, 60)
    assert not alive(template.pid)
    assert not backend._templates._ready


def test_there_are_only_so_many_and_the_one_used_least_lately_makes_room(tmp_path):
    keeper, clock = Keeper(machine()), SteppedClock()
    templates = Templates(tmp_path / "templates", keeper, clock)
    wanted = [warm(tmp_path, f"no_such_module_{number}") for number in range(10)]
    for number, each in enumerate(wanted):
        clock.advance(1)
        templates.want(each)
        templates.await_all(60)
        assert templates.usable(each, frozenset())
        assert len(templates._ready) == min(number + 1, 8)
        assert templates.usable(wanted[0], frozenset()), "it is used again and again"
    assert templates.usable(wanted[1], frozenset()) is None
    for template in templates._ready.values():
        template.children.add(-1)
    templates.want(wanted[1])
    assert not templates._starting
    for template in templates._ready.values():
        template.children.clear()
    templates.close()
    keeper.close()
    assert not list((tmp_path / "templates").iterdir())


def test_close_ends_templates_also_one_that_is_importing(tmp_path, define):
    slow = tmp_path / "modules"
    slow.mkdir()
    (slow / "slow_to_import.py").write_text("import time\ntime.sleep(1000)\n")
    keeper = Keeper(machine())
    templates = Templates(tmp_path / "templates", keeper, SYSTEM)
    templates.want(warm(slow, "slow_to_import"))
    eventually(lambda: templates._unfinished)
    (template,) = templates._unfinished
    templates.close()
    keeper.close()
    assert not alive(template.pid)
    assert not list((tmp_path / "templates").iterdir())


def warm(folder, *modules):
    return Warm(
        interpreter=sys.executable,
        path=(str(folder),),
        options=("-B",),
        last=(),
        modules=modules,
        variables=tuple({"PATH": os.environ["PATH"]}.items()),
    )


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (
            "import threading, time\nthreading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
            "starts threads",
        ),
        ("file = open('/dev/null')", "keeps files open"),
        ("import os\nos._exit(1)", "could not be started"),
    ],
)
def test_modules_that_cannot_be_forked_are_told_and_never_tried_again(tmp_path, source, why):
    (tmp_path / "peculiar.py").write_text(source)
    keeper = Keeper(machine())
    templates = Templates(tmp_path / "templates", keeper, SYSTEM)
    wanted = warm(tmp_path, "peculiar")
    templates.want(wanted)
    templates.await_all(60)
    assert templates.usable(wanted, frozenset()) is None
    assert why in templates.describe()
    templates.want(wanted)
    assert not templates._starting
    templates.close()
    keeper.close()


def test_a_killed_owner_takes_its_templates_with_it(tmp_path):
    then = """
        backend._templates.await_all(60)
        backend.retire("probe")
        start()
        (template,) = backend._templates._ready.values()
        print(*pids[4:], template.pid, *(e.pid for e in backend.environments()), flush=True)
        sys.stdin.read()
    """
    with started_owner(tmp_path, then, "templates='on'") as owner:
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 6
        assert all(map(alive, pids))
        assert Path(f"/proc/{pids[0]}/stat").read_text().split()[3] == str(pids[4]), "it is a fork"
        owner.kill()
        owner.wait()
        eventually(lambda: not any(map(alive, pids)), 2)


def test_another_interpreter_has_templates_too(forked, define):
    other = next((f"python3.{minor}" for minor in range(9, 15) if _there(f"python3.{minor}")), None)
    if other is None:
        pytest.skip("no other Python is installed")
    function = define("import sys\ndef handler(e, c):\n    return list(sys.version_info[:2])", runtime=other)
    forked(function)
    execution = forked(function)
    assert (execution.start_method, execution.result) == ("fork", [3, int(other[8:])])


def _there(runtime):
    if runtime == interpreters.OWN_RUNTIME:
        return False
    try:
        return bool(interpreters.find(runtime))
    except Exception:
        return False
