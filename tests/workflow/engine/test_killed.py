"""kill -9 at random moments: every execution ends as it would have, and what is recorded is not done again."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from faaslab.store import Store
from tests.workflow.engine.shop import ARN

ROOT = Path(__file__).parent.parent.parent.parent
ROUNDS = 50
OUTPUT = "8"  # the right branch: 2 * 2, doubled by the last task


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="rounds are forked")
def test_killed_at_fifty_moments_all_ends_well_and_no_recorded_task_runs_twice(tmp_path):
    path = tmp_path / "s.duckdb"
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "killed.py"), str(path), str(ROUNDS), "7"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["status"] == 0, done.stderr
    recorded = {
        int(number): {tuple(each) for each in told["answers"]} for number, told in said["before"].items()
    }
    succeeded = {int(number): set(told["succeeded"]) for number, told in said["before"].items()}
    again = 0
    for file in (tmp_path / "lines").iterdir():
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        for number, key in lines:
            assert (file.name, key) not in recorded[number]
            assert file.name not in succeeded[number]
        again += len(lines) - len({key for _, key in lines})
    with Store(path) as store:
        rows = store.sql("SELECT name, status, output FROM workflow_executions")
        assert len(rows) > ROUNDS  # of those that were begun, each once
        assert rows.name.is_unique
        assert set(rows.status) == {"SUCCEEDED"}
        assert set(rows.output) == {OUTPUT}
        shapes = {name: shape(store.workflows.history(ARN + name)) for name in rows.name}
        assert store.sql("SELECT * FROM rejects").empty
    assert len({json.dumps(sorted(each.items())) for each in shapes.values()}) == 1
    assert again < len(shapes) * 3  # what was not recorded was done again, and that seldom


def shape(history):
    """How many events there are of each type, once the history is seen to be whole."""
    assert [event.id for event in history] == list(range(1, len(history) + 1))
    assert all(event.previous_id < event.id for event in history)
    assert all(one.at <= other.at for one, other in zip(history, history[1:], strict=False))
    assert (history[0].type, history[-1].type) == ("ExecutionStarted", "ExecutionSucceeded")
    entered = {event.id for event in history if event.type.endswith("StateEntered")}
    left = [event.entered_id for event in history if event.type.endswith("StateExited")]
    assert sorted(left) == sorted(entered)
    return Counter(event.type for event in history)
