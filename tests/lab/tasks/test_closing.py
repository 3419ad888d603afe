"""A lab that is closed, and a process that ends, wait a moment for what tasks do, and no longer."""

import subprocess
import sys

import pytest

SCRIPT = """
import socket, sys, threading
from faaslab import app
lab = app.open(store=sys.argv[1], cache=sys.argv[2], run_queue=False)
begun = threading.Semaphore(0)
if sys.argv[3] == "callable":
    def work(value):
        begun.release()
        threading.Event().wait()
    lab.workflows.activity("stuck", work)
    state = {"Resource": "activity:stuck"}
else:
    server = socket.create_server(("127.0.0.1", 0))
    def accept():
        global kept
        kept = server.accept()
        begun.release()
    threading.Thread(target=accept, daemon=True).start()
    endpoint = "http://127.0.0.1:%d/" % server.getsockname()[1]
    state = {
        "Resource": "arn:aws:states:::http:invoke", "Parameters": {"ApiEndpoint": endpoint, "Method": "GET"}
    }
lab.workflows.create("w", {"StartAt": "T", "States": {"T": {"Type": "Task", "End": True, **state}}})
run = lab.workflows.start("w")
assert begun.acquire(timeout=20)
if sys.argv[4] == "closed":
    lab.close()
print("closed", flush=True)
"""


@pytest.mark.parametrize("task", ["callable", "http"])
@pytest.mark.parametrize("end", ["closed", "left"])
def test_a_task_that_does_not_end_holds_up_no_lab_and_no_process(tmp_path, task, end):
    given = [str(tmp_path / "s.duckdb"), str(tmp_path / "cache"), task, end]
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *given], capture_output=True, text=True, timeout=40, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "closed\n", "")
