"""Four processes invoke, two notebooks read in two threads each, merges go on, and some are killed.

Every invocation that was answered is in the store once; no reader ever fails, sees one twice or misses one.
Eight seconds in the suite; FAASLAB_STRESS_SECONDS says how long otherwise.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from faaslab import app

SECONDS = float(os.environ.get("FAASLAB_STRESS_SECONDS", "8"))
CROWD = Path(__file__).with_name("crowd.py")
SOURCE = "def handler(event, context):\n    print('number', event['number'])\n    return event\n"


class Crowd:
    def __init__(self, folder, cache):
        self.folder = folder
        self.cache = cache
        self.processes = {}

    def start(self, role, name):
        task = {
            "role": role,
            "name": name,
            "store": str(self.folder / "s.duckdb"),
            "cache": str(self.cache),
            "folder": str(self.folder),
        }
        with (self.folder / f"{name}.stderr").open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, str(CROWD), json.dumps(task)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.processes[name] = process
        return process

    def begin(self, *names):
        for name in names:
            assert self.processes[name].stdout.readline() == "ready\n", self.errors(name)
        for name in names:
            self.processes[name].stdin.write("go\n")
            self.processes[name].stdin.flush()

    def kill(self, name):
        """With -9, and every process that it had started must go with it."""
        process = self.processes.pop(name)
        below = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        assert process.wait(30) == -signal.SIGKILL
        process.stdin.close()
        process.stdout.close()
        _, alive = psutil.wait_procs(below, timeout=30)
        assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []

    def end(self):
        (self.folder / "stop").touch()
        told = {}
        for name, process in self.processes.items():
            out, _ = process.communicate(timeout=120)
            assert process.returncode == 0, f"{name}: {self.errors(name)}"
            told[name] = json.loads(out)
        return told

    def errors(self, name):
        return (self.folder / f"{name}.stderr").read_text()

    def close(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait(30)
            process.stdin.close()
            process.stdout.close()


@pytest.fixture
def crowd(tmp_path, cache):
    crowd = Crowd(tmp_path, cache)
    yield crowd
    crowd.close()


@pytest.mark.timeout(180 + 2 * SECONDS)
def test_what_was_answered_is_in_the_store_once_for_every_reader(crowd, tmp_path):
    with app.open(store=tmp_path / "s.duckdb", cache=crowd.cache) as lab:
        lab.functions.create("echo", code=SOURCE, timeout_s=60)
    writers = [f"writer{number}" for number in range(4)]
    everyone = [*writers, "reader0", "reader1", "merger0", "merger1"]
    for name in everyone:
        crowd.start(name.rstrip("0123456789"), name)
    crowd.begin(*everyone)
    begun = time.monotonic()

    def wait_until(part):
        while time.monotonic() < begun + part * SECONDS:
            time.sleep(0.01)
            for name, process in crowd.processes.items():
                assert process.poll() is None, f"{name} ended early: {crowd.errors(name)}"

    wait_until(0.3)
    crowd.kill("merger0")
    wait_until(0.5)
    crowd.kill("writer0")
    wait_until(0.7)
    crowd.kill("merger1")
    crowd.start("merger", "merger2")
    crowd.begin("merger2")
    wait_until(1.0)
    told = crowd.end()

    answered = [
        line for writer in writers for line in (tmp_path / f"{writer}.answered").read_text().splitlines()
    ]
    assert all(told[writer] > 0 for writer in writers[1:])
    assert all(count > 0 for reader in ("reader0", "reader1") for count in told[reader])
    with app.open(store=tmp_path / "s.duckdb", cache=crowd.cache) as lab:
        for _ in range(2):
            with lab.store.connect() as connection:
                stored = Counter(row[0] for row in connection.execute("SELECT id FROM executions").fetchall())
                logged = dict(
                    connection.execute("SELECT execution_id, count(*) FROM logs GROUP BY ALL").fetchall()
                )
            assert set(stored.values()) == {1}
            assert set(answered) <= set(stored)
            # The killed writer may have recorded what it was about to answer: one call, or one map of 20.
            assert len(stored) - len(answered) <= 20
            # Whole or not at all: each with its START, its line, END and REPORT (and INIT_START when cold).
            assert all(4 <= logged[id_] <= 5 for id_ in stored)
            lab.store.merge()
    print(f"{len(answered)} answered in {SECONDS:.0f} s, {told}")
