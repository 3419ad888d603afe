"""Owners of claims: the living are left alone, the dead are seen, those elsewhere are not judged."""

import os
import subprocess
import sys

import pytest

from faaslab.lab import owners

TELL = "from faaslab.lab import owners; print(owners.this_process(), flush=True); input()"


@pytest.fixture(params=["proc", "psutil"])
def system(request, monkeypatch):
    if request.param == "psutil":
        monkeypatch.setattr(owners, "_started", owners._started_by_psutil)
    elif not os.path.exists("/proc/self/stat"):
        pytest.skip("this system has no /proc")


def test_the_living_and_the_dead(system):
    mine = owners.this_process()
    assert mine != owners.this_process()
    assert not owners.is_gone(mine)
    place, pid, started, token = mine.split("/")
    assert owners.is_gone(f"{place}/{pid}/{started[0]}1/{token}")  # the id went to another process
    assert not owners.is_gone(f"elsewhere/{pid}/{started[0]}1/{token}")
    for odd in ("", "a", f"{place}/x/{started}/{token}", f"{place}/{pid}/{started}"):
        assert not owners.is_gone(odd)


def test_another_process_is_gone_when_it_was_killed(system):
    process = subprocess.Popen(
        [sys.executable, "-c", TELL],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    place, pid, _, token = process.stdout.readline().strip().split("/")
    theirs = f"{place}/{pid}/{owners._started(int(pid))}/{token}"
    assert not owners.is_gone(theirs)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert owners.is_gone(theirs)  # also before its parent has looked
    process.wait()
    assert owners.is_gone(theirs)
    process.stdin.close()
    process.stdout.close()
