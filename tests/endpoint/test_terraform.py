"""Terraform with AWS's provider against the port: what it made is there, a second plan is empty, and it goes again."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import faaslab
from tests.endpoint.lambda_.defining import DOUBLE, zipped

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def lab(tmp_path):
    with faaslab.open(tmp_path / "store.duckdb", cache=tmp_path / "cache") as lab:
        yield lab


@pytest.fixture
def terraform(tmp_path, lab):
    """terraform(arguments) runs it in a folder of its own against the lab's port."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    folder = tmp_path / "tf"
    folder.mkdir()
    shutil.copy(Path(__file__).parent / "terraform" / "main.tf", folder)
    (folder / "app.zip").write_bytes(zipped(f"from shared import VALUE\n\n{DOUBLE}", name="src/app.py"))
    (folder / "layer.zip").write_bytes(zipped("VALUE = 1\n", name="python/shared.py"))
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
    }

    def run(*arguments, expected=(0,)):
        done = subprocess.run(
            ["terraform", *arguments, "-no-color"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in expected, done.stdout + done.stderr
        return done

    if run("init", "-input=false", expected=range(3)).returncode:
        pytest.skip("terraform cannot get the AWS provider here")
    environment["AWS_ENDPOINT_URL"] = lab.home.ensure()
    return run


def test_what_terraform_makes_is_there_planned_empty_changed_and_destroyed(lab, terraform):
    terraform("apply", "-auto-approve", "-input=false")
    assert terraform("output", "-raw", "result").stdout == "42"
    assert terraform("output", "-raw", "live").stdout == "1"
    made = lab.functions.get("whole")
    assert (made.configuration.memory_mb, made.description, made.tags) == (256, "doubles", {"team": "a"})
    assert made.configuration.reserved_concurrency == 5
    assert lab.functions.invoke("bucket", {"x": 2}, qualifier="$LATEST").error is not None  # it has no layer
    # 0: nothing to change, 2: something.
    terraform("plan", "-detailed-exitcode", "-input=false")
    terraform("apply", "-auto-approve", "-input=false", "-var", "memory=512")
    assert lab.functions.get("whole", "live").configuration.memory_mb == 512
    assert terraform("output", "-raw", "live").stdout == "2"
    terraform("plan", "-detailed-exitcode", "-input=false", "-var", "memory=512")
    terraform("destroy", "-auto-approve", "-input=false")
    assert lab.functions.names() == ()
    assert lab.layers.list() == ()
