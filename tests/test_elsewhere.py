"""The whole product where nothing is there that only Linux has, as on a Mac: a process that is denied it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

# psutil has to know where it is; everybody else is told that this is a Mac, and may not look into /proc.
ELSEWHERE = """
import os, psutil, sys, fcntl, resource, select, socket, platform, subprocess, importlib.metadata, importlib.util
import duckdb, pandas
import urllib.request  # a Mac's Python has a module of its own for it, which is not to be had here
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "awslambdaric" else find_spec(name, package)
version = importlib.metadata.version
def told(name):
    if name == "awslambdaric":
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)
importlib.metadata.version = told
for module, names in {
    os: ("waitid", "pidfd_open", "memfd_create", "sched_getaffinity", "posix_fallocate"),
    fcntl: ("F_SETPIPE_SZ",),
    resource: ("prlimit",),
    select: ("epoll",),
    socket: ("SO_RCVTIMEO", "SO_SNDTIMEO"),
}.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
def audit(event, args):
    if event in ("open", "os.listdir", "os.scandir") and str(args[0]).startswith(("/proc", "/sys")):
        frame = sys._getframe(1)
        while frame is not None:
            if "psutil" in frame.f_code.co_filename:
                return
            frame = frame.f_back
        raise FileNotFoundError(2, "there is no such thing here", str(args[0]))
sys.addaudithook(audit)
sys.platform = "darwin"
platform.system = lambda: "Darwin"
from faaslab.cli import main
for words in COMMANDS:
    status = main(words)
    if status:
        sys.exit(status)
"""


def elsewhere(folder, *commands):
    program = ELSEWHERE.replace("COMMANDS", repr([list(words) for words in commands]))
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "FAASLAB_STORE": str(folder / "store"),
            "NO_COLOR": "1",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_functions_run_and_are_looked_at(tmp_path):
    (tmp_path / "score.py").write_text(
        "import sys\ndef handler(event, context):\n    print('running')\n"
        "    return {'n': event, 'client': 'awslambdaric' in sys.modules}\n"
    )
    done = elsewhere(
        tmp_path,
        ["create", "score", "--file", "score.py"],
        ["invoke", "score", "-p", "7", "--tail"],
        ["invoke", "score", "-p", "8", "--debug"],
        ["invoke", "score", "-p", "9", "--async"],
        ["publish", "score"],
        ["invoke", "score", "-p", "10", "--qualifier", "1"],
        ["map", "score", "range(5)", "-n", "2"],
        ["ls"],
        ["stats"],
        ["logs", "score"],
        ["doctor"],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"client": false' in done.stdout
    assert "-faaslab" in done.stdout, "which runtime client ran stands in the log"
    assert "running" in done.stdout
    assert "own runtime client serves" in done.stdout
    assert "macOS" in done.stdout
    assert "open files" in done.stdout
