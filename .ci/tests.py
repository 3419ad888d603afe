"""Runs all tests, the rooms that only reckon beside the ones that wait for processes: two cores are there.

What is told of the ones beside comes at the end. The exit status is 0 when all passed.
"""

import subprocess
import sys
import tempfile

BESIDE = ["tests/workflow", "tests/store_questions"]
PYTEST = [sys.executable, "-m", "pytest", "-q"]

with tempfile.TemporaryFile("w+") as said:
    # Both from here, and none in a shell's background, where SIGINT would be ignored: tests send it.
    beside = subprocess.Popen([*PYTEST, *BESIDE], stdout=said, stderr=subprocess.STDOUT)
    here = subprocess.run([*PYTEST, "--durations=15", *(f"--ignore={each}" for each in BESIDE)], check=False)
    other = beside.wait()
    said.seek(0)
    print(f"== beside them: {' '.join(BESIDE)}", said.read(), sep="\n", flush=True)
sys.exit(here.returncode or other)
