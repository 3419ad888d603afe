"""What a function sees of this machine in a sandbox, and that it stays inside."""

import errno
import functools
import os
import signal
import socket
import tempfile
from pathlib import Path

import psutil
import pytest

from faaslab.backends.local import LocalBackend, LocalSettings
from faaslab.backends.local.host.cgroups import parents
from faaslab.backends.local.host.machine import machine
from faaslab.backends.local.starting.network import no_network
from faaslab.backends.local.starting.sandbox import Host, View, needed, without_homes, words
from faaslab.errors import Unsupported
from tests.backends.local.defining import SANDBOX_FAULT, alive, commanded, eventually, state_of

HOST = Host(
    folders=(Path("/usr"),),
    links=(("usr/bin", "/bin"),),
    etc=Path("/e"),
    live=((Path("/etc/resolv.conf"), "resolv.conf"),),
)
TMPFS = ("--tmpfs", "/tmp")


def joined(view, host=HOST):
    return " ".join(words(host, view))


class TestWords:
    def test_code_lies_over_tmp_and_all_else_is_read_only(self):
        view = View(
            folders=((Path("/store/code/1"), Path("/var/task")), (Path("/store/opt"), Path("/opt"))),
            temporary=TMPFS,
            needs=(Path("/home/u/venv"), Path("/usr/lib/python3"), Path("/bin")),
        )
        assert joined(view).endswith(
            "--cap-drop ALL --ro-bind /usr /usr --symlink usr/bin /bin --ro-bind /e /etc "
            "--ro-bind /etc/resolv.conf /etc/resolv.conf --perms 0755 --dir /var "
            "--proc /proc --remount-ro /proc --dev /dev --tmpfs /tmp --ro-bind /store/code/1 /var/task "
            "--ro-bind /store/opt /opt --ro-bind-try /home/u/venv /home/u/venv "
            "--remount-ro /dev --remount-ro / --chdir /var/task"
        )

    def test_an_image_takes_the_place_of_this_machine(self):
        view = View(folders=(), temporary=TMPFS, root=Path("/images/1"), directory="/work")
        assert joined(view).endswith(
            "--cap-drop ALL --ro-bind /images/1 / --ro-bind /e/hosts /etc/hosts --ro-bind /etc/resolv.conf /etc/resolv.conf "
            "--proc /proc --remount-ro /proc --dev /dev --tmpfs /tmp --remount-ro /dev --chdir /work"
        )

    @pytest.mark.parametrize(
        ("needs", "kept"),
        [
            (["/a/b", "/a", "/a/b/c"], ["/a"]),
            (["/usr/local", "/ab"], ["/ab"]),
            (["/a/bc", "/a/b"], ["/a/bc", "/a/b"]),
            ([], []),
        ],
    )
    def test_what_is_there_already_is_not_named_again(self, needs, kept):
        assert needed(list(map(Path, needs)), [Path("/usr")]) == list(map(Path, kept))

    @pytest.mark.parametrize("prefix", ["/home/u", "/home", "/"])
    def test_an_interpreter_in_a_home_folder_does_not_show_it(self, prefix):
        narrowed = without_homes([Path(prefix), Path("/home/u/venv")], [Path("/home/u")])
        assert Path(prefix) not in narrowed
        assert Path(prefix, "lib") in narrowed
        assert Path("/home/u/venv") in narrowed


# --- a real one -----------------------------------------------------------------------------------

RUN = "import os, subprocess, pathlib, sys, tempfile\ndef handler(e, c):\n    return eval(e)\n"
needs_bwrap = pytest.mark.skipif(SANDBOX_FAULT is not None, reason=str(SANDBOX_FAULT))


@pytest.fixture
def look(define, invoke, backend_with):
    """look(python) -> its value in a sandboxed function; the same environment for all of a test."""
    import json

    backend = backend_with(sandbox="on")

    def ask(python, **configuration):
        configuration = {"timeout_s": 60, **configuration}
        execution = invoke(define(RUN, **configuration), json.dumps(python).encode(), on=backend)
        return execution.result if execution.ok else (execution.error.type, execution.error.message)

    ask.backend = backend
    return ask


