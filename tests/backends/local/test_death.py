"""Nobody is left behind: a killed owner, a forked owner, a killed keeper."""

import os
import secrets
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from faaslab.backends.local.host import processes
from faaslab.backends.local.host.machine import PORTABLE, machine
from faaslab.backends.local.host.processes import Keeper
from tests.backends.local.defining import SANDBOX_FAULT, alive, eventually

ROOT = Path(__file__).parent.parent.parent.parent

OWNER = """
import sys, threading
from pathlib import Path
from faaslab.backends.local import LocalBackend, LocalSettings
from tests.backends.local.defining import Definer, REQUEST, commanded
folder = Path({folder!r})
(folder / "zips").mkdir(exist_ok=True)
definer = Definer(folder / "zips")
backend = LocalBackend(
    folder / "cache", code_of=definer.code_of, settings=LocalSettings({settings})
)
source = '''
import os, subprocess, sys
def handler(event, context):
    # One in the session, one that left it, one that also lost its parent.
    subprocess.Popen(["sleep", "{seconds}"])
    subprocess.Popen(["sleep", "{seconds}"], start_new_session=True)
    subprocess.run(
        [sys.executable, "-c", "import subprocess; print(subprocess.Popen(['sleep', '{seconds}'], start_new_session=True, stdout=-3, stderr=-3).pid)"],
        capture_output=True, text=True)
'''
pids = []
# Started by a thread that has ended: a parent-death signal would follow that thread.
def start():
    execution = backend.invoke(definer.define(source, timeout_s=60), b"{{}}", request=REQUEST, complete=lambda x: None)
    assert execution.ok, execution.error
    (environment,) = backend.environments()
    pids.extend([environment.pid, *commanded("{seconds}")])
thread = threading.Thread(target=start)
thread.start(); thread.join()
"""


def started_owner(tmp_path, then, settings=""):
    seconds = str(secrets.randbelow(10**8) + 10**8)  # tells the sleepers of this test from all others
    program = OWNER.format(folder=str(tmp_path), settings=settings, seconds=seconds) + textwrap.dedent(then)
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


IN_THE_OPEN = "sandbox='off'"
SANDBOXED = pytest.param(
    "sandbox='on'", marks=[pytest.mark.skipif(SANDBOX_FAULT is not None, reason=str(SANDBOX_FAULT))]
)


@pytest.mark.parametrize(
    "settings", [IN_THE_OPEN, "sandbox='off', memory='watch'", "system='portable'", SANDBOXED]
)
def test_a_killed_owner_takes_its_frozen_environments_with_it(tmp_path, settings):
    with started_owner(tmp_path, "print(*pids, flush=True); sys.stdin.read()", settings) as owner:
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 4
        assert all(map(alive, pids))
        owner.kill()
        owner.wait()
        eventually(lambda: not any(map(alive, pids)))
        eventually(lambda: not list((tmp_path / "cache" / "tmp").iterdir()))


def test_a_killed_owner_takes_its_provisioned_environments_with_it(tmp_path):
    then = """
        function = definer.define("def handler(event, context): pass")
        told = backend.provision(function, 3).result(60)
        print(told.available, *[each.pid for each in backend.environments()], flush=True)
        sys.stdin.read()
    """
    with started_owner(tmp_path, then) as owner:
        available, *pids = [int(word) for word in owner.stdout.readline().split()]
        assert (available, len(pids)) == (3, 4)
        assert all(map(alive, pids))
        owner.kill()
        owner.wait()
        eventually(lambda: not any(map(alive, pids)), 10)
        eventually(lambda: not list((tmp_path / "cache" / "tmp").iterdir()))


@pytest.mark.parametrize("settings", [IN_THE_OPEN, "system='portable'", SANDBOXED])
def test_an_owner_that_ends_without_closing_leaves_nothing(tmp_path, settings):
    with started_owner(tmp_path, "print(*pids, flush=True)", settings) as owner:
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert owner.wait(30) == 0
        assert not any(map(alive, pids))


