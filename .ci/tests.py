"""Runs all tests in parts, three at a time on two cores: much of the time is waiting for processes.

The parts that take longest begin first, and whoever is done takes the next, so that all end at about the same
time however the parts grow. What a part said is printed when it has ended; exit status 0: all passed.
"""

import queue
import subprocess
import sys
import tempfile
import threading
import time

AT_ONCE = 3
PARTS = [
    ["tests/lab"],
    ["tests/browser"],
    ["tests/endpoint"],
    ["tests/backends", "tests/contract"],
    ["tests/cloud"],
    ["tests/workflow", "tests/store_questions"],
    ["tests/reports", "tests/monitoring"],
    ["tests/verbs", "tests/cli"],
    ["tests/notebooks", "tests/notebook"],
    ["tests/test_readme.py"],
    ["tests/store"],
]
NAMED = [each for part in PARTS for each in part]
REST = ["tests", *(f"--ignore={each}" for each in NAMED)]
"""Whatever stands in none of them, so that no test is forgotten."""
PYTEST = [sys.executable, "-m", "pytest", "-q", "--durations=5"]

waiting: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
for part in [*PARTS, REST]:
    waiting.put(part)
printing = threading.Lock()
failed: list[str] = []


def work() -> None:
    """One part after another until there is none."""
    while True:
        try:
            part = waiting.get_nowait()
        except queue.Empty:
            return
        name = "the rest" if part is REST else " ".join(part)
        begun = time.monotonic()
        with tempfile.TemporaryFile("w+") as said:
            # From here, and not in a shell's background, where SIGINT would be ignored: tests send it.
            ended = subprocess.run([*PYTEST, *part], stdout=said, stderr=subprocess.STDOUT, check=False)
            said.seek(0)
            with printing:
                print(f"== {name}: {time.monotonic() - begun:.0f} s", said.read(), sep="\n", flush=True)
        if ended.returncode:
            failed.append(name)


workers = [threading.Thread(target=work) for _ in range(AT_ONCE)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
if failed:
    sys.exit(f"failed: {', '.join(failed)}")
