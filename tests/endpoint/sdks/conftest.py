import json
import os
import shutil
import subprocess

import pytest

import faaslab

PACKAGES = [f"@aws-sdk/client-{name}" for name in ("lambda", "s3", "sqs", "dynamodb", "sfn")]


@pytest.fixture
def lab(tmp_path):
    with faaslab.open(tmp_path / "store.duckdb") as lab:
        yield lab


@pytest.fixture
def variables(lab):
    """The environment of a program of somebody who has an address, and no configuration of AWS's."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {
        "AWS_ENDPOINT_URL": lab.cloud.address,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    }


@pytest.fixture
def ran(variables, tmp_path):
    """Runs a command in the test's folder, with more variables: what it said."""

    def ran(*command, **more):
        done = subprocess.run(
            command, env=variables | more, cwd=tmp_path, capture_output=True, text=True, timeout=150
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return ran


@pytest.fixture
def aws(variables, ran):
    """Runs the AWS CLI: its answer, read where it is JSON."""
    if shutil.which("aws") is None:
        pytest.skip("the AWS CLI is not installed (apt install awscli)")

    def aws(*words):
        # The first versions of the CLI that know AWS_ENDPOINT_URL are younger than what Debian has.
        said = ran("aws", "--endpoint-url", variables["AWS_ENDPOINT_URL"], *words)
        return json.loads(said) if said.startswith("{") else said

    return aws


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """A folder with AWS's SDK for JavaScript."""
    if shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("javascript")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
    installed = subprocess.run(install, capture_output=True, text=True, timeout=150)
    if installed.returncode:
        pytest.skip(f"AWS's SDK cannot be installed: {installed.stderr.strip()[-200:]}")
    return folder


@pytest.fixture
def node(ran, packages, tmp_path):
    """Runs a program for Node.js: its answer."""

    def node(program, **more):
        (tmp_path / "node_modules").symlink_to(packages / "node_modules")
        shutil.copy(program, tmp_path)
        return json.loads(ran("node", program.name, **more))

    return node
