"""`--debug` in a kernel: IPython's debugger asks below the cell, `%debug` finds what failed; papermill never hangs."""

import pytest
from jupyter_client.manager import start_new_kernel

from tests.notebook.kernel import environment, run

DEFINE = """%%faas score
def handler(event, context):
    print("running")
    y = event["x"] * 2
    return 10 / y"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kernel")
    manager, kernel = start_new_kernel(env=environment(folder), cwd=str(folder))
    yield kernel
    kernel.stop_channels()
    manager.shutdown_kernel(now=True)


def typed(kernel, code, *answers):
    """Run a cell; the prompts are answered in turn. (its reply's status, everything that was shown)."""
    shown, left = [], list(answers)

    def stdin(message):
        kernel.input(left.pop(0))

    def output(message):
        content = message["content"]
        for text in (
            content.get("text"),
            content.get("data", {}).get("text/plain"),
            "\n".join(content.get("traceback", [])),
        ):
            if text:
                shown.append(text)

    reply = kernel.execute_interactive(
        code, allow_stdin=True, stdin_hook=stdin, output_hook=output, timeout=60
    )
    assert not left, shown
    return reply["content"]["status"], "\n".join(shown)


def test_stepping_and_looking_after_a_failure(kernel):
    typed(kernel, "%load_ext faaslab")
    typed(kernel, DEFINE)
    status, shown = typed(
        kernel, "%faas invoke score -p '{\"x\": 5}' --debug -o r", "n", "n", "p ('y is', y)", "c"
    )
    assert status == "ok", shown
    assert "running" in shown
    _, shown = typed(
        kernel, "print(r.result, r.start_method, [l.message for l in r.logs if l.stream == 'function'])"
    )
    # A line may come in several pieces.
    assert shown.split() == ["1.0", "in-process", "['running']"], "what the debugger says is no log of it"
    status, shown = typed(kernel, "%faas invoke score -p '{\"x\": 0}' --debug", "c")
    assert status == "error"
    assert "ZeroDivisionError" in shown
    status, shown = typed(kernel, "%debug", "p ('y was', y)", "q")
    assert "('y was', 0)" in shown
    status, shown = typed(
        kernel, "import os, sys; print('LAMBDA_TASK_ROOT' in os.environ, 'lambda_function' in sys.modules)"
    )
    assert "False False" in shown


def test_a_breakpoint_in_the_code_asks_as_well(kernel):
    typed(kernel, "%load_ext faaslab")
    typed(
        kernel, "%%faas stops\ndef handler(event, context):\n    z = 41\n    breakpoint()\n    return z + 1"
    )
    status, shown = typed(
        kernel,
        "import faaslab\n%faas invoke stops --debug -o s\nprint('then', s.result)",
        "c",
        "p ('z is', z)",
        "c",
    )
    assert status == "ok", shown
    assert "('z is', 41)" in shown
    assert "then 42" in shown


def test_an_unattended_notebook_runs_through(tmp_path):
    cells = run(
        {
            "load": "%load_ext faaslab",
            "define": "%%faas stops\nimport pdb\ndef handler(event, context):\n    breakpoint()\n    pdb.set_trace()\n    return 42",
            "debug": "%faas invoke stops --debug",
            "bound": "%faas invoke stops --debug -o s\ns.result, s.start_method",
        },
        tmp_path,
    )
    assert "ran through" in "".join(cells["debug"].html + [cells["debug"].text])
    assert "(42, 'in-process')" in cells["bound"].text


class Lab:
    """JupyterLab's debugger: requests over the control channel."""

    def __init__(self, kernel):
        self._kernel = kernel
        self._number = 0

    def request(self, command, **arguments):
        self._number += 1
        message = self._kernel.session.msg(
            "debug_request",
            {"type": "request", "seq": self._number, "command": command, "arguments": arguments},
        )
        self._kernel.control_channel.send(message)
        while True:
            reply = self._kernel.control_channel.get_msg(timeout=30)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                assert reply["content"]["success"], reply
                return reply["content"].get("body")


def test_jupyterlabs_debugger_stops_in_the_cell_that_defines_the_function(tmp_path):
    pytest.importorskip("debugpy")
    manager, kernel = start_new_kernel(env=environment(tmp_path), cwd=str(tmp_path))
    try:
        typed(kernel, "%load_ext faaslab")
        typed(kernel, DEFINE)
        lab = Lab(kernel)
        lab.request("initialize", adapterID="", pathFormat="path", linesStartAt1=True, columnsStartAt1=True)
        lab.request("attach")
        path = lab.request("dumpCell", code=DEFINE)["sourcePath"]
        lab.request("setBreakpoints", source={"path": path}, breakpoints=[{"line": 4}])
        lab.request("configurationDone")
        sent = kernel.execute("%faas invoke score -p '{\"x\": 5}' --debug -o r", allow_stdin=False)
        while True:
            message = kernel.get_iopub_msg(timeout=60)
            content = message["content"]
            if message["msg_type"] == "debug_event" and content.get("event") == "stopped":
                break
            assert content.get("execution_state") != "idle" or message["parent_header"].get("msg_id") != sent
        thread = content["body"]["threadId"]
        frame = lab.request("stackTrace", threadId=thread)["stackFrames"][0]
        assert (frame["name"], frame["line"], frame["source"]["path"]) == ("handler", 4, path)
        lab.request("continue", threadId=thread)
        assert "1.0 in-process" in typed(kernel, "print(r.result, r.start_method)")[1]
        # Environments and what watches over them are no business of the kernel's debugger.
        typed(kernel, "%faas invoke score -p '{\"x\": 5}' -o warm")
        told = typed(
            kernel, "import psutil\nprint([p.cmdline() for p in psutil.Process().children(recursive=True)])"
        )[1]
        assert "keeper_script" in told
        assert "pydevd.py" not in told
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_notebook_is_asked_before_much_of_the_history_is_forgotten(kernel):
    typed(kernel, "%load_ext faaslab")
    typed(kernel, DEFINE)
    typed(kernel, "%faas invoke score -p '{\"x\": 5}'")
    status, shown = typed(kernel, "%faas store prune --keep 0s", "")
    assert (status, "nothing was forgotten" in shown) == ("error", True), shown
    status, shown = typed(kernel, "%faas store prune --keep 0s", "y")
    assert (status, "forgot " in shown) == ("ok", True), shown
    sent = kernel.execute("%faas store prune --keep 0s --yes", allow_stdin=False)
    while kernel.get_shell_msg(timeout=60)["parent_header"].get("msg_id") != sent:
        pass