@pytest.mark.parametrize("settings", [IN_THE_OPEN, SANDBOXED])
def test_a_fork_of_the_owner_neither_kills_nor_keeps_its_environments(tmp_path, settings):
    then = """
        import os, time
        child = os.fork()
        if child == 0:
            backend.close()
            time.sleep(1000)
        again = backend.invoke(definer.define(source, timeout_s=60), b"{}", request=REQUEST, complete=lambda x: None)
        print(child, again.cold_start, *pids, flush=True)
        sys.stdin.read()
    """
    with started_owner(tmp_path, then, settings) as owner:
        words = owner.stdout.readline().split()
        fork, pids = int(words[0]), [int(word) for word in words[2:]]
        try:
            assert words[1] == "False", "the environment went on, warm"
            assert all(map(alive, pids))
            owner.kill()
            owner.wait()
            eventually(lambda: not any(map(alive, pids)))
            assert alive(fork), "it is somebody else's"
        finally:
            os.kill(fork, signal.SIGKILL)


@pytest.mark.parametrize("psutil_folder", [None, os.devnull])
def test_without_proc_the_keeper_finds_who_left_the_session(psutil_folder, monkeypatch):
    """With psutil also who lost its parent; with nothing but `ps` at least the children."""
    if psutil_folder is not None:
        monkeypatch.setattr(processes, "_psutil_folder", lambda: psutil_folder)
    program = (
        "import subprocess, sys, time\n"
        "left = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        "print(left.pid, flush=True)\n"
        "time.sleep(1000)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], start_new_session=True, stdout=subprocess.PIPE, text=True
    ) as process:
        left = int(process.stdout.readline())
        keeper = Keeper(PORTABLE)
        keeper.add(process.pid, mark="2026/01/01/[1]0123")
        keeper.close()
        assert process.wait(10) == -signal.SIGKILL
        eventually(lambda: not alive(left))


@pytest.mark.parametrize("around", [machine(), PORTABLE], ids=["native", "portable"])
def test_a_killed_keeper_is_replaced_by_one_that_knows_as_much(around):
    keeper = Keeper(around)
    sleepers = [subprocess.Popen(["sleep", "1000"], start_new_session=True) for _ in range(3)]
    try:
        keeper.add(sleepers[0].pid)
        keeper.add(sleepers[1].pid)
        keeper.remove(sleepers[1].pid)
        keeper._process.kill()
        keeper._process.wait()
        keeper.add(sleepers[2].pid)
        keeper.close()
        keeper.close()
        eventually(lambda: [alive(sleeper.pid) for sleeper in sleepers] == [False, True, False])
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()


def test_an_environment_starts_and_ends_without_its_keeper(backend, define, invoke):
    invoke(define())
    backend._keeper._process.kill()
    assert invoke(define(version="2")).ok
    backend.retire("probe")
    assert backend.environments() == ()


def test_an_interrupted_invocation_leaves_no_running_process(tmp_path):
    then = """
        import signal, time
        forever = definer.define("import time\\ndef handler(e, c):\\n    time.sleep(100)", name="forever", timeout_s=300)
        def interrupt():
            while not any(e.function == "forever" and e.pid for e in backend.environments()):
                time.sleep(0.01)
            print(next(e.pid for e in backend.environments() if e.function == "forever"), flush=True)
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGINT)
        import os
        threading.Thread(target=interrupt).start()
        try:
            backend.invoke(forever, b"{}", request=REQUEST, complete=lambda x: None)
        except KeyboardInterrupt:
            print([e.function for e in backend.environments()], flush=True)
    """
    with started_owner(tmp_path, then) as owner:
        pid = int(owner.stdout.readline())
        assert owner.stdout.readline().strip() == "['probe']"
        assert not alive(pid)
        assert owner.wait(30) == 0


def test_ctrl_c_of_a_terminal_reaches_no_environment(backend, define, invoke):
    invoke(define())
    (environment,) = backend.environments()
    assert os.getsid(environment.pid) == environment.pid != os.getsid(0)