@needs_bwrap
def test_it_lives_where_lambda_has_it(look):
    assert look("os.getcwd(), __file__, sys.path[0], tempfile.gettempdir(), os.environ['PWD']") == [
        "/var/task", "/var/task/lambda_function.py", "/var/task", "/tmp", "/var/task",
    ]  # fmt: skip
    assert look("[os.environ[n] for n in ('LAMBDA_TASK_ROOT', 'LAMBDA_RUNTIME_DIR')]") == [
        "/var/task",
        "/var/runtime",
    ]
    assert look("'HOME' in os.environ or 'TMPDIR' in os.environ") is False
    assert look("__import__('getpass').getuser(), os.getuid(), os.path.expanduser('~')") == [
        "sbx_user1051",
        993,
        "/home/sbx_user1051",
    ]


@needs_bwrap
def test_no_file_of_the_user_the_store_or_another_function_is_there(look, define, invoke, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    other = define("def handler(e, c):\n    return 'other'\n", name="other")
    invoke(other, on=look.backend)
    for path in (
        secret,
        tmp_path / "zips",
        tmp_path / "cache" / "code",
        Path.home() / ".bashrc",
        "/etc/shadow",
        "/sys/class",
    ):
        assert look(f"os.path.exists({str(path)!r})") is False, path
    found = look(
        "[os.path.join(f, n) for f, _, names in os.walk('/') for n in names if n == 'lambda_function.py'"
        " and f[:5] != '/proc']"
    )
    assert found == ["/var/task/lambda_function.py"]
    assert look("[n for n in os.listdir('/proc') if n.isdigit()]") == ["1", "2"]


@needs_bwrap
@pytest.mark.parametrize(
    "path", ["/var/task/x", "/opt/x", "/var/runtime/x", "/x", "/dev/x", "/dev/shm/x", "/usr/x", "/etc/x"]
)
def test_only_tmp_can_be_written(look, path):
    assert look(f"open({path!r}, 'w')") == ("OSError", f"[Errno 30] Read-only file system: {path!r}")


@needs_bwrap
@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="this machine has no memory in /dev/shm")
def test_a_cache_in_memory_is_laid_into_the_device_folder(define, invoke, definer):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        settings = LocalSettings(sandbox="on")
        with LocalBackend(Path(folder), code_of=definer.code_of, settings=settings) as backend:
            ran = invoke(define(RUN, timeout_s=60), b"\"open('/dev/shm/x', 'w')\"", on=backend)
            assert (ran.error.type, ran.error.message[:10]) == ("OSError", "[Errno 30]")


@needs_bwrap
def test_it_has_no_power_over_this_machine(look):
    status = look("open('/proc/self/status').read()")
    assert "CapEff:\t0000000000000000" in status
    assert "CapBnd:\t0000000000000000" in status
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches"):
        assert look(f"open({path!r}, 'w').close()") == (
            "OSError",
            f"[Errno 30] Read-only file system: {path!r}",
        )
    kind, message = look("__import__('socket').sethostname('x')")
    assert kind == "PermissionError", message
    kind, message = look("os.mknod('/tmp/disk', 0o600 | 0o060000, os.makedev(254, 0))")
    assert kind == "PermissionError", message


@needs_bwrap
def test_tmp_has_the_functions_size_and_says_so_when_it_is_full(look):
    fill = "[open('/tmp/%d' % n, 'wb').write(bytes(1 << 20)) for n in range({})]"
    assert len(look(fill.format(508), timeout_s=100)) == 508, "not counted as the 128 MB of memory"
    assert look(fill.format(530), timeout_s=100) == ("OSError", "[Errno 28] No space left on device")
    size = look("os.statvfs('/tmp').f_blocks * os.statvfs('/tmp').f_frsize >> 20", ephemeral_storage_mb=1024)
    assert 1024 <= size < 1060
    assert look("oct(os.stat('/tmp').st_mode)") == "0o41777"
    assert look("oct(os.stat('/var').st_mode)") == "0o40755"


