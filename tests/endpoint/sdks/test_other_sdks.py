"""Programs in other languages that know nothing of faaslab: the AWS CLI, AWS's SDKs for JavaScript and Go."""

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import faaslab

pytestmark = pytest.mark.timeout(170)
HERE = Path(__file__).parent
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
GO_SOURCES = Path("/usr/share/gocode")
CODE = "def handler(event, context):\n    return event['x'] * 2\n"


@pytest.fixture
def lab(tmp_path):
    with faaslab.open(tmp_path / "store.duckdb") as lab:
        yield lab


@pytest.fixture
def variables(lab, tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", CODE)
    (tmp_path / "code.zip").write_bytes(archive.getvalue())
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
        "RUNTIME": RUNTIME,
        "ZIP": str(tmp_path / "code.zip"),
    }


def ran(command, variables, folder):
    done = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    return done.stdout


def in_the_store(lab):
    """What the store has of the runs: `(version, status)` of each, in order."""
    runs = lab.sql("SELECT version, status FROM executions WHERE function = 'double' ORDER BY started_at")
    return list(runs.itertuples(index=False, name=None))


@pytest.mark.skipif(shutil.which("npm") is None, reason="node and npm are not installed")
def test_a_node_program(lab, variables, tmp_path):
    shutil.copy(HERE / "program.mjs", tmp_path)
    packages = [f"@aws-sdk/client-{name}" for name in ("lambda", "s3", "sqs", "dynamodb")]
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path), *packages]
    installed = subprocess.run(install, capture_output=True, text=True, timeout=120)
    if installed.returncode:
        pytest.skip(f"AWS's SDK cannot be installed: {installed.stderr.strip()[-200:]}")
    assert json.loads(ran(["node", "program.mjs"], variables, tmp_path)) == {
        "version": "1",
        "result": 42,
        "ran": "1",
        "log": True,
        "failed": "Unhandled",
        "streamed": "2",
        "complete": True,
        "functions": ["double"],
        "error": ["ResourceNotFoundException", 404],
        "object": 100_000,
        "message": "hello",
        "item": "7",
    }
    assert in_the_store(lab) == [("1", "completed"), ("$LATEST", "failed"), ("$LATEST", "completed")]


@pytest.mark.skipif(
    shutil.which("go") is None or not (GO_SOURCES / "src/github.com/aws/aws-sdk-go-v2").is_dir(),
    reason="Go or its AWS SDK is not installed (golang-github-aws-aws-sdk-go-v2-dev)",
)
def test_a_go_program(lab, variables, tmp_path, tmp_path_factory):
    (tmp_path / "main.go").write_text((HERE / "program.go").read_text("utf-8"), "utf-8")
    settings = {"GO111MODULE": "off", "GOPATH": str(GO_SOURCES), "GOFLAGS": "", "CGO_ENABLED": "0"}
    cache = {"GOCACHE": os.environ.get("GOCACHE", str(tmp_path_factory.getbasetemp() / "go-cache"))}
    ran(["go", "build", "-o", "program", "main.go"], variables | settings | cache, tmp_path)
    assert json.loads(ran(["./program"], variables, tmp_path)) == {
        "version": "1",
        "result": 42,
        "ran": "1",
        "failed": "Unhandled",
        "error": True,
        "object": 100_000,
        "message": "hello",
        "item": "7",
    }
    assert in_the_store(lab) == [("1", "completed"), ("$LATEST", "failed")]


@pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not installed (apt install awscli)")
def test_the_command_line(lab, variables, tmp_path):
    # The first versions of the CLI that know AWS_ENDPOINT_URL are younger than what Debian has.
    def aws(*words):
        said = ran(["aws", "--endpoint-url", variables["AWS_ENDPOINT_URL"], *words], variables, tmp_path)
        return json.loads(said) if said.startswith("{") else said

    aws(
        "lambda", "create-function", "--function-name", "double", "--runtime", RUNTIME, "--timeout", "10",
        "--handler", "index.handler", "--role", "arn:aws:iam::000000000000:role/r", "--zip-file", "fileb://code.zip",
    )  # fmt: skip
    aws("lambda", "wait", "function-active-v2", "--function-name", "double")
    assert aws("lambda", "publish-version", "--function-name", "double")["Version"] == "1"
    aws("lambda", "create-alias", "--function-name", "double", "--name", "prod", "--function-version", "1")
    payload = tmp_path / "event.json"
    payload.write_text('{"x": 21}')
    invoked = aws(
        "lambda", "invoke", "--function-name", "double:prod", "--payload", "fileb://event.json", "out.json"
    )  # fmt: skip
    assert invoked["ExecutedVersion"] == "1"
    assert (tmp_path / "out.json").read_text() == "42"
    assert [each["FunctionName"] for each in aws("lambda", "list-functions")["Functions"]] == ["double"]
    assert in_the_store(lab) == [("1", "completed")]
    logged = aws("logs", "filter-log-events", "--log-group-name", "/aws/lambda/double")["events"]
    assert [each["message"].split()[0] for each in logged if "RequestId" in each["message"]] == [
        "START",
        "END",
        "REPORT",
    ]

    aws("s3", "mb", "s3://from-cli")
    (tmp_path / "large").write_bytes(b"x" * 20_000_000)  # in parts
    aws("s3", "cp", "large", "s3://from-cli/a/large")
    assert "20000000" in aws("s3", "ls", "s3://from-cli/a/")
    aws("s3", "cp", "s3://from-cli/a/large", "back")
    assert (tmp_path / "back").stat().st_size == 20_000_000

    url = aws("sqs", "create-queue", "--queue-name", "from-cli")["QueueUrl"]
    aws("sqs", "send-message", "--queue-url", url, "--message-body", "hello")
    assert aws("sqs", "receive-message", "--queue-url", url)["Messages"][0]["Body"] == "hello"
    assert aws("sts", "get-caller-identity")["Account"] == "000000000000"
