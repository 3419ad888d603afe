"""Nobody is left behind: a killed owner, a forked owner, a killed keeper."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from faaslab.backends.local.processes import Keeper
from tests.backends.local.defining import alive, eventually

ROOT = Path(__file__).parent.parent.parent.parent

OWNER = """
import sys, threading
from pathlib import Path
from faaslab.backends.local import LocalBackend, LocalSettings
from tests.backends.local.defining import Definer, REQUEST
folder = Path({folder!r})
(folder / "zips").mkdir(exist_ok=True)
definer = Definer(folder / "zips")
backend = LocalBackend(
    folder / "cache", code_of=definer.code_of, settings=LocalSettings(memory={memory!r})
)
source = '''
import os, subprocess, sys
def handler(event, context):
    # One in the session, one that left it, one that also lost its parent.
    inside = subprocess.Popen(["sleep", "1000"])
    outside = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    orphan = subprocess.run(
        [sys.executable, "-c", "import subprocess; print(subprocess.Popen(['sleep', '1000'], start_new_session=True, stdout=-3, stderr=-3).pid)"],
        capture_output=True, text=True)
    return [os.getpid(), inside.pid, outside.pid, int(orphan.stdout)]
'''
pids = []
# Started by a thread that has ended: a parent-death signal would follow that thread.
def start():
    execution = backend.invoke(definer.define(source, timeout_s=60), b"{{}}", request=REQUEST, complete=lambda x: None)
    pids.extend(execution.result)
thread = threading.Thread(target=start)
thread.start(); thread.join()
"""


def started_owner(tmp_path, then, memory="auto"):
    program = OWNER.format(folder=str(tmp_path), memory=memory) + textwrap.dedent(then)
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("memory", ["auto", "watch"])
def test_a_killed_owner_takes_its_frozen_environments_with_it(tmp_path, memory):
    with started_owner(tmp_path, "print(*pids, flush=True); sys.stdin.read()", memory) as owner:
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 4
        assert all(map(alive, pids))
        owner.kill()
        owner.wait()
        eventually(lambda: not any(map(alive, pids)))
        eventually(lambda: not list((tmp_path / "cache" / "tmp").iterdir()))


def test_an_owner_that_ends_without_closing_leaves_nothing(tmp_path):
    with started_owner(tmp_path, "print(*pids, flush=True)") as owner:
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert owner.wait(30) == 0
        assert not any(map(alive, pids))


def test_a_fork_of_the_owner_neither_kills_nor_keeps_its_environments(tmp_path):
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
    with started_owner(tmp_path, then) as owner:
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


def test_a_killed_keeper_is_replaced_by_one_that_knows_as_much():
    keeper = Keeper()
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