@needs_bwrap
def test_tmp_outlives_a_time_out_and_ends_with_the_environment(look, tmp_path):
    ask = functools.partial(look, timeout_s=1)
    assert ask(
        "pathlib.Path('/tmp/kept').write_text('x'), os.symlink('/etc', '/tmp/link'), os.mkfifo('/tmp/pipe')"
    )
    assert ask("__import__('time').sleep(60)")[0] == "Sandbox.Timedout"
    assert ask("pathlib.Path('/tmp/kept').read_text(), os.readlink('/tmp/link')") == ["x", "/etc"]
    look.backend.retire("probe")
    assert not list((tmp_path / "cache" / "tmp").iterdir())
    assert ask("os.path.exists('/tmp/kept')") is False


@needs_bwrap
def test_a_tmpfs_is_carried_over(look, tmp_path, monkeypatch):
    """The way without root: what a crash leaves is copied into the next sandbox."""
    monkeypatch.setattr(look.backend._launcher._storages, "way", lambda **_: "memory")
    assert look("os.statvfs('/tmp').f_blocks * os.statvfs('/tmp').f_frsize >> 20") == 512
    assert look(
        "pathlib.Path('/tmp/kept').write_text('x'), os.symlink('/etc', '/tmp/link'), os.mkfifo('/tmp/pipe')"
    )
    assert look("os._exit(1)")[0] == "Runtime.ExitError"
    assert look("pathlib.Path('/tmp/kept').read_text(), os.readlink('/tmp/link')") == ["x", "/etc"]
    assert look("os._exit(1)")[0] == "Runtime.ExitError"
    assert look("pathlib.Path('/tmp/kept').read_text()") == "x", "also the second time"
    look.backend.close()
    assert not list((tmp_path / "cache" / "tmp").iterdir())


@needs_bwrap
def test_a_frozen_environment_stands_still_whatever_left_its_session(define, invoke, backend_with):
    backend = backend_with(sandbox="on")
    word = str(os.getpid() * 10**6 + 1)
    source = f"import subprocess\nsubprocess.Popen(['sleep', '{word}'], start_new_session=True)\ndef handler(e, c): pass\n"
    function = define(source)
    assert invoke(function, on=backend).ok
    (sleeper,) = commanded(word)
    eventually(lambda: state_of(sleeper) == "T")
    assert invoke(function, on=backend).ok
    backend.close()
    assert not alive(sleeper)


@needs_bwrap
def test_the_end_of_bwrap_alone_is_the_end_of_all_in_it(define, invoke, backend_with):
    backend = backend_with(sandbox="on")
    word = str(os.getpid() * 10**6 + 2)
    function = define(f"import subprocess\nsubprocess.Popen(['sleep', '{word}'])\ndef handler(e, c): pass\n")
    invoke(function, on=backend)
    (sleeper,) = commanded(word)
    (environment,) = backend.environments()
    bwrap = backend._pools.all()[0][1].process.pid
    assert bwrap != environment.pid
    os.kill(bwrap, 9)
    eventually(lambda: not alive(bwrap))
    assert invoke(function, on=backend).cold_start
    assert not alive(sleeper)


OUTSIDE = """
import socket
def tried(call):
    try:
        return call()
    except OSError as error:
        return [type(error).__name__, error.errno]
def handler(event, context):
    return [
        tried(lambda: socket.create_connection(("192.0.2.1", 80), 5)),
        tried(lambda: socket.getaddrinfo("example.com", 80)),
        tried(lambda: socket.create_connection(("127.0.0.1", event), 5)),
    ]
"""


@pytest.mark.parametrize(
    "settings", [{"sandbox": "off"}, pytest.param({"sandbox": "on"}, marks=[needs_bwrap])]
)
def test_without_a_network_nothing_outside_is_reached(define, invoke, backend_with, settings):
    if fault := no_network(machine()).fault:
        pytest.skip(fault)
    backend = backend_with(network=False, **settings)
    function = define(OUTSIDE)
    with socket.create_server(("127.0.0.1", 0)) as server:
        payload = b"%d" % server.getsockname()[1]
        address, name, own = invoke(function, payload, on=backend).result
        assert address == ["OSError", errno.ENETUNREACH]
        assert name[0] == "gaierror"
        assert own == ["ConnectionRefusedError", errno.ECONNREFUSED], "not even this machine's loopback"
        assert not invoke(function, payload, on=backend).cold_start
    crashing = define(
        "import os\ndef handler(e, c):\n    if e: os._exit(1)\n    return os.environ['AWS_LAMBDA_RUNTIME_API']\n"
    )
    assert invoke(crashing, b"1", on=backend).error.type == "Runtime.ExitError"
    assert invoke(crashing, b"0", on=backend).result == "127.0.0.1:9001", "a new process in the same network"
    assert backend.enforced()["network"].startswith("held")


