"""Both ways to look at processes give the same answers."""

import os
import signal
import subprocess
import sys

import pytest

from faaslab.backends.local.host.machine import PORTABLE, machine
from faaslab.backends.local.host.trees import MARK, kill_tree, trees
from tests.backends.local.defining import alive, eventually

FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time, subprocess; print(subprocess.Popen(['sleep', '1000'], start_new_session=True).pid, flush=True); time.sleep(1000)"])
time.sleep(1000)
"""


@pytest.fixture(
    params=[
        pytest.param(
            machine(),
            id="native",
            marks=pytest.mark.skipif(not machine().proc, reason="there is no /proc here"),
        ),
        pytest.param(PORTABLE, id="portable"),
    ]
)
def asked(request):
    return trees(request.param)


@pytest.fixture
def family():
    """A process with a child, and a grandchild in another session."""
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY],
        env={**os.environ, MARK: "2026/01/01/[1]abc"},
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        grandchild = int(process.stdout.readline())
        yield process, grandchild
        os.killpg(process.pid, signal.SIGKILL)
    if alive(grandchild):
        os.kill(grandchild, signal.SIGKILL)


def test_who_is_below_and_who_is_marked(asked, family):
    process, grandchild = family
    below = asked.below(process.pid)
    assert len(below) == 2
    assert grandchild in below
    assert sorted(asked.marked("2026/01/01/[1]abc")) == sorted([process.pid, *below])
    assert asked.marked("2026/01/01/[1]ab") == []


def test_the_whole_tree_ends(asked, family):
    process, grandchild = family
    below = asked.below(process.pid)
    os.killpg(process.pid, signal.SIGSTOP)
    kill_tree(asked, process.pid, "2026/01/01/[1]abc")
    process.wait()
    eventually(lambda: not any(map(alive, [grandchild, *below])))
    assert asked.below(process.pid) == []


def test_a_process_that_ended_does_not_run_even_unreaped(asked):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert asked.runs(process.pid)
    process.communicate(b"\n")
    unreaped = subprocess.Popen([sys.executable, "-c", "pass"])
    eventually(lambda: not asked.runs(unreaped.pid))
    unreaped.wait()
    assert not asked.runs(unreaped.pid)
