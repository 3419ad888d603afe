"""Runs all tests in two halves at once: two cores are there, and much of the time is waiting for processes.

What is told of the ones beside comes at the end. The exit status is 0 when all passed.
"""

import subprocess
import sys
import tempfile

BESIDE = [
    *("tests/workflow", "tests/store_questions", "tests/endpoint", "tests/cloud", "tests/browser"),
    "tests/test_readme.py",
]
PYTEST = [sys.executable, "-m", "pytest", "-q"]

with tempfile.TemporaryFile("w+") as said:
    # Both from here, and none in a shell's background, where SIGINT would be ignored: tests send it.
    beside = subprocess.Popen([*PYTEST, *BESIDE], stdout=said, stderr=subprocess.STDOUT)
    here = subprocess.run([*PYTEST, "--durations=15", *(f"--ignore={each}" for each in BESIDE)], check=False)
    other = beside.wait()
    said.seek(0)
    print(f"== beside them: {' '.join(BESIDE)}", said.read(), sep="\n", flush=True)
sys.exit(here.returncode or other)