def test_where_the_network_cannot_be_taken_away_nothing_runs(define, invoke, backend_with):
    backend = backend_with(network=False, system="portable")
    with pytest.raises(Unsupported, match="cannot be kept from the network"):
        invoke(define(), on=backend)


BOMB = """
import os, time
def handler(event, context):
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(1)  # be kind to who else is on this machine
"""


def everyone(backend):
    """All processes of the environments of a backend, seen from outside."""
    marks = [environment.log_stream.encode() for environment in backend.environments()]
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and any(mark in (folder / "environ").read_bytes() for mark in marks):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    "settings", [{"sandbox": "off"}, pytest.param({"sandbox": "on"}, marks=[needs_bwrap])]
)
def test_who_forks_without_end_ends_with_the_invocation(define, invoke, backend_with, settings):
    if "pids" not in parents():
        pytest.skip("no writable pids cgroup here")
    backend = backend_with(**settings)
    bomb = define(BOMB, timeout_s=2, memory_mb=1024)
    failed = invoke(bomb, on=backend)
    assert failed.error.type in ("Sandbox.Timedout", "Runtime.OutOfMemory")
    eventually(lambda: not any(map(alive, everyone(backend))))
    assert invoke(define(name="other"), b"1", on=backend).result == 1
    assert "1,024" in backend.enforced()["processes"]


CROWD = """
import os, time
def handler(number, context):
    for _ in range(number):
        if not os.fork():
            time.sleep(600)
    if number == 41:
        os._exit(3)
    time.sleep(600)
"""


@needs_bwrap
def test_a_crowd_is_killed_at_once_and_not_by_its_first_process(define, invoke, backend_with, monkeypatch):
    killed = []
    kill = os.kill

    def seen(pid, number):
        if number == signal.SIGKILL:
            killed.append(pid)
        kill(pid, number)

    monkeypatch.setattr("faaslab.backends.local.process.os.kill", seen)
    backend = backend_with(sandbox="on", freeze=False)
    function = define(CROWD, timeout_s=1, memory_mb=1024)
    assert invoke(function, b"3", on=backend).status == "timeout"
    assert killed == []
    assert invoke(function, b"40", on=backend).status == "timeout"
    assert len({*killed}) >= 41
    assert not any(map(alive, killed))
    assert "exit status 3" in invoke(function, b"41", on=backend).error.message


@needs_bwrap
def test_a_gigabyte_of_logs_stays_within_bounds(define, invoke, backend_with):
    backend = backend_with(sandbox="on")
    source = (
        "import os\ndef handler(e, c):\n    line = b'x' * 65535 + b'\\n'\n"
        "    for _ in range(1 << 14): os.write(1, line)\n    return 'written'\n"
    )
    execution = invoke(define(source, timeout_s=120), on=backend)
    assert execution.result == "written"
    assert sum(len(line.message) for line in execution.logs) < 5 << 20


@needs_bwrap
def test_what_is_allocated_at_import_counts(define, invoke, backend_with):
    """The process is in its group before its first line runs."""
    backend = backend_with(sandbox="on")
    if "cgroup" not in backend.enforced()["memory"]:
        pytest.skip("no writable memory cgroup here")
    failed = invoke(
        define("x = bytearray(200 << 20)\ndef handler(e, c):\n    return 1\n", memory_mb=128), on=backend
    )
    assert failed.error.type == "Runtime.OutOfMemory"
    held = invoke(
        define("x = bytearray(60 << 20)\ndef handler(e, c):\n    return 1\n", memory_mb=128), on=backend
    )
    assert held.ok
    assert 60 < held.max_memory_mb < 100


