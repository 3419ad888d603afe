"""`--debug` in a shell: in a terminal pdb asks, elsewhere the function runs through."""

import json
import os
import pty
import subprocess
import sys

import pytest

from tests.backends.local.dap import DebugClient
from tests.backends.local.defining import eventually

SOURCE = "def handler(event, context):\n    y = event['x'] * 2\n    return 10 / y\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "score.py").write_text(SOURCE)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FAASLAB_")} | {
        "FAASLAB_STORE": str(folder / "s.duckdb"),
        "FAASLAB_CACHE": str(folder / "cache"),
        "TERM": "dumb",
        "PYTHON_COLORS": "0",
    }
    options = {"cwd": folder, "env": environment}
    subprocess.run(
        [sys.executable, "-m", "faaslab", "create", "score", "--file", "score.py"], check=True, **options
    )
    return options


def typed(project, words, *answers):
    """What a terminal showed: each (prompt, answer) is typed when the prompt has come."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "faaslab", *words], stdin=theirs, stdout=theirs, stderr=theirs, **project
    )
    os.close(theirs)
    os.set_blocking(ours, False)
    shown = ""

    def arrived(text):
        nonlocal shown
        try:
            shown += os.read(ours, 65536).decode()
        except BlockingIOError:
            pass
        except OSError:  # the other end is closed: on Linux an error, elsewhere nothing
            return True
        return text in shown[seen:]

    seen = 0
    for prompt, answer in answers:
        eventually(lambda prompt=prompt: arrived(prompt), 60)
        seen = len(shown)
        os.write(ours, f"{answer}\n".encode())
    eventually(lambda: arrived("\0") or process.poll() is not None, 60)
    arrived("\0")
    os.close(ours)
    return process.wait(30), shown.replace("\r\n", "\n")


def test_a_terminal_gets_pdb_at_the_handlers_first_line(project):
    status, shown = typed(
        project,
        ["invoke", "score", "-p", '{"x": 5}', "--debug"],
        ("(Pdb) ", "next"),
        ("(Pdb) ", "p ('y is', y)"),
        ("(Pdb) ", "continue"),
    )
    assert status == 0, shown
    assert "-> y = event['x'] * 2" in shown
    assert "lambda_function.py(2)handler()" in shown
    assert "('y is', 10)" in shown
    assert "1.0" in shown.split("continue")[-1]
    assert "(Pdb)" not in shown.split("continue")[-1], "what the debugger says is no log of the function"


def test_what_fails_is_looked_at_where_it_failed(project):
    status, shown = typed(
        project,
        ["invoke", "score", "-p", '{"x": 0}', "--debug"],
        ("(Pdb) ", "continue"),
        ("(Pdb) ", "p ('then y was', y)"),
        ("(Pdb) ", "quit"),
    )
    assert status == 1, shown
    assert "('then y was', 0)" in shown
    assert "ZeroDivisionError" in shown


def test_who_quits_is_told_that_nothing_is_recorded(project):
    status, shown = typed(project, ["invoke", "score", "-p", '{"x": 5}', "--debug"], ("(Pdb) ", "quit"))
    assert status == 1
    assert "nothing is recorded" in shown


def test_without_a_terminal_it_runs_through(project):
    done = subprocess.run(
        [sys.executable, "-m", "faaslab", "invoke", "score", "-p", '{"x": 5}', "--debug"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        **project,
    )
    assert done.returncode == 0, done.stderr
    assert "ran through" in done.stderr
    again = subprocess.run(
        [sys.executable, "-m", "faaslab", "invoke", "score", "--debug", "--async"],
        capture_output=True,
        text=True,
        timeout=60,
        **project,
    )
    assert (again.returncode, again.stdout) == (2, "")


def test_attach_says_where_and_waits_for_a_debugger(project):
    pytest.importorskip("debugpy")
    words = ["invoke", "score", "-p", '{"x": 5}', "--attach", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "faaslab", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **project,
    ) as process:
        told = ""
        while not told.endswith("\n}\n"):
            told += process.stderr.readline()
        assert told.startswith("waiting for a debugger at 127.0.0.1:")
        configuration = json.loads(told[told.index("{") :])
        (mapping,) = configuration["pathMappings"]
        client = DebugClient(configuration["connect"]["host"], configuration["connect"]["port"])
        path = f"{mapping['localRoot']}/lambda_function.py"
        client.attach(configuration, {path: [2]})
        stopped = client.event("stopped")
        client.request("continue", {"threadId": stopped["threadId"]}, wait=False)
        shown, _ = process.communicate(timeout=60)
        client.close()
    assert process.returncode == 0
    answer = json.loads(shown)
    assert (answer["result"], answer["start_method"], answer["duration_ms"]) == (1.0, "attached", None)


def test_a_terminal_is_asked_before_much_of_the_history_is_forgotten(project):
    assert typed(project, ["invoke", "score", "-p", '{"x": 5}'])[0] == 0
    status, shown = typed(project, ["store", "prune", "--keep", "0s"], ("[y/N] ", ""))
    assert (status, "nothing was forgotten" in shown) == (1, True), shown
    status, shown = typed(project, ["store", "prune", "--keep", "0s"], ("[y/N] ", "yes"))
    assert (status, "forgot " in shown) == (0, True), shown


def test_a_script_is_told_to_say_yes_before_much_of_the_history_is_forgotten(project):
    assert typed(project, ["invoke", "score", "-p", '{"x": 5}'])[0] == 0
    prune = [sys.executable, "-m", "faaslab", "store", "prune", "--keep", "0s"]
    refused = subprocess.run(prune, stdin=subprocess.DEVNULL, capture_output=True, text=True, **project)
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True), refused.stderr
    done = subprocess.run([*prune, "-y"], stdin=subprocess.DEVNULL, capture_output=True, text=True, **project)
    assert (done.returncode, done.stdout.startswith("forgot ")) == (0, True), done.stderr
