"""The shell as real processes: exit status, streams, pipes, interrupts."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

SOURCE = "def handler(event, context):\n    print('scoring')\n    return event['x'] * 2\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    (root / "pyproject.toml").write_text("[tool.faaslab]\nkeep_alive = 60\ncache = 'cache'\n")
    (root / "score.py").write_text(SOURCE)
    return root


@pytest.fixture(scope="module")
def shell(project):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FAASLAB_")}

    def shell(*words, stdin=None, **more):
        return subprocess.run(
            [sys.executable, "-m", "faaslab", *words],
            cwd=project,
            env=environment | more,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    shell.environment = environment
    shell("create", "score", "--file", "score.py")
    return shell


def test_done_is_0_a_failed_function_1_a_wrong_request_2(shell):
    done = shell("invoke", "score", "-p", '{"x": 4}', "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["result"] == 8
    failed = shell("invoke", "score")
    assert (failed.returncode, failed.stderr) == (1, "")
    assert "KeyError: 'x'" in failed.stdout
    wrong = shell("invoke", "scoer")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "faaslab: no function is named 'scoer' (did you mean 'score'?)\n"


def test_the_default_store_stands_under_the_project_s_root(shell, project):
    assert (project / "data" / "faaslab.duckdb.state").exists()
    settings = {row["setting"]: row for row in map(json.loads, shell("config", "--json").stdout.splitlines())}
    assert settings["store"]["value"] == str(project.resolve() / "data" / "faaslab.duckdb")
    assert settings["keep_alive"]["source"].startswith("pyproject.toml")
    assert shell("ls", "--store", "no/such/folder/x.duckdb").returncode == 2


def test_standard_input_is_a_payload_and_lists_are_a_document_a_line(shell):
    done = shell("invoke", "score", "-p", "-", "--json", stdin='{"x": 5}')
    assert json.loads(done.stdout)["result"] == 10
    mapped = shell("map", "score", "-", "--json", stdin='{"x": 1}\n{"x": 2}\n{}\n')
    assert [json.loads(line)["result"] for line in mapped.stdout.splitlines()] == [2, 4, None]
    assert mapped.returncode == 1
    assert "1 failed (KeyError: 'x'); run them again: retry" in mapped.stderr
    counted = shell(
        "sql", "SELECT count(*) AS n, 1.5 AS x FROM executions WHERE batch_id IS NOT NULL", "--json"
    )
    assert json.loads(counted.stdout) == {"n": 3, "x": 1.5}


def test_what_is_handed_over_is_done_before_the_process_ends(shell):
    done = shell("invoke", "score", "--async", "-p", '{"x": 1}', "--json")
    assert json.loads(done.stdout)["invocation_type"] == "Event"
    assert done.stderr == ""


def test_a_failed_event_stays_in_the_queue_and_no_other_command_runs_it(shell):
    failed = shell("invoke", "score", "--async", "-p", "{}")
    assert failed.returncode == 1
    assert "KeyError: 'x'" in failed.stdout
    assert "stays in the queue and is tried again" in failed.stderr
    (event,) = map(json.loads, shell("queue", "ls", "--json").stdout.splitlines())
    assert (event["function"], event["attempt"], event["state"]) == ("score", 2, "waiting")
    assert json.loads(shell("queue", "run", "--json").stdout)["waiting"] == 1
    assert shell("queue", "drop", event["id"]).returncode == 0
    assert shell("queue", "ls").stdout == "the queue is empty\n"
    assert shell("queue", "drop", event["id"]).returncode == 2


def test_half_a_character_and_a_terminal_without_utf_8(shell, project):
    (project / "odd.py").write_text("def handler(e, c): return ['\\ud800', 'é']\n")
    shell("create", "odd", "--file", "odd.py")
    for more in ({}, {"PYTHONIOENCODING": "ascii"}):
        done = shell("invoke", "odd", "--json", **more)
        assert json.loads(done.stdout)["result"] == ["\ud800", "é"]
        assert shell("invoke", "odd", **more).returncode == 0


def test_version_and_help(shell):
    assert shell("--version").stdout.startswith("faaslab 0.")
    assert "quickstart" in shell().stdout
    assert shell("help", "map").stdout.startswith("map NAME INPUT")
    assert shell("map", "--help").stdout == shell("help", "map").stdout


def test_a_store_that_is_none_is_a_line_and_a_trace_only_when_asked_for(shell, tmp_path):
    (tmp_path / "x.duckdb.state").write_bytes(b"this is no database" * 100)
    done = shell("ls", "--store", str(tmp_path / "x.duckdb"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "faaslab: " in done.stderr
    assert "Traceback" in shell("ls", "--store", str(tmp_path / "x.duckdb"), FAASLAB_DEBUG="1").stderr


def test_a_closed_pipe_is_no_error(shell, project):
    command = f"{sys.executable} -m faaslab sql 'SELECT range AS n FROM range(200000)' --json | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=project, env=shell.environment, capture_output=True, text=True
    )
    assert done.stdout == '{"n": 0}\n0\n'
    assert done.stderr == ""


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def start(shell, project, *words):
    return subprocess.Popen(
        [sys.executable, "-m", "faaslab", *words],
        cwd=project, env=shell.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_an_interrupted_map_gives_what_is_done(shell, project, monkeypatch):
    mark = project / "begun"
    (project / "slow.py").write_text(
        f"import time\ndef handler(e, c):\n    open({str(mark)!r}, 'a').close()\n    time.sleep(0.05)\n    return e\n"
    )
    shell("create", "slow", "--file", "slow.py")
    monkeypatch.setitem(shell.environment, "FAASLAB_SANDBOX", "off")  # it leaves a mark in the project
    process = start(shell, project, "map", "slow", "range(100000)", "-n", "2", "--json")
    wait_for(mark.exists)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    count = len(out.splitlines())
    counted = shell("sql", "SELECT count(*) AS n FROM executions WHERE function = 'slow'", "--json")
    assert json.loads(counted.stdout)["n"] == count


def test_a_second_interrupt_of_a_map_ends_what_runs(shell, project, monkeypatch):
    mark = project / "begun"
    (project / "naps.py").write_text(
        f"import time\ndef handler(e, c):\n    open({str(mark)!r} + str(e), 'a').close()\n    time.sleep(e)\n"
    )
    shell("create", "naps", "--file", "naps.py", "--timeout", "600")
    monkeypatch.setitem(shell.environment, "FAASLAB_SANDBOX", "off")  # it leaves a mark in the project
    process = start(shell, project, "map", "naps", "[0, 500, 501]", "-n", "3", "--json")
    wait_for(lambda: all((project / f"begun{each}").exists() for each in (0, 500, 501)))
    process.send_signal(signal.SIGINT)
    told = process.stderr.readline()
    assert told.startswith("interrupted: waiting for ")
    assert told.endswith("interrupt again (Ctrl-C) to end them now\n")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "ended; what is done is kept" in err
    assert "Traceback" not in err
    rows = {row["input"]: row for row in map(json.loads, out.splitlines())}
    assert [rows[each]["error"].partition(":")[0] for each in (500, 501)] == ["Invocation.Cancelled"] * 2


def test_an_interrupt_elsewhere_is_clean(shell, project):
    process = start(shell, project, "logs", "score", "--follow", "--since", "1h")
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "interrupted\n")