@needs_bwrap
def test_environments_come_and_go_and_nothing_is_left(define, invoke, backend_with, tmp_path):
    backend = backend_with(sandbox="on")
    function = define("open('/tmp/x', 'w').close()\ndef handler(e, c):\n    return e\n")
    invoke(function, b"1", on=backend)
    before = left_over(tmp_path)
    for number in range(COME_AND_GO):
        backend.retire("probe")
        assert invoke(function, b"%d" % number, on=backend).result == number
    after = left_over(tmp_path)
    # One that comes late is none for each.
    assert len(after.pop("open files")) < len(before.pop("open files")) + COME_AND_GO / 2
    assert {name: len(found) for name, found in after.items()} == {
        name: len(found) for name, found in before.items()
    }
    backend.close()
    assert not any(left_over(tmp_path).values())


COME_AND_GO = int(os.environ.get("FAASLAB_TEST_ENVIRONMENTS", "20"))
"""The whole thousand takes a minute: FAASLAB_TEST_ENVIRONMENTS=1000."""


def left_over(tmp_path):
    """What environments below this folder have on this machine."""
    folders = tmp_path / "cache" / "tmp"
    environments = [folder.name for folder in folders.iterdir()] if folders.exists() else []
    return {
        "folders": environments,
        "processes": [
            process.pid
            for process in psutil.process_iter(["cmdline"])
            if any(str(tmp_path) in word for word in process.info["cmdline"] or []) and process.ppid() != 0
        ],
        "open files": os.listdir("/proc/self/fd") if environments else [],
        "mounts": [
            line for line in Path("/proc/self/mounts").read_text().splitlines() if str(tmp_path) in line
        ],
        "loop devices": [
            device.parent.parent.name
            for device in Path("/sys/block").glob("loop*/loop/backing_file")
            if str(tmp_path) in device.read_text()
        ],
        "cgroups": [
            group
            for folder in {parent.folder for parent in parents().values()}
            for group in folder.glob("faaslab-*")
            if group.name.removeprefix("faaslab-") in environments
        ],
    }


@needs_bwrap
def test_a_switch_turns_it_off_and_what_is_held_is_told(backend_with, define, invoke):
    inside, outside = backend_with(sandbox="auto"), backend_with(sandbox="off")
    assert inside.enforced()["sandbox"].startswith("held")
    assert inside.enforced()["task root"].startswith("held")
    assert outside.enforced()["sandbox"].startswith("not enforced: switched off")
    assert (
        invoke(define("import os\ndef handler(e, c):\n    return os.getcwd()\n"), on=outside).result
        != "/var/task"
    )


def test_without_bwrap_it_runs_in_the_open_and_says_what_to_install(
    backend_with, define, invoke, monkeypatch, tmp_path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    backend = backend_with(sandbox="auto")
    assert invoke(define(), b"1", on=backend).result == 1
    told = backend.enforced()
    assert "apt install bubblewrap" in told["sandbox"]
    assert "not enforced" in told["ephemeral storage"]
    with pytest.raises(Unsupported, match="not installed"):
        invoke(define(), on=backend_with(sandbox="on"))


def test_where_namespaces_are_forbidden_it_runs_in_the_open(
    backend_with, define, invoke, monkeypatch, tmp_path
):
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2; exit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    backend = backend_with(sandbox="auto")
    assert invoke(define(), b"1", on=backend).result == 1
    assert "No permissions to create a new namespace" in backend.enforced()["sandbox"]


@needs_bwrap
def test_a_function_with_preload_is_told_to_run_in_the_open_and_the_others_are_not(backend_with, define):
    plain, forking = define(name="plain"), define(name="forking", preload=("json",))
    early = define(name="early", preload=("json",), environment={"PYTHONHASHSEED": "1"})
    backend = backend_with(sandbox="auto")
    for limit in ("sandbox", "task root"):
        assert backend.enforced(forking)[limit].startswith("not enforced (--preload)")
        for held in (plain, early, None):
            assert backend.enforced(held)[limit].startswith("held")
    for other in ({"sandbox": "on"}, {"templates": "off"}, {"network": False}):
        kept = backend_with(**{"sandbox": "auto"} | other)
        assert kept.enforced(forking)["sandbox"].startswith("held")
