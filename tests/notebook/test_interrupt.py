"""Ctrl-C in a kernel: what is done is given back, and the kernel goes on."""

import time

from jupyter_client.manager import start_new_kernel

from tests.notebook.kernel import environment

DEADLINE_S = 60
DEFINE = """%load_ext faaslab
%config FaasMagics.concurrency = 2"""
SLOW = "%%faas slow\nimport time\ndef handler(event, context):\n    time.sleep(0.05)\n    return event['n']"
NAPS = "%%faas naps --timeout 90\nimport time\ndef handler(event, context):\n    time.sleep(event['s'])"
MAP = "inputs = [{'n': n} for n in range(2000)]\n%faas map slow inputs -n 2 -o rows"


def run(kernel, code: str, *, until=None) -> list:
    """The outputs of a cell; `until` is called with each and may interrupt."""
    sent = kernel.execute(code)
    outputs = []
    deadline = time.monotonic() + DEADLINE_S
    while True:
        assert time.monotonic() < deadline, outputs
        message = kernel.get_iopub_msg(timeout=DEADLINE_S)
        if message["parent_header"].get("msg_id") != sent:
            continue
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return outputs
        outputs.append(message)
        if until is not None:
            until(message)


def test_an_interrupted_map_gives_back_what_is_done(tmp_path):
    manager, kernel = start_new_kernel(env=environment(tmp_path), cwd=str(tmp_path))
    interrupted = []

    def interrupt(message) -> None:
        text = message["content"].get("data", {}).get("text/plain", "")
        if message["msg_type"] == "display_data" and " of 2,000" in text and not interrupted:
            interrupted.append(text)
            manager.interrupt_kernel()

    try:
        run(kernel, DEFINE)
        run(kernel, SLOW)
        outputs = run(kernel, MAP, until=interrupt)
        assert interrupted
        assert not [each for each in outputs if each["msg_type"] == "error"]
        bars = [each for each in outputs if each["msg_type"] == "update_display_data"]
        assert "stopped at" in bars[-1]["content"]["data"]["text/plain"]
        assert "stopping" not in bars[-1]["content"]["data"]["text/plain"]
        (answer,) = [
            each["content"]["data"]["text/plain"]
            for each in run(kernel, "0 < len(rows) < 2000, set(rows.status)")
            if each["msg_type"] == "execute_result"
        ]
        assert answer == "(True, {'completed'})"
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_second_interrupt_of_a_map_ends_what_runs_and_gives_back_all_rows(tmp_path):
    manager, kernel = start_new_kernel(env=environment(tmp_path), cwd=str(tmp_path))
    came = []

    def interrupt(message) -> None:
        text = str(message["content"].get("data", ""))  # the bar's, or that of the widget which draws it
        wanted = ("1 of 3", "that still run")
        if len(came) < 2 and wanted[len(came)] in text:
            came.append(text)
            manager.interrupt_kernel()

    try:
        run(kernel, DEFINE)
        run(kernel, NAPS)
        outputs = run(kernel, '%faas map naps \'[{"s": 0}, {"s": 80}, {"s": 80}]\' -n 3', until=interrupt)
        assert len(came) == 2
        assert not [each for each in outputs if each["msg_type"] == "error"]
        text = outputs[-1]["content"]["data"]["text/plain"]
        assert "interrupted: 1 of 3 is done and recorded, 2 were ended (cancelled)" in text
        assert text.count("Invocation.Cancelled") >= 2
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)


def test_an_interrupted_invocation_is_ended_and_recorded(tmp_path):
    manager, kernel = start_new_kernel(env=environment(tmp_path), cwd=str(tmp_path))
    interrupted = []

    def interrupt(message) -> None:
        if message["msg_type"] == "display_data" and not interrupted:
            interrupted.append(message)
            manager.interrupt_kernel()

    try:
        run(kernel, DEFINE)
        run(kernel, NAPS)
        run(kernel, "%faas invoke naps -p '{\"s\": 0}'")
        outputs = run(kernel, "%faas invoke naps -p '{\"s\": 60}'", until=interrupt)
        assert [each["content"]["ename"] for each in outputs if each["msg_type"] == "error"] == [
            "Interrupted"
        ]
        run(kernel, "%faas history naps -o runs")
        (answer,) = [
            each["content"]["data"]["text/plain"]
            for each in run(kernel, "set(runs.error_type)")
            if each["msg_type"] == "execute_result"
        ]
        assert "Invocation.Cancelled" in answer
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)


def test_an_interrupted_run_goes_on_and_the_kernel_is_clean(tmp_path):
    manager, kernel = start_new_kernel(env=environment(tmp_path), cwd=str(tmp_path))
    flow = "%%faas workflow long\nStartAt: w\nStates:\n  w: {Type: Wait, Seconds: 3600, End: true}\n"

    def interrupted(code, when) -> list:
        done: list = []

        def until(message) -> None:
            if message["msg_type"] == when and not done:
                done.append(message)
                manager.interrupt_kernel()

        outputs = run(kernel, code, until=until)
        assert done, outputs
        return [each["content"]["ename"] for each in outputs if each["msg_type"] == "error"]

    try:
        run(kernel, "%load_ext faaslab")
        run(kernel, flow)
        waited = interrupted("%faas run long --wait --name first", "display_data")
        assert waited == ["Interrupted"]
        run(kernel, "run = %faas run long --name second")
        assert interrupted("print('waiting', flush=True)\nawait run", "stream")[0] in {
            "CancelledError",
            "KeyboardInterrupt",
        }
        (told,) = [
            each["content"]["data"]["text/plain"]
            for each in run(kernel, "run.status.value, run.stop(), run.status.value")
            if each["msg_type"] == "execute_result"
        ]
        assert told == "('RUNNING', None, 'ABORTED')"
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel()  # which ends by itself
    assert not manager.is_alive()
