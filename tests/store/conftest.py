"""Processes of the store's tests: started, spoken to, always ended."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from faaslab.store import Store

ROOT = Path(__file__).parent.parent.parent


class Process:
    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "processes.py"), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )

    def hear(self) -> dict:
        """The next line that it prints."""
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return json.loads(line)

    def end(self, timeout=60) -> dict:
        """Its last line, after it ended well."""
        out, err = self.process.communicate("\n", timeout=timeout)
        assert self.process.returncode == 0, err
        return json.loads(out.strip().splitlines()[-1])

    def kill(self) -> None:
        """kill -9"""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def start():
    started = []

    def start(*arguments) -> Process:
        started.append(Process(*arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()
        for pipe in (one.process.stdin, one.process.stdout, one.process.stderr):
            pipe.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "faaslab.duckdb"


@pytest.fixture
def store(path):
    with Store(path, busy_limit_s=5.0) as store:
        yield store
